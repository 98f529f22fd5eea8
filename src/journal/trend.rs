//! How full a bucket was over the last minutes: what a small curve beside its bar is drawn from.

use std::collections::VecDeque;

use jiff::Timestamp;

/// The highest share of use in each step, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trend {
    /// Steps since the epoch, and the highest share of the capacity in them.
    steps: VecDeque<(i64, f32)>,
}

impl Trend {
    /// The length of a step in seconds.
    pub const STEP_SECS: i64 = 5;
    /// How many steps are kept: five minutes.
    pub const STEPS: i64 = 60;
    /// After a longer silence nobody knows what was in between.
    const GAP: i64 = 6;

    /// Takes in what a look at the bucket found.
    pub fn note(&mut self, at: Timestamp, share: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a share to draw")]
        let share = share.clamp(0.0, 1.0) as f32;
        let step = step(at);
        match self.steps.back_mut() {
            Some((last, highest)) if *last == step => *highest = highest.max(share),
            Some((last, _)) if *last > step => return, // the wall clock was set back
            Some((last, before)) if *last + Self::GAP < step && *before > 0.0 => self.steps.clear(),
            _ => {}
        }
        if self.steps.back().is_none_or(|(last, _)| *last != step) {
            self.steps.push_back((step, share));
        }
        while self.steps.front().is_some_and(|(first, _)| *first + Self::STEPS < step) {
            self.steps.pop_front();
        }
    }

    /// Where between five minutes ago (0) and now (1), and how full: between two looks nothing moved, so the last one still holds.
    #[must_use]
    pub fn points(&self, now: Timestamp) -> Vec<[f32; 2]> {
        let (end, mut points) = (step(now), Vec::with_capacity(self.steps.len() + 1));
        let place = |step: i64| (step - end + Self::STEPS) as f32 / Self::STEPS as f32;
        let mut before: Option<(i64, f32)> = None;
        for (step, share) in self.steps.iter().copied() {
            if let Some((last, held)) = before.filter(|(last, _)| last + 1 < step) {
                points.push([place((step - 1).max(last)).max(0.0), held]);
            }
            if place(step) >= 0.0 {
                points.push([place(step), share]);
            }
            before = Some((step, share));
        }
        points.extend(before.filter(|(last, _)| *last < end).map(|(_, held)| [1.0, held]));
        points
    }

    /// The highest share that is kept.
    #[must_use]
    pub fn peak(&self) -> f32 {
        self.steps.iter().map(|(_, share)| *share).fold(0.0, f32::max)
    }
}

fn step(at: Timestamp) -> i64 {
    at.as_second().div_euclid(Trend::STEP_SECS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + secs).unwrap()
    }

    fn trend(looks: &[(i64, f64)]) -> Trend {
        let mut trend = Trend::default();
        for (secs, share) in looks {
            trend.note(at(*secs), *share);
        }
        trend
    }

    #[test]
    fn a_step_keeps_its_highest_look_and_holds_until_the_next() {
        let check = |looks: &[(i64, f64)], now: i64, expect: &[[f32; 2]]| assert_eq!(trend(looks).points(at(now)), expect, "{looks:?}");
        check(&[], 0, &[]);
        check(&[(0, 0.5), (4, 0.75), (1, 0.25)], 0, &[[1.0, 0.75]]);
        check(&[(0, 0.5), (15, 0.0)], 15, &[[0.95, 0.5], [59.0 / 60.0, 0.5], [1.0, 0.0]]);
        check(&[(0, 3.0)], 150, &[[0.5, 1.0], [1.0, 1.0]]);
    }

    #[test]
    fn what_is_too_old_or_followed_by_silence_is_forgotten() {
        assert!(trend(&[(0, 0.9), (60, 0.1)]).peak() < 0.2, "nobody looked for a minute");
        assert_eq!(trend(&[(0, 0.0), (60, 0.1)]).points(at(60)).len(), 3, "an empty bucket stays empty");
        let long: Vec<(i64, f64)> = (0..100).map(|n| (n * 5, if n == 0 { 1.0 } else { 0.2 })).collect();
        assert_eq!(trend(&long).points(at(495)).len(), 61);
        assert!(trend(&long).peak() < 0.3);
        assert!(trend(&[(50, 0.2), (0, 0.9)]).peak() < 0.3, "the wall clock was set back");
    }
}
