//! Batches that other processes run, as far as the journal shows how they go.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::batch::{BatchId, BatchProgress, BatchRecord, BatchState};
use crate::domain::{Now, Tick};
use crate::store::{BatchHolder, DataDir};

/// What was seen of each, by looking again and again.
#[derive(Default)]
pub(super) struct Watched(BTreeMap<BatchId, Watch>);

struct Watch {
    process: Option<u32>,
    /// How many rows were finished at the latest looks.
    looks: VecDeque<(Tick, u64)>,
    progress: BatchProgress,
}

/// The rate is that of the last minute.
const SPAN: Duration = Duration::from_secs(60);

impl Watched {
    /// Looks at every batch that should be running and is not `ours`.
    pub(super) fn look(&mut self, dir: &DataDir, listed: &[BatchRecord], ours: impl Fn(BatchId) -> bool, now: Now) {
        let mut before = std::mem::take(&mut self.0);
        for record in listed.iter().filter(|record| record.state == BatchState::Running && !ours(record.id)) {
            if let Some(holder) = dir.batch_holder(record.id) {
                let looks = before.remove(&record.id).map(|watch| watch.looks).unwrap_or_default();
                self.0.insert(record.id, Watch::of(record, holder, looks, now));
            }
        }
    }

    /// Which process runs a batch, where that is known, and how it goes.
    pub(super) fn get(&self, id: BatchId) -> Option<(Option<u32>, &BatchProgress)> {
        self.0.get(&id).map(|watch| (watch.process, &watch.progress))
    }
}

impl Watch {
    fn of(record: &BatchRecord, holder: BatchHolder, mut looks: VecDeque<(Tick, u64)>, now: Now) -> Self {
        looks.push_back((now.tick, record.finished()));
        while looks.get(1).is_some_and(|(at, _)| now.tick.since(*at) >= SPAN) {
            looks.pop_front();
        }
        let rate = looks.front().map_or(0.0, |(at, finished)| {
            let minutes = now.tick.since(*at).as_secs_f64() / 60.0;
            if minutes > 0.0 { record.finished().saturating_sub(*finished) as f64 / minutes } else { 0.0 }
        });
        let progress = BatchProgress {
            rows: record.rows,
            answered: record.answered,
            failed: record.failed,
            rows_per_min: rate,
            eta_secs: eta(record.rows.saturating_sub(record.finished()), rate),
            cost_nanos: record.cost_nanos,
            elapsed_secs: holder.since.map_or(0, |since| now.wall.duration_since(since).as_secs().max(0).unsigned_abs()),
            ..BatchProgress::default()
        };
        Self { process: holder.process, looks, progress }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn eta(left: u64, per_minute: f64) -> Option<u64> {
    (per_minute > 0.0).then(|| (left as f64 * 60.0 / per_minute).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_at_the_rate_of_the_last_minute() {
        for (left, rate, secs) in [(120, 60.0, Some(120)), (1, 120.0, Some(1)), (0, 60.0, Some(0)), (120, 0.0, None)] {
            assert_eq!(eta(left, rate), secs);
        }
    }
}
