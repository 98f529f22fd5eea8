//! How often a failed request may be sent again, so that retries never become the load that keeps an endpoint down.

use std::time::Duration;

use super::random::Random;

/// Attempts, the first one included, before a failure is passed on to the client.
pub const ATTEMPTS_ON_FAILURE: u32 = 3;
/// Attempts before a refusal for rate is passed on: each waits as long as the provider said.
pub const ATTEMPTS_ON_REFUSAL: u32 = 8;

/// One account's allowance of retries: a tenth of its requests, and one to begin with. Nothing comes back with time alone,
/// so that even rare requests are never sent more than 1.1 times on average.
#[derive(Debug, Clone)]
pub struct Budget {
    /// In thousandths of a retry.
    left: u64,
}

impl Budget {
    const ONE: u64 = 1_000;
    const MOST: u64 = 10 * Self::ONE;

    /// A request goes out for the first time: a tenth of a retry more.
    pub fn sent(&mut self) {
        self.left = (self.left + Self::ONE / 10).min(Self::MOST);
    }

    /// Takes one retry, if there is one.
    pub fn take(&mut self) -> bool {
        let allowed = self.left >= Self::ONE;
        if allowed {
            self.left -= Self::ONE;
        }
        allowed
    }
}

/// An allowance of one.
impl Default for Budget {
    fn default() -> Self {
        Self { left: Self::ONE }
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
    fn an_outage_costs_a_tenth_and_one() {
        let mut budget = Budget::default();
        let mut retries = 0;
        for _ in 0..300 {
            budget.sent();
            retries += u32::from(budget.take());
        }
        assert_eq!(retries, 30 + 1);
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
