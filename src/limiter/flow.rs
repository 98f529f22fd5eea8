//! What flowed out of one bucket lately: our own charges, and what headers revealed of others'.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Tick;

/// Recent charges, and a moving average of foreign traffic.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    charges: VecDeque<Charge>,
    charged: u64,
    foreign_per_sec: f64,
    foreign_at: Option<Tick>,
}

/// What we took at one moment, or, under load, in moments so close that they count as one.
#[derive(Debug, Clone, Copy)]
struct Charge {
    first: Tick,
    last: Tick,
    units: u64,
}

impl Flow {
    /// How long charges are remembered.
    const MEMORY: Duration = Duration::from_secs(60);
    /// Charges this close to each other are kept as one: a busy bucket asks with every header what it took of late, and must
    /// not add up thousands of them each time.
    const ONE_MOMENT: Duration = Duration::from_millis(10);
    /// The time over which the average of foreign traffic forgets.
    const FORGET_SECS: f64 = 15.0;

    /// Forgets what is older than a minute.
    pub fn fade(&mut self, now: Tick) {
        let oldest = now - Self::MEMORY;
        while let Some(charge) = self.charges.pop_front_if(|charge| charge.last < oldest) {
            self.charged = self.charged.saturating_sub(charge.units);
        }
    }

    /// We took `units`.
    pub fn charge(&mut self, units: u64, now: Tick) {
        if units == 0 {
            return;
        }
        self.charged = self.charged.saturating_add(units);
        match self.charges.back_mut() {
            Some(charge) if now.since(charge.first) < Self::ONE_MOMENT => {
                charge.last = charge.last.max(now);
                charge.units = charge.units.saturating_add(units);
            }
            _ => self.charges.push_back(Charge { first: now, last: now, units }),
        }
    }

    /// An estimate was off by this much.
    pub fn correct(&mut self, difference: i64, now: Tick) {
        if let Ok(more) = u64::try_from(difference) {
            self.charge(more, now);
            return;
        }
        let mut less = difference.unsigned_abs();
        for charge in self.charges.iter_mut().rev() {
            let part = less.min(charge.units);
            charge.units -= part;
            less -= part;
            self.charged -= part;
            if less == 0 {
                break;
            }
        }
    }

    /// What we certainly took after `since`.
    #[must_use]
    pub fn charged_since(&self, since: Tick) -> u64 {
        self.charges.iter().rev().take_while(|charge| charge.first > since).map(|charge| charge.units).sum()
    }

    /// What we may have taken at `from` and after it.
    #[must_use]
    pub fn charged_from(&self, from: Tick) -> u64 {
        self.charges.iter().rev().take_while(|charge| charge.last >= from).map(|charge| charge.units).sum()
    }

    /// What we took in the last minute.
    #[must_use]
    pub const fn own_per_minute(&self) -> u64 {
        self.charged
    }

    /// A header showed `units` more (or, negative, fewer) taken than we knew, over a stretch of time.
    pub fn foreign(&mut self, units: i64, over: Duration, now: Tick) {
        if units > 0 {
            self.foreign_at = Some(now);
        }
        let secs = over.as_secs_f64().max(0.05);
        let gain = 1.0 - (-secs / Self::FORGET_SECS).exp();
        self.foreign_per_sec = (self.foreign_per_sec + gain * units as f64 / secs).max(0.0);
    }

    /// When it was last seen.
    #[must_use]
    pub const fn foreign_at(&self) -> Option<Tick> {
        self.foreign_at
    }

    /// Whether others draw on the bucket as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.foreign_per_sec > 0.0
    }

    /// What was taken for others' traffic was something else.
    pub const fn forget_foreign(&mut self) {
        self.foreign_per_sec = 0.0;
        self.foreign_at = None;
    }

    /// Foreign traffic over a window of this length, in units.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative; saturates")]
    pub fn foreign_per(&self, window: Duration) -> u64 {
        (self.foreign_per_sec * window.as_secs_f64()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Tick {
        Tick::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn charges_are_counted_after_a_moment_and_forgotten_after_a_minute() {
        let mut flow = Flow::default();
        for (secs, units) in [(1, 10), (2, 20), (3, 30)] {
            flow.charge(units, at(secs));
        }
        assert_eq!(flow.charged_since(at(1)), 50);
        assert_eq!(flow.own_per_minute(), 60);
        flow.correct(-25, at(3));
        assert_eq!(flow.own_per_minute(), 35);
        flow.fade(at(63));
        assert_eq!(flow.own_per_minute(), 5);
    }

    #[test]
    fn a_busy_minute_is_kept_in_moments() {
        let mut flow = Flow::default();
        let micros = |at: u64| Tick::from_nanos(at * 1_000);
        for charge in 0..20_000 {
            flow.charge(1, micros(charge * 100));
        }
        assert_eq!((flow.charges.len(), flow.own_per_minute()), (200, 20_000));
        // a moment that lies across the border counts whole or not at all, whichever is the safe side
        assert_eq!((flow.charged_from(micros(1_995_000)), flow.charged_since(micros(1_985_000))), (100, 100));
    }

    #[test]
    fn a_steady_neighbour_is_learned_within_a_minute() {
        let mut flow = Flow::default();
        for _ in 0..60 {
            let missed = 10.0 - flow.foreign_per_sec;
            #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
            flow.foreign(missed.round() as i64, Duration::from_secs(1), at(0));
        }
        assert!((540..=660).contains(&flow.foreign_per(Duration::from_secs(60))), "{}", flow.foreign_per(Duration::from_secs(60)));
    }
}
