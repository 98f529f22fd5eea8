//! Reads limits, identity and waits from the headers of an answer.
//!
//! Which header means what stands in `families`; how a value is read and doubted in `fields`; how a header that says
//! neither minute nor day gives its window away in `period`. Subscription headers (`anthropic-ratelimit-unified-*`,
//! `x-codex-*`) meter something that an API key does not have, and are left alone.

pub(super) mod families;
mod fields;
mod period;

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

use self::families::{Family, Span};
use self::fields::Fields;
use super::delay;
use crate::domain::{Dialect, Dimension, Identity, Period, Pool, Reading, Snapshot};

/// Where a provider puts its id for a request, the one its support asks for first.
const REQUEST_ID: [&str; 4] = ["request-id", "apim-request-id", "x-request-id", "x-ds-trace-id"];

/// The `date` header has whole seconds and an answer takes a while; less than this is no difference between two clocks.
const SAME_CLOCK: SignedDuration = SignedDuration::from_secs(5);

/// What an answer's headers say.
#[must_use]
pub fn snapshot(dialect: Dialect, status: StatusCode, headers: &HeaderMap, at: Timestamp) -> Snapshot {
    let mut fields = Fields::new(headers);
    let clock = Clock::new(&mut fields, at);
    Snapshot {
        at,
        status: status.as_u16(),
        readings: readings(dialect, &mut fields, clock).into_iter().map(|(_, reading)| reading).collect(),
        retry_after: retry_after(&mut fields, clock),
        identity: Identity {
            organization: fields.id("anthropic-organization-id").or_else(|| fields.id("openai-organization")),
            project: fields.id("openai-project"),
            workspace: fields.id("anthropic-workspace-id"),
        },
        request_id: REQUEST_ID.iter().find_map(|name| fields.id(name)),
        oddities: fields.into_oddities(),
    }
}

/// The limits in these headers, each with the names it was read from.
pub(super) fn limits(dialect: Dialect, headers: &HeaderMap, at: Timestamp) -> Vec<(&'static Family, Reading)> {
    let mut fields = Fields::new(headers);
    let clock = Clock::new(&mut fields, at);
    readings(dialect, &mut fields, clock)
}

fn readings(dialect: Dialect, fields: &mut Fields<'_>, clock: Clock) -> Vec<(&'static Family, Reading)> {
    let mut readings = Vec::new();
    for family in families::of(dialect) {
        if family.names().into_iter().any(|name| fields.has(name)) && !family.unless.iter().any(|name| fields.has(name)) {
            readings.extend(reading(family, fields, clock).map(|reading| (family, reading)));
        }
    }
    readings
}

fn reading(family: &Family, fields: &mut Fields<'_>, clock: Clock) -> Option<Reading> {
    let limit = fields.count(family.limit);
    let mut remaining = fields.count(family.remaining);
    let reset = fields.text(family.reset);
    let full_at = reset.and_then(|text| {
        let full_at = clock.local(delay::moment(text, clock.theirs)?)?;
        Some(full_at.max(clock.ours))
    });
    if reset.is_some() && full_at.is_none() {
        fields.odd(family.reset, "neither a time nor a length of time");
    }
    for (name, usual) in [(family.limit, true), (family.remaining, true), (family.reset, family.reset_is_usual)] {
        if usual && !fields.has(name) {
            fields.odd(name, "absent, although its siblings are there");
        }
    }
    if let (Some(limit), Some(left)) = (limit, remaining)
        && left > limit.saturating_add(family.grain)
    {
        fields.odd(family.remaining, "more is left than the limit allows");
        remaining = None;
    }
    if limit.is_none() && remaining.is_none() && full_at.is_none() {
        return None;
    }
    let period = match family.span {
        Span::Is(period) => Some(period),
        Span::Unsaid => None,
        Span::Recovered { otherwise } => {
            period::recovered(limit, remaining, full_at.map(|full_at| delay::until(full_at, clock.ours))).or(otherwise)
        }
    };
    Some(Reading { dimension: family.dimension, period, pool: family.pool, limit, remaining, full_at, grain: family.grain })
}

/// A limit of the ordinary pool that was told otherwise than by headers; `reset` is the time until the bucket is full again.
pub(super) fn told(
    dimension: Dimension,
    limit: Option<u64>,
    remaining: Option<u64>,
    reset: Option<Duration>,
    at: Timestamp,
) -> Option<Reading> {
    limit.or(remaining)?;
    let period = period::recovered(limit, remaining, reset).or((dimension != Dimension::Requests).then_some(Period::MINUTE));
    let full_at = reset.and_then(|reset| at.checked_add(reset).ok());
    Some(Reading { dimension, period, pool: Pool::Standard, limit, remaining, full_at, grain: 1 })
}

/// Milliseconds are finer than seconds, so they are asked first, as the official SDKs do.
fn retry_after(fields: &mut Fields<'_>, clock: Clock) -> Option<Duration> {
    let mut read = |name: &'static str, parse: &dyn Fn(&str) -> Option<Duration>| {
        let text = fields.text(name)?;
        let wait = parse(text);
        if wait.is_none() {
            fields.odd(name, "not a delay that can be meant");
        }
        wait
    };
    read("retry-after-ms", &delay::millis).or_else(|| read("retry-after", &|text| delay::retry_after(text, clock.theirs)))
}

/// Our clock and the provider's at the time of the answer: a reset at a time of day is on theirs.
#[derive(Debug, Clone, Copy)]
struct Clock {
    ours: Timestamp,
    theirs: Timestamp,
}

impl Clock {
    fn new(fields: &mut Fields<'_>, ours: Timestamp) -> Self {
        let date = fields.text("date").and_then(delay::http_date);
        let theirs = date.filter(|date| date.duration_since(ours).abs() > SAME_CLOCK).unwrap_or(ours);
        Self { ours, theirs }
    }

    fn local(self, theirs: Timestamp) -> Option<Timestamp> {
        self.ours.checked_add(theirs.duration_since(self.theirs)).ok()
    }
}

#[cfg(test)]
mod tests;
