//! Finds a cap on concurrent requests that the provider does not tell, or that moves.
//!
//! A refusal sets the cap at once; clean answers while others wait raise it again, in steps that grow. One cut per
//! generation of requests in flight: those that were sent before a cut say nothing about the cap after it.

use crate::domain::Tick;

/// The belief about one hidden cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    believed: u64,
    /// Never above this.
    most: u64,
    /// The provider refused above this when it was tried last.
    wall: Option<u64>,
    /// What it took before it took less: likely to come back.
    before: Option<u64>,
    step: u64,
    /// Clean answers since the belief changed.
    clean: u64,
    /// Generations of clean answers to wait at the wall before it is tried again; doubles with each vain try.
    quiet: u64,
    cut_at: Option<Tick>,
}

impl Cap {
    const LONGEST_QUIET: u64 = 8;

    /// Believes `cap` and will never go above `most`.
    #[must_use]
    pub const fn new(cap: u64, most: u64) -> Self {
        Self { believed: cap, most, wall: None, before: None, step: 1, clean: 0, quiet: 1, cut_at: None }
    }

    /// What is believed now.
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.believed
    }

    /// The provider refused a request that was sent at `sent`, naming its cap or not; `in_flight` others are still out.
    pub fn refused(&mut self, named: Option<u64>, in_flight: u64, sent: Tick, now: Tick) {
        let was = self.believed;
        // those that are out were taken
        let taken = named.unwrap_or(in_flight).max(1);
        if taken < was {
            let tried_the_wall = self.wall.is_some_and(|wall| taken >= wall);
            if tried_the_wall {
                self.quiet = (self.quiet * 2).min(Self::LONGEST_QUIET);
            } else {
                // fewer than before are taken: the cap is falling, and may not have stopped
                self.before = self.before.max(self.wall);
                self.quiet = 1;
            }
            let falling = named.is_none() && self.wall.is_some() && !tried_the_wall && self.cut_at.is_none_or(|cut| sent > cut);
            self.believed = if falling { (taken * 17 / 20).max(1) } else { taken };
            self.wall = Some(self.believed.max(1));
        }
        self.cut_at = Some(now);
        self.step = 1;
        self.clean = 0;
    }

    /// A request that used the last free place was answered well while others waited.
    pub fn clean(&mut self) {
        self.clean += 1;
        let at_wall = self.wall.is_some_and(|wall| self.believed == wall);
        if self.clean < self.believed.saturating_mul(if at_wall { self.quiet } else { 1 }) || self.believed >= self.most {
            return;
        }
        self.clean = 0;
        let raised = if self.wall.is_some_and(|wall| self.believed > wall + wall / 8) {
            // one or two above may pass only because others are still on their way; this many do not: the wall is gone: half of the way to what was taken before, if that is known
            self.wall = None;
            self.quiet = 1;
            self.before
                .filter(|before| *before > self.believed)
                .map_or(self.believed + self.step, |before| self.believed + (before - self.believed).div_ceil(2))
        } else {
            self.believed + self.step
        };
        if self.before.is_some_and(|before| raised >= before) {
            self.before = None;
        }
        self.step = if at_wall { 1 } else { self.step.saturating_mul(2).min(self.believed / 4 + 1) };
        self.believed = raised.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Tick {
        Tick::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn a_named_cap_is_believed_at_once() {
        let mut cap = Cap::new(500, 500);
        cap.refused(Some(25), 26, at(1), at(2));
        assert_eq!(cap.get(), 25);
    }

    #[test]
    fn those_that_are_out_when_the_refusals_are_over_are_the_cap() {
        let mut cap = Cap::new(32, 500);
        for left in (24..32).rev() {
            cap.refused(None, left, at(1), at(2));
        }
        assert_eq!(cap.get(), 24);
    }

    #[test]
    fn vain_tries_at_the_wall_become_rarer() {
        let mut cap = Cap::new(30, 500);
        cap.refused(None, 24, at(1), at(2));
        let mut answers = Vec::new();
        for _ in 0..4 {
            let mut n = 0;
            while cap.get() == 24 {
                cap.clean();
                n += 1;
            }
            answers.push(n);
            cap.refused(None, 24, at(3), at(4));
        }
        assert_eq!(answers, [24, 48, 96, 192]);
    }

    #[test]
    fn clean_generations_raise_it_faster_and_faster() {
        let mut cap = Cap::new(20, 60);
        let mut seen = vec![cap.get()];
        for _ in 0..400 {
            cap.clean();
            if seen.last() != Some(&cap.get()) {
                seen.push(cap.get());
            }
        }
        assert_eq!(seen, [20, 21, 23, 27, 33, 40, 49, 60]);
    }
}
