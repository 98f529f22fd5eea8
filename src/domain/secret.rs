//! A provider key or local token that cannot be printed, and the fingerprint that stands for it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A key in memory. `Debug` shows nothing of it, it is not serialisable, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a pasted text cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Nothing but white space.
    #[error("the key is empty")]
    Empty,
    /// Something that cannot stand in an HTTP header.
    #[error("the key has a space, line break or other character inside that no key has; copy it again, without line breaks")]
    Unprintable,
    /// Longer than any key.
    #[error("the key is longer than 4096 characters; this looks like a file, not a key")]
    TooLong,
}

impl Secret {
    /// Takes a pasted key: white space around it is dropped, white space or control characters inside it are an error.
    ///
    /// # Errors
    /// [`BadKey`] says what is wrong, without showing the text.
    pub fn from_pasted(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadKey::Empty);
        }
        if text.len() > 4096 {
            return Err(BadKey::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadKey::Unprintable);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The key itself, for the one place that puts it on the wire or into the keyring.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same key, in a time that tells nothing about where they differ.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(other).into()
    }

    /// A short name for this key that gives nothing of it away.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::digest(self.0.as_bytes());
        let first = digest.iter().take(6).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        Fingerprint(format!("{first:012x}"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The first 48 bits of a key's SHA-256, in hex: enough to tell the user's keys apart, useless to find one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a fingerprint back from where it was stored.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_key_is_trimmed_and_never_shown() {
        let key = Secret::from_pasted("  sk-test-123\n").unwrap();
        assert_eq!(key.expose(), "sk-test-123");
        assert_eq!(format!("{key:?}"), "Secret(..)");
        assert!(key.matches(b"sk-test-123") && !key.matches(b"sk-test-124"));
        assert_eq!(key.fingerprint().to_string().len(), 12);
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_without_being_quoted() {
        for (text, why) in [
            ("", BadKey::Empty),
            (" \n", BadKey::Empty),
            ("sk a", BadKey::Unprintable),
            ("sk\na", BadKey::Unprintable),
            ("sk-é", BadKey::Unprintable),
        ] {
            assert_eq!(Secret::from_pasted(text).unwrap_err(), why, "{text:?}");
        }
        assert_eq!(Secret::from_pasted(&"x".repeat(5000)).unwrap_err(), BadKey::TooLong);
    }
}
