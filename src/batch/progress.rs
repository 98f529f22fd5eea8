//! How a batch goes: what is done, how fast, when it ends.

use serde::Serialize;

/// How a batch stands at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Progress {
    /// How many rows it has.
    pub rows: u64,
    /// Rows answered well.
    pub answered: u64,
    /// Rows answered with an error.
    pub failed: u64,
    /// Rows on their way now.
    pub in_flight: u64,
    /// Rows that wait to be sent again.
    pub again: u64,
    /// Rows a minute, of late.
    pub rows_per_min: f64,
    /// Seconds until it is done at this rate; `None` while there is no rate.
    pub eta_secs: Option<u64>,
    /// What it cost so far, in nano-dollars, as far as prices are known.
    pub cost_nanos: u64,
    /// Batches that are with the provider, and the rows in flight in them.
    pub at_provider: u64,
    /// It pauses: what is on its way may take so many seconds at most to end.
    pub pausing_secs: Option<u64>,
    /// The meter that rows last waited for.
    pub bound_by: Option<String>,
    /// Seconds since this run of it began.
    pub elapsed_secs: u64,
}
