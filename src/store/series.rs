//! A chart's points: the right grain for its range, brought to at most as many steps as it can show.

use rusqlite::{Connection, params};

use super::failure::failed;
use super::prune::minutes_from;
use super::reader::Reader;
use super::rollup::{Grain, Sum, account_column, class_column};
use super::row::{int, millis};
use crate::domain::query::{Measure, Series, SeriesQuery};
use crate::domain::{Dimension, Period, Problem};

const MINUTE: i64 = Grain::Minute.millis();
const DAY: i64 = Grain::Day.millis();

/// Lengths of a step in minutes, up to a day; beyond that, whole days.
const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];

impl Reader {
    /// The points of a chart. A range that is empty or turned around has none.
    ///
    /// The limits are those of the scopes that the account was seen to belong to, and need an account and a class.
    pub fn series(&self, query: &SeriesQuery) -> Result<Series, Problem> {
        let series = || {
            if query.from >= query.to || query.max_points == 0 {
                return Ok(Series::default());
            }
            let plan = Plan::of(query, int(minutes_from(&self.db)?));
            let mut series = points(&self.db, query, &plan)?;
            series.limits = limits(&self.db, query)?;
            Ok(series)
        };
        series().map_err(failed("read the chart's points"))
    }
}

/// Which rows to read, and how to cut them into steps. Times in Unix milliseconds.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    grain: Grain,
    step: i64,
    /// Start of the first step.
    first: i64,
    steps: usize,
}

impl Plan {
    /// The shortest step with which the range has at most `max_points` of them; `minutes_from` is when minutes begin.
    fn of(query: &SeriesQuery, minutes_from: i64) -> Self {
        let (from, to) = (millis(query.from), millis(query.to));
        let most = i64::from(query.max_points.max(2));
        let grain_of = |step: i64| match step {
            _ if step % DAY == 0 => Grain::Day,
            _ if step % Grain::Hour.millis() == 0 => Grain::Hour,
            _ => Grain::Minute,
        };
        let count = |step: i64| (to - from.div_euclid(step) * step + step - 1) / step;
        let step = STEPS
            .into_iter()
            .map(|minutes| minutes * MINUTE)
            .filter(|step| grain_of(*step) != Grain::Minute || from >= minutes_from)
            .find(|step| count(*step) <= most)
            .unwrap_or_else(|| {
                let days = (to - from) / DAY / (most - 1) + 1;
                days * DAY
            });
        Self { grain: grain_of(step), step, first: from.div_euclid(step) * step, steps: usize::try_from(count(step)).unwrap_or(0) }
    }

    fn end(&self) -> i64 {
        self.first + self.step * i64::try_from(self.steps).unwrap_or(0)
    }

    fn start(&self, step: usize) -> i64 {
        self.first + self.step * i64::try_from(step).unwrap_or(0)
    }
}

fn sum_of(measure: Measure) -> Sum {
    match measure {
        Measure::Requests => Sum::Sent,
        Measure::InputTokens => Sum::CountedInput,
        Measure::OutputTokens => Sum::CountedOutput,
        Measure::Tokens => Sum::CountedTotal,
        Measure::Refusals => Sum::RefusedUpstream,
        Measure::WaitMillis => Sum::WaitMillis,
        Measure::CostNanos => Sum::CostNanos,
    }
}

/// What a provider meters under this name, if it meters it by the minute.
fn dimension_of(measure: Measure) -> Option<Dimension> {
    match measure {
        Measure::Requests => Some(Dimension::Requests),
        Measure::InputTokens => Some(Dimension::InputTokens),
        Measure::OutputTokens => Some(Dimension::OutputTokens),
        Measure::Tokens => Some(Dimension::Tokens),
        Measure::Refusals | Measure::WaitMillis | Measure::CostNanos => None,
    }
}

fn points(db: &Connection, query: &SeriesQuery, plan: &Plan) -> rusqlite::Result<Series> {
    let sum = sum_of(query.measure);
    // a minute is its own highest minute
    let peak = if plan.grain == Grain::Minute || !sum.has_peak() { sum.column().to_owned() } else { format!("peak_{}", sum.column()) };
    let mut found = db.prepare_cached(&format!(
        "SELECT start, {}, {peak}, ended FROM {} WHERE account = ? AND class = ? AND start >= ? AND start < ?",
        sum.column(),
        plan.grain.table(),
    ))?;
    let mut rows = found.query(params![account_column(query.account), class_column(query.class.as_ref()), plan.first, plan.end()])?;
    let mut totals = vec![(0_i64, 0_i64, 0_i64); plan.steps];
    while let Some(row) = rows.next()? {
        let (start, amount, peak, ended): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let step = usize::try_from((start - plan.first) / plan.step).unwrap_or(0);
        let total = &mut totals[step];
        *total = (total.0.saturating_add(amount), total.1.max(peak), total.2.saturating_add(ended));
    }
    let mut series = Series { step_secs: u32::try_from(plan.step / 1_000).unwrap_or(u32::MAX), ..Series::default() };
    for (step, (amount, peak, ended)) in totals.into_iter().enumerate() {
        let start = plan.start(step);
        let at = start as f64 / 1_000.0;
        // the last step has only come as far as the range goes
        let millis = (millis(query.to).min(start + plan.step) - start).max(MINUTE);
        let value = match query.measure {
            Measure::WaitMillis => amount as f64 / ended.max(1) as f64,
            _ => amount as f64 * MINUTE as f64 / millis as f64,
        };
        series.points.push([at, value]);
        if sum.has_peak() {
            series.peaks.push([at, peak as f64]);
        }
    }
    Ok(series)
}

/// The capacity per minute that held at the start of the range, and every one that came in it.
fn limits(db: &Connection, query: &SeriesQuery) -> rusqlite::Result<Vec<[f64; 2]>> {
    let (Some(account), Some(class), Some(dimension)) = (query.account, &query.class, dimension_of(query.measure)) else {
        return Ok(Vec::new());
    };
    let mut found = db.prepare_cached(
        "SELECT at, new_capacity FROM limit_changes c JOIN accounts a ON a.id = ?1 AND a.provider = c.provider
         WHERE class = ?2 AND dimension = ?3 AND period_secs = ?4 AND at < ?5
           AND (scope_kind = 'account' AND scope = a.label
                OR EXISTS (SELECT 1 FROM account_scopes s WHERE s.account = a.id AND s.kind = c.scope_kind AND s.scope = c.scope))
         ORDER BY at, c.id",
    )?;
    let mut rows = found.query(params![account.0, class.as_str(), dimension.name(), Period::MINUTE.as_secs(), millis(query.to)])?;
    let from = millis(query.from);
    let mut limits: Vec<[f64; 2]> = Vec::new();
    while let Some(row) = rows.next()? {
        let (at, capacity): (i64, i64) = (row.get(0)?, row.get(1)?);
        if at <= from {
            limits.clear();
        }
        limits.push([at.max(from) as f64 / 1_000.0, capacity as f64]);
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::row::time;

    fn plan(from: i64, to: i64, max_points: u32, minutes_from: i64) -> Plan {
        let query = SeriesQuery { measure: Measure::Requests, account: None, class: None, from: time(from), to: time(to), max_points };
        Plan::of(&query, minutes_from)
    }

    #[test]
    fn every_range_gets_the_shortest_step_that_fits() {
        const HOUR: i64 = 60 * MINUTE;
        let noon = 20_000 * DAY + 12 * HOUR;
        for (range, max_points, grain, step) in [
            (5 * MINUTE, 300, Grain::Minute, MINUTE),
            (HOUR, 300, Grain::Minute, MINUTE),
            (6 * HOUR, 300, Grain::Minute, 2 * MINUTE),
            (DAY, 300, Grain::Minute, 5 * MINUTE),
            (7 * DAY, 300, Grain::Hour, HOUR),
            (30 * DAY, 300, Grain::Hour, 4 * HOUR),
            (365 * DAY, 400, Grain::Day, DAY),
            (365 * DAY, 100, Grain::Day, 4 * DAY),
            (50 * 365 * DAY, 2, Grain::Day, (50 * 365 + 1) * DAY),
        ] {
            let plan = plan(noon - range, noon, max_points, 0);
            assert_eq!((plan.grain, plan.step), (grain, step), "{range}");
            assert!(plan.steps <= max_points as usize, "{plan:?}");
            assert!(plan.first <= noon - range && plan.end() >= noon, "{plan:?}");
        }
    }

    #[test]
    fn a_range_from_before_the_kept_minutes_is_drawn_from_hours() {
        let plan = plan(10 * DAY, 10 * DAY + 60 * MINUTE, 300, 11 * DAY);
        assert_eq!((plan.grain, plan.steps), (Grain::Hour, 1));
    }
}
