//! How near the limiter comes to the physical limit, at what price in refusals, and what one admission costs.
//!
//! `cargo bench --bench goodput` prints a table. E is the least possible time over the time taken (1 is the physical limit), to be read
//! beside R429, the share of requests that the provider refused. The provider runs in virtual time (`tests/support/world.rs`), the
//! admissions in real time.

#![allow(clippy::print_stdout, clippy::disallowed_types, reason = "a benchmark prints, and measures real time")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index from a share")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tierline::domain::{
    AccountId, Api, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, Now, Period, Provider, Refill, RequestFacts,
    RequestId, Tick, Usage, Window,
};
use tierline::limiter::core::Effect;
use tierline::limiter::{AccountSetup, Ask, Core, Settings};

#[path = "../tests/support/world.rs"]
mod world;

use world::{Charge, Outcome, Rule, Scenario, run};

const SEEDS: u64 = 8;

fn main() {
    println!("{:<44} {:>6} {:>9} {:>7}   demanded", "scenario, 8 seeds", "E", "R429", "failed");
    for (name, scenario, demanded) in scenarios() {
        let outcomes: Vec<Outcome> = (1..=SEEDS).map(|seed| run(&Scenario { seed, ..scenario.clone() })).collect();
        let efficiency = outcomes.iter().map(|o| o.efficiency).sum::<f64>() / outcomes.len() as f64;
        let refused = outcomes.iter().map(|o| o.refused).sum::<u64>() as f64 / outcomes.iter().map(|o| o.requests).sum::<u64>() as f64;
        let failed: u64 = outcomes.iter().map(|o| o.failed).sum();
        println!("{name:<44} {efficiency:>6.3} {:>8.3}% {failed:>7}   {demanded}", refused * 100.0);
    }
    let mut micros = admissions(10_000, 20_000);
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[(micros.len() as f64 * share) as usize];
    println!(
        "\nL8 one admission and its settlement, 8 buckets, 10,000 waiting: p50 {:.1} us, p99 {:.1} us   demanded p99 <= 20 us",
        at(0.5),
        at(0.99)
    );
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
fn admissions(waiting: u64, rounds: u64) -> Vec<f64> {
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
    let facts = Arc::new(RequestFacts { max_output: Some(100), ..RequestFacts::opaque(Api::Messages, 400) });
    let ask = |n: u64| Ask {
        id: RequestId(n),
        account: AccountId(1),
        class: ModelClass::new("class"),
        client: ClientName::new(["a", "b", "c", "d"][(n % 4) as usize]),
        lane: Lane::Interactive,
        facts: Arc::clone(&facts),
        patience: None,
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

fn granted(core: &mut Core) -> Vec<tierline::limiter::line::Ticket> {
    core.take_effects().into_iter().filter_map(|effect| if let Effect::Grant(ticket) = effect { Some(ticket) } else { None }).collect()
}

fn moment(nanos: u64) -> Now {
    Now { tick: Tick::from_nanos(nanos), wall: Timestamp::UNIX_EPOCH }
}
