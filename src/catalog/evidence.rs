//! What makes a row believable: when it was true, where it was read, how well it is known, and how long it holds.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::when::{self, When};
use crate::domain::{Dialect, LimitSource};

/// How well a row is known, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The provider's own page, specification or SDK.
    Official,
    /// Seen in recorded traffic.
    Recorded,
    /// Computed from recordings.
    Measured,
    /// One good source that is not the provider.
    ThirdParty,
    /// Reasoned from other rows.
    Inferred,
    /// One dated or disputed source.
    Weak,
}

impl Confidence {
    /// The word in files and on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Recorded => "recorded",
            Self::Measured => "measured",
            Self::ThirdParty => "third-party",
            Self::Inferred => "inferred",
            Self::Weak => "weak",
        }
    }
}

/// The part that every row has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// When it was read, or when its source was true.
    #[serde(deserialize_with = "when::day")]
    pub as_of: Date,
    /// The public page or repository.
    pub source: String,
    /// How well it is known.
    pub confidence: Confidence,
    /// From when on it holds; for ever, if absent.
    #[serde(default)]
    pub valid_from: Option<When>,
    /// The last day (or the moment) up to which it holds.
    #[serde(default)]
    pub valid_to: Option<When>,
    /// History whose dates are unknown: kept for the record, never used.
    #[serde(default)]
    pub superseded: bool,
    /// What else a reader should know.
    #[serde(default)]
    pub note: Option<String>,
}

impl Evidence {
    /// The keys that belong to it in a row.
    const KEYS: [&str; 7] = ["as_of", "source", "confidence", "valid_from", "valid_to", "superseded", "note"];

    /// Whether the row holds at that moment.
    #[must_use]
    pub fn holds_at(&self, at: Timestamp) -> bool {
        !self.superseded && self.begins() <= at && at < self.ends()
    }

    /// The first moment at which it holds.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        self.valid_from.map_or(Timestamp::MIN, When::start)
    }

    /// The first moment at which it no longer holds.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.valid_to.map_or(Timestamp::MAX, When::end)
    }

    /// What a limit from this row names as its source.
    #[must_use]
    pub const fn limit_source(&self) -> LimitSource {
        LimitSource::Catalog { as_of: self.as_of }
    }
}

/// `official, platform.claude.com/..., as of 2026-09-02`.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, as of {}", self.confidence.name(), self.source, self.as_of)
    }
}

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The user's own file.
    User,
    /// The catalogue that the program carries.
    Bundled,
}

/// A row with its evidence, as the catalogue holds it.
#[derive(Debug, Clone)]
pub(super) struct Entry<T> {
    pub(super) provider: Dialect,
    pub(super) origin: Origin,
    pub(super) about: Evidence,
    pub(super) row: T,
}

impl<T: DeserializeOwned> Entry<T> {
    /// Reads a row. Its provider may stand once at the top of the file instead.
    ///
    /// The keys of the evidence are split from the row's own, so that a misspelt key in either is an error.
    pub(super) fn read(mut row: toml::Table, file_provider: Option<&str>, origin: Origin) -> Result<Self, String> {
        let about: toml::Table = Evidence::KEYS.into_iter().filter_map(|key| row.remove_entry(key)).collect();
        let own = row.remove("provider");
        let name = match &own {
            None => file_provider.ok_or("the row has no provider; write provider = \"...\" in it, or once at the top")?,
            Some(name) => name.as_str().ok_or("provider is not a text")?,
        };
        let provider = Dialect::from_name(name).ok_or_else(|| format!("unknown provider {name:?}"))?;
        // printed whole, because that names the key, which the message alone does not
        let message = |e: toml::de::Error| e.to_string().trim_end().replace('\n', " ");
        Ok(Self { provider, origin, about: about.try_into().map_err(message)?, row: row.try_into().map_err(message)? })
    }
}
