//! Deadlines: when a request can be expected to go, and the refusal of one that may not wait so long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::book::BucketId;
use super::bucket::Ready;
use super::core::{Core, LineKey};
use super::estimate::Expectation;
use crate::domain::{BucketKey, Dimension, Lane, LocalReason, LocalRefusal, Now, Refill, Tick};

impl Core {
    /// Refuses a request that would wait longer than it may.
    pub(super) fn check_deadline(
        &mut self,
        key: &LineKey,
        lane: Lane,
        expected: &Expectation,
        patience: Duration,
        now: Now,
    ) -> Result<(), LocalRefusal> {
        let Some((bucket, at)) = self.expected_start(key, lane, expected, now) else { return Ok(()) };
        let wait = at.since(now.tick);
        if wait <= patience {
            return Ok(());
        }
        let key = self.book.get(bucket).key.clone();
        Err(self.too_late(Some(key), wait, patience, now))
    }

    /// When a request at the end of the queue can be expected to go, by the bucket that decides.
    pub(super) fn expected_start(&mut self, key: &LineKey, lane: Lane, expected: &Expectation, now: Now) -> Option<(BucketId, Tick)> {
        let Self { lines, book, .. } = self;
        let state = lines.get(key)?;
        let mut ahead = *state.line.queued(Lane::Interactive);
        if lane == Lane::Batch {
            ahead = ahead.plus(state.line.queued(Lane::Batch));
        }
        let mut latest = None;
        for id in &state.buckets {
            let entry = book.get_mut(*id);
            entry.bucket.refill(now);
            let rule = entry.evidence.rule();
            let need = match entry.key.dimension {
                Dimension::Requests => ahead.count + 1,
                // places in flight come back at a pace that nobody knows
                Dimension::Concurrent => continue,
                dimension => rule.need(dimension, &ahead.sum).total().saturating_add(rule.need(dimension, expected).total()),
            };
            let missing = i64::try_from(need).unwrap_or(i64::MAX).saturating_sub(entry.bucket.available());
            let mut at = entry.bucket.frozen_until().unwrap_or(now.tick);
            if missing > 0 {
                at = at.max(match entry.bucket.limit().window.refill {
                    Refill::Continuous => now.tick + entry.bucket.time_to_gain(missing),
                    _ => match entry.bucket.ready(1, now) {
                        Ready::At(at) => at,
                        Ready::Now | Ready::OnRelease => now.tick,
                    },
                });
            }
            if latest.is_none_or(|(_, latest)| at > latest) {
                latest = Some((*id, at));
            }
        }
        latest
    }

    fn too_late(&self, bucket: Option<BucketKey>, wait: Duration, patience: Duration, now: Now) -> LocalRefusal {
        let what = bucket.as_ref().map_or_else(|| "the queue".to_owned(), ToString::to_string);
        let message = format!(
            "{what} has room for this request in {:.1} s, later than its deadline of {:.1} s; {} requests wait",
            wait.as_secs_f64(),
            patience.as_secs_f64(),
            self.waiting.len(),
        );
        LocalRefusal {
            reason: LocalReason::Deadline,
            bucket,
            retry_after: Some(wait),
            ready_at: Some(now.wall_at(now.tick + wait)),
            message,
        }
    }

    /// Refuses whose time is up. Whether there was anybody.
    pub(super) fn expire(&mut self, now: Now) -> bool {
        let mut any = false;
        while let Some((deadline, ticket)) = self.deadlines.first().copied() {
            if deadline > now.tick {
                break;
            }
            self.deadlines.pop_first();
            let Some(waiting) = self.waiting.get(&ticket) else { continue };
            let key = (waiting.ask.account, waiting.ask.class.clone());
            let patience = deadline.since(waiting.since);
            let obstacle = self.obstacle(&key, ticket, &BTreeMap::new(), now);
            let at = obstacle.and_then(|o| o.until).unwrap_or(now.tick + Duration::from_secs(1));
            let bucket = obstacle.and_then(|o| o.bucket).map(|id| self.book.get(id).key.clone());
            let refusal = self.too_late(bucket, at.since(now.tick), patience, now);
            self.refuse_waiting(ticket, refusal);
            any = true;
        }
        any
    }
}
