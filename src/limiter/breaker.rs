//! Fails fast while an endpoint keeps failing, and lets single requests try whether it has healed.
//!
//! Refusals for rate are not failures: they never count here. The pause between two tries does not grow: an endpoint that
//! has healed is in use again within seconds, and one request each [`Breaker::PAUSE`] is no load.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::Tick;

/// The breaker of one endpoint.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    recent: VecDeque<(Tick, bool)>,
    consecutive: u32,
    open: Option<Outage>,
}

/// An endpoint that keeps failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When the next request may try.
    pub next_try: Tick,
    /// What the last failure was.
    pub reason: Arc<str>,
}

impl Breaker {
    /// Between two tries.
    pub const PAUSE: Duration = Duration::from_secs(2);
    /// A provider's own wish for the pause is followed up to this.
    const LONGEST_PAUSE: Duration = Duration::from_secs(30);
    const CONSECUTIVE: u32 = 5;
    const WINDOW: Duration = Duration::from_secs(30);
    const SAMPLE: usize = 20;

    /// The outage that keeps a request from going now.
    #[must_use]
    pub fn forbids(&self, now: Tick) -> Option<&Outage> {
        self.open.as_ref().filter(|outage| now < outage.next_try)
    }

    /// The outage, whether or not a request may try now.
    #[must_use]
    pub const fn outage(&self) -> Option<&Outage> {
        self.open.as_ref()
    }

    /// A request goes: during an outage it is the one that tries, and the next has to wait.
    pub fn sent(&mut self, now: Tick) {
        if let Some(outage) = &mut self.open {
            outage.next_try = now + Self::PAUSE;
        }
    }

    /// It was answered, by whatever shows that the endpoint works. Whether that ends an outage.
    pub fn succeeded(&mut self, now: Tick) -> bool {
        self.note(now, true);
        self.consecutive = 0;
        self.open.take().is_some()
    }

    /// It failed: no answer, or one that shows that the endpoint does not work. `hint` is how long the provider asks to be
    /// left alone. Whether that begins an outage.
    pub fn failed(&mut self, now: Tick, reason: &str, hint: Option<Duration>) -> bool {
        self.note(now, false);
        self.consecutive = self.consecutive.saturating_add(1);
        let pause = hint.unwrap_or(Duration::ZERO).clamp(Self::PAUSE, Self::LONGEST_PAUSE);
        if let Some(outage) = &mut self.open {
            outage.reason = reason.into();
            if hint.is_some() {
                outage.next_try = outage.next_try.max(now + pause);
            }
            return false;
        }
        let failures = self.recent.iter().filter(|(_, ok)| !ok).count();
        let half = self.recent.len() >= Self::SAMPLE && failures * 2 >= self.recent.len();
        let opens = self.consecutive >= Self::CONSECUTIVE || half;
        if opens {
            self.open = Some(Outage { next_try: now + pause, reason: reason.into() });
        }
        opens
    }

    /// The next request may try at once.
    pub fn try_now(&mut self, now: Tick) {
        if let Some(outage) = &mut self.open {
            outage.next_try = now;
        }
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

    fn open_at(secs: u64) -> Breaker {
        let mut breaker = Breaker::default();
        assert!((0..5).map(|_| breaker.failed(at(secs), "down", None)).eq([false, false, false, false, true]));
        breaker
    }

    fn next(breaker: &Breaker, now: u64) -> Option<Tick> {
        breaker.forbids(at(now)).map(|outage| outage.next_try)
    }

    #[test]
    fn five_failures_open_it_and_one_success_closes_it() {
        let mut breaker = open_at(0);
        assert_eq!((next(&breaker, 0), next(&breaker, 2)), (Some(at(2)), None));
        breaker.sent(at(2));
        assert_eq!(next(&breaker, 2), Some(at(4)), "one at a time");
        assert!(breaker.succeeded(at(3)));
        assert_eq!((next(&breaker, 3), breaker.succeeded(at(3))), (None, false));
    }

    #[test]
    fn the_pause_between_tries_does_not_grow_and_a_try_without_an_end_does_not_block() {
        let mut breaker = open_at(0);
        for now in (2..100).step_by(2) {
            assert_eq!(next(&breaker, now), None, "at {now}");
            breaker.sent(at(now));
            if now % 4 == 0 {
                breaker.failed(at(now), "still down", None);
            }
        }
        assert_eq!(breaker.outage().unwrap().reason.as_ref(), "still down");
    }

    #[test]
    fn a_provider_that_asks_for_a_longer_pause_gets_it_within_bounds() {
        for (hint, until) in [(0, 2), (9, 9), (3_600, 30)] {
            let mut breaker = open_at(0);
            breaker.failed(at(0), "busy", Some(Duration::from_secs(hint)));
            assert_eq!(next(&breaker, 0), Some(at(until)), "{hint}");
            breaker.try_now(at(1));
            assert_eq!(next(&breaker, 1), None);
        }
    }

    #[test]
    fn half_of_twenty_open_it_too() {
        let mut breaker = Breaker::default();
        for i in 0..20 {
            let _ = if i % 2 == 0 { breaker.succeeded(at(1)) } else { breaker.failed(at(1), "down", None) };
        }
        assert!(breaker.outage().is_some());
    }
}
