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
    /// How often it opened without a success since.
    openings: u32,
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
    const FIRST_PAUSE: Duration = Duration::from_secs(5);
    const LONGEST_PAUSE: Duration = Duration::from_secs(300);

    /// Whether a request may go now.
    #[must_use]
    pub fn pass(&self, now: Tick) -> Pass {
        match self.open_until {
            Some(until) if now < until => Pass::NotBefore(until),
            Some(_) if self.trying => Pass::NotBefore(now + Self::FIRST_PAUSE),
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
        self.openings = 0;
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
                let pause = Self::FIRST_PAUSE.saturating_mul(1 << self.openings.min(6)).min(Self::LONGEST_PAUSE);
                self.openings = self.openings.saturating_add(1);
                self.open_until = Some(now + pause);
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

    #[test]
    fn five_failures_open_it_and_one_success_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.pass(at(0)), Pass::Yes);
        breaker.failed(at(0));
        assert_eq!(breaker.pass(at(0)), Pass::NotBefore(at(5)));
        assert_eq!(breaker.pass(at(5)), Pass::Yes);
        breaker.sent();
        assert_eq!(breaker.pass(at(5)), Pass::NotBefore(at(10)), "one at a time");
        breaker.succeeded(at(6));
        assert_eq!(breaker.pass(at(6)), Pass::Yes);
    }

    #[test]
    fn each_failed_try_doubles_the_pause() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            for _ in 0..5 {
                breaker.failed(at(now));
            }
            assert_eq!(breaker.pass(at(now)), Pass::NotBefore(at(now + pause)), "pause {pause}");
            now += pause;
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
