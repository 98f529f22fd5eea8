//! What the demo shows in a terminal: one line a second, and a summary at the end.

use std::fmt::Write;

use crate::domain::Dimension;
use crate::domain::view::BucketView;
use crate::journal::LiveView;

/// How the demo went.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Summary {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, answered well.
    pub ok: u64,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Seconds spent waiting for room, over all requests.
    pub waited_secs: f64,
    /// Requests that the providers have seen.
    pub upstream_requests: u64,
    /// Of these, refused for a limit.
    pub upstream_refusals: u64,
    /// Requests that Tierline refused.
    pub local_refusals: u64,
    /// Every bucket that was used.
    pub buckets: Vec<BucketSummary>,
}

/// How much of a bucket was used.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BucketSummary {
    /// Whose, for which models, RPM or the like.
    pub name: String,
    /// How much it holds.
    pub limit: u64,
    /// What was taken in the last minute (or since the start, if that was later).
    pub taken: u64,
    /// The share of what could have been taken in that time, its level at the start included.
    pub efficiency: f64,
    /// Whether it was the one that decided.
    pub binding: bool,
}

/// One line of how things stand.
#[must_use]
pub fn status_line(view: &LiveView, secs: u64) -> String {
    let totals = &view.totals;
    let binding = view.buckets.iter().filter(|bucket| bucket.binding).max_by(|a, b| a.share_used().total_cmp(&b.share_used()));
    let mut line = format!(
        "{secs:>3} s  {} done, {} running, {} waiting, {} refused upstream",
        totals.finished,
        view.running.len(),
        view.waiting_count(),
        totals.upstream_refusals
    );
    if let Some(bucket) = binding {
        let _ = write!(line, "; fullest: {} of {} at {:.0} %", bucket.meter, bucket.key.class, bucket.share_used() * 100.0);
    }
    line
}

/// Adds up how the demo went.
#[must_use]
pub fn summarise(view: &LiveView, (upstream_requests, upstream_refusals): (u64, u64), secs: f64) -> Summary {
    let totals = &view.totals;
    Summary {
        requests: totals.finished,
        ok: totals.ok,
        input_tokens: totals.input_tokens,
        output_tokens: totals.output_tokens,
        waited_secs: round(totals.waited_millis as f64 / 1_000.0),
        upstream_requests,
        upstream_refusals,
        local_refusals: totals.local_refusals,
        buckets: view.buckets.iter().filter(|bucket| bucket.own_per_minute > 0.0).map(|bucket| bucket_summary(bucket, secs)).collect(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn bucket_summary(bucket: &BucketView, secs: f64) -> BucketSummary {
    let capacity = bucket.capacity as f64;
    let secs = secs.min(60.0);
    // a bucket that was full at the start could have given all of it and what came back since
    let possible = match bucket.key.dimension {
        Dimension::Concurrent => f64::INFINITY,
        _ => capacity * (1.0 + secs / f64::from(bucket.key.period.as_secs().max(1))),
    };
    BucketSummary {
        name: format!("{} of {} ({})", bucket.meter, bucket.key.class, bucket.key.scope),
        limit: bucket.capacity,
        taken: bucket.own_per_minute as u64,
        efficiency: round(bucket.own_per_minute / possible),
        binding: bucket.binding,
    }
}

fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
