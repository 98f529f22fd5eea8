//! Plays recorded traffic again with other limits: which refusals would not have been, and how long requests would have waited.
//!
//! Two questions, two games. *Would the provider have refused it?* Every attempt is sent when it was sent, to buckets of the
//! other size. *How long would it have waited?* Every request arrives when it arrived, and Tierline's own limiter, knowing the
//! other limits, lets it go in virtual time. Nothing is known of prompts, and nothing is needed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::check::to_f64;
use crate::domain::{
    AccountId, Api, Certainty, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, Now, Provider, RequestFacts,
    RequestId, Tick, Usage,
};
use crate::limiter::core::Effect;
use crate::limiter::line::Ticket;
use crate::limiter::{AccountSetup, Ask, Core, Settings};

/// A recorded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// When it arrived.
    pub at: Timestamp,
    /// Its class of models, as it would be.
    pub class: ModelClass,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stood in.
    pub lane: Lane,
    /// Which API.
    pub api: Api,
    /// Bytes of its body.
    pub bytes: u64,
    /// What it took.
    pub usage: Usage,
    /// Input tokens as they count toward limits.
    pub counted_input: u64,
    /// How long it took once it had its room.
    pub took: Duration,
    /// How long it waited.
    pub waited: Duration,
    /// When attempts of it were refused.
    pub refused_at: Vec<Timestamp>,
    /// What it cost, in nano-dollars; `None` if unknown.
    pub cost_nanos: Option<u64>,
    /// What it would cost.
    pub cost_then_nanos: Option<u64>,
}

/// How it was, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Attempts that the provider refused, or would.
    pub refusals: u64,
    /// Half of the requests waited no longer, in milliseconds.
    pub wait_p50_millis: u64,
    /// All but one in twenty waited no longer.
    pub wait_p95_millis: u64,
    /// The sum of what is known, in nano-dollars.
    pub cost_nanos: u64,
    /// Requests whose cost is unknown.
    pub unpriced: u64,
}

/// The comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// How many requests were played.
    pub requests: u64,
    /// As recorded.
    pub was: Side,
    /// As it would have been.
    pub would_be: Side,
    /// Requests that could never fit, or would have waited too long.
    pub turned_away: u64,
}

/// Plays it again. `limits` says what a class may use; classes without any are not limited.
#[must_use]
pub fn replay(past: &[Past], dialect: Dialect, limits: &BTreeMap<ModelClass, Vec<Limit>>) -> WhatIf {
    let (waits, turned_away) = through_the_limiter(past, dialect, limits);
    let refusals = past.iter().map(|past| past.refused_at.len() as u64).sum();
    let waited = past.iter().map(|past| past.waited).collect();
    WhatIf {
        requests: past.len() as u64,
        was: Side::new(refusals, waited, past.iter().map(|past| past.cost_nanos)),
        would_be: Side::new(still_refused(past, dialect, limits), waits, past.iter().map(|past| past.cost_then_nanos)),
        turned_away,
    }
}

impl Side {
    fn new(refusals: u64, mut waits: Vec<Duration>, costs: impl Iterator<Item = Option<u64>>) -> Self {
        waits.sort_unstable();
        let quantile = |percent: usize| {
            let at = (waits.len() * percent).div_ceil(100).saturating_sub(1);
            waits.get(at).map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
        };
        let (cost_nanos, unpriced) = costs.fold((0_u64, 0), |(sum, unpriced), cost| match cost {
            Some(cost) => (sum.saturating_add(cost), unpriced),
            None => (sum, unpriced + 1),
        });
        Self { refusals, wait_p50_millis: quantile(50), wait_p95_millis: quantile(95), cost_nanos, unpriced }
    }
}

/// A provider's bucket: full at the start, refilled all the time.
struct Pool {
    dimension: Dimension,
    capacity: f64,
    per_sec: f64,
    level: f64,
    at: Timestamp,
}

impl Pool {
    fn new(limit: &Limit, at: Timestamp) -> Option<Self> {
        let secs = limit.window.period.as_secs();
        let capacity = to_f64(limit.capacity);
        (secs > 0).then(|| Self { dimension: limit.dimension, capacity, per_sec: capacity / f64::from(secs), level: capacity, at })
    }

    fn refill(&mut self, now: Timestamp) {
        let secs = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.level = (self.level + secs * self.per_sec).min(self.capacity);
        self.at = self.at.max(now);
    }
}

/// Of the attempts that were refused, those for which the other buckets have no room either. What was answered draws on them.
fn still_refused(past: &[Past], dialect: Dialect, limits: &BTreeMap<ModelClass, Vec<Limit>>) -> u64 {
    // attempts in order: those that were answered take, those that were refused only look
    let mut attempts: Vec<(Timestamp, &Past, bool)> = Vec::with_capacity(past.len());
    for one in past {
        attempts.extend(one.refused_at.iter().map(|at| (*at, one, false)));
        let sent = one.at + one.waited;
        attempts.push((sent, one, true));
    }
    attempts.sort_by_key(|(at, ..)| *at);
    let mut pools: BTreeMap<&ModelClass, Vec<Pool>> = BTreeMap::new();
    let mut refused = 0;
    for (at, one, answered) in attempts {
        let of_class = pools
            .entry(&one.class)
            .or_insert_with(|| limits.get(&one.class).into_iter().flatten().filter_map(|limit| Pool::new(limit, at)).collect());
        for pool in of_class.iter_mut() {
            pool.refill(at);
        }
        let takes = |pool: &Pool| takes(dialect, pool.dimension, one);
        if answered {
            for pool in of_class.iter_mut() {
                pool.level -= takes(pool);
            }
        } else if of_class.iter().any(|pool| pool.level < takes(pool).min(pool.capacity) || takes(pool) > pool.capacity) {
            refused += 1;
        }
    }
    refused
}

fn takes(dialect: Dialect, dimension: Dimension, past: &Past) -> f64 {
    match dimension {
        Dimension::Requests => 1.0,
        Dimension::InputTokens => to_f64(past.counted_input),
        Dimension::OutputTokens => to_f64(past.usage.output),
        Dimension::Tokens if matches!(dialect, Dialect::Gemini | Dialect::Vertex) => to_f64(past.counted_input),
        Dimension::Tokens => to_f64(past.counted_input.saturating_add(past.usage.output)),
        _ => 0.0,
    }
}

/// What every request would have waited, and how many would not have got in at all.
fn through_the_limiter(past: &[Past], dialect: Dialect, limits: &BTreeMap<ModelClass, Vec<Limit>>) -> (Vec<Duration>, u64) {
    let Some(first) = past.first() else { return (Vec::new(), 0) };
    let account = AccountId(1);
    let known: BTreeMap<ModelClass, Vec<Limit>> = limits
        .iter()
        // what is played is a world in which these are known
        .map(|(class, limits)| (class.clone(), limits.iter().map(|limit| Limit { source: LimitSource::Header, ..*limit }).collect()))
        .collect();
    let mut core = Core::new(Settings::default(), Arc::new(move |_, class| known.get(class).cloned().unwrap_or_default()));
    let start = first.at;
    let now_at = |tick: Tick| Now { tick, wall: start + tick.since(Tick::ZERO) };
    // whose route it is plays no part here: the dialect decides
    core.set_account(AccountSetup { id: account, provider: Provider::Custom, dialect, label: "what if".into(), scope: None });
    let tick_of = |at: Timestamp| Tick::ZERO + at.duration_since(start).unsigned_abs();
    let mut arrivals = past.iter().enumerate().peekable();
    let mut tickets: BTreeMap<Ticket, usize> = BTreeMap::new();
    let mut flights: BinaryHeap<Reverse<(Tick, Ticket)>> = BinaryHeap::new();
    let mut wake: Option<Tick> = None;
    let (mut waits, mut turned_away) = (Vec::with_capacity(past.len()), 0);
    loop {
        let arrives = arrivals.peek().map(|(_, past)| tick_of(past.at));
        let lands = flights.peek().map(|Reverse((at, _))| *at);
        let waits_until = wake.filter(|_| !tickets.is_empty());
        let Some(tick) = arrives.into_iter().chain(lands).chain(waits_until).min() else { return (waits, turned_away) };
        let now = now_at(tick);
        while let Some(Reverse((_, ticket))) = flights.peek().copied().filter(|Reverse((at, _))| *at <= tick) {
            flights.pop();
            if let Some(index) = tickets.remove(&ticket) {
                core.settle(ticket, &Usage { certainty: Certainty::Exact, ..past[index].usage.clone() }, now);
            }
        }
        while let Some((index, one)) = arrivals.next_if(|(_, past)| tick_of(past.at) <= tick) {
            let facts = RequestFacts::opaque(one.api, one.bytes);
            let ask = Ask {
                id: RequestId(index as u64 + 1),
                account,
                class: one.class.clone(),
                client: one.client.clone(),
                lane: one.lane,
                facts: Arc::new(facts),
                patience: None,
                elsewhere: false,
            };
            match core.enqueue(ask, now) {
                Ok(ticket) => {
                    tickets.insert(ticket, index);
                }
                Err(_) => turned_away += 1,
            }
        }
        wake = core.pump(now).map(|at| at.max(tick + Duration::from_millis(1)));
        for effect in core.take_effects() {
            match effect {
                Effect::Grant(ticket) => {
                    let Some(one) = tickets.get(&ticket).and_then(|index| past.get(*index)) else { continue };
                    waits.push(tick.since(tick_of(one.at)));
                    flights.push(Reverse((tick + one.took, ticket)));
                }
                Effect::Refuse(ticket, _) => {
                    tickets.remove(&ticket);
                    turned_away += 1;
                }
                Effect::Limit(_) | Effect::Notice(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Window;

    /// One request every second for five minutes, 1,000 tokens in and 500 out, each second one refused once.
    fn past() -> Vec<Past> {
        let start: Timestamp = "2026-11-17T10:00:00Z".parse().unwrap();
        (0..300_u64)
            .map(|n| {
                let at = start + Duration::from_secs(n);
                Past {
                    at,
                    class: ModelClass::new("c"),
                    client: ClientName::new("agent"),
                    lane: Lane::Interactive,
                    api: Api::Messages,
                    bytes: 4_000,
                    usage: Usage { input: 1_000, output: 500, certainty: Certainty::Exact, ..Usage::default() },
                    counted_input: 1_000,
                    took: Duration::from_secs(2),
                    waited: Duration::ZERO,
                    refused_at: if n % 2 == 1 { vec![at] } else { Vec::new() },
                    cost_nanos: Some(10),
                    cost_then_nanos: Some(7),
                }
            })
            .collect()
    }

    fn with(rpm: u64, itpm: u64) -> WhatIf {
        let limit = |dimension, capacity| Limit { dimension, window: Window::PER_MINUTE, capacity, source: LimitSource::User };
        let limits = vec![limit(Dimension::Requests, rpm), limit(Dimension::InputTokens, itpm)];
        replay(&past(), Dialect::Anthropic, &BTreeMap::from([(ModelClass::new("c"), limits)]))
    }

    #[test]
    fn larger_limits_avoid_refusals_and_waits() {
        let wide = with(1_000, 2_000_000);
        assert_eq!((wide.requests, wide.was.refusals, wide.would_be.refusals, wide.turned_away), (300, 150, 0, 0));
        assert_eq!((wide.was.cost_nanos, wide.would_be.cost_nanos), (3_000, 2_100));
        assert!(wide.would_be.wait_p95_millis < 1_000, "{wide:?}");
        // half of what is needed: what does not fit is refused, or waits
        let narrow = with(30, 2_000_000);
        assert!(narrow.would_be.refusals > 50, "{narrow:?}");
        assert!(narrow.would_be.wait_p95_millis > 60_000, "{narrow:?}");
        // a prompt that is larger than the bucket never fits
        assert_eq!(with(1_000, 500).would_be.refusals, 150);
    }

    #[test]
    fn nothing_recorded_is_nothing_avoided() {
        let none = replay(&[], Dialect::Anthropic, &BTreeMap::new());
        assert_eq!((none.requests, none.was, none.would_be), (0, Side::default(), Side::default()));
    }
}
