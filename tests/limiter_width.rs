//! The limiter against every kind of provider, network, clock and fault, mixed at random: each seed is one world.
//!
//! After every step the law of the bucket is asserted, and at the end that everybody was served and nothing is held.
//! `SEEDS=100000 cargo test --release --test limiter_width` runs more of them; a failing one is named, and `SEED=n` runs it alone.

#![allow(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows the figures")]
#![allow(clippy::expect_used, reason = "a world that cannot be made has failed its test")]

#[path = "support/world.rs"]
mod world;

use jiff::civil::date;
use jiff::tz::TimeZone;
use tierline::domain::{Dialect, Dimension, Lane};
use tierline::limiter::random::Random;
use world::spelled::Spelling;
use world::{Charge, Crowd, Outcome, Rule, Scenario, run};

/// One of the given values.
fn one<T: Clone>(random: &mut Random, of: &[T]) -> T {
    let at = random.below(of.len() as u64);
    of[usize::try_from(at).unwrap_or(0)].clone()
}

/// `Some` in one of so many cases.
fn rarely<T>(random: &mut Random, one_in: u64, value: impl FnOnce(&mut Random) -> T) -> Option<T> {
    (random.below(one_in) == 0).then(|| value(random))
}

fn scenario(seed: u64) -> Scenario {
    let random = &mut Random::new(seed);
    let burst_secs = one(random, &[60.0, 60.0, 60.0, 6.0, 1.0]);
    let rule = |dimension, per_minute| Rule { dimension, per_minute, burst_secs };
    let rules = one(
        random,
        &[
            world::anthropic_entry(60.0),
            vec![rule(Dimension::Requests, 60.0)],
            vec![rule(Dimension::Requests, 500.0), Rule { dimension: Dimension::Tokens, per_minute: 60_000.0, burst_secs: 60.0 }],
            vec![rule(Dimension::Requests, 1_200.0)],
        ],
    );
    let caps: [fn(f64) -> u64; 3] = [|_| 7, |secs| if secs % 40.0 < 20.0 { 24 } else { 12 }, |secs| if secs < 20.0 { 30 } else { 9 }];
    let scenario = Scenario {
        rules,
        charge: one(random, &[Charge::Actual, Charge::Actual, Charge::ReservesMax, Charge::KeepsMax, Charge::Characters]),
        known: random.below(3) == 0,
        headers: random.below(8) != 0,
        grain: one(random, &[1, 1, 100, 1_000]),
        heads_on_arrival: random.below(3) == 0,
        heads_missing: one(random, &[0, 0, 5, 50]),
        spelled: None,
        fixed_windows: random.below(6) == 0,
        change: rarely(random, 6, |random| (20.0, one(random, &[0.5, 2.0]))),
        per_day: rarely(random, 12, |_| 40),
        start: one(random, &[date(2026, 11, 1), date(2027, 3, 14), date(2026, 11, 24)])
            .at(0, 30, 0, 0)
            .to_zoned_datetime(TimeZone::get("America/Los_Angeles").expect("time zones are bundled"))
            .expect("half past midnight is there")
            .timestamp(),
        wall_jump: rarely(random, 8, |random| (15.0, one(random, &[-7_200, -30, 30, 7_200]))),
        sleep: rarely(random, 8, |random| (25.0, one(random, &[20, 3_600, 100_000]))),
        co_tenant: one(random, &[0.0, 0.0, 0.0, 0.2, 0.4]),
        concurrency: rarely(random, 5, |random| one(random, &caps)),
        documented_cap: rarely(random, 10, |_| 500),
        outage: rarely(random, 8, |_| (10.0, 40.0)),
        way_millis: one(random, &[(15, 75), (1, 5), (80, 400)]),
        jobs: 20 + usize::try_from(random.below(60)).unwrap_or(0),
        crowds: rarely(random, 3, |_| Crowd { client: "person", lane: Lane::Interactive, jobs: 15, every_secs: 3.0 }).into_iter().collect(),
        input: one(random, &[300, 2_000]),
        output: one(random, &[60, 400]),
        max_output: 1_024,
        first_secs: (0.4, 0.9),
        token_secs: 0.012,
        resets: rarely(random, 2, |random| one(random, &[1, 1_000])),
        streams: random.below(3) == 0,
        mixed: random.below(3) == 0,
        seed,
    };
    // Anthropic has no bucket for all tokens, OpenAI none for either kind
    let dialect = if scenario.rules.len() == 2 { Dialect::OpenAi } else { Dialect::Anthropic };
    let spelled = rarely(random, 2, |random| Spelling { dialect, skew_secs: one(random, &[0, 0, -40, 40, 3_600]) });
    Scenario { spelled: spelled.filter(|_| scenario.headers), ..scenario }
}

/// What no provider may see of us, whatever it does: more than a few refusals while there is something to learn.
fn judge(scenario: &Scenario, outcome: &Outcome) {
    let jobs = outcome.taken_at.len() as u64;
    // whoever is told every limit but the cap on concurrency sends what the limits allow
    let hidden = if scenario.known && scenario.concurrency.is_some() { jobs } else { 0 };
    assert!(outcome.refused <= 15 + jobs / 4 + hidden, "{} of {} were refused", outcome.refused, outcome.requests);
    if scenario.outage.is_none() {
        assert_eq!(outcome.failed, 0, "somebody was given up");
    }
}

#[test]
fn every_world_is_survived() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = number("SEED").map_or(0..number("SEEDS").unwrap_or(1_000), |seed| seed..seed + 1);
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let verbose = number("SEED").is_some() || std::env::var_os("VERBOSE").is_some();
    let (refused, wrong) = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|worker| {
                let seeds = seeds.clone().skip(usize::try_from(worker).unwrap_or(0)).step_by(usize::try_from(workers).unwrap_or(1));
                scope.spawn(move || {
                    let (mut refused, mut wrong) = (0, Vec::new());
                    for seed in seeds {
                        let scenario = scenario(seed);
                        let survived = std::panic::catch_unwind(|| {
                            let outcome = run(&scenario);
                            judge(&scenario, &outcome);
                            outcome
                        });
                        if verbose || survived.is_err() {
                            println!("{seed}: {survived:?}, {scenario:?}");
                        }
                        match survived {
                            Ok(outcome) => refused += outcome.refused,
                            Err(_) => wrong.push(seed),
                        }
                    }
                    (refused, wrong)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("what goes wrong is caught")).fold(
            (0, Vec::new()),
            |mut sum, (refused, wrong)| {
                sum.1.extend(wrong);
                (sum.0 + refused, sum.1)
            },
        )
    });
    println!("{refused} refusals in {} worlds", seeds.end - seeds.start);
    let first = wrong.first().copied().unwrap_or_default();
    assert!(
        wrong.is_empty(),
        "{} worlds went wrong: {wrong:?}; run one alone: SEED={first} cargo test --test limiter_width -- --nocapture",
        wrong.len()
    );
}
