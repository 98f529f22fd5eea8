//! Time in the simulation: nanoseconds since its start, and the wall time that goes with them.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const DAY: u64 = 86_400 * SECOND;

/// Monotonic time, from which wall time is derived, so that the two never disagree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    wall: Timestamp,
    skew: SignedDuration,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the simulated provider's one look at the wall clock; all else is derived from it")]
    pub(super) fn start(skew_seconds: i64) -> Self {
        Self { start: Instant::now(), wall: Timestamp::now(), skew: SignedDuration::from_secs(skew_seconds) }
    }

    /// Nanoseconds since the start.
    pub(super) fn now(self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The wall time at `now`, as the provider's clock shows it.
    pub(super) fn wall(self, now: u64) -> Timestamp {
        let ahead = SignedDuration::from_nanos(i64::try_from(now).unwrap_or(i64::MAX)).saturating_add(self.skew);
        self.wall.saturating_add(ahead).unwrap_or(self.wall)
    }

    /// Whether the provider's clock is right.
    pub(super) fn is_true(self) -> bool {
        self.skew.is_zero()
    }

    /// When the next day begins in California.
    pub(super) fn next_pacific_midnight(self, now: u64) -> u64 {
        let wall = self.wall(now);
        let midnight = wall.in_tz("America/Los_Angeles").and_then(|here| here.tomorrow()?.start_of_day());
        let ahead = midnight.map_or(SignedDuration::from_hours(24), |midnight| midnight.timestamp().duration_since(wall));
        now.saturating_add(u64::try_from(ahead.as_nanos()).unwrap_or(DAY))
    }
}
