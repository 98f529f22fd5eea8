//! Which charge rules a header contradicts outright: by a rule that takes more than the provider does, so much could not be left.
//!
//! It knows nothing of how well a rule predicts, only what it makes impossible. A bucket holds its limit at most; whatever others
//! take and whenever the provider computes its headers, only lowers what is left. So one header that shows more than a rule
//! leaves room for says more than many that agree with another, and rounding, which hides single requests, does not hide it.

use std::collections::VecDeque;
use std::time::Duration;

use super::charge::{ChargeRule, Header, Movement};
use crate::domain::Tick;

/// What moved lately, and how many headers each rule failed to explain.
#[derive(Debug, Clone, Default)]
pub(super) struct Ceilings {
    movements: VecDeque<Movement>,
    against: [u8; ChargeRule::ALL.len()],
}

impl Ceilings {
    /// Whoever starts from a full bucket at any of them never reckons with too little.
    const MOVEMENTS: usize = 256;
    /// So many headers must contradict a rule.
    const ENOUGH: u8 = 2;

    /// Something may have moved the provider's counter.
    pub(super) fn push(&mut self, movement: Movement) {
        if self.movements.len() >= Self::MOVEMENTS {
            self.movements.pop_front();
        }
        self.movements.push_back(movement);
    }

    /// A header came.
    pub(super) fn judge(&mut self, header: &Header, refilled_per_sec: f64) {
        let shown = header.remaining as f64 - header.grain as f64 / 2.0;
        for rule in [ChargeRule::ReservesMax, ChargeRule::KeepsMax] {
            if self.rules_out(rule) {
                continue;
            }
            // nobody says when it was computed
            let ceiling =
                [header.sent, header.at].map(|then| self.most(rule, then, header, refilled_per_sec)).into_iter().fold(0.0, f64::max);
            if shown > ceiling {
                self.against[rule as usize] += 1;
            }
        }
    }

    /// Whether headers showed more than this rule would have left.
    pub(super) const fn rules_out(&self, rule: ChargeRule) -> bool {
        self.against[rule as usize] >= Self::ENOUGH
    }

    /// A refusal says otherwise.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The most that could be left by this rule if the header was computed `then`.
    fn most(&self, rule: ChargeRule, then: Tick, header: &Header, refilled_per_sec: f64) -> f64 {
        // what was sent a moment before may have arrived after it; what was given back a moment before is known only after it
        let margin = header.on_way.max(Movement::OVERTAKING);
        let limit = header.limit as f64;
        let regained = |level: f64, time: Duration| limit.min(level + refilled_per_sec * time.as_secs_f64());
        let (mut level, mut at, mut largest) = (limit, Tick::ZERO, 0);
        for movement in &self.movements {
            let charge = movement.charge[rule as usize];
            let counts = if charge > 0 { movement.at + margin < then } else { movement.at <= then + margin };
            if counts {
                level = regained(level, movement.at.since(at)) - charge as f64;
                at = at.max(movement.at);
                largest = largest.max(charge);
            }
        }
        // one of those on their way may be over, and its answer not here yet
        regained(level, (then + margin).since(at)) + largest as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: i64 = 1_024;
    const OUTPUT: i64 = 150;

    const fn millis(n: u64) -> Tick {
        Tick::from_nanos(n * 1_000_000)
    }

    /// Requests every 300 ms that take so long, at a bucket of 8,000 a minute; which rules its headers contradict, when each
    /// shows what `left` makes of those that are over and those under way, in thousands or exactly.
    fn ruled_out(takes: u64, grain: u64, left: impl Fn(i64, i64) -> i64, heads_on_arrival: bool) -> Vec<ChargeRule> {
        let mut ceilings = Ceilings::default();
        for at in (0..6_000).step_by(100) {
            if at % 300 == 0 {
                ceilings.push(Movement::new(millis(at), [0, MAX, MAX, OUTPUT]));
            }
            let Some(sent) = u64::checked_sub(at, takes).filter(|sent| sent % 300 == 0) else { continue };
            let computed = if heads_on_arrival { sent } else { at };
            let sent_before = |end: u64| i64::try_from(end.div_ceil(300)).unwrap();
            let (over, begun) = (sent_before(computed.saturating_sub(takes)), sent_before(computed + 1));
            // what others take hides nothing: it only lowers what is left
            let remaining = left(over, begun - over).clamp(0, 8_000).unsigned_abs();
            let remaining = (remaining + grain / 2) / grain * grain;
            let header = Header { remaining, limit: 8_000, grain, sent: millis(sent), at: millis(at), on_way: Duration::from_millis(50) };
            ceilings.push(Movement::new(millis(at), [OUTPUT, OUTPUT - MAX, 0, 0]));
            ceilings.judge(&header, 8_000.0 / 60.0);
        }
        [ChargeRule::ReservesMax, ChargeRule::KeepsMax].into_iter().filter(|rule| ceilings.rules_out(*rule)).collect()
    }

    #[test]
    fn what_is_left_contradicts_rules_that_take_more_and_never_the_true_one() {
        const BOTH: &[ChargeRule] = &[ChargeRule::ReservesMax, ChargeRule::KeepsMax];
        const KEEPS: &[ChargeRule] = &[ChargeRule::KeepsMax];
        for takes in [600, 1_500, 3_000] {
            for grain in [1, 1_000] {
                for heads_on_arrival in [false, true] {
                    let check = |left: fn(i64, i64) -> i64, expect: &[&[ChargeRule]]| {
                        let found = ruled_out(takes, grain, left, heads_on_arrival);
                        assert!(expect.contains(&found.as_slice()), "{found:?}: {takes} ms, grain {grain}, on arrival {heads_on_arrival}");
                    };
                    // where few are under way, one answer more or less may explain it
                    let few = takes == 600;
                    check(|over, _| 8_000 - OUTPUT * over, if few { &[KEEPS, BOTH] } else { &[BOTH] });
                    check(|over, open| 8_000 - OUTPUT * over - MAX * open, &[&[], KEEPS]);
                    check(|over, open| 8_000 - MAX * (over + open), &[&[]]);
                    check(|over, open| 5_000 - MAX * (over + open), &[&[]]);
                }
            }
        }
    }
}
