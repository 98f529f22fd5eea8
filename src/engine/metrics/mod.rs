//! The page for monitoring systems: what happened since the start, and where every bucket stands now.

mod text;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use self::text::{Kind, Labels, Text, with};
use crate::domain::view::BucketView;
use crate::domain::{Event, Outcome};
use crate::journal::figures::{Row, RowKey};
use crate::journal::{Figures, Sink};
use crate::limiter::Limiter;
use crate::store::{Store, StoreState};

/// The counts that the recorder keeps, and whom to ask for the rest. Cheap to clone.
#[derive(Clone)]
pub(super) struct Metrics {
    figures: Arc<Mutex<Figures>>,
    limiter: Limiter,
    store: Store,
    sink: Sink,
}

/// More buckets than this are not listed.
const BUCKETS: usize = 500;

impl Metrics {
    pub(super) fn new(limiter: Limiter, store: Store, sink: Sink) -> Self {
        Self { figures: Arc::default(), limiter, store, sink }
    }

    pub(super) fn apply(&self, event: &Event) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).apply(event);
    }

    /// The page as it is now.
    pub(super) fn page(&self) -> String {
        let mut text = Text::default();
        let (now, buckets, waiting, in_flight) =
            self.limiter.with(|core, now| (now.wall, core.buckets(now), core.waiting_by_lane(), core.counts().1));
        traffic(&mut text, &self.figures.lock().unwrap_or_else(PoisonError::into_inner), now);
        headroom(&mut text, &buckets, now);

        text.family("tierline_waiting_requests", Kind::Gauge, "Requests that wait for room, by lane.");
        for (lane, count) in ["interactive", "batch"].into_iter().zip(waiting) {
            text.count("tierline_waiting_requests", &[("lane", lane)], count);
        }
        text.family("tierline_requests_in_flight", Kind::Gauge, "Requests that were sent and are not over.");
        text.count("tierline_requests_in_flight", &[], in_flight as u64);
        let health = self.store.health();
        text.family("tierline_history_written", Kind::Gauge, "1 while the history is written to disk, 0 while it cannot be.");
        text.count("tierline_history_written", &[], u64::from(health.state == StoreState::Ok));
        text.family("tierline_history_lost_total", Kind::Counter, "Events and rows that could not be recorded.");
        text.count("tierline_history_lost_total", &[], self.sink.lost() + health.dropped);
        text.family("tierline_build_info", Kind::Gauge, "Always 1; the version is in the label.");
        text.count("tierline_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.into_string()
    }
}

/// One family of each kind of count, a sample for each provider and model.
fn traffic(text: &mut Text, figures: &Figures, now: Timestamp) {
    family(text, figures, "tierline_requests_total", Kind::Counter, "Finished requests, by how they ended.", |text, name, labels, row| {
        for (outcome, count) in Outcome::ALL.into_iter().zip(row.by_outcome) {
            text.count(name, &with(labels, ("outcome", outcome.name())), count);
        }
    });
    family(text, figures, "tierline_attempts_total", Kind::Counter, "How often requests were sent, retries included.", |t, n, l, row| {
        t.count(n, l, row.attempts);
    });
    family(text, figures, "tierline_retries_total", Kind::Counter, "Attempts beyond the first.", |t, n, l, row| t.count(n, l, row.retries));
    let help = "Attempts that the provider refused for a limit (429 and its kin).";
    family(text, figures, "tierline_refused_attempts_total", Kind::Counter, help, |t, n, l, row| t.count(n, l, row.refused));
    family(text, figures, "tierline_requests_per_minute", Kind::Gauge, "Requests that arrived in the last 60 seconds.", |t, n, l, row| {
        t.count(n, l, row.per_minute(now));
    });
    let help = "Share of the last 60 seconds' attempts that the provider refused for a limit, 0 to 1.";
    family(text, figures, "tierline_refused_ratio", Kind::Gauge, help, |t, n, l, row| t.sample(n, l, row.refused_share(now)));
    family(
        text,
        figures,
        "tierline_tokens_total",
        Kind::Counter,
        "Tokens that answers say they took, by type.",
        |text, name, labels, row| {
            for (kind, count) in ["input", "cache_read", "cache_write", "output"].into_iter().zip(row.tokens) {
                text.count(name, &with(labels, ("type", kind)), count);
            }
        },
    );
    let help = "Input tokens of a request, cached ones included.";
    family(text, figures, "tierline_request_input_tokens", Kind::Histogram, help, |t, n, l, row| t.histogram(n, l, &row.input));
    let help = "Output tokens of a request, reasoning included.";
    family(text, figures, "tierline_request_output_tokens", Kind::Histogram, help, |t, n, l, row| t.histogram(n, l, &row.output));
    let help = "Seconds that a request waited for room.";
    family(text, figures, "tierline_wait_seconds", Kind::Histogram, help, |t, n, l, row| t.histogram(n, l, &row.wait_secs));
    let help = "Seconds from sending a request to the first byte of its answer.";
    family(text, figures, "tierline_first_byte_seconds", Kind::Histogram, help, |t, n, l, row| t.histogram(n, l, &row.first_byte_secs));
    let help = "What requests cost, as far as prices are known.";
    family(text, figures, "tierline_cost_dollars_total", Kind::Counter, help, |t, n, l, row| t.sample(n, l, row.cost_nanos as f64 / 1e9));
}

fn family(text: &mut Text, figures: &Figures, name: &str, kind: Kind, help: &str, sample: impl Fn(&mut Text, &str, Labels<'_>, &Row)) {
    text.family(name, kind, help);
    for (RowKey { provider, model }, row) in figures.rows() {
        sample(text, name, &[("provider", provider.name()), ("model", model)], row);
    }
}

fn headroom(text: &mut Text, buckets: &[BucketView], now: Timestamp) {
    type Figure = fn(&BucketView, Timestamp) -> f64;
    let families: [(&str, &str, Figure); 6] = [
        ("tierline_bucket_capacity", "How much a bucket holds when it is full, in the unit of its dimension.", |b, _| b.capacity as f64),
        ("tierline_bucket_headroom", "What is left of a bucket for new requests; negative while there is debt.", |b, _| b.remaining as f64),
        ("tierline_bucket_held", "What requests in flight hold of a bucket.", |b, _| b.held as f64),
        ("tierline_bucket_waiting_requests", "Requests that wait for a bucket.", |b, _| f64::from(b.waiting)),
        ("tierline_bucket_foreign_per_minute", "Use of a bucket by others, as far as headers show it.", |b, _| b.foreign_per_minute),
        ("tierline_bucket_frozen", "1 while the provider wants no request that draws on a bucket.", |b, now| {
            f64::from(u8::from(b.frozen_until.is_some_and(|until| until > now)))
        }),
    ];
    for (name, help, figure) in families {
        text.family(name, Kind::Gauge, help);
        for bucket in buckets.iter().take(BUCKETS) {
            let key = &bucket.key;
            let scope = format!("{} {}", key.scope.kind.name(), key.scope.id);
            let labels = [
                ("provider", key.scope.provider.name()),
                ("scope", &scope),
                ("model_class", key.class.as_str()),
                ("meter", &bucket.meter),
                ("dimension", key.dimension.name()),
            ];
            text.sample(name, &labels, figure(bucket, now));
        }
    }
}
