//! What the limiter promises beside efficiency: fairness between programs (L9), and how it behaves while a provider is out (L11).

#![allow(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows the figures")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index from a share")]

#[path = "support/world.rs"]
mod world;

use tierline::domain::{Dimension, Lane};
use world::{Crowd, Rule, Scenario, run};

fn p95(mut waits: Vec<f64>) -> f64 {
    waits.sort_by(f64::total_cmp);
    waits[((waits.len() - 1) as f64 * 0.95) as usize]
}

fn requests(per_minute: f64, burst_secs: f64) -> Vec<Rule> {
    vec![Rule { dimension: Dimension::Requests, per_minute, burst_secs }]
}

/// A small client's p95 wait alone and beside another that asks for fifty times as much.
fn beside_fifty_times_as_much(small: Crowd, every_secs: f64, rules: &[Rule]) -> (f64, f64) {
    let large = Crowd { client: "large", jobs: small.jobs * 50, every_secs, ..small };
    let p95_with = |crowds: Vec<Crowd>| {
        let scenario = Scenario { rules: rules.to_vec(), jobs: 0, crowds, output: 60, ..Scenario::default() };
        p95(run(&scenario).waits.remove("small").unwrap_or_default())
    };
    (p95_with(vec![small]), p95_with(vec![large, small]))
}

#[test]
fn l9_a_large_client_at_most_doubles_the_wait_of_a_small_one() {
    let small = |jobs, every_secs| Crowd { client: "small", lane: Lane::Interactive, jobs, every_secs };
    for (name, small, every_secs, burst) in [
        ("all at once", small(40, 0.0), 0.0, 0.0),
        ("a steady trickle beside a flood", small(120, 0.5), 0.01, 0.5),
        ("a trickle near the fair share", small(120, 0.45), 0.009, 0.5),
    ] {
        let (alone, beside) = beside_fifty_times_as_much(small, every_secs, &requests(300.0, 1.0));
        println!("{name}: p95 of the small client's wait {alone:.2} s alone, {beside:.2} s beside the large one");
        // alone it would have found the bucket with room
        assert!(beside <= 2.0 * alone + burst, "{name}: {alone:.2} s alone, {beside:.2} s beside");
    }
}

#[test]
fn l11_an_outage_costs_few_retries_and_ends_at_once() {
    for (from, to) in [(40.0, 70.0), (40.0, 50.0), (40.0, 160.0)] {
        let crowd = Crowd { client: "steady", lane: Lane::Interactive, jobs: 1_200, every_secs: 0.2 };
        let scenario = Scenario {
            rules: requests(6_000.0, 60.0),
            jobs: 0,
            crowds: vec![crowd],
            outage: Some((from, to)),
            output: 60,
            ..Scenario::default()
        };
        let outcome = run(&scenario);
        // the first second in which nine tenths of the demand are taken
        let back = (0..60).find(|second| {
            let since = to + f64::from(*second);
            outcome.taken_at.iter().filter(|at| (since..since + 1.0).contains(*at)).count() >= 4
        });
        let jobs = crowd.jobs as f64;
        println!(
            "out for {} s: {} sent into it, {} given up, {} requests for {jobs} jobs, back after {back:?} s",
            to - from,
            outcome.sent_into_outage,
            outcome.failed,
            outcome.requests
        );
        assert!(outcome.requests as f64 <= 1.1 * jobs + 3.0);
        let patience = ((to - from) / 8.0).max(5.0);
        assert!(back.is_some_and(|second| f64::from(second) <= patience), "back after {back:?} s");
    }
}
