//! One load against one set of limits: fits or not, with how much room; how long a batch takes.

use super::Choice;
use super::demand::Counting;
use crate::domain::dimension::Meter;
use crate::domain::plan::{BatchTime, Demand, Fit, LimitCheck};
use crate::domain::{Dimension, Limit, Refill};

/// The share of a limit that Tierline's limiter uses at the least while work waits (from the simulations in the tests).
const EFFICIENCY: f64 = 0.96;

/// Holds a load against a choice.
pub(super) fn fit(demand: &Demand, counting: Counting, choice: &Choice) -> Fit {
    let judged: Vec<(&Limit, LimitCheck)> =
        choice.limits.iter().filter_map(|limit| Some((limit, check(demand, counting, limit)?))).collect();
    // the limit that allows the fewest requests a minute decides, whatever the demanded rate
    let binding = judged.iter().min_by(|a, b| most_per_min(a).total_cmp(&most_per_min(b)));
    let most = binding.map(most_per_min);
    let fits = judged.iter().all(|(_, check)| check.fits);
    Fit {
        name: choice.name.clone(),
        title: choice.title.clone(),
        fits,
        binding: binding.map(|(_, check)| check.meter.clone()),
        most_requests_per_min: most,
        workers_at_most: most.and_then(|rate| demand.in_flight(rate)),
        longest_prompt: demand.requests_per_min.and_then(|rate| longest_prompt(demand, counting, rate, &judged)),
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
    Some(LimitCheck {
        meter: Meter(limit.dimension, limit.window.period).to_string(),
        limit: limit.capacity,
        source: limit.source.to_string(),
        each,
        need,
        fits: each <= capacity && need.is_none_or(|need| need <= capacity),
        headroom_percent: need.map(|need| if capacity > 0.0 { (capacity - need) / capacity * 100.0 } else { -100.0 }),
    })
}

fn window_minutes(limit: &Limit) -> f64 {
    f64::from(limit.window.period.as_secs()) / 60.0
}

/// Requests a minute that this limit allows.
fn most_per_min((limit, check): &(&Limit, LimitCheck)) -> f64 {
    let minutes = if limit.dimension == Dimension::Concurrent { 1.0 } else { window_minutes(limit) };
    if check.each > 0.0 && minutes > 0.0 { to_f64(limit.capacity) / check.each / minutes } else { f64::INFINITY }
}

fn longest_prompt(demand: &Demand, counting: Counting, rate: f64, judged: &[(&Limit, LimitCheck)]) -> Option<u64> {
    let share = demand.counted_input_share(counting);
    let mut longest = f64::INFINITY;
    for (limit, check) in judged {
        let beside = match limit.dimension {
            Dimension::Tokens if counting.output_in_tokens => to_f64(demand.output_tokens),
            Dimension::InputTokens | Dimension::Tokens => 0.0,
            _ if check.fits => continue,
            // a shorter prompt does not help here
            _ => return None,
        };
        let room = to_f64(limit.capacity) / (rate * window_minutes(limit)) - beside;
        if room < 1.0 {
            return None;
        }
        if share > 0.0 {
            longest = longest.min(room / share);
        }
    }
    longest.is_finite().then(|| to_u64(longest.floor()))
}

fn batch_time(demand: &Demand, rows: u64, judged: &[(&Limit, LimitCheck)]) -> BatchTime {
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
