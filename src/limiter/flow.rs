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

/// What we took at a moment, and what was given back then of earlier charges.
#[derive(Debug, Clone, Copy)]
struct Move {
    at: Tick,
    taken: u64,
    returned: u64,
}

impl Flow {
    /// How long charges are remembered.
    const MEMORY: Duration = Duration::from_secs(60);
    /// How many at the most; beyond that neighbours are merged.
    const ENTRIES: usize = 4_096;
    /// The time over which the average of foreign traffic forgets.
    const FORGET_SECS: f64 = 15.0;

    /// Forgets what is older than a minute.
    pub fn fade(&mut self, now: Tick) {
        let oldest = now - Self::MEMORY;
        while let Some(Move { taken, returned, .. }) = self.moves.front().filter(|entry| entry.at < oldest).copied() {
            self.moves.pop_front();
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
        let full = self.moves.len() >= Self::ENTRIES;
        match self.moves.back_mut() {
            Some(last) if last.at == now || full => {
                last.taken = last.taken.saturating_add(taken);
                last.returned = last.returned.saturating_add(returned);
            }
            _ => self.moves.push_back(Move { at: now, taken, returned }),
        }
    }

    /// What was charged at that moment was this much more, or less.
    pub fn revise(&mut self, at: Tick, difference: i64) {
        let end = self.moves.partition_point(|entry| entry.at <= at);
        if let Some(entry) = end.checked_sub(1).and_then(|index| self.moves.get_mut(index)) {
            let revised = entry.taken.saturating_add_signed(difference);
            self.taken = self.taken - entry.taken + revised;
            entry.taken = revised;
        }
    }

    /// What we took after `since`.
    #[must_use]
    pub fn taken_since(&self, since: Tick) -> u64 {
        self.after(|at| at > since).map(|entry| entry.taken).sum()
    }

    /// What we took at `from` and after it.
    #[must_use]
    pub fn taken_from(&self, from: Tick) -> u64 {
        self.after(|at| at >= from).map(|entry| entry.taken).sum()
    }

    /// What was given back after `since`.
    #[must_use]
    pub fn returned_since(&self, since: Tick) -> u64 {
        self.after(|at| at > since).map(|entry| entry.returned).sum()
    }

    fn after(&self, is_in: impl Fn(Tick) -> bool) -> impl Iterator<Item = &Move> {
        self.moves.iter().rev().take_while(move |entry| is_in(entry.at))
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
