//! How often a provider is asked, and when it is given more: patient with what takes long. Pure.

use std::time::Duration;

use crate::domain::Tick;

/// The shortest and the longest time between two looks at a batch.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(5);
/// After this many refusals in a row, with nothing of ours in the queue, something else is wrong.
const MOST_REFUSALS: u32 = 40;

/// How often to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Always this; by the batch's age if `None`.
    pub(super) fixed: Option<Duration>,
}

impl Pace {
    /// Until the next look at a batch of this age: a tenth of it, so that an end is noticed in time and nobody is pestered.
    pub(super) fn next(self, age: Duration) -> Duration {
        self.fixed.unwrap_or_else(|| (age / 10).clamp(SHORTEST, LONGEST))
    }

    /// Until another try of what failed so many times in a row.
    pub(super) fn again(self, failures: u32) -> Duration {
        let doubled = |pause: Duration| (pause * 2_u32.pow(failures.min(6))).min(LONGEST.max(pause));
        self.fixed.unwrap_or_else(|| doubled(SHORTEST))
    }
}

/// What is known of the provider's queue, and of what it takes at once.
#[derive(Debug)]
pub(super) struct Queue {
    /// Nothing is submitted before this.
    pub(super) closed_until: Tick,
    /// Input tokens that may be queued, as far as a refusal said so.
    pub(super) tokens: Option<u64>,
    /// How many rows a part may have: fewer after one that was too much.
    pub(super) rows: usize,
    refusals: u32,
}

impl Queue {
    pub(super) const fn new(now: Tick) -> Self {
        Self { closed_until: now, tokens: None, rows: usize::MAX, refusals: 0 }
    }

    /// It took a part.
    pub(super) fn took(&mut self) {
        self.refusals = 0;
        self.rows = self.rows.saturating_mul(2);
    }

    /// It was full, of so many tokens if it said so. Whether to go on trying.
    pub(super) fn was_full(&mut self, limit: Option<u64>, pace: Pace, now: Tick) -> bool {
        // our count of tokens is an estimate
        self.tokens = limit.map(|limit| limit / 10 * 9).or(self.tokens);
        self.closed_until = now + pace.again(self.refusals);
        self.refusals += 1;
        self.refusals < MOST_REFUSALS
    }

    /// One of our parts is over: there may be room again.
    pub(super) const fn has_room(&mut self, now: Tick) {
        self.closed_until = now;
        self.refusals = 0;
    }

    /// A part of this many rows was too much, or held a row that spoils it.
    pub(super) fn was_too_much(&mut self, rows: u64) {
        self.rows = usize::try_from(rows / 2).unwrap_or(1).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_get_rarer_with_the_age_of_the_batch() {
        let pace = Pace { fixed: None };
        for (age, next) in [(0, 5), (60, 6), (600, 60), (36_000, 300)] {
            assert_eq!(pace.next(Duration::from_secs(age)).as_secs(), next, "{age}");
        }
        assert_eq!([0, 1, 3, 20].map(|failures| pace.again(failures).as_secs()), [5, 10, 40, 300]);
    }

    #[test]
    fn a_full_queue_is_tried_again_and_a_part_that_is_too_much_is_halved() {
        let (now, pace) = (Tick::ZERO, Pace { fixed: None });
        let mut queue = Queue::new(now);
        assert!(queue.was_full(Some(2_000_000), pace, now));
        assert_eq!((queue.tokens, queue.closed_until), (Some(1_800_000), now + Duration::from_secs(5)));
        queue.was_too_much(9);
        assert_eq!(queue.rows, 4);
        queue.was_too_much(1);
        assert_eq!(queue.rows, 1);
        assert!(!(0..MOST_REFUSALS).all(|_| queue.was_full(None, pace, now)));
    }
}
