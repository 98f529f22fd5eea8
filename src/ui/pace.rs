//! How long a bucket lasts at the present rate, and whose requests it is. Pure functions of the view.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::view::BucketView;
use crate::domain::{ClientName, Dimension, Outcome, Refill, RequestRecord};
use crate::journal::LiveView;

/// When a bucket runs out, if everybody goes on as in the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nothing is left now.
    Out,
    /// It is empty after this long.
    In(Duration),
    /// It refills as fast as it is used, or the reset comes first.
    Lasts,
    /// Nothing is taken, or what is taken comes back when a request ends.
    Idle,
}

/// How long a bucket lasts.
#[must_use]
pub fn pace(bucket: &BucketView, now: Timestamp) -> Pace {
    let Some(left) = u64::try_from(bucket.remaining).ok().filter(|left| *left > 0) else { return Pace::Out };
    let taken = bucket.own_per_minute + bucket.foreign_per_minute;
    if taken <= 0.0 || bucket.refill == Refill::OnRelease {
        return Pace::Idle;
    }
    let minutes = f64::from(bucket.key.period.as_secs()) / 60.0;
    let back = if bucket.refill == Refill::Continuous { bucket.capacity as f64 / minutes.max(f64::MIN_POSITIVE) } else { 0.0 };
    if taken <= back {
        return Pace::Lasts;
    }
    let lasts = Duration::try_from_secs_f64(left as f64 / (taken - back) * 60.0).unwrap_or(Duration::MAX);
    let reset = bucket.full_at.filter(|_| bucket.refill != Refill::Continuous);
    match reset.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default()) {
        Some(reset) if reset <= lasts => Pace::Lasts,
        _ => Pace::In(lasts),
    }
}

/// What the clients of this machine took from a bucket over the last minute, most first. A request that runs counts once it is over.
#[must_use]
pub fn by_client(view: &LiveView, bucket: &BucketView, now: Timestamp) -> Vec<(ClientName, u64)> {
    let minute_ago = now - SignedDuration::from_mins(1);
    let mut sums = BTreeMap::<&ClientName, u64>::new();
    for record in view.recent.iter().filter(|r| r.finished_at >= minute_ago && draws_on(r, bucket)) {
        *sums.entry(&record.client).or_default() += taken(record, bucket.key.dimension).unwrap_or(0);
    }
    let mut clients: Vec<(ClientName, u64)> = sums.into_iter().filter(|(_, n)| *n > 0).map(|(client, n)| (client.clone(), n)).collect();
    clients.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    clients
}

/// Whether a request that is over drew on a bucket.
#[must_use]
pub fn draws_on(record: &RequestRecord, bucket: &BucketView) -> bool {
    let sent = !matches!(record.outcome, Outcome::RefusedLocally) && record.attempts > 0;
    sent && record.class == bucket.key.class && bucket.accounts.contains(&record.account_label)
}

/// What a request took in one dimension, as far as that can be told.
#[must_use]
pub const fn taken(record: &RequestRecord, dimension: Dimension) -> Option<u64> {
    match dimension {
        Dimension::Requests | Dimension::Concurrent => Some(1),
        Dimension::InputTokens => Some(record.counted_input),
        Dimension::OutputTokens => Some(record.counted_output),
        Dimension::Tokens => Some(record.counted_input.saturating_add(record.counted_output)),
        Dimension::Images => Some(record.usage.images),
        Dimension::Money => record.cost_nanos,
        Dimension::AudioSeconds => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BucketKey, LimitSource, ModelClass, Period, Provider, Scope};

    fn bucket(refill: Refill, remaining: i64, per_minute: f64, full_in: Option<i64>) -> BucketView {
        BucketView {
            key: BucketKey {
                scope: Scope::account(Provider::Anthropic, "work"),
                class: ModelClass::any(),
                dimension: Dimension::OutputTokens,
                period: Period::MINUTE,
            },
            meter: "OTPM".into(),
            accounts: vec!["work".into()],
            refill,
            capacity: 6_000,
            source: LimitSource::Header,
            used: 0,
            held: 0,
            remaining,
            full_at: full_in.map(|secs| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(secs)),
            frozen_until: None,
            own_per_minute: per_minute,
            foreign_per_minute: 0.0,
            confirmed_at: None,
            binding: true,
            waiting: 0,
            beliefs: Vec::new(),
        }
    }

    #[test]
    fn it_runs_out_only_if_more_is_taken_than_comes_back() {
        use Refill::{Continuous, Fixed, OnRelease};
        for (refill, remaining, per_minute, full_in, expect) in [
            (Continuous, 0, 0.0, None, Pace::Out),
            (Continuous, -5, 10.0, None, Pace::Out),
            (Continuous, 3_000, 0.0, None, Pace::Idle),
            (Continuous, 3_000, 6_000.0, Some(30), Pace::Lasts),
            (Continuous, 3_000, 9_000.0, Some(30), Pace::In(Duration::from_secs(60))),
            (Fixed, 3_000, 6_000.0, Some(29), Pace::Lasts),
            (Fixed, 3_000, 6_000.0, Some(31), Pace::In(Duration::from_secs(30))),
            (Fixed, 3_000, 6_000.0, None, Pace::In(Duration::from_secs(30))),
            (OnRelease, 3, 100.0, None, Pace::Idle),
        ] {
            assert_eq!(pace(&bucket(refill, remaining, per_minute, full_in), Timestamp::UNIX_EPOCH), expect, "{refill:?} {per_minute}");
        }
    }
}
