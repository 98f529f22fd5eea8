//! What an answer says it took, in the provider's own categories, and how sure that is.

use serde::{Deserialize, Serialize};

use super::ModelId;

/// How far a usage can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The answer said nothing that could be read.
    #[default]
    Unknown,
    /// The answer broke off: it took this much or more.
    AtLeast,
    /// The answer's final usage.
    Exact,
}

impl Certainty {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::AtLeast => "at_least",
            Self::Exact => "exact",
        }
    }
}

/// Token counts of one answer. The classes do not overlap: the whole input is
/// `input + cache_read + cache_write`, the whole output is `output`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that came from no cache and went into none.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the cache, whatever their lifetime.
    pub cache_write: u64,
    /// The part of `cache_write` with the long (one hour) lifetime.
    pub cache_write_long: u64,
    /// The part of the input that tools fed back, where the provider says so.
    pub tool_input: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning or thinking.
    pub reasoning: u64,
    /// Images made.
    pub images: u64,
    /// How sure the numbers are.
    pub certainty: Certainty,
    /// The model that the answer names, which may not be the one asked for.
    pub model: Option<ModelId>,
    /// The service tier that the answer names.
    pub service_tier: Option<String>,
}

impl Usage {
    /// The whole input, cached or not.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input + self.cache_read + self.cache_write
    }

    /// Input and output.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total_input() + self.output
    }
}
