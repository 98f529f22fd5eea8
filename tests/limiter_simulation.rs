//! The limiter against a simulated provider in virtual time: how near to the physical limit, and at what price in refusals.

#![allow(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows the figures")]

#[path = "support/world.rs"]
mod world;

use tierline::domain::{Dialect, Dimension};
use world::spelled::Spelling;
use world::{Charge, Outcome, Rule, Scenario, run, run_twice};

/// Runs a scenario for several seeds; the mean efficiency and the share of all requests that were refused.
fn over_seeds(seeds: u64, scenario: &Scenario) -> (f64, f64, u64) {
    let outcomes: Vec<Outcome> = (1..=seeds).map(|seed| run(&Scenario { seed, ..scenario.clone() })).collect();
    let efficiency = outcomes.iter().map(|o| o.efficiency).sum::<f64>() / outcomes.len() as f64;
    let refused: u64 = outcomes.iter().map(|o| o.refused).sum();
    let requests: u64 = outcomes.iter().map(|o| o.requests).sum();
    let failed = outcomes.iter().map(|o| o.failed).sum();
    (efficiency, refused as f64 / requests as f64, failed)
}

fn check(name: &str, scenario: &Scenario, least_efficiency: f64, most_refused: f64) {
    let (efficiency, refused, failed) = over_seeds(8, scenario);
    println!("{name}: E {efficiency:.3}, R429 {:.3} %, failed {failed}", refused * 100.0);
    assert!(efficiency >= least_efficiency, "{name}: E {efficiency:.3}, wanted {least_efficiency}");
    assert!(efficiency <= 1.01, "{name}: E {efficiency:.3} is more than physics allows, so the provider is wrong");
    assert!(refused <= most_refused, "{name}: R429 {refused:.5}, wanted {most_refused}");
    assert_eq!(failed, 0, "{name}");
}

#[test]
fn l1_known_limits_and_nobody_else() {
    check("requests bind", &Scenario { output: 60, ..Scenario::default() }, 0.96, 0.0);
    check("output binds", &Scenario { output: 400, ..Scenario::default() }, 0.96, 0.0);
    check("input binds", &Scenario { input: 2_000, output: 60, ..Scenario::default() }, 0.96, 0.0);
}

#[test]
fn l2_a_minute_enforced_by_the_second() {
    let rules = vec![Rule { dimension: Dimension::Requests, per_minute: 60.0, burst_secs: 1.0 }];
    let one_a_second = Scenario { rules, known: false, jobs: 600, output: 60, ..Scenario::default() };
    // nothing but a refusal would tell, and of ten minutes it could save one
    check("one a second", &one_a_second, 0.92, 0.0);
    // headers that say when it is full again betray it
    for resets in [1, 1_000] {
        for heads_on_arrival in [false, true] {
            let shown = Scenario { resets: Some(resets), heads_on_arrival, ..one_a_second.clone() };
            check("one a second, shown", &shown, 0.92, 0.0);
            check("one a second, shown, a short batch", &Scenario { jobs: 60, ..shown }, 0.85, 0.0);
        }
    }
    for (per_minute, jobs) in [(300.0, 1_200), (1_200.0, 3_000)] {
        let rules = vec![Rule { dimension: Dimension::Requests, per_minute, burst_secs: 1.0 }];
        check(&format!("{per_minute} a minute"), &Scenario { rules, known: false, jobs, output: 60, ..Scenario::default() }, 0.96, 0.0015);
    }
}

/// Where a whole minute's worth may go at once, that is found out where it matters, and where headers show it.
#[test]
fn a_minute_that_is_not_enforced_by_the_second() {
    let rules = vec![Rule { dimension: Dimension::Requests, per_minute: 60.0, burst_secs: 60.0 }];
    let minute = Scenario { rules, known: false, jobs: 600, output: 60, resets: Some(1), ..Scenario::default() };
    check("shown", &minute, 0.98, 0.0);
    check("not shown, a short batch", &Scenario { jobs: 200, resets: None, ..minute.clone() }, 0.95, 0.0);
    check("not shown, a long batch", &Scenario { resets: None, ..minute }, 0.84, 0.0);
}

/// What a burst may be is learned by one refusal, once: after a restart there is none.
#[test]
fn l2_what_was_learned_is_remembered() {
    for (per_minute, jobs) in [(60.0, 400), (300.0, 600), (1_200.0, 600)] {
        let rules = vec![Rule { dimension: Dimension::Requests, per_minute, burst_secs: 1.0 }];
        for seed in 1..=8 {
            let scenario = Scenario { rules: rules.clone(), known: false, jobs, output: 60, seed, ..Scenario::default() };
            let (first, again) = run_twice(&scenario);
            println!("{per_minute} a minute: {} refused, after a restart {}", first.refused, again.refused);
            assert_eq!(again.refused, 0, "{per_minute} a minute, seed {seed}");
            assert!(again.efficiency >= 0.9, "{per_minute} a minute, seed {seed}: E {:.3}", again.efficiency);
        }
    }
}

#[test]
fn l3_a_hidden_co_tenant() {
    check("requests bind", &Scenario { co_tenant: 0.4, output: 60, ..Scenario::default() }, 0.96, 0.0005);
    check("output binds", &Scenario { co_tenant: 0.4, output: 400, ..Scenario::default() }, 0.96, 0.0005);
}

#[test]
fn l4_nothing_known() {
    for charge in [Charge::Actual, Charge::ReservesMax, Charge::KeepsMax] {
        let scenario = Scenario { known: false, charge, output: 400, grain: 1_000, ..Scenario::default() };
        check(&format!("separate buckets, {charge:?}"), &scenario, 0.95, 0.01);
    }
    let rules = vec![
        Rule { dimension: Dimension::Requests, per_minute: 500.0, burst_secs: 60.0 },
        Rule { dimension: Dimension::Tokens, per_minute: 60_000.0, burst_secs: 60.0 },
    ];
    for charge in [Charge::Actual, Charge::KeepsMax, Charge::Characters] {
        let scenario = Scenario { rules: rules.clone(), known: false, charge, input: 800, output: 300, ..Scenario::default() };
        check(&format!("one token bucket, {charge:?}"), &scenario, 0.95, 0.01);
    }
}

/// Sizes far apart, headers that are computed on arrival and say when a limit is full again, answers in one piece or as streams, all of
/// it at once and nothing known. Short batches end with the slowest answer, whatever the limiter does: the floors know of it.
#[test]
fn short_batches_of_mixed_sizes() {
    let shared = |per_minute| {
        vec![
            Rule { dimension: Dimension::Requests, per_minute: 200.0, burst_secs: 60.0 },
            Rule { dimension: Dimension::Tokens, per_minute, burst_secs: 60.0 },
        ]
    };
    let separate = |requests, input, output| {
        [(Dimension::Requests, requests), (Dimension::InputTokens, input), (Dimension::OutputTokens, output)]
            .map(|(dimension, per_minute)| Rule { dimension, per_minute, burst_secs: 60.0 })
            .to_vec()
    };
    let batch = Scenario {
        known: false,
        heads_on_arrival: true,
        resets: Some(1),
        mixed: true,
        way_millis: (1, 3),
        input: 400,
        output: 130,
        jobs: 200,
        ..Scenario::default()
    };
    let rounded = Scenario { grain: 1_000, resets: Some(1_000), ..batch.clone() };
    let rows = [
        ("one token bucket", Charge::Actual, Scenario { rules: shared(60_000.0), ..batch.clone() }, [0.86, 0.89], 0.001),
        ("one token bucket", Charge::ReservesMax, Scenario { rules: shared(60_000.0), ..batch.clone() }, [0.80, 0.82], 0.001),
        ("one token bucket", Charge::CharactersAndMax, Scenario { rules: shared(60_000.0), ..batch.clone() }, [0.80, 0.82], 0.001),
        ("one token bucket", Charge::KeepsMax, Scenario { rules: shared(60_000.0), ..batch }, [0.97, 0.97], 0.004),
        ("50 RPM", Charge::Actual, Scenario { rules: separate(50.0, 30_000.0, 8_000.0), ..rounded.clone() }, [0.94, 0.95], 0.001),
        ("50 RPM", Charge::ReservesMax, Scenario { rules: separate(50.0, 30_000.0, 8_000.0), ..rounded.clone() }, [0.93, 0.94], 0.004),
        ("50 RPM", Charge::KeepsMax, Scenario { rules: separate(50.0, 30_000.0, 8_000.0), ..rounded.clone() }, [0.97, 0.97], 0.02),
        ("120 RPM", Charge::Actual, Scenario { rules: separate(120.0, 60_000.0, 20_000.0), ..rounded.clone() }, [0.82, 0.87], 0.001),
        ("120 RPM", Charge::ReservesMax, Scenario { rules: separate(120.0, 60_000.0, 20_000.0), ..rounded.clone() }, [0.77, 0.82], 0.001),
        ("120 RPM", Charge::KeepsMax, Scenario { rules: separate(120.0, 60_000.0, 20_000.0), ..rounded }, [0.97, 0.97], 0.02),
    ];
    for (name, charge, scenario, least_efficiency, most_refused) in rows {
        for (streams, least_efficiency) in [false, true].into_iter().zip(least_efficiency) {
            let name = format!("{name}, {charge:?}, {}", if streams { "streamed" } else { "in one piece" });
            check(&name, &Scenario { charge, streams, ..scenario.clone() }, least_efficiency, most_refused);
        }
    }
}

/// Tokens that are counted in ten seconds instead of a minute, which headers show or hide.
#[test]
fn tokens_in_a_small_bucket() {
    let rules = vec![
        Rule { dimension: Dimension::Requests, per_minute: 500.0, burst_secs: 60.0 },
        Rule { dimension: Dimension::Tokens, per_minute: 60_000.0, burst_secs: 10.0 },
    ];
    let scenario =
        Scenario { rules, known: false, heads_on_arrival: true, mixed: true, input: 400, output: 130, jobs: 300, ..Scenario::default() };
    check("shown", &Scenario { resets: Some(1), ..scenario.clone() }, 0.93, 0.002);
    check("hidden", &scenario, 0.92, 0.03);
}

/// Some count by the minute of the clock, in the headers of those who refill all the time: a minute stays a minute.
#[test]
fn minutes_that_come_back_all_at_once() {
    for (per_minute, jobs) in [(30.0, 120), (60.0, 300), (500.0, 1_500)] {
        let scenario = Scenario {
            rules: [(Dimension::Requests, per_minute), (Dimension::Tokens, per_minute * 5_000.0)]
                .map(|(dimension, per_minute)| Rule { dimension, per_minute, burst_secs: 60.0 })
                .to_vec(),
            known: false,
            fixed_windows: true,
            resets: Some(1),
            spelled: Some(Spelling { dialect: Dialect::OpenAi, skew_secs: 0 }),
            output: 60,
            jobs,
            ..Scenario::default()
        };
        check(&format!("{per_minute} a minute of the clock"), &scenario, 0.6, 0.02);
    }
}

/// A minute's limit in a bucket of a second, as OpenAI's headers tell it: `limit - remaining` is large and it is full at once.
#[test]
fn a_minute_in_a_small_bucket_that_headers_tell() {
    let rules = vec![Rule { dimension: Dimension::Requests, per_minute: 60.0, burst_secs: 1.0 }];
    let spelled = Some(Spelling { dialect: Dialect::OpenAi, skew_secs: 0 });
    let scenario = Scenario { rules, known: false, resets: Some(1), spelled, output: 60, jobs: 120, ..Scenario::default() };
    check("60 a minute in a bucket of one", &scenario, 0.85, 0.002);
}
