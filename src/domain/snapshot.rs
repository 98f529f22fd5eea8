//! What one response's headers said about limits, never edited.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Dimension, Identity, Period, Pool};

/// One limiter as the headers show it. Absent is `None`, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Of what.
    pub dimension: Dimension,
    /// Over how long, if it could be told.
    pub period: Option<Period>,
    /// Which set of limits.
    pub pool: Pool,
    /// The capacity.
    pub limit: Option<u64>,
    /// What is left.
    pub remaining: Option<u64>,
    /// When the bucket will be full again.
    pub full_at: Option<Timestamp>,
    /// `limit - remaining` may be wrong by this much, because the provider rounds.
    pub grain: u64,
}

impl Reading {
    /// What rounding and the way here may add to a time.
    const SLACK: Duration = Duration::from_secs(2);

    /// Whether a bucket of this window that refills all the time can look like this, full again in `full_in`.
    ///
    /// What is gone from it needs its share of the window to come back. A minute's bucket may hold far less than its limit, so of a
    /// minute any figures can be; and so can they where the header lacks one.
    #[must_use]
    pub fn can_be_of(&self, period: Period, full_in: Option<Duration>) -> bool {
        let (Some(limit), Some(remaining), Some(full_in)) = (self.limit, self.remaining, full_in) else { return true };
        let used = u128::from(limit.saturating_sub(remaining).saturating_sub(self.grain));
        let needed = used * period.duration().as_millis();
        period <= Period::MINUTE || needed <= (full_in + full_in / 20 + Self::SLACK).as_millis() * u128::from(limit)
    }
}

/// Something about the headers that was not as documented. Shown to the user, never fatal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oddity {
    /// The header.
    pub header: String,
    /// What is odd about it.
    pub what: String,
}

/// Everything that one response head said about limits and about whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the head arrived.
    pub at: Timestamp,
    /// The HTTP status.
    pub status: u16,
    /// One entry per limiter that appeared.
    pub readings: Vec<Reading>,
    /// `retry-after`, `retry-after-ms`, whichever was said last and best.
    pub retry_after: Option<Duration>,
    /// Organisation, project, workspace.
    pub identity: Identity,
    /// The provider's id for the request.
    pub request_id: Option<String>,
    /// What was not as documented.
    pub oddities: Vec<Oddity>,
}

impl Snapshot {
    /// A head that said nothing.
    #[must_use]
    pub fn empty(at: Timestamp, status: u16) -> Self {
        Self { at, status, readings: Vec::new(), retry_after: None, identity: Identity::default(), request_id: None, oddities: Vec::new() }
    }

    /// Whether it says anything about limits.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        !self.readings.is_empty()
    }
}
