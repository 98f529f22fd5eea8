//! One limit's level, in integers: what it holds, how room comes back, when an amount will fit.
//!
//! Levels are counted in amounts times the window's nanoseconds, so that a nanosecond gives back exactly `capacity`
//! of them and nothing is ever rounded.

use super::clock::{Clock, SECOND};

/// How room comes back to one bucket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refill {
    /// All the time.
    Continuous,
    /// Every so many nanoseconds.
    Steps(u64),
    /// All of it at the end of each window.
    Window,
    /// All of it at midnight in California.
    PacificDay(Clock),
}

/// A bucket. Its level may be negative: output is charged after it was made.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    capacity: u64,
    window: u64,
    ceiling: i128,
    level: i128,
    refill: Refill,
    /// Up to when room was given back.
    filled_at: u64,
    /// When it is filled at once, for the two rules that do so.
    ends_at: u64,
}

impl Bucket {
    /// A bucket for `capacity` per `window` nanoseconds that holds `burst` nanoseconds' worth of it, and one unit at least.
    pub(super) fn new(capacity: u64, window: u64, burst: u64, refill: Refill, percent: u8, now: u64) -> Self {
        let ceiling = if capacity == 0 { 0 } else { (i128::from(capacity) * i128::from(burst)).max(i128::from(window)) };
        let ends_at = match refill {
            Refill::PacificDay(clock) => clock.next_pacific_midnight(now),
            Refill::Continuous | Refill::Steps(_) | Refill::Window => now.saturating_add(window),
        };
        Self { capacity, window, ceiling, level: ceiling * i128::from(percent.min(100)) / 100, refill, filled_at: now, ends_at }
    }

    /// Gives back what has become due.
    pub(super) fn advance(&mut self, now: u64) {
        match self.refill {
            Refill::Continuous => self.refill_for(now.saturating_sub(self.filled_at)),
            Refill::Steps(step) => self.refill_for(now.saturating_sub(self.filled_at) / step * step),
            Refill::Window => {
                if now >= self.ends_at {
                    self.level = self.ceiling;
                    self.ends_at += (now - self.ends_at) / self.window * self.window + self.window;
                }
            }
            Refill::PacificDay(clock) => {
                if now >= self.ends_at {
                    self.level = self.ceiling;
                    self.ends_at = clock.next_pacific_midnight(now);
                }
            }
        }
    }

    fn refill_for(&mut self, nanos: u64) {
        self.filled_at += nanos;
        self.level = (self.level + i128::from(self.capacity) * i128::from(nanos)).min(self.ceiling);
    }

    /// Whether `amount` may be taken now. An amount larger than the bucket fits a full one, unless the limit itself is smaller.
    pub(super) fn fits(&self, amount: u64) -> bool {
        self.can_ever_fit(amount) && self.level >= self.needed(amount)
    }

    pub(super) fn can_ever_fit(&self, amount: u64) -> bool {
        self.scaled(amount) <= self.ceiling.max(self.scaled(self.capacity))
    }

    pub(super) fn take(&mut self, amount: u64) {
        self.level -= self.scaled(amount);
    }

    /// Takes `amount` or what is there.
    pub(super) fn drain(&mut self, amount: u64) {
        self.level -= self.scaled(amount).min(self.level.max(0));
    }

    pub(super) fn give_back(&mut self, amount: u64) {
        self.level = (self.level + self.scaled(amount)).min(self.ceiling);
    }

    /// Nanoseconds until `amount` fits if nothing else is taken; the window if it never will.
    pub(super) fn wait(&self, amount: u64, now: u64) -> u64 {
        if !self.can_ever_fit(amount) {
            return self.window;
        }
        self.until(self.needed(amount), now)
    }

    /// Nanoseconds until it is full.
    pub(super) fn full_in(&self, now: u64) -> u64 {
        self.until(self.ceiling, now)
    }

    fn until(&self, level: i128, now: u64) -> u64 {
        let missing = level - self.level;
        if missing <= 0 {
            return 0;
        }
        let rate = i128::from(self.capacity.max(1)); // a limit of zero has nothing to wait for
        let nanos = u64::try_from((missing + rate - 1) / rate).unwrap_or(u64::MAX);
        match self.refill {
            Refill::Continuous => nanos.saturating_sub(now.saturating_sub(self.filled_at)),
            Refill::Steps(step) => nanos.div_ceil(step).saturating_mul(step).saturating_sub(now.saturating_sub(self.filled_at)),
            Refill::Window | Refill::PacificDay(_) => self.ends_at.saturating_sub(now),
        }
    }

    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whole units that are left, never negative.
    pub(super) fn remaining(&self) -> u64 {
        u64::try_from(self.level.max(0) / i128::from(self.window)).unwrap_or(u64::MAX)
    }

    /// Whole units that are taken, a part counting as one.
    pub(super) fn used(&self) -> u64 {
        let window = i128::from(self.window);
        let taken = (self.scaled(self.capacity) - self.level).max(0);
        u64::try_from((taken + window - 1) / window).unwrap_or(u64::MAX)
    }

    pub(super) const fn is_in_debt(&self) -> bool {
        self.level < 0
    }

    pub(super) const fn is_continuous(&self) -> bool {
        matches!(self.refill, Refill::Continuous)
    }

    fn needed(&self, amount: u64) -> i128 {
        self.scaled(amount).min(self.ceiling)
    }

    fn scaled(&self, amount: u64) -> i128 {
        i128::from(amount) * i128::from(self.window)
    }
}

/// Nanoseconds to take for the refill step of so many seconds; a step has a length.
pub(super) fn step_nanos(seconds: u64) -> u64 {
    seconds.max(1).saturating_mul(SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::clock::MINUTE;

    const SEC: u64 = SECOND;

    fn bucket(capacity: u64, burst_secs: u64, refill: Refill) -> Bucket {
        Bucket::new(capacity, MINUTE, burst_secs * SEC, refill, 100, 0)
    }

    #[test]
    fn what_was_taken_comes_back_by_the_rule() {
        // (rule, capacity, burst, taken at once at 0, asked at, remaining, nanoseconds until full)
        for (refill, capacity, burst, taken, at, remaining, full_in) in [
            (Refill::Continuous, 60, 60, 60, 0, 0, 60 * SEC),
            (Refill::Continuous, 60, 60, 60, 1_500_000_000, 1, 58_500_000_000),
            (Refill::Continuous, 80_000, 60, 5_000, 0, 75_000, 3_750_000_000),
            (Refill::Continuous, 50, 1, 1, SEC, 0, 200_000_000),
            (Refill::Steps(10 * SEC), 60, 60, 60, 9 * SEC, 0, 51 * SEC),
            (Refill::Steps(10 * SEC), 60, 60, 60, 10 * SEC, 10, 50 * SEC),
            (Refill::Window, 60, 60, 60, 59 * SEC, 0, SEC),
            (Refill::Window, 60, 60, 60, 60 * SEC, 60, 0),
            (Refill::Window, 60, 60, 60, 150 * SEC, 60, 0),
        ] {
            let mut b = bucket(capacity, burst, refill);
            b.take(taken);
            b.advance(at);
            assert_eq!((b.remaining(), b.full_in(at)), (remaining, full_in), "{refill:?} at {at}");
        }
    }

    #[test]
    fn an_amount_fits_exactly_when_its_wait_is_over() {
        for refill in [Refill::Continuous, Refill::Steps(SEC), Refill::Steps(7 * SEC), Refill::Window] {
            let mut b = bucket(30_000, 60, refill);
            b.take(22_999);
            assert!(!b.fits(12_528));
            let wait = b.wait(12_528, 0);
            let mut early = b.clone();
            early.advance(wait - 1);
            assert!(!early.fits(12_528), "{refill:?}");
            b.advance(wait);
            assert!(b.fits(12_528), "{refill:?}");
        }
    }

    #[test]
    fn a_request_larger_than_the_burst_needs_a_full_bucket_and_leaves_a_debt() {
        let mut b = bucket(30_000, 6, Refill::Continuous);
        assert!(b.fits(30_000) && !b.fits(30_001) && !b.can_ever_fit(30_001));
        b.take(30_000);
        assert_eq!((b.remaining(), b.full_in(0)), (0, 60 * SEC));
        assert!(!b.fits(1));
    }

    #[test]
    fn what_is_given_back_never_overfills() {
        let mut b = bucket(60, 60, Refill::Continuous);
        b.take(10);
        b.advance(MINUTE);
        b.give_back(10);
        assert_eq!(b.remaining(), 60);
    }

    #[test]
    fn nothing_ever_fits_a_limit_of_zero() {
        let b = bucket(0, 60, Refill::Continuous);
        assert!(!b.fits(1) && !b.can_ever_fit(1));
        assert_eq!(b.wait(1, 0), MINUTE);
    }
}
