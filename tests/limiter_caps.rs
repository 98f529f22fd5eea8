//! L5: caps on concurrent requests that no header tells: constant, moving, falling, growing.

#![allow(clippy::print_stdout, reason = "`cargo test -- --nocapture` shows the figures")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds and caps are small")]

#[path = "support/world.rs"]
mod world;

use tierline::domain::Dimension;
use world::{Rule, Scenario, run};

const SEEDS: u64 = 8;

fn check(name: &str, cap: fn(f64) -> u64, change: impl Fn(&mut Scenario), least_efficiency: f64, most_refused: f64) {
    let mut scenario = Scenario {
        rules: vec![Rule { dimension: Dimension::Requests, per_minute: 1_000_000.0, burst_secs: 60.0 }],
        known: false,
        headers: false,
        concurrency: Some(cap),
        jobs: 1_500,
        output: 150,
        ..Scenario::default()
    };
    change(&mut scenario);
    let (mut efficiency, mut refused, mut requests) = (0.0, 0, 0);
    for seed in 1..=SEEDS {
        let outcome = run(&Scenario { seed, ..scenario.clone() });
        efficiency += outcome.efficiency / SEEDS as f64;
        refused += outcome.refused;
        requests += outcome.requests;
        assert_eq!(outcome.failed, 0, "{name}");
    }
    let share = refused as f64 / requests as f64;
    println!("{name:<50} E {efficiency:.3}, R429 {:.2} %  ({} of {})", share * 100.0, refused / SEEDS, requests / SEEDS);
    assert!(efficiency >= least_efficiency, "{name}: E {efficiency:.3}, wanted {least_efficiency}");
    assert!(share <= most_refused, "{name}: R429 {share:.4}, wanted {most_refused}");
}

const fn as_is(_: &mut Scenario) {}

/// A generation of requests takes 10 s.
const fn slow(scenario: &mut Scenario) {
    scenario.output = 800;
}

/// A generation takes less than a second.
const fn fast(scenario: &mut Scenario) {
    scenario.output = 20;
    scenario.jobs = 3_000;
}

/// A quarter of a second on each way: a place stands empty for that long after each request, whatever one does.
const fn far(scenario: &mut Scenario) {
    scenario.way_millis = (80, 400);
}

const fn many(scenario: &mut Scenario) {
    scenario.jobs = 10_000;
}

#[test]
fn a_cap_that_stays() {
    check("12", |_| 12, as_is, 0.96, 0.015);
    check("24", |_| 24, as_is, 0.95, 0.01);
    check("24, slow", |_| 24, slow, 0.97, 0.01);
    check("24, fast", |_| 24, fast, 0.93, 0.012);
    check("24, far", |_| 24, far, 0.87, 0.03);
    check("100", |_| 100, many, 0.95, 0.006);
    check("500", |_| 500, many, 0.82, 0.012);
}

#[test]
fn a_cap_that_alternates() {
    check("24 and 12 every 20 s", |s| [24, 12][nth(s, 20.0) % 2], as_is, 0.925, 0.02);
    check("24 and 12 every 20 s, long", |s| [24, 12][nth(s, 20.0) % 2], many, 0.95, 0.015);
    check("24 and 12 every 20 s, fast", |s| [24, 12][nth(s, 20.0) % 2], fast, 0.91, 0.02);
    check("24 and 12 every 60 s, slow", |s| [24, 12][nth(s, 60.0) % 2], slow, 0.91, 0.02);
    check("60 and 20 every 45 s", |s| [60, 20][nth(s, 45.0) % 2], many, 0.92, 0.012);
    check("100, 30 and 60 every 30 s", |s| [100, 30, 60][nth(s, 30.0) % 3], many, 0.92, 0.012);
}

#[test]
fn a_cap_that_drifts() {
    check("20 to 40 and back in 120 s", |s| (30.0 + 10.0 * (s / 120.0 * std::f64::consts::TAU).sin()) as u64, many, 0.94, 0.03);
    check("one more every 2 s", |s| 12 + nth(s, 2.0) as u64, many, 0.95, 0.022);
    check("anything from 12 to 40 every 60 s", |s| scattered(nth(s, 60.0)), many, 0.88, 0.02);
    check("anything from 12 to 40 every 15 s", |s| scattered(nth(s, 15.0)), many, 0.76, 0.035);
}

#[test]
fn a_cap_that_changes_once() {
    check("falls from 60 to 15", |s| if s < 30.0 { 60 } else { 15 }, as_is, 0.92, 0.02);
    check("grows from 12 to 60", |s| if s < 30.0 { 12 } else { 60 }, as_is, 0.82, 0.01);
}

#[test]
fn a_documented_cap_is_not_believed_blindly() {
    let documented = |scenario: &mut Scenario| {
        scenario.documented_cap = Some(2_500);
        scenario.jobs = 10_000;
    };
    check("2,500 documented, 300 enforced", |_| 300, documented, 0.88, 0.012);
    check("2,500 documented and enforced", |_| 2_500, documented, 0.4, 0.0);
}

/// How often `every` seconds have passed.
fn nth(secs: f64, every: f64) -> usize {
    (secs / every) as usize
}

const fn scattered(n: usize) -> u64 {
    12 + ((n as u64 * 2_654_435_761) >> 7) % 29
}
