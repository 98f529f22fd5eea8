//! How much of a bucket may go out in a short time, believed little at first and more with every clean use.
//!
//! A limit of 60 a minute may be enforced as one a second, and no header says so. So a second bucket with a smaller
//! capacity stands before the real one. It grows each time all of it was used, it was the only obstacle, and the time passed in
//! which refusals come; it shrinks when the provider refuses although the real bucket had room.

use std::time::Duration;

use crate::domain::{Dimension, Limit, Refill, Tick};

/// What became of it that a request waits for the allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// More is believed.
    Grew,
    /// More can be believed then.
    At(Tick),
    /// Nobody can say when.
    Unknown,
}

impl Want {
    /// The one of both that comes first.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::At(a), Self::At(b)) => Self::At(a.min(b)),
            (Self::Unknown, want) | (want, Self::Unknown) => want,
            (Self::Grew, _) | (_, Self::Grew) => Self::Grew,
        }
    }
}

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
    /// So much went out at once, was wanted, and was not refused.
    proven: u64,
    /// Since when all of it is used and more is wanted.
    full_since: Option<Tick>,
    changed_at: Tick,
    /// When it last shrank: refusals of what was sent before say nothing of the present allowance.
    cut_at: Option<Tick>,
}

impl Burst {
    /// Seconds of the limit's rate that are believed in before anything was tried.
    const START_SECS: u64 = 6;
    /// So few at once leave no room for it that requests do not arrive as evenly as they are sent: then the pace is a little
    /// slower than the limit.
    const FEW: u64 = 2;
    /// By so many thousandths, and by half as many again after each refusal.
    const SLOWER: u64 = 60;
    const SLOWEST: u64 = 2_000;
    /// Clean answers after which an eighth of what was slowed down beyond the first step is taken back.
    const CLEAN_ENOUGH: u32 = 50;

    /// Where more windows' worth than these are asked for, nobody minds one.
    const WINDOWS: u64 = 8;
    const HARDLY_ANY: u64 = 2_000;

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
            slower: Self::slower(capacity),
            clean: 0,
            proven: 0,
            full_since: None,
            changed_at: now,
            cut_at: None,
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

    const fn slower(capacity: u64) -> u64 {
        if capacity <= Self::FEW { Self::SLOWER } else { 0 }
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
        self.proven = self.capacity;
        self.step = Self::first_step(self.capacity);
        self.ceiling = (refusals > 0).then_some(self.capacity);
        self.retest_at = Self::next_test(refusals, now);
        self.slower = Self::slower(capacity);
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
        Some(now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
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
        self.slower = if self.capacity > Self::FEW { 0 } else { self.slower.max(Self::SLOWER) };
        self.step = self.step.max(Self::first_step(self.capacity));
        self.level = self.level.min(cast(self.capacity));
    }

    /// A request was answered without a refusal.
    pub fn clean_answer(&mut self) {
        self.clean = self.clean.saturating_add(1);
        if self.clean >= Self::CLEAN_ENOUGH && self.slower > Self::SLOWER {
            self.clean = 0;
            self.slower = (self.slower - self.slower / 8).max(Self::SLOWER);
        }
    }

    /// Whether a test is worth the refusal that it may cost: it saves one window of the time that `asked` takes, which is much of a
    /// short queue and little of a long one, and among thousands of answers one refusal is hardly any.
    #[must_use]
    pub const fn is_worth_trying(asked: u64, answers: u64, limit: &Limit) -> bool {
        asked / Self::WINDOWS <= limit.capacity || answers >= Self::HARDLY_ANY
    }

    /// A request of `need` waits for this allowance alone. Where nothing was refused for as long as refusals take to come, more is
    /// believed, in steps that double: then something may be ready now. Otherwise, when to look again.
    pub fn want(&mut self, need: u64, refusals_take: Option<Duration>, now: Tick) -> Want {
        let since = *self.full_since.get_or_insert(now);
        let Some(due) = refusals_take.map(|takes| since + takes) else { return Want::Unknown };
        if now < due {
            return Want::At(due);
        }
        self.proven = self.proven.max(self.capacity);
        self.full_since = None;
        let before = self.capacity;
        let mut next = self.capacity.saturating_add(self.step.max(need.min(self.capacity)));
        self.step = self.step.saturating_mul(2);
        if let Some(ceiling) = self.ceiling {
            if now < self.retest_at {
                next = next.min(ceiling);
            } else {
                self.ceiling = None;
            }
        }
        self.grow_to(next);
        if self.capacity == before {
            return Want::Unknown;
        }
        self.changed_at = now;
        Want::Grew
    }

    /// So many went out together and were taken before the limit was known.
    pub fn passed(&mut self, units: u64) {
        if units > self.capacity {
            self.proven = units;
            self.step = Self::first_step(units);
            let level = self.level;
            self.grow_to(units);
            // all of it is used
            self.level = level.min(0);
        }
    }

    /// The provider refused what was sent at `sent` although the bucket had room: believe three quarters of what went well
    /// before, or half of what was believed. Do not test again soon.
    pub fn refused(&mut self, sent: Tick, limit: &Limit, now: Tick) {
        self.refusals = self.refusals.saturating_add(1);
        if self.cut_at.is_some_and(|cut| sent < cut) {
            return;
        }
        self.cut_at = Some(now);
        self.changed_at = now;
        let believed = self.capacity.min(limit.capacity);
        let was_test = (1..believed).contains(&self.proven);
        if believed <= Self::FEW && !was_test {
            // somebody else may use a part of each second, which no header of a minute shows
            self.slower = (self.slower + (self.slower / 2).max(Self::SLOWER)).min(Self::SLOWEST);
            self.clean = 0;
        }
        let less = if was_test { self.proven - self.proven.div_ceil(4) } else { believed / 2 }.max(1);
        self.capacity = less;
        self.slower = self.slower.max(Self::slower(less));
        self.proven = less;
        self.step = Self::first_step(less);
        self.ceiling = Some(less);
        // a little less than empty, since requests do not arrive as evenly as they are sent; but not more: while nothing held anything
        // up here, nothing came back either
        self.level = self.level.clamp(-cast(less), -cast(less.div_ceil(4)));
        self.full_since = None;
        self.retest_at = Self::next_test(self.refusals, now);
    }

    /// What was refused was not refused for its burst.
    pub fn forget_refusals(&mut self, limit: &Limit, now: Tick) {
        if self.refusals > 0 && self.capacity != u64::MAX {
            *self = Self::new(limit, now);
        }
    }

    /// Forty minutes after the first, doubling: a refusal is the price of each test.
    fn next_test(refusals: u32, now: Tick) -> Tick {
        now + Duration::from_secs(1_200 << refusals.min(6))
    }

    fn grow_to(&mut self, capacity: u64) {
        let gained = cast(capacity).saturating_sub(cast(self.capacity)).max(0);
        self.growths += u32::from(capacity > self.capacity);
        self.capacity = self.capacity.max(capacity);
        if self.capacity > Self::FEW {
            self.slower = 0;
        }
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

    const TAKES: Duration = Duration::from_millis(100);

    const fn at(millis: u64) -> Tick {
        Tick::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn it_starts_small_and_doubles_each_time_refusals_would_have_come() {
        let rpm = limit(Dimension::Requests, 60);
        let mut burst = Burst::new(&rpm, Tick::ZERO);
        assert_eq!(burst.capacity(), 1);
        assert_eq!(burst.want(1, None, at(0)), Want::Unknown, "nothing was answered yet");
        for (nth, expect) in [2, 4, 8].into_iter().enumerate() {
            let since = 1_000 * (nth as u64 + 1);
            assert_eq!(burst.want(1, Some(TAKES), at(since)), if nth == 0 { Want::Grew } else { Want::At(at(since + 100)) });
            if nth > 0 {
                assert_eq!(burst.want(1, Some(TAKES), at(since + 100)), Want::Grew);
            }
            assert_eq!(burst.capacity(), expect);
        }
    }

    #[test]
    fn a_refusal_takes_back_what_was_tried_once_for_all_that_were_sent_together() {
        let rpm = limit(Dimension::Requests, 60);
        // so often it grew before a volley was refused of which so many were too many
        for (grew, volley, expect) in [(0, 1, 1), (1, 1, 1), (2, 2, 1), (3, 4, 3), (4, 8, 6)] {
            let mut burst = Burst::new(&rpm, Tick::ZERO);
            for nth in 0..grew {
                burst.want(1, Some(TAKES), at(1_000 * nth));
                burst.want(1, Some(TAKES), at(1_000 * nth + 500));
            }
            for _ in 0..volley {
                burst.refused(at(10_000), &rpm, at(10_100));
            }
            assert_eq!(burst.capacity(), expect, "grown {grew} times");
            burst.want(1, Some(TAKES), at(20_000));
            burst.want(1, Some(TAKES), at(21_000));
            assert_eq!(burst.capacity(), expect, "not tested again soon");
        }
    }

    #[test]
    fn one_per_second_is_kept_where_no_more_is_believed() {
        let rpm = limit(Dimension::Requests, 60);
        let mut burst = Burst::new(&rpm, Tick::ZERO);
        assert_eq!(burst.ready_at(1, &rpm, Tick::ZERO), None);
        burst.take(1);
        // requests do not arrive as evenly as they are sent
        assert_eq!(burst.ready_at(1, &rpm, Tick::ZERO), Some(at(1_060)));
    }

    #[test]
    fn a_test_is_worth_a_refusal_in_a_short_queue_or_among_thousands() {
        let rpm = limit(Dimension::Requests, 60);
        for (asked, answers, expect) in [(2, 0, true), (480, 10, true), (600, 10, false), (600, 590, false), (5_000, 2_000, true)] {
            assert_eq!(Burst::is_worth_trying(asked, answers, &rpm), expect, "{asked} asked for, {answers} answered");
        }
    }

    #[test]
    fn what_passed_before_the_limit_was_known_is_believed() {
        let rpm = limit(Dimension::Requests, 60);
        let mut burst = Burst::new(&rpm, Tick::ZERO);
        burst.passed(20);
        assert_eq!(burst.capacity(), 20);
        assert!(burst.ready_at(1, &rpm, Tick::ZERO).is_some(), "all of it is used");
        burst.refill(&rpm, at(20_000));
        assert_eq!(burst.ready_at(20, &rpm, at(20_000)), None, "at the limit's own pace");
    }

    #[test]
    fn tokens_start_with_six_seconds() {
        assert_eq!(Burst::new(&limit(Dimension::InputTokens, 30_000), Tick::ZERO).capacity(), 3_000);
    }
}
