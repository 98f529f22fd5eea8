//! Which way a batch goes: one by one at the limits, or through the provider's batch API. By deadline first, then by cost.

use serde::Serialize;

use super::words::{dollars, long};
use crate::domain::batch::BatchVia;

/// What is known of the two ways.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ways {
    /// Seconds until the batch has to be done; `None` if it may take as long as it takes.
    pub deadline_secs: Option<f64>,
    /// Seconds it takes at the limits; `None` if no limits are known.
    pub at_limits_secs: Option<f64>,
    /// Hours the batch API may take, as its provider promises; `None` if there is none.
    pub finish_hours: Option<u64>,
    /// Why the batch API cannot take it, if so.
    pub obstacle: Option<String>,
    /// What it costs at the limits, in nano-dollars, if that can be told.
    pub at_limits_nanos: Option<u64>,
    /// What it costs through the batch API.
    pub batch_api_nanos: Option<u64>,
}

/// A way, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// Which.
    pub via: BatchVia,
    /// One line without a full stop.
    pub why: String,
}

/// Decides. A promise counts for sure, and an estimate for what is likely.
///
/// ```
/// use tierline::domain::batch::BatchVia;
/// use tierline::planner::way::{Ways, choose};
/// let night = Ways { deadline_secs: Some(12.0 * 3_600.0), at_limits_secs: Some(1_800.0), finish_hours: Some(24), ..Ways::default() };
/// assert_eq!(choose(&night).via, BatchVia::Gateway);
/// let week = Ways { deadline_secs: Some(168.0 * 3_600.0), ..night };
/// assert_eq!(choose(&week).via, BatchVia::ProviderBatch);
/// ```
#[must_use]
pub fn choose(ways: &Ways) -> Way {
    let gateway = |why: String| Way { via: BatchVia::Gateway, why };
    let batch_api = |why: String| Way { via: BatchVia::ProviderBatch, why };
    let Some(hours) = ways.finish_hours else {
        return gateway("at the limits, because the provider has no batch API".into());
    };
    if let Some(obstacle) = &ways.obstacle {
        return gateway(format!("at the limits, because the batch API does not take it: {obstacle}"));
    }
    let takes = ways.at_limits_secs.map_or_else(|| "a time that cannot be told".into(), |secs| format!("about {}", long(secs)));
    let saves = match (ways.at_limits_nanos, ways.batch_api_nanos) {
        (Some(full), Some(batch)) => format!("{} instead of {}", dollars(batch), dollars(full)),
        _ => "less".into(),
    };
    let Some(deadline) = ways.deadline_secs else {
        return batch_api(format!(
            "through the batch API, because there is no deadline: within {hours} h for {saves}; at the limits it takes {takes}"
        ));
    };
    #[expect(clippy::cast_precision_loss, reason = "hours")]
    let promised = hours as f64 * 3_600.0;
    let left = long(deadline);
    match ways.at_limits_secs {
        _ if deadline >= promised => {
            batch_api(format!("through the batch API, because its {hours} h end before the deadline in {left}: for {saves}"))
        }
        Some(secs) if secs <= deadline => {
            gateway(format!("at the limits, because the deadline is in {left}: that takes {takes}, and the batch API up to {hours} h"))
        }
        Some(secs) if secs > promised => batch_api(format!(
            "through the batch API, because nothing ends before the deadline in {left}: at the limits it takes {takes}, there up to {hours} h, for {saves}"
        )),
        Some(_) => gateway(format!(
            "at the limits, because that is the sooner way, though it takes {takes} and the deadline is in {left}; the batch API takes up to {hours} h"
        )),
        None => gateway(format!(
            "at the limits, because the deadline is in {left} and the batch API may take {hours} h; how long the limits take cannot be told"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_decides_before_the_cost() {
        let hour = 3_600.0;
        let check = |deadline: Option<f64>, at_limits: Option<f64>, expect: BatchVia, why: &str| {
            let ways = Ways {
                deadline_secs: deadline,
                at_limits_secs: at_limits,
                finish_hours: Some(24),
                obstacle: None,
                at_limits_nanos: Some(12_400_000_000),
                batch_api_nanos: Some(6_200_000_000),
            };
            let way = choose(&ways);
            assert_eq!(way.via, expect, "{way:?}");
            assert!(way.why.contains(why), "{way:?}");
        };
        check(None, Some(hour), BatchVia::ProviderBatch, "within 24 h for $6.20 instead of $12.40; at the limits it takes about 60 min");
        check(Some(48.0 * hour), Some(hour), BatchVia::ProviderBatch, "its 24 h end before the deadline in 2 days");
        check(
            Some(8.0 * hour),
            Some(hour),
            BatchVia::Gateway,
            "the deadline is in 8 h: that takes about 60 min, and the batch API up to 24 h",
        );
        check(Some(8.0 * hour), Some(12.0 * hour), BatchVia::Gateway, "the sooner way, though it takes about 12 h");
        check(Some(8.0 * hour), Some(72.0 * hour), BatchVia::ProviderBatch, "nothing ends before the deadline");
        check(Some(8.0 * hour), None, BatchVia::Gateway, "cannot be told");
    }

    #[test]
    fn without_a_batch_api_there_is_one_way() {
        assert!(choose(&Ways::default()).why.contains("no batch API"));
        let ways = Ways { finish_hours: Some(24), obstacle: Some("line 3: no".into()), ..Ways::default() };
        assert_eq!(choose(&ways).why, "at the limits, because the batch API does not take it: line 3: no");
    }
}
