//! How a name in the catalogue stands for the model ids that requests and answers use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A model id, or a family of ids with one `*` at its start or end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// How well a pattern fits an id. The least is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The very name.
    Exact,
    /// The same model: one of the two names carries a date that the other leaves out, or says `-latest` instead.
    Snapshot,
    /// The `*` covers this many bytes of the id: the fewer, the more specific.
    Family(usize),
}

impl Pattern {
    /// The name, if it is not a family.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(self.0.as_str())
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether and how well it stands for `id`.
    pub(super) fn fit(&self, id: &str) -> Option<Fit> {
        if self.0 == id {
            return Some(Fit::Exact);
        }
        let rest = match (self.0.strip_suffix('*'), self.0.strip_prefix('*')) {
            (Some(head), _) => id.strip_prefix(head)?,
            (None, Some(tail)) => id.strip_suffix(tail)?,
            (None, None) => return self.is_snapshot_of(id.strip_suffix("-latest").unwrap_or(id)).then_some(Fit::Snapshot),
        };
        Some(Fit::Family(rest.len()))
    }

    /// Whether one of the two names is the other with a date. Two different dates are two different snapshots.
    fn is_snapshot_of(&self, id: &str) -> bool {
        // the prefix settles most pairs for less than looking for dates
        (id.starts_with(&self.0) && undated(id) == self.0) || (self.0.starts_with(id) && undated(&self.0) == id)
    }
}

/// Whether the name in an answer is the one that was asked for, or another spelling of it: with a path before it, with the
/// date or the number of its snapshot, or without `-latest`.
pub(super) fn is_same(asked: &str, served: &str) -> bool {
    let bare = |id: &str| {
        let id = id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase();
        let id = id.strip_suffix("-latest").unwrap_or(&id);
        let numbered = id.rsplit_once('-').filter(|(_, number)| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()));
        (id.to_owned(), undated(numbered.map_or(id, |(name, _)| name)).to_owned())
    };
    let ((asked, asked_model), (served, served_model)) = (bare(asked), bare(served));
    // two snapshots of one model are two models, a name without a snapshot may be served by any
    asked == served || asked == served_model || served == asked_model
}

/// The best fit of several patterns.
pub(super) fn best(patterns: &[Pattern], id: &str) -> Option<Fit> {
    patterns.iter().filter_map(|pattern| pattern.fit(id)).min()
}

/// The id without the date of its snapshot.
///
/// Dates are written `-20251001` (Anthropic), `-2025-08-07` (OpenAI since 2024) and `-0613` (OpenAI before).
pub(super) fn undated(id: &str) -> &str {
    let bytes = id.as_bytes();
    let ends_in = |shape: &str| {
        bytes.len() > shape.len()
            && bytes[bytes.len() - shape.len()..].iter().zip(shape.bytes()).all(|(byte, want)| match want {
                b'0' => byte.is_ascii_digit(),
                literal => *byte == literal,
            })
    };
    ["-0000-00-00", "-00000000", "-0000"]
        .into_iter()
        .find(|shape| ends_in(shape))
        .and_then(|shape| id.get(..id.len() - shape.len()))
        .unwrap_or(id)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let inner = text.strip_suffix('*').or_else(|| text.strip_prefix('*')).unwrap_or(&text);
        if text.is_empty() || inner.contains('*') {
            return Err(format!("{text:?} is not a name with at most one `*`, at its start or end"));
        }
        Ok(Self(text))
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, id: &str) -> Option<Fit> {
        Pattern::try_from(pattern.to_owned()).unwrap().fit(id)
    }

    #[test]
    fn dates_come_off_and_nothing_else() {
        for (id, bare) in [
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("gpt-5-nano-2025-08-07", "gpt-5-nano"),
            ("gpt-4-0613", "gpt-4"),
            ("claude-opus-4-8", "claude-opus-4-8"),
            ("gemini-embedding-001", "gemini-embedding-001"),
            ("-0613", "-0613"),
            ("ünï-0613", "ünï"),
            ("", ""),
        ] {
            assert_eq!(undated(id), bare, "{id}");
        }
    }

    #[test]
    fn another_spelling_is_the_same_model() {
        for (asked, served, same) in [
            ("gpt-6-luna", "gpt-6-luna", true),
            ("gpt-6-luna", "gpt-6-luna-2026-09-01", true),
            ("claude-haiku-4-5-latest", "claude-haiku-4-5-20251001", true),
            ("models/gemini-2.0-flash", "gemini-2.0-flash-001", true),
            ("deepseek-v4-flash", "deepseek-flash", false),
            ("gemini-2.5-pro", "gemini-3.8-flash", false),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", false),
            ("gpt-4o", "gpt-4o-mini", false),
        ] {
            assert_eq!(is_same(asked, served), same, "{asked} {served}");
        }
    }

    #[test]
    fn the_closest_name_fits_best() {
        assert_eq!(fit("gpt-4o", "gpt-4o"), Some(Fit::Exact));
        assert_eq!(fit("gpt-4o", "gpt-4o-2024-08-06"), Some(Fit::Snapshot));
        assert_eq!(fit("claude-opus-4-1-20250805", "claude-opus-4-1"), Some(Fit::Snapshot));
        assert_eq!(fit("gpt-4o", "gpt-4o-mini"), None);
        assert_eq!(fit("claude-3-opus-20240229", "claude-3-opus-latest"), Some(Fit::Snapshot));
        assert_eq!(fit("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"), None);
        assert_eq!(fit("claude-*", "claude-opus-5"), Some(Fit::Family(6)));
        assert_eq!(fit("claude-opus*", "claude-opus-5"), Some(Fit::Family(2)));
        assert_eq!(fit("*:free", "qwen/qwen3:free"), Some(Fit::Family(10)));
        assert!(Pattern::try_from("a*b".to_owned()).is_err());
    }
}
