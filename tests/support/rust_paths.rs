//! Finds the paths that a Rust source names, by its text alone. Comments and literals count for nothing, groups are taken apart.

/// A path and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// Counted from 1.
    pub(crate) line: usize,
    /// `crate::a::{b, c::D}` is two of these: `["crate", "a", "b"]` and `["crate", "a", "c", "D"]`.
    pub(crate) segments: Vec<String>,
}

/// Every path of two or more segments, and every path after `use`, in the order of the text.
///
/// It does not know scopes: a local `mod http` and the crate `http` look the same. Paths that macros make are not seen.
pub(crate) fn named_paths(source: &str) -> Vec<NamedPath> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at].is_name() || tokens[at].is("use") || continues(&tokens, at) {
            at += 1;
            continue;
        }
        let imported = at > 0 && tokens[at - 1].is("use");
        let mut paths = Vec::new();
        at = tree(&tokens, at, &[], &mut paths);
        found.extend(paths.into_iter().filter(|path| imported || path.segments.len() > 1));
    }
    found
}

/// Whether the name stands after `name::`, which happens where a path was left at a `<`.
fn continues(tokens: &[Token], at: usize) -> bool {
    at > 1 && tokens[at - 1].is("::") && tokens[at - 2].is_name() && !tokens[at - 2].is("use")
}

/// Reads one path, or one branch of a group, into `found`; answers where the next token is.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let Some(line) = tokens.get(at).map(|token| token.line) else { return at };
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        if token.is("{") && !segments.is_empty() {
            return group(tokens, at + 1, &segments, found);
        }
        if !token.is_name() && !token.is("*") {
            break;
        }
        segments.push(token.text.clone());
        at += 1;
        let goes_on = tokens.get(at).is_some_and(|next| next.is("::"))
            && tokens.get(at + 1).is_some_and(|next| next.is_name() || next.is("{") || next.is("*"));
        if !goes_on {
            break;
        }
        at += 1;
    }
    found.push(NamedPath { line, segments });
    at
}

fn group(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    while let Some(token) = tokens.get(at) {
        if token.is("}") {
            return at + 1;
        }
        if token.is("as") {
            at += 2;
        } else if token.is_name() || token.is("*") || token.is("{") {
            at = tree(tokens, at, prefix, found);
        } else {
            at += 1;
        }
    }
    at
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = blank(rest).unwrap_or_else(|| {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push(Token { line, text: rest[..length].to_owned() });
            }
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of the comment or literal that the text begins with.
fn blank(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).unwrap_or_default();
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if raw[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let body = text.len() - raw.len() + hashes + 1;
        return Some(text[body..].find(&close).map_or(text.len(), |end| body + end + close.len()));
    }
    match text.as_bytes() {
        [b'"', ..] | [b'b', b'"', ..] => Some(quoted(text, '"')),
        // A quote that no quote follows soon is a lifetime.
        [b'\'', b'\\', ..] => Some(quoted(text, '\'')),
        [b'\'', ..] if text.chars().nth(2) == Some('\'') => Some(quoted(text, '\'')),
        _ => None,
    }
}

/// The length up to the closing quote, past escaped ones.
fn quoted(text: &str, quote: char) -> usize {
    let start = text.find(quote).map_or(0, |open| open + 1);
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}
