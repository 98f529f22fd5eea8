//! How much of a bucket may go out in a short time, believed little at first and more with every clean use.
//!
//! A limit of 60 a minute may be enforced as one a second, and no header says so. So a second bucket with a smaller
//! capacity stands before the real one; it grows each time it was the only obstacle and what it let through was answered
//! without a refusal, and shrinks when the provider refuses although the real bucket had room.

use crate::domain::{Dimension, Limit, Refill, Tick};

/// The short-time allowance of one bucket.
#[derive(Debug, Clone)]
pub struct Burst {
    capacity: u64,
    /// By how much it grows next.
    step: u64,
    level: i64,
    fraction: u128,
    refilled_at: Tick,
    /// Growth stops here until `retest_at`: the provider refused above it.
    ceiling: Option<u64>,
    retest_at: Tick,
    refusals: u32,
    growths: u32,
    /// Thousandths by which the pace is slower than the limit: what was sent a second apart may arrive closer together.
    slower: u64,
    /// Clean answers since the pace changed.
    clean: u32,
    /// Something had to wait for this allowance alone since it last grew.
    wanted: bool,
    /// Answers to requests that were sent before this say nothing of the present allowance.
    changed_at: Tick,
}

impl Burst {
    /// Seconds of the limit's rate that are believed in before anything was tried.
    const START_SECS: u64 = 6;
    /// Thousandths of slower pace after each refusal of the smallest burst.
    const SLOWER: u64 = 60;
    const SLOWEST: u64 = 2_000;
    /// Clean answers after which an eighth of what was slowed down beyond the first step is taken back.
    const CLEAN_ENOUGH: u32 = 50;

    /// The first belief for this limit.
    #[must_use]
    pub fn new(limit: &Limit, now: Tick) -> Self {
        let per_window = u128::from(limit.capacity) * u128::from(Self::start_secs(limit.dimension));
        let share = per_window / u128::from(limit.window.period.as_secs().max(1));
        let capacity = u64::try_from(share).unwrap_or(u64::MAX).clamp(1, limit.capacity.max(1));
        Self {
            capacity,
            step: Self::first_step(capacity),
            level: cast(capacity),
            fraction: 0,
            refilled_at: now,
            ceiling: None,
            retest_at: now,
            refusals: 0,
            growths: 0,
            slower: 0,
            clean: 0,
            wanted: false,
            changed_at: now,
        }
    }

    /// Requests are what providers are known to count by the second; a request's tokens cannot be cut in pieces.
    const fn start_secs(dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Requests => 1,
            _ => Self::START_SECS,
        }
    }

    /// A test that fails costs as many refusals as it lets more through: it begins with one request, and doubles.
    const fn first_step(capacity: u64) -> u64 {
        if capacity < 32 { 1 } else { capacity / 16 }
    }

    /// What may go out at once, in the limit's unit.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How often the provider refused a burst.
    #[must_use]
    pub const fn refusals(&self) -> u32 {
        self.refusals
    }

    /// How often it grew.
    #[must_use]
    pub const fn growths(&self) -> u32 {
        self.growths
    }

    /// When it last grew or shrank.
    #[must_use]
    pub fn changed_at(&self) -> Option<Tick> {
        (self.growths + self.refusals > 0).then_some(self.changed_at)
    }

    /// The whole bucket may go out at once: known, not tried.
    pub fn trust(&mut self) {
        self.capacity = u64::MAX;
        self.level = i64::MAX;
    }

    /// Believes what was learned before a restart.
    pub fn recall(&mut self, capacity: u64, refusals: u32, now: Tick) {
        self.capacity = capacity.max(1);
        self.level = self.level.min(cast(self.capacity)).max(cast(self.capacity));
        self.refusals = refusals;
        self.changed_at = now;
        self.step = Self::first_step(self.capacity);
        self.ceiling = (refusals > 0).then_some(self.capacity);
        self.retest_at = Self::next_test(refusals, now);
        self.slower = if refusals > 0 && capacity <= 1 { Self::SLOWER } else { 0 };
    }

    fn window(&self, limit: &Limit) -> u128 {
        (limit.window.period.duration().as_nanos() * u128::from(1_000 + self.slower) / 1_000).max(1)
    }

    /// Whether the limit has such an allowance at all.
    fn applies(&self, limit: &Limit) -> bool {
        limit.window.refill == Refill::Continuous && self.capacity < limit.capacity
    }

    pub(super) fn refill(&mut self, limit: &Limit, now: Tick) {
        let elapsed = now.since(self.refilled_at).as_nanos();
        self.refilled_at = self.refilled_at.max(now);
        if elapsed == 0 || !self.applies(limit) {
            return;
        }
        let parts = u128::from(limit.capacity) * elapsed + self.fraction;
        let window = self.window(limit);
        self.fraction = parts % window;
        self.level = self.level.saturating_add(i64::try_from(parts / window).unwrap_or(i64::MAX));
        if self.level >= cast(self.capacity) {
            self.level = cast(self.capacity);
            self.fraction = 0;
        }
    }

    /// When `need` may go out; `None` if at once. More than the allowance waits for all of it and goes alone.
    pub(super) fn ready_at(&self, need: u64, limit: &Limit, now: Tick) -> Option<Tick> {
        if !self.applies(limit) {
            return None;
        }
        let missing = cast(need.min(self.capacity)) - self.level;
        if missing <= 0 {
            return None;
        }
        let window = self.window(limit);
        let parts = u128::from(missing.unsigned_abs()) * window;
        let nanos = parts.saturating_sub(self.fraction).div_ceil(u128::from(limit.capacity.max(1)));
        Some(now + std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    pub(super) const fn take(&mut self, units: i64) {
        self.level = self.level.saturating_sub(units);
    }

    pub(super) fn give_back(&mut self, units: i64) {
        self.level = self.level.saturating_add(units).min(cast(self.capacity));
    }

    /// The limit changed: the belief shrinks or grows with it, but not below what is believed of a new one.
    pub(super) fn follow(&mut self, old: &Limit, new: &Limit) {
        if self.capacity == u64::MAX {
            return;
        }
        let scaled = u128::from(self.capacity) * u128::from(new.capacity) / u128::from(old.capacity.max(1));
        let fresh = Self::new(new, self.refilled_at).capacity;
        self.capacity = u64::try_from(scaled).unwrap_or(u64::MAX).max(fresh);
        self.step = self.step.max(Self::first_step(self.capacity));
        self.level = self.level.min(cast(self.capacity));
    }

    /// Something waits for this allowance alone.
    pub const fn want(&mut self) {
        self.wanted = true;
    }

    /// A request that was sent at `sent` was answered without a refusal while the allowance was wanted: believe more, in steps
    /// that double.
    pub fn clean_answer(&mut self, sent: Tick, now: Tick) {
        self.clean = self.clean.saturating_add(1);
        if self.clean >= Self::CLEAN_ENOUGH && self.slower > Self::SLOWER {
            self.clean = 0;
            self.slower = (self.slower - self.slower / 8).max(Self::SLOWER);
        }
        if !self.wanted || sent < self.changed_at || self.capacity == u64::MAX {
            return;
        }
        self.wanted = false;
        self.changed_at = now;
        let mut next = self.capacity.saturating_add(self.step);
        self.step = self.step.saturating_mul(2);
        if let Some(ceiling) = self.ceiling {
            if now < self.retest_at {
                next = next.min(ceiling);
            } else {
                self.ceiling = None;
            }
        }
        self.grow_to(next);
    }

    /// The provider refused although the bucket had room: believe half as much, and do not test again soon.
    pub fn refused(&mut self, limit: &Limit, now: Tick) {
        self.refusals = self.refusals.saturating_add(1);
        self.changed_at = now;
        if self.capacity <= 2 {
            // somebody else may use a part of each second, which no header of a minute shows
            self.slower = (self.slower + (self.slower / 2).max(Self::SLOWER)).min(Self::SLOWEST);
            self.clean = 0;
        }
        let half = (self.capacity.min(limit.capacity) / 2).max(1);
        self.capacity = half;
        self.step = Self::first_step(half);
        self.ceiling = Some(half);
        self.level = self.level.min(0);
        self.wanted = false;
        self.retest_at = Self::next_test(self.refusals, now);
    }

    /// Ten minutes, doubling: a refusal is the price of each test.
    fn next_test(refusals: u32, now: Tick) -> Tick {
        now + std::time::Duration::from_secs(600 << refusals.min(6))
    }

    fn grow_to(&mut self, capacity: u64) {
        let gained = cast(capacity).saturating_sub(cast(self.capacity)).max(0);
        self.growths += u32::from(capacity > self.capacity);
        self.capacity = self.capacity.max(capacity);
        self.level = self.level.saturating_add(gained);
    }
}

const fn cast(units: u64) -> i64 {
    if units > i64::MAX as u64 { i64::MAX } else { units.cast_signed() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LimitSource, Window};

    fn limit(dimension: Dimension, capacity: u64) -> Limit {
        Limit { dimension, window: Window::PER_MINUTE, capacity, source: LimitSource::Header }
    }

    #[test]
    fn it_starts_small_grows_when_clean_and_halves_when_refused() {
        let rpm = limit(Dimension::Requests, 60);
        let mut burst = Burst::new(&rpm, Tick::ZERO);
        assert_eq!(burst.capacity(), 1);
        burst.clean_answer(Tick::ZERO, Tick::ZERO);
        assert_eq!(burst.capacity(), 1, "nobody wanted more");
        for expect in [2, 4, 8] {
            burst.want();
            burst.clean_answer(Tick::ZERO, Tick::ZERO);
            assert_eq!(burst.capacity(), expect);
        }
        burst.refused(&rpm, Tick::ZERO);
        assert_eq!(burst.capacity(), 4);
        burst.want();
        burst.clean_answer(Tick::ZERO, Tick::ZERO);
        assert_eq!(burst.capacity(), 4, "not tested again soon");
    }

    #[test]
    fn one_per_second_is_kept_where_no_more_is_believed() {
        let rpm = limit(Dimension::Requests, 60);
        let mut burst = Burst::new(&rpm, Tick::ZERO);
        assert_eq!(burst.ready_at(1, &rpm, Tick::ZERO), None);
        burst.take(1);
        assert_eq!(burst.ready_at(1, &rpm, Tick::ZERO), Some(Tick::from_nanos(1_000_000_000)));
    }

    #[test]
    fn tokens_start_with_six_seconds() {
        assert_eq!(Burst::new(&limit(Dimension::InputTokens, 30_000), Tick::ZERO).capacity(), 3_000);
    }
}
