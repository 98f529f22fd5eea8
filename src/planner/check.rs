//! One load against one set of limits: fits or not, with how much room; how long a batch takes.

use super::Choice;
use super::cuts::cuts;
use super::demand::Counting;
use crate::domain::dimension::Meter;
use crate::domain::plan::{BatchTime, Demand, Fit, LimitCheck};
use crate::domain::{Dimension, Limit, Refill};

/// The share of a limit that Tierline's limiter uses at the least while work waits (from the simulations in the tests).
const EFFICIENCY: f64 = 0.96;

/// A limit, and how the load stands to it.
pub(super) type Judged<'a> = (&'a Limit, LimitCheck);

/// Holds a load against a choice.
pub(super) fn fit(demand: &Demand, counting: Counting, choice: &Choice) -> Fit {
    let judged: Vec<Judged<'_>> = choice.limits.iter().filter_map(|limit| Some((limit, check(demand, counting, limit)?))).collect();
    // the limit that allows the fewest requests a minute decides, whatever the demanded rate
    let binding = judged.iter().min_by(|(_, a), (_, b)| most_of(a).total_cmp(&most_of(b)));
    let most = binding.map(|(_, check)| most_of(check));
    let fits = judged.iter().all(|(_, check)| check.fits);
    let cuts = demand.requests_per_min.map(|rate| cuts(demand, counting, rate, &judged)).unwrap_or_default();
    Fit {
        name: choice.name.clone(),
        title: choice.title.clone(),
        fits,
        binding: binding.map(|(_, check)| check.meter.clone()),
        most_requests_per_min: most,
        workers_at_most: most.and_then(|rate| demand.in_flight(rate)),
        longest_prompt: cuts.prompt,
        cuts,
        batch: demand.rows.filter(|_| fits && !judged.is_empty()).map(|rows| batch_time(demand, rows, &judged)),
        limits: judged.into_iter().map(|(_, check)| check).collect(),
    }
}

/// `None` for limits on what the demand says nothing of: images, money, and requests at once without a latency.
fn check(demand: &Demand, counting: Counting, limit: &Limit) -> Option<LimitCheck> {
    let (each, need) = match limit.dimension {
        // a place for as long as the request lasts, in minutes
        Dimension::Concurrent => {
            let each = demand.in_flight(1.0)?;
            (each, demand.requests_per_min.map(|rate| each * rate))
        }
        dimension => {
            let each = demand.takes(dimension, counting)?;
            (each, demand.requests_per_min.map(|rate| each * rate * window_minutes(limit)))
        }
    };
    let capacity = to_f64(limit.capacity);
    let minutes = if limit.dimension == Dimension::Concurrent { 1.0 } else { window_minutes(limit) };
    Some(LimitCheck {
        meter: Meter(limit.dimension, limit.window.period).to_string(),
        limit: limit.capacity,
        source: limit.source.to_string(),
        each,
        need,
        most_requests_per_min: (each > 0.0 && minutes > 0.0).then(|| capacity / each / minutes),
        fits: each <= capacity && need.is_none_or(|need| need <= capacity),
        headroom_percent: need.map(|need| if capacity > 0.0 { (capacity - need) / capacity * 100.0 } else { -100.0 }),
    })
}

pub(super) fn window_minutes(limit: &Limit) -> f64 {
    f64::from(limit.window.period.as_secs()) / 60.0
}

/// Requests a minute that one limit allows; one that allows any is never the tightest.
fn most_of(check: &LimitCheck) -> f64 {
    check.most_requests_per_min.unwrap_or(f64::INFINITY)
}

fn batch_time(demand: &Demand, rows: u64, judged: &[Judged<'_>]) -> BatchTime {
    let last_answer = demand.latency_secs.unwrap_or(0.0);
    let mut time = BatchTime { least_secs: 0.0, expected_secs: 0.0 };
    for (limit, check) in judged {
        let period = f64::from(limit.window.period.as_secs());
        let windows = check.each * to_f64(rows) / to_f64(limit.capacity.max(1));
        let (least, expected) = match limit.window.refill {
            // one window's worth is there at the start
            Refill::Continuous => ((windows - 1.0).max(0.0) * period, (windows - 1.0).max(0.0) * period / EFFICIENCY),
            // what is over for one window waits for the start of the next
            Refill::Fixed | Refill::Calendar(_) => ((windows.ceil() - 1.0).max(0.0) * period, (windows.ceil() - 1.0).max(0.0) * period),
            Refill::OnRelease => (windows * 60.0, windows * 60.0 / EFFICIENCY),
        };
        time.least_secs = time.least_secs.max(least);
        time.expected_secs = time.expected_secs.max(expected);
    }
    BatchTime { least_secs: time.least_secs + last_answer, expected_secs: time.expected_secs + last_answer }
}

#[expect(clippy::cast_precision_loss, reason = "a plan is no ledger")]
pub(super) fn to_f64(number: u64) -> f64 {
    number as f64
}

/// Rounded; negative numbers become zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn to_u64(number: f64) -> u64 {
    number.round() as u64
}
