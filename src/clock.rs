//! The system's two clocks behind the one seam through which time comes in.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::{Clock, Now, Tick};

/// The machine's own time. Make one at the start of the process: its ticks count from there.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose ticks start at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn now(&self) -> Now {
        let since_start: Duration = self.start.elapsed();
        Now { tick: Tick::ZERO + since_start, wall: Timestamp::now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_count_from_the_start_and_never_go_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first.tick <= second.tick);
        assert!(first.wall > Timestamp::UNIX_EPOCH);
    }
}
