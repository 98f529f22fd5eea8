//! What some days took, as a provider's admin API reports it or as it was recorded here.

use jiff::Timestamp;

use super::{AccountId, ModelId};

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

/// What was imported of an account's reports, in sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSum {
    /// With whose admin key it was asked for.
    pub account: AccountId,
    /// The first and the last UTC day of it.
    pub days: (Timestamp, Timestamp),
    /// When the newest of it was read.
    pub read_at: Timestamp,
    /// Input tokens of every class.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Nano-dollars; none if a line of it is no amount of US dollars, or none was reported.
    pub cost_nanos: Option<u64>,
}

impl ReportSum {
    /// The sum of a report; none of an empty one.
    #[must_use]
    pub fn of(account: AccountId, report: &AdminReport, read_at: Timestamp) -> Option<Self> {
        let days = || report.usage.iter().map(|row| row.day).chain(report.costs.iter().map(|row| row.day));
        let add = |sum: u64, n: u64| sum.saturating_add(n);
        let input = report.usage.iter().flat_map(|row| [row.input, row.cache_read, row.cache_write]).fold(0, add);
        let output = report.usage.iter().map(|row| row.output).fold(0, add);
        let costs = report.costs.iter().try_fold(0, |sum, row| Some(add(sum, row.cost_nanos?)));
        Some(Self {
            account,
            days: (days().min()?, days().max()?),
            read_at,
            input,
            output,
            cost_nanos: costs.filter(|_| !report.costs.is_empty()),
        })
    }
}
