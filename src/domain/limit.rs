//! One limit: what, how much, over how long, and where the number came from.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dimension::Meter;
use super::{Dimension, ModelClass, Period, Scope, Window};

/// Names one bucket: whose, for which models, of what, over how long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketKey {
    /// Whose bucket.
    pub scope: Scope,
    /// For which models.
    pub class: ModelClass,
    /// Of what.
    pub dimension: Dimension,
    /// Over how long.
    pub period: Period,
}

impl BucketKey {
    /// RPM, ITPM, TPD, ...
    #[must_use]
    pub const fn meter(&self) -> Meter {
        Meter(self.dimension, self.period)
    }
}

impl fmt::Display for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({})", self.meter(), self.class, self.scope)
    }
}

/// Where a number came from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum LimitSource {
    /// A response header said so.
    Header,
    /// A refusal's text or details said so.
    Refusal,
    /// The provider's admin API said so.
    Admin,
    /// The user set it.
    User,
    /// Worked out from what happened.
    Learned,
    /// The catalogue's row, as of a date.
    Catalog {
        /// When the row was true.
        as_of: Date,
    },
}

impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Refusal => f.write_str("refusal"),
            Self::Admin => f.write_str("admin"),
            Self::User => f.write_str("user"),
            Self::Learned => f.write_str("learned"),
            Self::Catalog { as_of } => write!(f, "catalog {as_of}"),
        }
    }
}

/// A capacity over a window, and where the number came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Of what.
    pub dimension: Dimension,
    /// Over how long, and how it comes back.
    pub window: Window,
    /// How much.
    pub capacity: u64,
    /// Where the number came from.
    pub source: LimitSource,
}
