//! Headers one by one, doubted: what is doubled, negative, absurd or unreadable is `None` and noted once.

use http::{HeaderMap, HeaderValue};

use crate::domain::Oddity;

/// No limit of any provider comes near this.
const ABSURD: u64 = 1_000_000_000_000_000;

/// No header that is read here is longer.
const LONGEST: usize = 256;

/// The headers of one answer, and what was odd about those that were read.
pub(super) struct Fields<'a> {
    /// In one row: a map checks and hashes a name each time it is asked, and there are more questions than headers.
    headers: Vec<(&'a str, &'a HeaderValue)>,
    oddities: Vec<Oddity>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(headers: &'a HeaderMap) -> Self {
        Self { headers: headers.iter().map(|(name, value)| (name.as_str(), value)).collect(), oddities: Vec::new() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| *known == name)
    }

    /// The value of a header that was sent once and is short, readable text.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        let from_here = self.headers.get(self.headers.iter().position(|(known, _)| *known == name)?..)?;
        let ((_, value), rest) = from_here.split_first()?;
        // a map hands out what was sent more than once in one go
        let again = rest.first().is_some_and(|(next, _)| *next == name);
        let what = match value.to_str() {
            _ if again => "sent more than once",
            Err(_) => "not readable text",
            Ok(text) if text.len() > LONGEST => "too long to be meant",
            Ok(text) => return Some(text.trim()),
        };
        self.odd(name, what);
        None
    }

    /// A whole number of things; a fraction is dropped.
    pub(super) fn count(&mut self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let what = match whole.parse::<u64>() {
            Ok(count) if count <= ABSURD && digits(whole) && digits(fraction) => return Some(count),
            _ if text.starts_with('-') => "negative",
            _ if !whole.is_empty() && digits(whole) && digits(fraction) => "larger than any limit",
            _ => "not a number",
        };
        self.odd(name, what);
        None
    }

    /// An id: printable, without spaces.
    pub(super) fn id(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.to_owned())
    }

    /// Notes an oddity. The value itself is never quoted.
    pub(super) fn odd(&mut self, name: &str, what: &str) {
        let oddity = Oddity { header: name.to_owned(), what: what.to_owned() };
        if !self.oddities.contains(&oddity) {
            self.oddities.push(oddity);
        }
    }

    pub(super) fn into_oddities(self) -> Vec<Oddity> {
        self.oddities
    }
}
