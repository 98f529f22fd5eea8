//! How near the limiter comes to the physical limit, at what price in refusals, and what one admission costs.
//!
//! `cargo bench --bench goodput` prints a table. E is the least possible time over the time taken (1 is the physical limit), to be read
//! beside R429, the share of requests that the provider refused. The provider runs in virtual time (`tests/support/upstream.rs`), and
//! so do simple models of what others do (`baselines.rs`); admissions and wake-ups are measured in real time. The same over
//! real sockets: `tierline demo`, or `tierline sim` with `tierline serve` before it.

#![allow(clippy::print_stdout, clippy::disallowed_types, reason = "a benchmark prints, and measures real time")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index from a share")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tierline::clock::SystemClock;
use tierline::domain::{
    AccountId, Api, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, Now, Period, Provider, Refill, RequestFacts,
    RequestId, Tick, Usage, Window,
};
use tierline::limiter::core::Effect;
use tierline::limiter::{AccountSetup, Ask, Core, Limiter, Settings};

#[path = "../../tests/support/world.rs"]
mod world;

mod baselines;

use baselines::{Figures, Policy};
use world::{Charge, Outcome, Rule, Scenario, run};

const SEEDS: u64 = 8;

fn main() {
    println!("{:<46} {:>6} {:>9} {:>7} {:>9} {:>9}   demanded", "mean of 8 seeds", "E", "R429", "failed", "taken", "bound");
    for (name, scenario, demanded) in scenarios() {
        let outcomes: Vec<Outcome> = (1..=SEEDS).map(|seed| run(&Scenario { seed, ..scenario.clone() })).collect();
        let figures = outcomes.iter().map(|o| Figures {
            efficiency: o.efficiency,
            requests: o.requests,
            refused: o.refused,
            failed: o.failed,
            makespan_secs: o.makespan_secs,
            bound_secs: o.bound_secs,
        });
        print(name, &figures.collect::<Vec<_>>(), demanded);
        for policy in Policy::ALL {
            let figures: Vec<Figures> = (1..=SEEDS).map(|seed| baselines::run(policy, &Scenario { seed, ..scenario.clone() })).collect();
            print(&format!("    {}", policy.name()), &figures, "");
        }
    }
    println!();
    for clients in [4, 1_000] {
        let micros = admissions(10_000, clients, 20_000);
        println!(
            "L8 one admission and its settlement, 8 buckets, 10,000 of {clients} clients waiting: p50 {:.1} us, p99 {:.1} us   demanded p99 <= 20 us",
            quantile(&micros, 0.5),
            quantile(&micros, 0.99)
        );
    }
    let late = wake_ups(500);
    println!(
        "L8 wake-ups, 500 of them 10 ms apart: late by p50 {:.2} ms, p99 {:.2} ms   demanded p99 <= 2 ms",
        quantile(&late, 0.5),
        quantile(&late, 0.99)
    );
}

fn print(name: &str, figures: &[Figures], demanded: &str) {
    let mean = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>() / figures.len() as f64;
    let sum = |of: fn(&Figures) -> u64| figures.iter().map(of).sum::<u64>();
    // who gives up on a part of the work has no efficiency to speak of
    let is_done = sum(|f| f.failed) * 100 <= sum(|f| f.requests - f.refused);
    let efficiency = if is_done { format!("{:.3}", mean(|f| f.efficiency)) } else { "-".to_owned() };
    println!(
        "{name:<46} {efficiency:>6} {:>8.3}% {:>7} {:>7.0} s {:>7.0} s   {demanded}",
        sum(|f| f.refused) as f64 / sum(|f| f.requests) as f64 * 100.0,
        sum(|f| f.failed),
        mean(|f| f.makespan_secs),
        mean(|f| f.bound_secs),
    );
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() as f64 * share) as usize]
}

fn scenarios() -> Vec<(&'static str, Scenario, &'static str)> {
    let base = Scenario::default();
    let by_second = vec![Rule { dimension: Dimension::Requests, per_minute: 60.0, burst_secs: 1.0 }];
    let combined = vec![
        Rule { dimension: Dimension::Requests, per_minute: 500.0, burst_secs: 60.0 },
        Rule { dimension: Dimension::Tokens, per_minute: 60_000.0, burst_secs: 60.0 },
    ];
    let open = vec![Rule { dimension: Dimension::Requests, per_minute: 100_000.0, burst_secs: 60.0 }];
    let cold = |charge| Scenario { known: false, charge, output: 400, grain: 1_000, ..base.clone() };
    let cold_combined = |charge| Scenario { rules: combined.clone(), known: false, charge, input: 800, output: 300, ..base.clone() };
    let moving: fn(f64) -> u64 = |secs| if secs % 40.0 < 20.0 { 24 } else { 12 };
    vec![
        ("L1 known, requests bind", Scenario { output: 60, ..base.clone() }, "E >= .96, R429 0"),
        ("L1 known, input binds", Scenario { input: 2_000, output: 60, ..base.clone() }, "E >= .96, R429 0"),
        ("L1 known, output binds", Scenario { output: 400, ..base.clone() }, "E >= .96, R429 0"),
        (
            "L2 a minute enforced by the second",
            Scenario { rules: by_second, known: false, output: 60, ..base.clone() },
            "E >= .92, R429 <= .05 %",
        ),
        ("L3 a co-tenant takes 40 %, requests bind", Scenario { co_tenant: 0.4, output: 60, ..base.clone() }, "E >= .96, R429 <= .1 %"),
        ("L3 a co-tenant takes 40 %, output binds", Scenario { co_tenant: 0.4, output: 400, ..base.clone() }, "E >= .96, R429 <= .1 %"),
        ("L4 cold, charges what was used", cold(Charge::Actual), "E >= .85, R429 <= 1 %"),
        ("L4 cold, reserves the maximum", cold(Charge::ReservesMax), "E >= .85, R429 <= 1 %"),
        ("L4 cold, keeps the maximum", cold(Charge::KeepsMax), "E >= .85, R429 <= 1 %"),
        ("L4 cold, one token bucket, what was used", cold_combined(Charge::Actual), "E >= .85, R429 <= 1 %"),
        ("L4 cold, one token bucket, keeps the maximum", cold_combined(Charge::KeepsMax), "E >= .85, R429 <= 1 %"),
        ("L4 cold, one token bucket, characters / 4", cold_combined(Charge::Characters), "E >= .85, R429 <= 1 %"),
        (
            "L5 a hidden cap of 24 or 12 at once",
            Scenario { rules: open, known: false, headers: false, concurrency: Some(moving), jobs: 1_500, output: 150, ..base },
            "E >= .94, R429 <= 2 %",
        ),
    ]
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
        core.enqueue(ask(n), moment(nanos)).expect("there is room in the queue");
    }
    core.pump(moment(nanos));
    let mut out = granted(&mut core);
    (0..rounds)
        .map(|n| {
            nanos += 1_000_000;
            let now = moment(nanos);
            let ticket = out.pop().expect("one is out");
            let began = Instant::now();
            core.settle(ticket, &Usage::default(), now);
            core.pump(now);
            out.append(&mut granted(&mut core));
            black_box(core.enqueue(ask(waiting + n), now)).expect("there is room in the queue");
            core.pump(now);
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect()
}

/// By how many milliseconds each of `count` requests was let go too late, through the async handle and its one timer.
fn wake_ups(count: u64) -> Vec<f64> {
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let timer = limiter.clone();
        let timer = tokio::spawn(async move { timer.run().await });
        // a hundred go at once; after that one every ten milliseconds, each in its own task
        let tasks: Vec<_> = (0..count + 100)
            .map(|n| {
                let limiter = limiter.clone();
                let facts = Arc::new(RequestFacts::opaque(Api::Models, 0));
                let ask = Ask {
                    id: RequestId(n),
                    account: AccountId(1),
                    class: ModelClass::new("class"),
                    client: ClientName::new("client"),
                    lane: Lane::Interactive,
                    facts,
                    patience: None,
                    elsewhere: false,
                };
                tokio::spawn(async move {
                    let reservation = limiter.admit(ask).await.expect("it may wait long enough");
                    let at = Instant::now();
                    reservation.settle(&Usage::default());
                    at
                })
            })
            .collect();
        let mut went = Vec::new();
        for task in tasks {
            went.push(task.await.expect("nothing panics"));
        }
        timer.abort();
        went.sort();
        // each against the earliest of all, brought to its place in the row
        let first = went[100];
        let off = |(at, n): (&Instant, u32)| (at.duration_since(first).as_secs_f64() - f64::from(n) * 0.01) * 1e3;
        let offs: Vec<f64> = went[100..].iter().zip(0_u32..).map(off).collect();
        let earliest = offs.iter().copied().fold(f64::INFINITY, f64::min);
        offs.iter().map(|late| late - earliest).collect()
    })
}

fn granted(core: &mut Core) -> Vec<tierline::limiter::line::Ticket> {
    core.take_effects().into_iter().filter_map(|effect| if let Effect::Grant(ticket) = effect { Some(ticket) } else { None }).collect()
}

fn moment(nanos: u64) -> Now {
    Now { tick: Tick::from_nanos(nanos), wall: Timestamp::UNIX_EPOCH }
}
