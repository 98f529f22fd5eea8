//! What some days took, as a provider's admin API reports it or as it was recorded here.

use jiff::Timestamp;

use super::ModelId;

/// Tokens of one model on one UTC day. The classes of input do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// The day's start.
    pub day: Timestamp,
    /// Which model, if it is known.
    pub model: Option<ModelId>,
    /// In a report: the project or workspace; none for Anthropic's default workspace.
    pub part: Option<String>,
    /// How many requests were answered, where they are counted (OpenAI's report does).
    pub requests: Option<u64>,
    /// Input tokens that came from no cache and went into none.
    pub input: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
    /// Output tokens.
    pub output: u64,
}

/// One line of a UTC day's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCost {
    /// The day's start.
    pub day: Timestamp,
    /// What is billed, in the provider's words.
    pub item: String,
    /// The project or workspace; none for Anthropic's default workspace.
    pub part: Option<String>,
    /// Nano-dollars; none if it is no amount of US dollars.
    pub cost_nanos: Option<u64>,
}

/// What an admin API reports of some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdminReport {
    /// Tokens.
    pub usage: Vec<DayUsage>,
    /// Money.
    pub costs: Vec<DayCost>,
}
