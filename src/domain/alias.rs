//! A retired model name that goes on working, because the user said what it stands for.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{AccountId, ModelId};

/// What becomes of one name in the requests of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// Which account.
    pub account: AccountId,
    /// The name in requests.
    pub from: ModelId,
    /// The name that leaves.
    pub to: ModelId,
    /// Top-level fields of the request that are set along with it, so that the replacement behaves as the model did.
    pub set: Map<String, Value>,
    /// From this time on the name is left alone.
    pub until: Option<Timestamp>,
}

impl Alias {
    /// Whether it stands for `model` at `now`.
    #[must_use]
    pub fn holds(&self, model: &ModelId, now: Timestamp) -> bool {
        self.from == *model && self.until.is_none_or(|until| now < until)
    }
}
