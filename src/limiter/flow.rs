//! What flowed out of one bucket lately: our own charges, and what headers revealed of others'.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Tick;

/// Recent charges, and a moving average of foreign traffic.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    moves: VecDeque<Move>,
    taken: u64,
    returned: u64,
    foreign_per_sec: f64,
    foreign_at: Option<Tick>,
}

/// What we took, and what was given back of earlier charges, at one moment, or, under load, in moments so close that they count
/// as one.
#[derive(Debug, Clone, Copy)]
struct Move {
    first: Tick,
    last: Tick,
    taken: u64,
    returned: u64,
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
        while let Some(Move { taken, returned, .. }) = self.moves.pop_front_if(|entry| entry.last < oldest) {
            self.taken -= taken;
            self.returned -= returned;
        }
    }

    /// We took `units`.
    pub fn charge(&mut self, units: u64, now: Tick) {
        self.note(units, 0, now);
    }

    /// An estimate was off by this much.
    pub fn correct(&mut self, difference: i64, now: Tick) {
        match u64::try_from(difference) {
            Ok(more) => self.note(more, 0, now),
            Err(_) => self.note(0, difference.unsigned_abs(), now),
        }
    }

    fn note(&mut self, taken: u64, returned: u64, now: Tick) {
        if taken == 0 && returned == 0 {
            return;
        }
        self.taken = self.taken.saturating_add(taken);
        self.returned = self.returned.saturating_add(returned);
        match self.moves.back_mut() {
            Some(entry) if now.since(entry.first) < Self::ONE_MOMENT => {
                entry.last = entry.last.max(now);
                entry.taken = entry.taken.saturating_add(taken);
                entry.returned = entry.returned.saturating_add(returned);
            }
            _ => self.moves.push_back(Move { first: now, last: now, taken, returned }),
        }
    }

    /// What was charged at that moment was this much more, or less.
    pub fn revise(&mut self, at: Tick, difference: i64) {
        let end = self.moves.partition_point(|entry| entry.first <= at);
        if let Some(entry) = end.checked_sub(1).and_then(|index| self.moves.get_mut(index)) {
            let revised = entry.taken.saturating_add_signed(difference);
            self.taken = self.taken - entry.taken + revised;
            entry.taken = revised;
        }
    }

    /// What we certainly took after `since`.
    #[must_use]
    pub fn taken_since(&self, since: Tick) -> u64 {
        self.after(|entry| entry.first > since).map(|entry| entry.taken).sum()
    }

    /// What we may have taken at `from` and after it.
    #[must_use]
    pub fn taken_from(&self, from: Tick) -> u64 {
        self.after(|entry| entry.last >= from).map(|entry| entry.taken).sum()
    }

    /// What was given back after `since`.
    #[must_use]
    pub fn returned_since(&self, since: Tick) -> u64 {
        self.after(|entry| entry.first > since).map(|entry| entry.returned).sum()
    }

    fn after(&self, is_in: impl Fn(&Move) -> bool) -> impl Iterator<Item = &Move> {
        self.moves.iter().rev().take_while(move |entry| is_in(entry))
    }

    /// What we took in the last minute.
    #[must_use]
    pub const fn own_per_minute(&self) -> u64 {
        self.taken.saturating_sub(self.returned)
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
        assert_eq!(flow.taken_since(at(1)), 50);
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
        assert_eq!((flow.moves.len(), flow.own_per_minute()), (200, 20_000));
        // a moment that lies across the border counts whole or not at all, whichever is the safe side
        assert_eq!((flow.taken_from(micros(1_995_000)), flow.taken_since(micros(1_985_000))), (100, 100));
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
