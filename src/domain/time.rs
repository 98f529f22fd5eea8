//! Time as everything that decides receives it: an argument, never a call.
//!
//! [`Tick`] is monotonic and drives buckets and waits; the wall clock is only for calendars, for what
//! providers say in absolute times, and for people.

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nanoseconds on a monotonic clock that starts at zero with the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick(u64);

impl Tick {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);

    /// The tick this many nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Tick {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub tick: Tick,
    /// The wall clock, which may jump.
    pub wall: Timestamp,
}

impl Now {
    /// The wall time that this tick will have, if the wall clock does not jump.
    #[must_use]
    pub fn wall_at(self, tick: Tick) -> Timestamp {
        let ahead = tick.since(self.tick);
        if ahead.is_zero() {
            self.wall.saturating_sub(self.tick.since(tick)).unwrap_or(self.wall)
        } else {
            self.wall.saturating_add(ahead).unwrap_or(self.wall)
        }
    }

    /// The tick at which the wall clock will show `wall`; this very tick if that has passed.
    #[must_use]
    pub fn tick_at(self, wall: Timestamp) -> Tick {
        let ahead = wall.duration_since(self.wall);
        self.tick + Duration::try_from(ahead).unwrap_or(Duration::ZERO)
    }
}

/// Where moments come from: the system, or a test.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Now;
}
