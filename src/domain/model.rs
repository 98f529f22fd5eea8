//! Models, and the classes of models that share a bucket.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// A model id exactly as a request or an answer spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(Arc<str>);

/// The set of model ids that share a bucket at their provider, under the catalogue's name for it.
///
/// A model that the catalogue does not know is its own class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelClass(Arc<str>);

macro_rules! name {
    ($type:ident) => {
        impl $type {
            /// Wraps a name.
            #[must_use]
            pub fn new(name: &str) -> Self {
                Self(name.into())
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(ModelId);
name!(ModelClass);

impl ModelClass {
    /// Requests that name no model: they draw only on what the whole scope shares.
    #[must_use]
    pub fn any() -> Self {
        Self::new("*")
    }
}

/// A provider's word that a model ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelEnd {
    /// Which model.
    pub model: ModelId,
    /// When, if it said.
    pub at: Option<Timestamp>,
    /// The field that said so: `shutdown_date`, or `modelStatus` with the stage that it names.
    pub field: String,
}

/// `` `gpt-4.1` ends 2026-12-11 (shutdown_date) ``
impl fmt::Display for ModelEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, at, field } = self;
        match at {
            Some(at) => write!(f, "`{model}` ends {} ({field})", Offset::UTC.to_datetime(*at).date()),
            None => write!(f, "`{model}` is to end, without a date ({field})"),
        }
    }
}
