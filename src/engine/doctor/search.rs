//! Looks for keys and local tokens in files, also where they are written in base64, percent or JSON escapes.
//!
//! Keys are known and compared in memory. Of local tokens only hashes are known: whatever looks like one is hashed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::decode;
use crate::domain::{ClientName, Fingerprint, Secret};
use crate::store::token_hash;

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) keys: Vec<(String, Secret)>,
    pub(super) tokens: Vec<(ClientName, [u8; 32])>,
}

/// Something that must not be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) what: What,
    /// In which spelling: `as it is`, `in base64`, ...
    pub(super) spelling: &'static str,
}

/// Whose secret was found. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Key { label: String, fingerprint: Fingerprint },
    Token(ClientName),
}

/// Shorter keys are words such as `ollama`, which a server on this machine takes for a key and which stand anywhere.
pub(super) const SHORTEST: usize = 12;

/// Files are read in pieces of this size, each with the end of the one before, which is longer than any key in any spelling.
const PIECE: usize = 1024 * 1024;
const OVERLAP: usize = 32 * 1024;

const TOKEN_START: &[u8] = b"tl-";
const TOKEN_DIGITS: usize = 64;

impl Search {
    /// Everything that is in a file.
    pub(super) fn in_file(&self, path: &Path) -> io::Result<BTreeSet<Hit>> {
        let mut file = File::open(path)?;
        let mut hits = BTreeSet::new();
        let mut window = Vec::new();
        loop {
            let kept = window.len().min(OVERLAP);
            window.drain(..window.len() - kept);
            if (&mut file).take(PIECE as u64).read_to_end(&mut window)? == 0 {
                return Ok(hits);
            }
            self.in_bytes(&window, &mut hits);
        }
    }

    fn in_bytes(&self, bytes: &[u8], hits: &mut BTreeSet<Hit>) {
        self.in_plain(bytes, "as it is", hits);
        for (decoded, spelling) in [(decode::percent(bytes), "percent-encoded"), (decode::json(bytes), "with JSON escapes")] {
            if let Some(decoded) = decoded {
                self.in_plain(&decoded, spelling, hits);
            }
        }
        decode::base64(bytes, |decoded| self.in_plain(decoded, "in base64", hits));
    }

    fn in_plain(&self, bytes: &[u8], spelling: &'static str, hits: &mut BTreeSet<Hit>) {
        let mut note = |what: What| {
            // a file with other escapes in it shows the same plain text a second time
            if !hits.iter().any(|hit| hit.what == what && hit.spelling == "as it is") {
                hits.insert(Hit { what, spelling });
            }
        };
        for (label, key) in &self.keys {
            if memchr::memmem::find(bytes, key.expose().as_bytes()).is_some() {
                note(What::Key { label: label.clone(), fingerprint: key.fingerprint() });
            }
        }
        for at in memchr::memmem::find_iter(bytes, TOKEN_START) {
            let Some(candidate) = bytes.get(at..at + TOKEN_START.len() + TOKEN_DIGITS) else { continue };
            if candidate.iter().skip(TOKEN_START.len()).all(u8::is_ascii_hexdigit) {
                let hash = token_hash(candidate);
                self.tokens.iter().filter(|(_, known)| *known == hash).for_each(|(client, _)| note(What::Token(client.clone())));
            }
        }
    }
}

/// Every regular file at or below a path; links are not followed.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            found.extend(files(&entry?.path())?);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-ant-test-0d3b7c51";

    fn hits(search: &Search, text: &str) -> Vec<&'static str> {
        let mut hits = BTreeSet::new();
        search.in_bytes(text.as_bytes(), &mut hits);
        hits.into_iter().map(|hit| hit.spelling).collect()
    }

    #[test]
    fn a_key_is_found_in_every_spelling_and_nothing_else_is() {
        let search = Search { keys: vec![("work".into(), Secret::from_pasted(KEY).unwrap())], tokens: Vec::new() };
        for (text, expect) in [
            (format!("key={KEY}&"), vec!["as it is"]),
            (format!("\\n %2D {KEY}"), vec!["as it is"]),
            ("x?key=sk%2Dant%2dtest-0d3b7c51".into(), vec!["percent-encoded"]),
            (r#"{"k":"sk\u002dant\u002dtest-0d3b7c51"}"#.into(), vec!["with JSON escapes"]),
            ("Basic Onfxay1hbnQtdGVzdC0wZDNiN2M1MQ==".into(), Vec::new()),
            ("Basic OnNrLWFudC10ZXN0LTBkM2I3YzUx".into(), vec!["in base64"]),
            (format!("{}x", &KEY[..19]), Vec::new()),
        ] {
            assert_eq!(hits(&search, &text), expect, "{text}");
        }
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        let token = format!("tl-{}", "0a".repeat(32));
        let search = Search { keys: Vec::new(), tokens: vec![(ClientName::new("app"), token_hash(token.as_bytes()))] };
        assert_eq!(hits(&search, &format!("authorization: Bearer {token}\n")), ["as it is"]);
        assert_eq!(hits(&search, &format!("tl-{}", "0b".repeat(32))), Vec::<&str>::new());
    }

    #[test]
    fn a_key_across_two_pieces_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        fs::write(&path, [" ".repeat(PIECE - 7).as_bytes(), KEY.as_bytes(), b" ".repeat(PIECE).as_slice()].concat()).unwrap();
        let search = Search { keys: vec![("work".into(), Secret::from_pasted(KEY).unwrap())], tokens: Vec::new() };
        assert_eq!(search.in_file(&path).unwrap().len(), 1);
    }
}
