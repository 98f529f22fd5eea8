//! Finds a cap on concurrent requests that the provider does not tell, or that moves.
//!
//! A refusal sets the cap at once; clean answers while others wait raise it again, in steps that grow. One cut per
//! generation of requests in flight: those that were sent before a cut say nothing about the cap after it.

use crate::domain::Tick;

/// The belief about one hidden cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    cap: u64,
    ceiling: u64,
    step: u64,
    clean: u64,
    cut_at: Option<Tick>,
}

impl Cap {
    /// Believes `cap` and will never go above `ceiling`.
    #[must_use]
    pub const fn new(cap: u64, ceiling: u64) -> Self {
        Self { cap, ceiling, step: 1, clean: 0, cut_at: None }
    }

    /// What is believed now.
    #[must_use]
    pub const fn get(&self) -> u64 {
        self.cap
    }

    /// The provider refused a request that was sent at `sent`, naming its cap or not, with `in_flight` others out.
    pub fn refused(&mut self, named: Option<u64>, in_flight: u64, sent: Tick, now: Tick) {
        if let Some(named) = named {
            self.cap = named.max(1);
        } else if self.cut_at.is_none_or(|cut| sent > cut) {
            self.cap = (in_flight.min(self.cap) * 9 / 10).max(1);
        }
        self.cut_at = Some(now);
        self.step = 1;
        self.clean = 0;
    }

    /// A request that used the last free place was answered well while others waited.
    pub fn clean(&mut self) {
        self.clean += 1;
        if self.clean >= self.cap && self.cap < self.ceiling {
            self.cap = (self.cap + self.step).min(self.ceiling);
            self.step = self.step.saturating_mul(2).min(self.cap / 4 + 1);
            self.clean = 0;
        }
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
    fn one_generation_of_refusals_cuts_once() {
        let mut cap = Cap::new(100, 500);
        for _ in 0..20 {
            cap.refused(None, 100, at(1), at(2));
        }
        assert_eq!(cap.get(), 90);
        cap.refused(None, 90, at(3), at(4));
        assert_eq!(cap.get(), 81);
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
        assert_eq!(seen, [20, 21, 23, 27, 34, 43, 54, 60]);
    }
}
