//! How a batch goes: what is done, how fast, when it ends.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Tick;
pub use crate::domain::batch::BatchProgress as Progress;

/// The rate of late. Buckets that were full at the start are emptied at once and refill slowly: what was before that says
/// nothing of what comes.
#[derive(Debug)]
pub(super) struct Pace {
    began: Tick,
    seen: VecDeque<(Tick, u64)>,
}

/// The rate is taken over the last so many seconds, or as many as it takes for so many rows, but not more than these.
const SPAN: Duration = Duration::from_secs(15);
const ENOUGH: u64 = 40;
const LONGEST: Duration = Duration::from_secs(300);

impl Pace {
    pub(super) fn new(now: Tick, finished: u64) -> Self {
        Self { began: now, seen: VecDeque::from([(now, finished)]) }
    }

    /// Takes note of how many rows are over, and says how many that makes a minute.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(super) fn rate(&mut self, now: Tick, finished: u64) -> f64 {
        self.seen.push_back((now, finished));
        let is_enough = |(at, before): &(Tick, u64)| {
            let span = now.since(*at);
            span >= LONGEST || (span >= SPAN && finished.saturating_sub(*before) >= ENOUGH)
        };
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(is_enough) {
            self.seen.pop_front();
        }
        let Some((from, before)) = self.seen.front() else { return 0.0 };
        let secs = now.since(*from).as_secs_f64();
        if secs > 0.0 { finished.saturating_sub(*before) as f64 / secs * 60.0 } else { 0.0 }
    }

    pub(super) fn elapsed(&self, now: Tick) -> Duration {
        now.since(self.began)
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn eta_secs(left: u64, rows_per_min: f64) -> Option<u64> {
    (rows_per_min > 0.0).then(|| (left as f64 / rows_per_min * 60.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_forgets_what_was_long_ago() {
        let at = |secs| Tick::ZERO + Duration::from_secs(secs);
        let mut pace = Pace::new(at(0), 10);
        for (secs, finished, per_min) in
            [(10, 1_010, 6_000.0), (20, 1_110, 3_300.0), (30, 1_210, 600.0), (200, 1_220, 36.7), (330, 1_230, 4.0)]
        {
            assert_eq!(format!("{:.1}", pace.rate(at(secs), finished)), format!("{per_min:.1}"), "after {secs} s");
        }
        assert_eq!((eta_secs(90, 60.0), eta_secs(90, 0.0)), (Some(90), None));
    }
}
