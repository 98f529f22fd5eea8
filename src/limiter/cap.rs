//! Finds a cap on concurrent requests that the provider does not tell, or that moves.
//!
//! Nothing but a refusal shows such a cap, and a refusal shows it at once. So one request more than is known to be taken is
//! tried now and then, paid from an allowance of refusals; while nobody is refused within the time in which refusals come,
//! the belief grows in steps that double. A cap that was met before is remembered: when the provider takes less than it
//! did, that cap is the first guess, and when it takes more, growth pauses there. How long a fall lasted is remembered as
//! well, since caps that follow a clock or a load come back in much the same time.

use std::time::Duration;

use crate::domain::Tick;

/// The belief about one hidden cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    believed: u64,
    /// So many were out at once and nobody was refused.
    proven: u64,
    /// The provider refused more than this when more were tried last.
    wall: Option<u64>,
    walls: Walls,
    /// By how many the belief grows next.
    step: u64,
    /// Clean answers since the belief changed.
    clean: u64,
    /// Requests sent since then that were more than is proven.
    tried: u64,
    /// Since when as many as believed are out, enough of them tried.
    full_since: Option<Tick>,
    changed_at: Option<Tick>,
    /// When the belief last became smaller: what was sent before says nothing of it.
    cut_at: Option<Tick>,
    closed_until: Option<Tick>,
    fall: Fall,
    /// Refusals that may be spent on tries, in thousandths; negative after a fall.
    allowance: i64,
    /// The longest that a refusal took of late.
    refusal_takes: Duration,
    refusals: u64,
}

/// A request that was refused because too many were out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The cap, if the refusal names it.
    pub named: Option<u64>,
    /// How many were out when it was sent, itself included.
    pub among: u64,
    /// How many others are out now.
    pub left: u64,
    /// When it was sent.
    pub sent: Tick,
}

/// What speaks for it that the cap has become smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fall {
    /// Refusals of so many as were taken before, since nothing spoke for a fall.
    strikes: u64,
    /// Requests sent since the first of these.
    sent: u64,
    /// How often the belief was cut since the fall is certain; none if it is not.
    cuts: u64,
    /// When it became certain.
    since: Option<Tick>,
    /// How long such falls last: at the least, since a try was still vain then, and at the most, since none was.
    at_least: Duration,
    at_most: Option<Duration>,
    /// The cap is guessed to be one that was met before, and nothing has shown yet whether it is.
    guessed: bool,
    /// The last guess was right, so one refusal is enough for the next.
    trusted: bool,
}

impl Fall {
    /// A try was vain.
    fn still_lasts(&mut self, now: Tick) {
        if let Some(since) = self.since {
            self.at_least = now.since(since);
        }
    }

    /// A try was not.
    fn is_over(&mut self, now: Tick) {
        let Some(passed) = self.since.take().map(|since| now.since(since)) else { return };
        self.at_most = Some(passed);
        if self.at_least >= passed {
            self.at_least = Duration::ZERO;
        }
    }

    /// After how long a try is likeliest not to be vain: half-way between both bounds, or when both say so.
    fn likely_lasts(&self) -> Option<Duration> {
        let most = self.at_most?;
        let open = most.saturating_sub(self.at_least);
        Some(if open > most / 16 { most.saturating_sub(open / 2) } else { most })
    }
}

impl Cap {
    /// Thousandths of a refusal that each clean answer allows.
    const ALLOWED: i64 = 19;
    const MOST_ALLOWED: i64 = 4_000;
    const LEAST_ALLOWED: i64 = -1_000;
    /// Generations of clean answers between two tries, at the most.
    const MOST_PATIENT: u64 = 8;

    /// Believes `cap`.
    #[must_use]
    pub const fn new(cap: u64) -> Self {
        Self {
            believed: cap,
            proven: 0,
            wall: None,
            walls: Walls::NONE,
            step: 1,
            clean: 0,
            tried: 0,
            full_since: None,
            changed_at: None,
            cut_at: None,
            closed_until: None,
            fall: Fall {
                strikes: 0,
                sent: 0,
                cuts: 0,
                since: None,
                at_least: Duration::ZERO,
                at_most: None,
                guessed: false,
                trusted: false,
            },
            allowance: Self::MOST_ALLOWED,
            refusal_takes: Duration::ZERO,
            refusals: 0,
        }
    }

    /// What is believed now.
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.believed
    }

    /// How often the provider refused for it.
    #[must_use]
    pub const fn refusals(&self) -> u64 {
        self.refusals
    }

    /// When the belief last changed.
    #[must_use]
    pub const fn changed_at(&self) -> Option<Tick> {
        self.changed_at
    }

    /// The caps that were met, the latest last.
    pub fn met(&self) -> impl Iterator<Item = u64> {
        self.walls.levels()
    }

    /// Until when nobody should be sent: one is out that will show whether a fall is over.
    #[must_use]
    pub const fn closed_until(&self) -> Option<Tick> {
        self.closed_until
    }

    /// When more can be tried, if nobody is refused until then.
    #[must_use]
    pub fn next_try(&self) -> Option<Tick> {
        self.full_since.map(|since| since + self.refusals_come_within())
    }

    /// A request was sent, and is one of `among` that are out.
    pub fn sent(&mut self, among: u64, now: Tick) {
        self.fall.sent = self.fall.sent.saturating_add(1);
        if among > self.proven {
            self.tried += 1;
            if self.is_falling() && self.tried == 1 {
                self.closed_until = Some(now + self.refusals_come_within());
            }
        }
        if among >= self.believed && (self.tried >= self.proof() || self.proven >= self.believed) {
            self.full_since.get_or_insert(now);
        }
    }

    /// A request was answered well.
    pub fn clean(&mut self) {
        self.clean += 1;
        self.allowance = (self.allowance + Self::ALLOWED).min(Self::MOST_ALLOWED);
    }

    /// A request was refused.
    pub fn refused(&mut self, refused: Refused, now: Tick) {
        self.refusals += 1;
        self.refusal_takes = (self.refusal_takes * 7 / 8).max(now.since(refused.sent));
        self.allowance = (self.allowance - 1_000).max(Self::LEAST_ALLOWED);
        // requests overtake each other: while a try is out, any of them may be the one that was too many
        let trying = self.believed > self.proven && self.tried > 0;
        let is_old = self.cut_at.is_some_and(|cut| refused.sent < cut);
        if let Some(named) = refused.named {
            self.proven = named.max(1);
            self.stand_at(named, now);
        } else if self.fall.strikes == 0 && (trying || is_old || refused.among > self.proven) {
            if trying && !is_old {
                self.fall.still_lasts(now);
            }
            // more were tried than is proven; those that are out were taken
            self.stand_at(refused.left.clamp(self.proven, self.believed.max(self.proven)), now);
        } else if let Some(wall) = self.walls.just_below(refused.among).filter(|_| !self.is_falling()) {
            // more than the wall passed by luck
            self.proven = self.proven.min(wall);
            self.stand_at(wall, now);
        } else if !(self.is_falling() && is_old) {
            self.strike(refused.among, now);
        }
    }

    /// While somebody waits for a place: whether more are believed in now. Never more than `most`.
    pub fn raise(&mut self, most: u64, now: Tick) -> bool {
        if self.next_try().is_none_or(|at| now < at) || self.believed >= most {
            return false;
        }
        self.proven = self.believed;
        (self.fall.strikes, self.fall.cuts) = (0, 0);
        if self.wall == Some(self.believed) {
            if self.clean < self.patience(now) || self.allowance < 0 {
                return false;
            }
            self.step = 1 + self.believed / 64;
            self.walls.note_try(self.believed);
        } else if let Some(wall) = self.wall.take() {
            // more than the wall are taken: it is gone
            self.walls.forget_tries(wall);
            self.fall.is_over(now);
            self.fall.trusted &= !self.fall.guessed;
            self.fall.guessed = false;
        }
        let mut next = self.believed.saturating_add(self.step);
        let above = self.walls.above(self.wall.map_or(self.believed, |wall| wall + wall / 8)).filter(|level| *level > self.believed);
        if let Some(level) = above.filter(|level| next >= *level) {
            next = level;
            self.wall = Some(level);
        }
        let longest_step = if above.is_some() { self.believed / 2 } else { self.believed / 4 } + 1;
        self.step = self.step.saturating_mul(2).min(longest_step);
        self.believe(next.min(most), now);
        true
    }

    const fn is_falling(&self) -> bool {
        self.fall.cuts > 0
    }

    /// More than `level` were refused.
    fn stand_at(&mut self, level: u64, now: Tick) {
        self.fall.trusted |= self.fall.guessed;
        self.fall.guessed = false;
        self.walls.meet(level.max(1));
        self.wall = Some(level.max(1));
        self.step = 1;
        self.believe(level.max(1), now);
    }

    /// As many as `among` were taken before, and now one of them was refused: one fewer may do, but if all are refused, the
    /// cap has fallen.
    fn strike(&mut self, among: u64, now: Tick) {
        let level = among.min(self.believed);
        let fall = &mut self.fall;
        if fall.strikes == 0 || (fall.cuts == 0 && fall.strikes * 4 < fall.sent) {
            (fall.strikes, fall.sent) = (0, 0);
        }
        fall.strikes += 1;
        let sure = fall.trusted && self.wall.is_some_and(|wall| self.walls.tries(wall) > 0);
        let is_certain = fall.cuts > 0 || fall.strikes >= level / 64 + if sure { 1 } else { 2 };
        let met = self.walls.below(level - level / 8).filter(|met| fall.trusted || met * 5 / 2 >= level);
        let (next, wall) = match met {
            // two fewer where it went down by one a moment ago
            _ if !is_certain => (level - 1 - u64::from(self.wall.is_some() && self.clean < 3 * self.believed).min(level - 1), true),
            Some(met) => (met, true),
            // each cut is deeper than the last; after the first it may be over
            None => (level - level * (fall.cuts + 1).min(4) / 8, fall.cuts == 0),
        };
        if is_certain {
            fall.cuts += 1;
            fall.since.get_or_insert(now);
        }
        fall.guessed = is_certain && wall;
        let next = next.max(1);
        self.wall = wall.then_some(next);
        self.proven = self.proven.min(next - 1);
        self.step = 1;
        // those that are on their way will tell whether this was all
        self.closed_until = (!is_certain).then(|| now + self.refusal_takes);
        self.believe(next, now);
    }

    fn believe(&mut self, level: u64, now: Tick) {
        if level < self.believed {
            self.cut_at = Some(now);
        }
        self.changed_at = Some(now);
        self.believed = level;
        self.clean = 0;
        self.tried = 0;
        self.full_since = None;
    }

    /// Clean answers at the wall before more are tried again.
    fn patience(&self, now: Tick) -> u64 {
        if self.fall.guessed && !self.fall.trusted {
            return 0;
        }
        let generation = self.believed;
        let tries = self.walls.tries(generation);
        let answers = if self.walls.above(generation + generation / 8).is_some() {
            // it took more before and may again, likeliest after as long as falls last
            match self.fall.since.map(|at| now.since(at)).zip(self.fall.likely_lasts()) {
                Some((passed, lasts)) if passed < lasts => generation.saturating_mul(Self::MOST_PATIENT),
                Some((passed, lasts)) if passed < lasts * 3 / 2 => generation / 4,
                _ => generation.saturating_mul(2) * u64::from(1 + tries / 4),
            }
        } else {
            generation.saturating_mul(1 << tries.min(8))
        };
        answers.min(generation.saturating_mul(Self::MOST_PATIENT))
    }

    /// Half as long again as they took.
    fn refusals_come_within(&self) -> Duration {
        self.refusal_takes + self.refusal_takes / 2
    }

    /// So many must be tried and not be refused: a few may pass because others have just ended.
    const fn proof(&self) -> u64 {
        (if self.wall.is_some() { 3 } else { 2 }) + self.believed / 16
    }
}

/// The caps that were met, the latest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Walls([Option<Wall>; Self::REMEMBERED]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wall {
    level: u64,
    /// How often more were tried there since it last moved.
    tries: u32,
}

impl Walls {
    const REMEMBERED: usize = 4;
    const NONE: Self = Self([None; Self::REMEMBERED]);

    fn levels(self) -> impl Iterator<Item = u64> {
        self.0.into_iter().flatten().map(|wall| wall.level)
    }

    fn above(self, level: u64) -> Option<u64> {
        self.levels().filter(|wall| *wall > level).min()
    }

    fn below(self, level: u64) -> Option<u64> {
        self.levels().filter(|wall| *wall < level).max()
    }

    fn just_below(self, level: u64) -> Option<u64> {
        self.below(level).filter(|wall| *wall >= level - level / 8)
    }

    /// A cap was met at `level`: what was met near it is the same one.
    fn meet(&mut self, level: u64) {
        let near = |wall: &Wall| wall.level.abs_diff(level) <= level / 8;
        let same = self.0.iter_mut().find(|slot| slot.as_ref().is_some_and(near)).and_then(Option::take);
        // the first empty place is used up, or the oldest
        let from = self.0.iter().position(Option::is_none).unwrap_or(0);
        self.0[from..].rotate_left(1);
        self.0[Self::REMEMBERED - 1] = Some(Wall { level, tries: same.map_or(0, |wall| wall.tries) });
    }

    fn tries(self, level: u64) -> u32 {
        self.0.into_iter().flatten().find(|wall| wall.level == level).map_or(0, |wall| wall.tries)
    }

    fn note_try(&mut self, level: u64) {
        self.0.iter_mut().flatten().filter(|wall| wall.level == level).for_each(|wall| wall.tries = wall.tries.saturating_add(1));
    }

    fn forget_tries(&mut self, level: u64) {
        self.0.iter_mut().flatten().filter(|wall| wall.level == level).for_each(|wall| wall.tries = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKES: u64 = 100;

    const fn at(millis: u64) -> Tick {
        Tick::from_nanos(millis * 1_000_000)
    }

    /// A belief, a clock, and as many out as are believed.
    struct Bench {
        cap: Cap,
        millis: u64,
    }

    impl Bench {
        /// It was found that no more than `truth` are taken.
        fn found(truth: u64) -> Self {
            let mut bench = Self { cap: Cap::new(truth + 1), millis: 1_000 };
            bench.refuse(truth + 1, truth);
            bench
        }

        fn refuse(&mut self, among: u64, left: u64) {
            self.millis += TAKES + 1;
            self.cap.refused(Refused { named: None, among, left, sent: at(self.millis - TAKES) }, at(self.millis));
        }

        /// Requests come and go at the present belief until it grows; how many were answered till then.
        fn answers_until_it_grows(&mut self) -> u64 {
            let before = self.cap.get();
            for answers in 0..100_000 {
                self.millis += 100;
                self.cap.sent(before, at(self.millis));
                if self.cap.raise(u64::MAX, at(self.millis)) {
                    return answers;
                }
                self.cap.clean();
            }
            u64::MAX
        }
    }

    #[test]
    fn a_named_cap_is_believed_at_once() {
        let mut cap = Cap::new(500);
        cap.refused(Refused { named: Some(25), among: 30, left: 29, sent: at(0) }, at(100));
        assert_eq!(cap.get(), 25);
    }

    #[test]
    fn those_that_are_out_when_the_refusals_are_over_are_the_cap() {
        let mut cap = Cap::new(32);
        for left in (24..32).rev() {
            cap.refused(Refused { named: None, among: 32, left, sent: at(0) }, at(100));
        }
        assert_eq!(cap.get(), 24);
    }

    #[test]
    fn vain_tries_at_the_wall_become_rarer() {
        let mut bench = Bench::found(24);
        let answers: Vec<u64> = (0..6)
            .map(|_| {
                let answers = bench.answers_until_it_grows();
                assert_eq!(bench.cap.get(), 25);
                bench.refuse(25, 24);
                assert_eq!(bench.cap.get(), 24);
                answers / 24
            })
            .collect();
        assert_eq!(answers, [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn once_the_wall_is_gone_it_grows_faster_and_faster() {
        let mut bench = Bench::found(20);
        let mut seen = vec![bench.cap.get()];
        while *seen.last().unwrap() < 60 {
            bench.answers_until_it_grows();
            seen.push(bench.cap.get());
        }
        assert_eq!(seen, [20, 21, 23, 27, 33, 40, 49, 60]);
    }

    #[test]
    fn a_fall_to_a_cap_that_was_met_is_found_with_two_refusals_and_then_with_one() {
        let mut bench = Bench::found(12);
        while bench.cap.get() < 24 {
            bench.answers_until_it_grows();
        }
        bench.refuse(25, 24);
        for refusals in [2, 1] {
            bench.answers_until_it_grows();
            bench.refuse(25, 24);
            for _ in 0..refusals {
                assert!(bench.cap.get() > 20, "guessed before {refusals} refusals");
                bench.refuse(bench.cap.get(), 22);
            }
            assert_eq!(bench.cap.get(), 12, "after {refusals} refusals");
            // the guess was right: more are refused
            bench.answers_until_it_grows();
            bench.refuse(13, 12);
            assert_eq!(bench.cap.get(), 12);
            while bench.cap.get() < 24 {
                bench.answers_until_it_grows();
            }
        }
    }

    #[test]
    fn how_long_falls_last_is_bounded_from_both_sides() {
        let secs = |secs: u64| at(secs * 1_000);
        let mut fall = Fall { since: Some(secs(100)), ..Cap::new(1).fall };
        assert_eq!(fall.likely_lasts(), None);
        fall.still_lasts(secs(112));
        fall.is_over(secs(124));
        assert_eq!(fall.likely_lasts(), Some(Duration::from_secs(18)), "between 12 and 24");
        fall.since = Some(secs(200));
        fall.still_lasts(secs(218));
        assert_eq!(fall.likely_lasts(), Some(Duration::from_secs(21)), "between 18 and 24");
        fall.is_over(secs(219));
        assert_eq!(fall.likely_lasts(), Some(Duration::from_secs(19)), "both agree");
        fall.since = Some(secs(300));
        fall.is_over(secs(308));
        assert_eq!(fall.likely_lasts(), Some(Duration::from_secs(4)), "shorter than ever: nothing is known of the least");
    }

    #[test]
    fn one_refusal_among_many_answers_is_no_fall() {
        let mut bench = Bench::found(24);
        bench.answers_until_it_grows();
        bench.refuse(25, 24);
        for n in 0..10 {
            bench.millis += 10_000;
            bench.cap.sent(24, at(bench.millis));
            for _ in 0..10 {
                bench.cap.sent(20, at(bench.millis));
            }
            let was = bench.cap.get();
            bench.refuse(was, was - 1);
            assert!(bench.cap.get() + 2 >= was, "refusal {n}: {was} became {}", bench.cap.get());
        }
    }

    #[test]
    fn it_never_grows_beyond_the_most_and_never_falls_below_one() {
        let mut bench = Bench::found(3);
        bench.millis += 1_000;
        bench.cap.sent(3, at(bench.millis));
        assert!(!bench.cap.raise(3, at(bench.millis + 10_000)));
        for _ in 0..20 {
            bench.refuse(bench.cap.get(), 0);
        }
        assert_eq!(bench.cap.get(), 1);
    }
}
