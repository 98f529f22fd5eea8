//! What the limiter believes of one bucket, for people: each belief with its value, what it rests on, when that last spoke, and how
//! sure it is.

use std::time::Duration;

use super::book::Entry;
use super::bucket::is_measured;
use super::cap::Cap;
use super::estimate::Estimator;
use crate::domain::view::{Belief, Sureness};
use crate::domain::{Dimension, LimitSource, ModelClass, Now, Refill, Tick};

/// How many kinds of requests are shown with their sizes.
const SIZES: usize = 4;

/// Everything believed of a bucket.
pub(super) fn of_bucket(entry: &Entry, now: Now) -> Vec<Belief> {
    let mut beliefs = Vec::new();
    if let Some(cap) = &entry.cap {
        beliefs.push(of_cap(cap, now));
        return beliefs;
    }
    beliefs.push(of_rate(entry));
    if entry.bucket.limit().window.refill == Refill::Continuous {
        beliefs.push(of_burst(entry, now));
    }
    if matches!(entry.key.dimension, Dimension::Tokens | Dimension::OutputTokens) {
        beliefs.push(of_charge(entry, now));
    }
    beliefs.push(of_others(entry, now));
    beliefs
}

/// What requests of this class take, by program.
pub(super) fn of_sizes(estimator: &Estimator, class: &ModelClass) -> Vec<Belief> {
    let kinds = estimator.export().into_iter().map(|(kind, _)| kind).filter(|kind| kind.class == *class && !kind.is_of_anybody());
    let beliefs = kinds.filter_map(|kind| {
        let (ratio, output, count) = estimator.belief(&kind)?;
        Some(Belief {
            what: format!("size of {}'s requests", kind.client),
            value: format!("{ratio:.3} tokens per byte, {output:.0} output tokens"),
            evidence: format!("the last {count} answers to {}", kind.api.name()),
            at: None,
            sureness: Sureness::of(count),
        })
    });
    beliefs.take(SIZES).collect()
}

fn of_rate(entry: &Entry) -> Belief {
    let limit = entry.bucket.limit();
    let evidence = match limit.source {
        LimitSource::Header => "a response header".to_owned(),
        LimitSource::Refusal => "the text of a refusal".to_owned(),
        LimitSource::Admin => "the provider's admin API".to_owned(),
        LimitSource::User => "set by the user".to_owned(),
        LimitSource::Learned => "worked out from refusals".to_owned(),
        LimitSource::Catalog { as_of } => format!("the catalogue, as of {as_of}; no header has confirmed it yet"),
    };
    let sureness = match limit.source {
        source if is_measured(source) => Sureness::Sure,
        LimitSource::User => Sureness::Sure,
        LimitSource::Learned => Sureness::Likely,
        _ => Sureness::Assumed,
    };
    let value = format!("{} {} a {}", limit.capacity, entry.key.dimension.unit(), entry.key.period.name());
    Belief { what: "rate".into(), value, evidence, at: entry.bucket.confirmed_at(), sureness }
}

fn of_burst(entry: &Entry, now: Now) -> Belief {
    let (burst, capacity, unit) = (entry.bucket.burst(), entry.bucket.limit().capacity, entry.key.dimension.unit());
    let is_whole = burst.capacity() >= capacity;
    let value = if is_whole { "the whole bucket at once".to_owned() } else { format!("{} {unit} at once", burst.capacity()) };
    let (evidence, sureness) = match (burst.refusals(), burst.growths()) {
        (0, 0) if is_whole => ("known, not tried".to_owned(), Sureness::Assumed),
        (0, 0) => ("nothing larger was needed or tried yet".to_owned(), Sureness::Assumed),
        (0, grown) => (format!("grew {grown} times, and nothing was refused"), Sureness::Likely),
        (refusals, _) => (format!("{refusals} larger bursts were refused"), Sureness::Sure),
    };
    Belief { what: "burst".into(), value, evidence, at: wall(burst.changed_at(), now), sureness }
}

fn of_charge(entry: &Entry, now: Now) -> Belief {
    let samples = entry.evidence.samples();
    let evidence = if samples == 0 {
        "documentation; no header has tested it yet".to_owned()
    } else {
        format!("{samples} comparisons with headers, off by {:.0} % in the mean", entry.evidence.error() * 100.0)
    };
    let at = wall(entry.evidence.tested_at(), now);
    Belief { what: "charge rule".into(), value: entry.evidence.rule().title().into(), evidence, at, sureness: Sureness::of(samples) }
}

fn of_others(entry: &Entry, now: Now) -> Belief {
    let (flow, capacity) = (entry.bucket.flow(), entry.bucket.limit().capacity.max(1));
    let share = flow.foreign_per(entry.bucket.limit().window.period.duration().max(Duration::from_secs(1))).saturating_mul(100) / capacity;
    let (value, evidence, sureness) = match (entry.reading, flow.foreign_at()) {
        (None, _) => ("unknown".to_owned(), "no header has told what is left".to_owned(), Sureness::Assumed),
        (Some(_), None) => ("nobody else".to_owned(), "headers never showed less than our own books".to_owned(), Sureness::Likely),
        (Some(_), Some(_)) => (
            format!("others take {share} % of the limit"),
            "headers showed less than our own books, over the last half minute".to_owned(),
            Sureness::Likely,
        ),
    };
    let at = wall(flow.foreign_at().or_else(|| entry.reading.map(|(at, ..)| at)), now);
    Belief { what: "foreign share".into(), value, evidence, at, sureness }
}

fn of_cap(cap: &Cap, now: Now) -> Belief {
    let met: Vec<String> = cap.met().map(|level| level.to_string()).collect();
    let (evidence, sureness) = match cap.refusals() {
        0 => ("documented; no refusal has tested it".to_owned(), Sureness::Assumed),
        refusals if met.is_empty() => (format!("{refusals} refusals"), Sureness::Likely),
        refusals => (format!("{refusals} refusals; caps met so far: {}", met.join(", ")), Sureness::Likely),
    };
    let at = wall(cap.changed_at(), now);
    Belief { what: "concurrency cap".into(), value: format!("{} at once", cap.get()), evidence, at, sureness }
}

fn wall(at: Option<Tick>, now: Now) -> Option<jiff::Timestamp> {
    at.map(|tick| now.wall_at(tick))
}
