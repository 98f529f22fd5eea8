//! Cold starts in virtual time: limits, burst and charge rule unknown, everything there at once, with what the provider could have
//! given and nobody took.

#![allow(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows the figures")]

#[path = "support/world.rs"]
mod world;

use tierline::domain::Dimension;
use world::{Charge, Outcome, Rule, Scenario, run};

const SEEDS: u64 = 8;

fn minute(limits: &[(Dimension, f64)]) -> Vec<Rule> {
    limits.iter().map(|(dimension, per_minute)| Rule { dimension: *dimension, per_minute: *per_minute, burst_secs: 60.0 }).collect()
}

fn shared(requests: f64, tokens: f64) -> Vec<Rule> {
    minute(&[(Dimension::Requests, requests), (Dimension::Tokens, tokens)])
}

fn separate(requests: f64, input: f64, output: f64) -> Vec<Rule> {
    minute(&[(Dimension::Requests, requests), (Dimension::InputTokens, input), (Dimension::OutputTokens, output)])
}

/// Sizes far apart, headers that are computed on arrival and say when a limit is full again.
fn batch(jobs: usize, rules: Vec<Rule>) -> Scenario {
    Scenario {
        known: false,
        heads_on_arrival: true,
        resets: Some(1),
        mixed: true,
        way_millis: (1, 3),
        first_secs: (0.3, 0.3),
        token_secs: 0.01,
        input: 400,
        output: 130,
        jobs,
        rules,
        ..Scenario::default()
    }
}

/// `least` is the least mean efficiency of answers in one piece, and of streams.
fn check(name: &str, scenario: &Scenario, least: [f64; 2]) {
    for (streams, least) in [false, true].into_iter().zip(least) {
        let outcomes: Vec<Outcome> = (1..=SEEDS).map(|seed| run(&Scenario { streams, seed, ..scenario.clone() })).collect();
        let mean = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64;
        let efficiency = mean(&|outcome| outcome.efficiency);
        let refused: u64 = outcomes.iter().map(|outcome| outcome.refused).sum();
        println!(
            "{name}, {:?}, {}: E {efficiency:.3}, {refused} refused",
            scenario.charge,
            if streams { "streamed" } else { "in one piece" }
        );
        for (nth, (dimension, ..)) in outcomes[0].unused_secs.iter().enumerate() {
            let full = mean(&|outcome| outcome.unused_secs[nth].1);
            let left = mean(&|outcome| outcome.unused_secs[nth].2);
            println!("    {dimension:?}: full for {full:.1} s, {left:.1} s left at the end");
        }
        let requests: u64 = outcomes.iter().map(|outcome| outcome.requests).sum();
        assert!(refused * 1_000 <= requests, "{name}: {refused} of {requests} refused, wanted at most one in a thousand");
        assert!(efficiency >= least, "{name}: E {efficiency:.3}, wanted {least}");
    }
}

/// Of the maximum that a request allows, nothing need be held where headers show that nothing was taken for it.
#[test]
fn a_few_headers_tell_that_no_maximum_is_reserved() {
    let rounded = |scenario| Scenario { grain: 1_000, resets: Some(1_000), ..scenario };
    check("60 at 50 RPM, 8,000 OTPM", &rounded(batch(60, separate(50.0, 30_000.0, 8_000.0))), [0.60, 0.70]);
    check("200 at 50 RPM, 8,000 OTPM", &rounded(batch(200, separate(50.0, 30_000.0, 8_000.0))), [0.95, 0.96]);
    let long = Scenario { first_secs: (2.0, 2.0), token_secs: 0.03, ..batch(600, separate(1_000.0, 400_000.0, 40_000.0)) };
    check("600 long answers at 40,000 OTPM", &rounded(long), [0.62, 0.67]);
}

/// Where the maximum is reserved, the same headers do not say otherwise, and hardly anybody is refused.
#[test]
fn a_maximum_that_is_reserved_stays_held() {
    for charge in [Charge::ReservesMax, Charge::CharactersAndMax] {
        check("200 at 60,000 TPM", &Scenario { charge, ..batch(200, shared(200.0, 60_000.0)) }, [0.85, 0.86]);
    }
    let rounded = Scenario { grain: 1_000, resets: Some(1_000), ..batch(200, separate(50.0, 30_000.0, 8_000.0)) };
    check("200 at 50 RPM, 8,000 OTPM", &Scenario { charge: Charge::ReservesMax, ..rounded }, [0.95, 0.96]);
}

/// Nothing of a shared bucket waits for a rule that headers contradict.
#[test]
fn one_token_bucket_is_used_from_the_start() {
    check("200 at 60,000 TPM", &batch(200, shared(200.0, 60_000.0)), [0.90, 0.92]);
    check("600 at 60,000 TPM", &batch(600, shared(500.0, 60_000.0)), [0.97, 0.97]);
}
