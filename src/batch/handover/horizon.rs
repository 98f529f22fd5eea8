//! When a batch that is with a provider ends, as far as anybody can tell: at the pace of what it says is done, and by its promise
//! at the latest. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::super::progress::Progress;

/// What is known of the end.
#[derive(Debug)]
pub(super) struct Horizon {
    /// When the batch was planned.
    since: Timestamp,
    /// How long the provider takes for one of its batches at most.
    promise: Option<Duration>,
    ends: Option<Timestamp>,
    latest: Option<Timestamp>,
}

impl Horizon {
    pub(super) const fn new(since: Timestamp, promise: Option<Duration>) -> Self {
        Self { since, promise, ends: None, latest: None }
    }

    /// So many of `rows` are done, and what is with the provider was submitted at `newest` the latest; `None` if nothing is. The
    /// promise is only told of the whole batch, so not while rows are still here.
    pub(super) fn look(&mut self, rows: u64, done: u64, newest: Option<Timestamp>, all_submitted: bool, now: Timestamp) {
        #[expect(clippy::cast_precision_loss, reason = "a forecast")]
        let left = (done > 0).then(|| now.duration_since(self.since).as_secs_f64() * rows.saturating_sub(done) as f64 / done as f64);
        self.ends = left.and_then(|secs| now.checked_add(Duration::try_from_secs_f64(secs).ok()?).ok());
        self.latest = newest.zip(self.promise).filter(|_| all_submitted).and_then(|(at, promise)| at.checked_add(promise).ok());
    }

    /// What that means now.
    pub(super) fn tell(&self, progress: &mut Progress, now: Timestamp) {
        let until = |at: Timestamp| u64::try_from(at.duration_since(now).as_secs()).unwrap_or(0);
        progress.latest_secs = self.latest.map(until);
        progress.eta_secs = self.ends.map(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_of_what_is_done_and_the_promise_are_told_apart() {
        let at = |secs: u64| Timestamp::UNIX_EPOCH + Duration::from_secs(secs);
        let check = |done: u64, all_submitted: bool, now: u64, expect: (Option<u64>, Option<u64>)| {
            let mut horizon = Horizon::new(at(0), Some(Duration::from_hours(24)));
            horizon.look(100, done, Some(at(60)), all_submitted, at(600));
            let mut progress = Progress::default();
            horizon.tell(&mut progress, at(now));
            assert_eq!((progress.eta_secs, progress.latest_secs), expect, "{done} done, at {now}");
        };
        check(0, true, 600, (None, Some(85_860)));
        check(25, true, 600, (Some(1_800), Some(85_860)));
        check(25, true, 900, (Some(1_500), Some(85_560)));
        check(25, false, 600, (Some(1_800), None));
        check(100, true, 600, (Some(0), Some(85_860)));
    }
}
