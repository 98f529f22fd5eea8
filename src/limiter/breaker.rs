//! Fails fast while an endpoint keeps failing, and lets single requests try whether it has healed.
//!
//! Refusals for rate are not failures: they never count here.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Tick;

/// The breaker of one endpoint.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    recent: VecDeque<(Tick, bool)>,
    consecutive: u32,
    open_until: Option<Tick>,
    /// When it opened, if nothing succeeded since.
    open_since: Option<Tick>,
    /// A request is out to try.
    trying: bool,
}

/// What the breaker says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Go.
    Yes,
    /// Not before this tick.
    NotBefore(Tick),
}

impl Breaker {
    const CONSECUTIVE: u32 = 5;
    const WINDOW: Duration = Duration::from_secs(30);
    const SAMPLE: usize = 20;
    const SHORTEST_PAUSE: Duration = Duration::from_millis(2_500);
    const LONGEST_PAUSE: Duration = Duration::from_secs(300);

    /// Whether a request may go now.
    #[must_use]
    pub fn pass(&self, now: Tick) -> Pass {
        match self.open_until {
            Some(until) if now < until => Pass::NotBefore(until),
            Some(_) if self.trying => Pass::NotBefore(now + Self::SHORTEST_PAUSE),
            _ => Pass::Yes,
        }
    }

    /// Whether it lets requests through without reserve.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.open_until.is_none()
    }

    /// A request goes.
    pub const fn sent(&mut self) {
        self.trying = self.open_until.is_some();
    }

    /// It was answered, by whatever shows that the endpoint works.
    pub fn succeeded(&mut self, now: Tick) {
        self.note(now, true);
        self.consecutive = 0;
        self.open_until = None;
        self.open_since = None;
        self.trying = false;
    }

    /// It failed: no answer, or one that shows that the endpoint does not work.
    pub fn failed(&mut self, now: Tick) {
        self.note(now, false);
        self.consecutive = self.consecutive.saturating_add(1);
        let failures = self.recent.iter().filter(|(_, ok)| !ok).count();
        let half = self.recent.len() >= Self::SAMPLE && failures * 2 >= self.recent.len();
        if self.trying || self.consecutive >= Self::CONSECUTIVE || half {
            self.trying = false;
            if self.open_until.is_none_or(|until| until <= now) {
                // an eighth of the time it has been out: what waits longer than needed after healing stays in proportion
                let out = now.since(*self.open_since.get_or_insert(now));
                self.open_until = Some(now + (out / 8).clamp(Self::SHORTEST_PAUSE, Self::LONGEST_PAUSE));
            }
        }
    }

    /// The request that was out to try came to nothing either way (its client went away).
    pub const fn undecided(&mut self) {
        self.trying = false;
    }

    fn note(&mut self, now: Tick, ok: bool) {
        let oldest = now - Self::WINDOW;
        while self.recent.front().is_some_and(|(at, _)| *at < oldest) || self.recent.len() >= 64 {
            self.recent.pop_front();
        }
        self.recent.push_back((now, ok));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Tick {
        Tick::from_nanos(secs * 1_000_000_000)
    }

    const fn millis(n: u64) -> Tick {
        Tick::from_nanos(n * 1_000_000)
    }

    #[test]
    fn five_failures_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.pass(at(0)), Pass::Yes);
        breaker.failed(at(0));
        assert_eq!(breaker.pass(at(0)), Pass::NotBefore(millis(2_500)));
        assert_eq!(breaker.pass(at(3)), Pass::Yes);
        breaker.sent();
        assert_eq!(breaker.pass(at(3)), Pass::NotBefore(millis(5_500)), "one at a time");
        breaker.succeeded(at(6));
        assert_eq!(breaker.pass(at(6)), Pass::Yes);
    }

    #[test]
    fn the_longer_it_is_out_the_rarer_it_is_tried() {
        let mut breaker = Breaker::default();
        for (secs, pause) in [(0, 2_500), (8, 2_500), (40, 5_000), (160, 20_000), (1_600, 200_000), (16_000, 300_000), (99_000, 300_000)] {
            for _ in 0..5 {
                breaker.failed(at(secs));
            }
            assert_eq!(breaker.pass(at(secs)), Pass::NotBefore(millis(secs * 1_000 + pause)), "after {secs} s");
            breaker.sent();
        }
    }

    #[test]
    fn half_of_twenty_open_it_too() {
        let mut breaker = Breaker::default();
        for i in 0..20 {
            if i % 2 == 0 { breaker.succeeded(at(1)) } else { breaker.failed(at(1)) }
        }
        assert!(!breaker.is_closed());
    }
}
