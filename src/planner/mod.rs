//! Whether a load fits a set of limits, what binds, how long a batch takes and what it costs: arithmetic, nothing else.
//!
//! It refuses to know where numbers come from: limits and prices are given (by the catalogue, by headers, by the user),
//! and what is not given stays unknown.

pub mod advice;
pub mod check;
mod cuts;
pub mod demand;
pub mod way;
pub mod whatif;
pub mod words;

pub use demand::Counting;

use crate::domain::Limit;
pub use crate::domain::plan::{Advice, BatchTime, Demand, Fit, LimitCheck, Plan, Prices};

/// A set of limits to hold the load against: a tier, or what the user typed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name, as in commands.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What may be used.
    pub limits: Vec<Limit>,
}

/// Holds a load against each choice. `choices` go from the lowest to the highest; `current` names where the user stands.
///
/// ```
/// use tierline::domain::{Dimension, Limit, LimitSource, Window};
/// use tierline::planner::{Choice, Counting, Demand, Prices, plan};
/// let limit = |dimension, capacity| Limit { dimension, window: Window::PER_MINUTE, capacity, source: LimitSource::User };
/// let limits = vec![limit(Dimension::Requests, 50), limit(Dimension::InputTokens, 30_000)];
/// let given = Choice { name: "given".into(), title: "given".into(), limits };
/// let demand = Demand { requests_per_min: Some(20.0), input_tokens: 3_000, ..Demand::default() };
/// let plan = plan(&demand, Counting::default(), &[given], None, &Prices::default());
/// assert!(!plan.fits[0].fits); // 60,000 input tokens a minute
/// assert_eq!(plan.fits[0].binding.as_deref(), Some("ITPM"));
/// ```
#[must_use]
pub fn plan(demand: &Demand, counting: Counting, choices: &[Choice], current: Option<&str>, prices: &Prices) -> Plan {
    let fits: Vec<Fit> = choices.iter().map(|choice| check::fit(demand, counting, choice)).collect();
    let advice = advice::advise(demand, &fits, current);
    Plan {
        demand: demand.clone(),
        workers: demand.requests_per_min.and_then(|rate| demand.in_flight(rate)),
        fits,
        advice,
        each: *prices,
        whole: prices.times(demand.rows.map_or_else(|| demand.requests_per_min.unwrap_or(0.0) * 60.0, check::to_f64)),
    }
}

impl Prices {
    fn times(self, requests: f64) -> Self {
        let times = |nanos: Option<u64>| nanos.map(|nanos| check::to_u64(check::to_f64(nanos) * requests));
        Self { now_nanos: times(self.now_nanos), batch_api_nanos: times(self.batch_api_nanos), cached_nanos: times(self.cached_nanos) }
    }
}
