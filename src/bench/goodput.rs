//! The cases L1 to L5 in virtual time, the limiter and the baselines in turn.

use std::fmt;

use serde::Serialize;

use super::baselines::{self, Policy};
use super::world::{self, Charge, Rule, Scenario};
use crate::domain::Dimension;

/// One run, or the mean of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    /// The least possible time over the time taken: 1 is the physical limit. To be read beside the refusals. Not a number if
    /// everything fitted at once.
    pub efficiency: f64,
    /// What reached the provider.
    pub requests: u64,
    /// What the provider refused of that.
    pub refused: u64,
    /// Jobs that were given up.
    pub failed: u64,
    /// Seconds until the last answer.
    pub makespan_secs: f64,
    /// The least possible seconds.
    pub bound_secs: f64,
}

/// How one client did in one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which case.
    pub case: String,
    /// `tierline`, or which baseline.
    pub client: &'static str,
    /// The mean of all runs; requests, refusals and failures are sums.
    #[serde(flatten)]
    pub figures: Figures,
    /// What is demanded of Tierline in this case; empty for a baseline.
    pub demanded: &'static str,
}

impl Row {
    /// The name of Tierline's own rows.
    pub const OWN: &str = "tierline";

    /// What stands above the rows, as their [`Display`](fmt::Display) writes them.
    #[must_use]
    pub fn head() -> String {
        format!("{:<46} {:>6} {:>9} {:>7} {:>9} {:>9}   demanded", "", "E", "R429", "failed", "taken", "bound")
    }

    pub(super) fn mean(case: &str, client: &'static str, runs: &[Figures], demanded: &'static str) -> Self {
        let mean = |of: fn(&Figures) -> f64| runs.iter().map(of).sum::<f64>() / runs.len().max(1) as f64;
        let sum = |of: fn(&Figures) -> u64| runs.iter().map(of).sum();
        let figures = Figures {
            efficiency: mean(|run| run.efficiency),
            requests: sum(|run| run.requests),
            refused: sum(|run| run.refused),
            failed: sum(|run| run.failed),
            makespan_secs: mean(|run| run.makespan_secs),
            bound_secs: mean(|run| run.bound_secs),
        };
        Self { case: case.to_owned(), client, figures, demanded }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { efficiency, requests, refused, failed, makespan_secs, bound_secs } = self.figures;
        let name = if self.client == Self::OWN { self.case.clone() } else { format!("    {}", self.client) };
        // who gives up on a part of the work has no efficiency to speak of
        let is_done = failed * 100 <= requests - refused;
        let efficiency = if is_done && efficiency.is_finite() { format!("{efficiency:.3}") } else { "-".to_owned() };
        let share = refused as f64 / requests.max(1) as f64 * 100.0;
        write!(f, "{name:<46} {efficiency:>6} {share:>8.3}% {failed:>7} {makespan_secs:>7.0} s {bound_secs:>7.0} s")?;
        if self.demanded.is_empty() { Ok(()) } else { write!(f, "   {}", self.demanded) }
    }
}

/// Runs every case with `seeds` seeds, and hands each row out when it is there. Stops at the first error of `each`.
///
/// # Errors
/// What `each` returns.
pub fn rows<E>(seeds: u64, mut each: impl FnMut(Row) -> Result<(), E>) -> Result<(), E> {
    for (case, scenario, demanded) in cases() {
        let seeded = |seed| Scenario { seed, ..scenario.clone() };
        let own: Vec<Figures> = (1..=seeds).map(|seed| figures(&world::run(&seeded(seed)))).collect();
        each(Row::mean(case, Row::OWN, &own, demanded))?;
        for policy in Policy::ALL {
            let runs: Vec<Figures> = (1..=seeds).map(|seed| baselines::run(policy, &seeded(seed))).collect();
            each(Row::mean(case, policy.name(), &runs, ""))?;
        }
    }
    Ok(())
}

const fn figures(outcome: &world::Outcome) -> Figures {
    Figures {
        efficiency: outcome.efficiency,
        requests: outcome.requests,
        refused: outcome.refused,
        failed: outcome.failed,
        makespan_secs: outcome.makespan_secs,
        bound_secs: outcome.bound_secs,
    }
}

/// Every case with its name and what is demanded of it.
fn cases() -> Vec<(&'static str, Scenario, &'static str)> {
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
