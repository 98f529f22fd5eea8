//! One load against one set of limits: fits or not, with how much room; how long a batch takes.

use serde::Serialize;

use super::Choice;
use super::demand::{Counting, Demand};
use crate::domain::dimension::Meter;
use crate::domain::{Dimension, Limit, Refill};

/// The share of a limit that Tierline's limiter uses at the least while work waits (from the simulations in the tests).
const EFFICIENCY: f64 = 0.96;

/// How a load fits one choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// The choice's name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// One for each limit that could be judged.
    pub limits: Vec<LimitCheck>,
    /// Whether every limit holds the demanded rate. A batch without a rate fits if each of its requests fits alone.
    pub fits: bool,
    /// The meter that runs out first; `None` without limits.
    pub binding: Option<String>,
    /// The highest rate at which requests of this kind fit; `None` without limits.
    pub most_requests_per_min: Option<f64>,
    /// Requests in flight at that rate; `None` if the latency is unknown.
    pub workers_at_most: Option<f64>,
    /// The longest prompt with which the demanded rate fits; `None` if it would not with any, or there is no rate.
    pub longest_prompt: Option<u64>,
    /// How long the batch takes, if it is one and limits are known.
    pub batch: Option<BatchTime>,
}

/// A load against one limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitCheck {
    /// RPM, ITPM, ...
    pub meter: String,
    /// How much the limit allows in its window.
    pub limit: u64,
    /// Where that number came from.
    pub source: String,
    /// What one request takes; of requests at once, a place for so many minutes.
    pub each: f64,
    /// What the demanded rate takes in a window; `None` without a rate.
    pub need: Option<f64>,
    /// Whether the need is not above the limit, and one request is not either.
    pub fits: bool,
    /// What is left of the limit in percent; negative if the need is above it. `None` without a rate.
    pub headroom_percent: Option<f64>,
}

/// How long a batch takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BatchTime {
    /// With every bucket full at the start and no moment lost.
    pub least_secs: f64,
    /// Evenly at the limit, as a limiter sends that does not trust bursts, with what it leaves unused.
    pub expected_secs: f64,
}

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
            Refill::Continuous => ((windows - 1.0).max(0.0) * period, windows * period / EFFICIENCY),
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
