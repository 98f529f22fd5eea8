//! What one admission costs, and how exactly who waits is woken (L8), in real time.

#![expect(clippy::cast_possible_truncation, reason = "an index below the number of clients")]

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::clock::SystemClock;
use crate::domain::{
    AccountId, Api, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, Now, Period, Provider, Refill, RequestFacts,
    RequestId, Tick, Usage, Window,
};
use crate::limiter::core::Effect;
use crate::limiter::line::Ticket;
use crate::limiter::{AccountSetup, Ask, Core, Limiter, Settings};

/// One figure, in its unit, beside what is demanded of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Of what.
    pub of: String,
    /// `us` or `ms`.
    pub unit: &'static str,
    /// The median.
    pub p50: f64,
    /// What one in a hundred exceeds.
    pub p99: f64,
    /// What `p99` may be.
    pub demanded: f64,
}

impl Cost {
    /// Measures all of them. Takes some ten seconds.
    pub async fn all() -> Vec<Self> {
        let mut costs = Vec::new();
        for clients in [4, 1_000] {
            let of = format!("L8 one admission and its settlement, 8 buckets, 10,000 of {clients} clients waiting");
            costs.push(Self::over(of, "us", &admissions(10_000, clients, 20_000), 20.0));
        }
        costs.push(Self::over("L8 wake-ups, 500 of them 10 ms apart: late by".into(), "ms", &wake_ups(500).await, 2.0));
        costs
    }

    fn over(of: String, unit: &'static str, values: &[f64], demanded: f64) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN);
        Self { of, unit, p50: at(50), p99: at(99), demanded }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, unit, p50, p99, demanded } = self;
        write!(f, "{of}: p50 {p50:.2} {unit}, p99 {p99:.2} {unit}   demanded p99 <= {demanded} {unit}")
    }
}

/// Microseconds of each of `rounds` rounds of: one ends, the next is let go, another one comes, while `waiting` wait before 8 buckets.
fn admissions(waiting: u64, clients: u64, rounds: u64) -> Vec<f64> {
    let assumed = |_: Provider, _: &ModelClass| {
        let minute = |dimension, capacity| Limit { dimension, window: Window::PER_MINUTE, capacity, source: LimitSource::Admin };
        let day = |dimension, capacity| Limit { window: Window::PER_DAY, ..minute(dimension, capacity) };
        let hour = |dimension, capacity| Limit {
            window: Window { period: Period::HOUR, refill: Refill::Continuous },
            ..minute(dimension, capacity)
        };
        vec![
            minute(Dimension::Requests, 1_000_000),
            minute(Dimension::InputTokens, 1_000_000_000),
            minute(Dimension::OutputTokens, 1_000_000_000),
            minute(Dimension::Tokens, 2_000_000_000),
            day(Dimension::Requests, 1_000_000_000),
            day(Dimension::Tokens, 2_000_000_000_000),
            hour(Dimension::Requests, 100_000_000),
            Limit { dimension: Dimension::Concurrent, window: Window::AT_ONCE, capacity: 1, source: LimitSource::User },
        ]
    };
    let settings = Settings { trust_bursts: true, max_wait: Duration::from_secs(1_000_000), ..Settings::default() };
    let mut core = Core::new(settings, Arc::new(assumed));
    let setup =
        AccountSetup { id: AccountId(1), provider: Provider::Anthropic, dialect: Dialect::Anthropic, label: "a".into(), scope: None };
    let mut nanos = 0;
    core.set_account(setup);
    let names: Vec<ClientName> = (0..clients).map(|n| ClientName::new(&format!("client {n}"))).collect();
    let facts = Arc::new(RequestFacts { max_output: Some(100), ..RequestFacts::opaque(Api::Messages, 400) });
    let ask = |n: u64| Ask {
        id: RequestId(n),
        account: AccountId(1),
        class: ModelClass::new("class"),
        client: names[(n % clients) as usize].clone(),
        lane: Lane::Interactive,
        facts: Arc::clone(&facts),
        patience: None,
        elsewhere: false,
    };
    for n in 0..waiting {
        let _ = core.enqueue(ask(n), moment(nanos));
    }
    core.pump(moment(nanos));
    let mut out = granted(&mut core);
    (0..rounds)
        .filter_map(|n| {
            nanos += 1_000_000;
            let now = moment(nanos);
            let ticket = out.pop()?;
            let began = Instant::now();
            core.settle(ticket, &Usage::default(), now);
            core.pump(now);
            out.append(&mut granted(&mut core));
            let _ = black_box(core.enqueue(ask(waiting + n), now));
            core.pump(now);
            Some(began.elapsed().as_secs_f64() * 1e6)
        })
        .collect()
}

/// By how many milliseconds each of `count` requests was let go too late, through the async handle and its one timer.
async fn wake_ups(count: u64) -> Vec<f64> {
    let assumed = |_: Provider, _: &ModelClass| {
        vec![Limit { dimension: Dimension::Requests, window: Window::PER_MINUTE, capacity: 6_000, source: LimitSource::Admin }]
    };
    let settings = Settings { max_wait: Duration::from_secs(1_000), ..Settings::default() };
    let mut core = Core::new(settings, Arc::new(assumed));
    let clock = Arc::new(SystemClock::new());
    let setup =
        AccountSetup { id: AccountId(1), provider: Provider::Anthropic, dialect: Dialect::Anthropic, label: "a".into(), scope: None };
    core.set_account(setup);
    let limiter = Limiter::new(core, clock, |_| {});
    let timer = limiter.clone();
    let timer = tokio::spawn(async move { timer.run().await });
    // a hundred go at once; after that one every ten milliseconds, each in its own task
    let tasks: Vec<_> = (0..count + 100)
        .map(|n| {
            let limiter = limiter.clone();
            let ask = Ask {
                id: RequestId(n),
                account: AccountId(1),
                class: ModelClass::new("class"),
                client: ClientName::new("client"),
                lane: Lane::Interactive,
                facts: Arc::new(RequestFacts::opaque(Api::Models, 0)),
                patience: None,
                elsewhere: false,
            };
            tokio::spawn(async move {
                let reservation = limiter.admit(ask).await.ok()?;
                let at = Instant::now();
                reservation.settle(&Usage::default());
                Some(at)
            })
        })
        .collect();
    let mut went = Vec::new();
    for task in tasks {
        went.extend(task.await.ok().flatten());
    }
    timer.abort();
    went.sort();
    // each against the earliest of all, brought to its place in the row
    let Some((first, others)) = went.get(100..).and_then(<[_]>::split_first) else { return Vec::new() };
    let off = |(at, n): (&Instant, u32)| (at.duration_since(*first).as_secs_f64() - f64::from(n) * 0.01) * 1e3;
    let offs: Vec<f64> = std::iter::once(0.0).chain(others.iter().zip(1_u32..).map(off)).collect();
    let earliest = offs.iter().copied().fold(f64::INFINITY, f64::min);
    offs.iter().map(|late| late - earliest).collect()
}

fn granted(core: &mut Core) -> Vec<Ticket> {
    core.take_effects().into_iter().filter_map(|effect| if let Effect::Grant(ticket) = effect { Some(ticket) } else { None }).collect()
}

fn moment(nanos: u64) -> Now {
    Now { tick: Tick::from_nanos(nanos), wall: Timestamp::UNIX_EPOCH }
}
