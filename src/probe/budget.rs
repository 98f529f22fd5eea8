//! What probes may cost in a UTC day, kept in the settings so that the window and every command share one.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::catalog::Usd;
use crate::domain::Problem;
use crate::store::{Reader, Store};

/// The setting with the budget in nano-dollars.
const LIMIT: &str = "probe_daily_budget_nanos";
/// The setting with a day and what was spent in it: `2026-11-24 1500`.
const SPENT: &str = "probe_spent_nanos";
/// One US cent: thousands of the dearest probe there is.
const DEFAULT: Usd = Usd::from_nanos(10_000_000);

/// A day's budget and what is spent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    day: Date,
    limit: Usd,
    spent: Usd,
}

impl Budget {
    /// The budget as it stands at `now`.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn load(reader: &Reader, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self::read(reader.setting(LIMIT)?.as_deref(), reader.setting(SPENT)?.as_deref(), now))
    }

    /// Sets how much a day's probes may cost.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn set(store: &Store, limit: Usd) -> Result<(), Problem> {
        store.set_setting(LIMIT, &limit.nanos().to_string())
    }

    /// Takes a probe's cost out of the budget before it is sent; what costs nothing always passes.
    ///
    /// # Errors
    /// It would cost more than is left, or nobody knows how much. Nothing is taken then.
    pub fn spend(&mut self, cost_nanos: Option<u64>) -> Result<(), Problem> {
        let Some(cost) = cost_nanos.map(Usd::from_nanos) else {
            return Err(Problem::new("what this probe costs is unknown, so it cannot be held to the daily budget")
                .hint("name a model whose price the catalogue knows"));
        };
        let total = Usd::from_nanos(self.spent.nanos().saturating_add(cost.nanos()));
        if cost.nanos() > 0 && total > self.limit {
            let Self { limit, spent, .. } = self;
            return Err(Problem::new(format!("the probe would cost ${cost}, and ${spent} of today's ${limit} are spent"))
                .hint("wait for the next UTC day, or allow more with `tierline probe --daily-budget USD`"));
        }
        self.spent = total;
        Ok(())
    }

    /// Writes down what is spent.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn save(&self, store: &Store) -> Result<(), Problem> {
        store.set_setting(SPENT, &format!("{} {}", self.day, self.spent.nanos()))
    }

    /// A setting that cannot be understood counts as none.
    fn read(limit: Option<&str>, spent: Option<&str>, now: Timestamp) -> Self {
        let day = Offset::UTC.to_datetime(now).date();
        let spent_today = |text: &str| {
            let (date, nanos) = text.split_once(' ')?;
            if date.parse::<Date>().ok()? == day { nanos.parse().ok() } else { None }
        };
        Self {
            day,
            limit: limit.and_then(|text| text.parse().ok()).map_or(DEFAULT, Usd::from_nanos),
            spent: Usd::from_nanos(spent.and_then(spent_today).unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_budget_and_no_more() {
        for (limit, spent, cost, passes) in [
            (None, None, Some(1_500), true),
            (None, Some("2026-11-24 9998500"), Some(1_500), true),
            (None, Some("2026-11-24 9998501"), Some(1_500), false),
            (None, Some("2026-11-23 9998501"), Some(1_500), true),
            (Some("1000"), None, Some(1_500), false),
            (Some("0"), Some("2026-11-24 7"), Some(0), true),
            (Some("a lot"), Some("yesterday"), Some(1_500), true),
            (None, None, None, false),
        ] {
            let mut budget = Budget::read(limit, spent, "2026-11-24T23:59:59Z".parse().unwrap());
            let before = budget;
            assert_eq!(budget.spend(cost).is_ok(), passes, "{before:?} {cost:?}");
            let taken = if passes { cost.unwrap_or(0) } else { 0 };
            assert_eq!(budget.spent.nanos(), before.spent.nanos() + taken, "{before:?}");
        }
    }
}
