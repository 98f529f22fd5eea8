//! How often a failed request may be sent again, so that retries never become the load that keeps an endpoint down.

use std::time::Duration;

use super::random::Random;
use crate::domain::Tick;

/// Attempts, the first one included, before a failure is passed on to the client.
pub const ATTEMPTS_ON_FAILURE: u32 = 3;
/// Attempts before a refusal for rate is passed on: each waits as long as the provider said.
pub const ATTEMPTS_ON_REFUSAL: u32 = 8;

/// One account's allowance of retries: a tenth of its requests, and one a second.
#[derive(Debug, Clone)]
pub struct Budget {
    /// In thousandths of a retry.
    left: u64,
    at: Tick,
}

impl Budget {
    const MOST: u64 = 10_000;

    /// A full allowance.
    #[must_use]
    pub const fn new(now: Tick) -> Self {
        Self { left: Self::MOST, at: now }
    }

    /// A request goes out: a tenth of a retry more.
    pub fn sent(&mut self, now: Tick) {
        self.refill(now);
        self.left = (self.left + 100).min(Self::MOST);
    }

    /// Takes one retry, if there is one.
    pub fn take(&mut self, now: Tick) -> bool {
        self.refill(now);
        let allowed = self.left >= 1_000;
        if allowed {
            self.left -= 1_000;
        }
        allowed
    }

    fn refill(&mut self, now: Tick) {
        let gained = u64::try_from(now.since(self.at).as_millis()).unwrap_or(Self::MOST);
        self.left = self.left.saturating_add(gained).min(Self::MOST);
        self.at = self.at.max(now);
    }
}

/// Full jitter: anything between half a second and a ceiling that doubles from one second up to thirty.
#[must_use]
pub fn pause(attempt: u32, random: &mut Random) -> Duration {
    let ceiling = 1_000_u64 << attempt.min(5);
    Duration::from_millis(500 + random.below(ceiling.min(30_000)))
}

/// A provider's hint with up to a tenth on top, so that those who wait for the same moment do not all come at once.
#[must_use]
pub fn jittered(hint: Duration, random: &mut Random) -> Duration {
    let tenth = u64::try_from(hint.as_millis() / 10).unwrap_or(u64::MAX);
    hint + Duration::from_millis(random.below(tenth.clamp(1, 5_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_costs_a_tenth_and_one_a_second() {
        let mut budget = Budget::new(Tick::ZERO);
        let mut retries = 0;
        // 30 s, 10 requests a second, each wants a retry
        for i in 0..300_u64 {
            let now = Tick::from_nanos(i * 100_000_000);
            budget.sent(now);
            retries += u64::from(budget.take(now));
        }
        assert!(retries <= 30 + 30 + 10, "{retries}");
    }

    #[test]
    fn pauses_are_spread_and_bounded() {
        let mut random = Random::new(7);
        for attempt in 0..10 {
            let pause = pause(attempt, &mut random);
            assert!(pause >= Duration::from_millis(500) && pause <= Duration::from_millis(30_500), "{pause:?}");
        }
    }
}
