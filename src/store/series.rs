//! A chart's points: the right grain for its range, brought to at most as many steps as it can show.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::failure::failed;
use super::moments;
use super::parts::table as part_table;
use super::prune::minutes_from;
use super::reader::Reader;
use super::rollup::{Grain, Sum, account_column, class_column};
use super::row::{int, millis};
use crate::domain::dimension::Meter;
use crate::domain::query::{Mark, MarkKind, Measure, PartOf, Series, SeriesQuery, Split};
use crate::domain::{Dimension, Period, Problem};

const MINUTE: i64 = Grain::Minute.millis();
const DAY: i64 = Grain::Day.millis();

/// More marks than these would hide the chart.
const MARKS: i64 = 40;

/// Lengths of a step in minutes, up to a day; beyond that, whole days.
const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];

/// How many minutes or hours a divided chart reads at most: each of them has a row for every client and model in it.
const DIVIDED: i64 = 2_000;

impl Reader {
    /// The points of a chart. A range that is empty or turned around has none.
    ///
    /// The limits are those of the scopes that the account was seen to belong to, and need an account and a class.
    pub fn series(&self, query: &SeriesQuery) -> Result<Series, Problem> {
        let series = || {
            if query.from >= query.to || query.max_points == 0 {
                return Ok(Series::default());
            }
            let minutes_from = int(minutes_from(&self.db)?);
            let mut series = if let Some(fine) = moments::series(&self.db, query, minutes_from)? {
                fine
            } else {
                let plan = Plan::of(query, minutes_from);
                Series { parts: parts(&self.db, query, &plan)?, ..points(&self.db, query, &plan)? }
            };
            series.limits = limits(&self.db, query)?;
            series.marks = marks(&self.db, query)?;
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
        let kept = |step: i64| grain_of(step) != Grain::Minute || from >= minutes_from;
        let readable = |step: i64| query.split.is_none() || count(grain_of(step).millis()) <= DIVIDED;
        let step = STEPS
            .into_iter()
            .map(|minutes| minutes * MINUTE)
            .filter(|step| kept(*step) && readable(*step))
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

    fn step_of(&self, start: i64) -> usize {
        usize::try_from((start - self.first) / self.step).unwrap_or(0)
    }

    /// The rate of a step. The last one has only come as far as the range goes.
    fn per_minute(&self, step: usize, amount: i64, query: &SeriesQuery) -> f64 {
        let start = self.start(step);
        let long = (millis(query.to).min(start + self.step) - start).max(MINUTE);
        amount as f64 * MINUTE as f64 / long as f64
    }

    fn start(&self, step: usize) -> i64 {
        self.first + self.step * i64::try_from(step).unwrap_or(0)
    }
}

/// What is summed for a measure, and by which columns it is divided, if it is an average.
const fn sums_of(measure: Measure) -> (Sum, Option<&'static str>) {
    match measure {
        Measure::Requests => (Sum::Sent, None),
        Measure::InputTokens => (Sum::CountedInput, None),
        Measure::OutputTokens => (Sum::CountedOutput, None),
        Measure::Tokens => (Sum::CountedTotal, None),
        Measure::Refusals => (Sum::RefusedUpstream, None),
        Measure::Retries => (Sum::Retries, None),
        Measure::CostNanos => (Sum::CostNanos, None),
        Measure::WaitMillis => (Sum::WaitMillis, Some("ended")),
        Measure::TokensPerRequest => (Sum::CountedTotal, Some("sent")),
        // every attempt that went out was refused or not
        Measure::RefusedShare => (Sum::RefusedUpstream, Some("sent + retries")),
    }
}

/// What a provider meters under this name, if it meters it by the minute.
fn dimension_of(measure: Measure) -> Option<Dimension> {
    match measure {
        Measure::Requests => Some(Dimension::Requests),
        Measure::InputTokens => Some(Dimension::InputTokens),
        Measure::OutputTokens => Some(Dimension::OutputTokens),
        Measure::Tokens => Some(Dimension::Tokens),
        _ => None,
    }
}

fn points(db: &Connection, query: &SeriesQuery, plan: &Plan) -> rusqlite::Result<Series> {
    let (sum, over) = sums_of(query.measure);
    let peaks = sum.has_peak() && over.is_none();
    // a minute is its own highest minute
    let peak = if plan.grain == Grain::Minute || !peaks { sum.column().to_owned() } else { format!("peak_{}", sum.column()) };
    let mut found = db.prepare_cached(&format!(
        "SELECT start, {}, {peak}, {} FROM {} WHERE account = ? AND class = ? AND start >= ? AND start < ?",
        sum.column(),
        over.unwrap_or("0"),
        plan.grain.table(),
    ))?;
    let mut rows = found.query(params![account_column(query.account), class_column(query.class.as_ref()), plan.first, plan.end()])?;
    let mut totals = vec![(0_i64, 0_i64, 0_i64); plan.steps];
    while let Some(row) = rows.next()? {
        let (start, amount, peak, over): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if let Some(total) = totals.get_mut(plan.step_of(start)) {
            *total = (total.0.saturating_add(amount), total.1.max(peak), total.2.saturating_add(over));
        }
    }
    let mut series = Series { step_secs: u32::try_from(plan.step / 1_000).unwrap_or(u32::MAX), ..Series::default() };
    for (step, (amount, peak, over)) in totals.into_iter().enumerate() {
        let at = plan.start(step) as f64 / 1_000.0;
        let value = match query.measure {
            Measure::RefusedShare => (amount as f64 * 100.0 / over.max(1) as f64).min(100.0),
            measure if !measure.adds_up() => amount as f64 / over.max(1) as f64,
            _ => plan.per_minute(step, amount, query),
        };
        series.points.push([at, value]);
        if peaks {
            series.peaks.push([at, peak as f64]);
        }
    }
    Ok(series)
}

/// What each client or model had of the points, most first.
fn parts(db: &Connection, query: &SeriesQuery, plan: &Plan) -> rusqlite::Result<Vec<PartOf>> {
    let Some(split) = query.split.filter(|_| query.measure.adds_up()) else { return Ok(Vec::new()) };
    let name = match split {
        Split::Client => "client",
        Split::Model => "model",
    };
    let mut found = db.prepare_cached(&format!(
        "SELECT start, {name}, {} FROM {} WHERE start >= ?1 AND start < ?2 AND (?3 = 0 OR account = ?3) AND (?4 = '' OR class = ?4)",
        sums_of(query.measure).0.column(),
        part_table(plan.grain),
    ))?;
    let mut rows = found.query(params![plan.first, plan.end(), account_column(query.account), class_column(query.class.as_ref())])?;
    let mut sums = BTreeMap::<String, Vec<i64>>::new();
    while let Some(row) = rows.next()? {
        let (start, name, amount): (i64, _, i64) = (row.get(0)?, row.get_ref(1)?.as_str()?, row.get(2)?);
        if !sums.contains_key(name) {
            sums.insert(name.to_owned(), vec![0; plan.steps]);
        }
        if let Some(sum) = sums.get_mut(name).and_then(|steps| steps.get_mut(plan.step_of(start))) {
            *sum = sum.saturating_add(amount);
        }
    }
    let mut sums: Vec<_> = sums.into_iter().filter(|(_, steps)| steps.iter().any(|n| *n > 0)).collect();
    sums.sort_by_key(|(_, steps)| std::cmp::Reverse(steps.iter().fold(0_i64, |all, n| all.saturating_add(*n))));
    let per_minute = |steps: Vec<i64>| steps.into_iter().enumerate().map(|(step, n)| plan.per_minute(step, n, query)).collect();
    Ok(sums.into_iter().map(|(name, steps)| PartOf { name, values: per_minute(steps) }).collect())
}

/// Limits that became others in this time, at most [`MARKS`] of them: the newest.
fn marks(db: &Connection, query: &SeriesQuery) -> rusqlite::Result<Vec<Mark>> {
    let mut found = db.prepare_cached(
        "SELECT at, class, dimension, period_secs, old_capacity, new_capacity,
             source NOT LIKE 'catalog%' AND (SELECT before.source FROM limit_changes before
                 WHERE before.id < c.id AND before.new_capacity = c.old_capacity -- its scope may not have been known yet
                   AND (before.provider, before.class, before.dimension, before.period_secs)
                       = (c.provider, c.class, c.dimension, c.period_secs)
                 ORDER BY before.id DESC LIMIT 1) LIKE 'catalog%' AS measured
         FROM limit_changes c
         WHERE at > ?1 AND at < ?2 AND old_capacity <> new_capacity AND (?3 = '' OR class = ?3)
           AND (?4 = 0 OR EXISTS (SELECT 1 FROM accounts a WHERE a.id = ?4 AND a.provider = c.provider
                AND (c.scope_kind = 'account' AND c.scope = a.label
                     OR EXISTS (SELECT 1 FROM account_scopes s WHERE s.account = a.id AND s.kind = c.scope_kind AND s.scope = c.scope))))
         ORDER BY at DESC LIMIT ?5",
    )?;
    let of = params![millis(query.from), millis(query.to), class_column(query.class.as_ref()), account_column(query.account), MARKS];
    let mut rows = found.query(of)?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(dimension) = Dimension::from_name(row.get_ref(2)?.as_str()?) else { continue };
        let meter = Meter(dimension, Period::secs(row.get(3)?));
        let (class, old, new): (String, i64, i64) = (row.get(1)?, row.get(4)?, row.get(5)?);
        let (kind, text) = match row.get::<_, Option<bool>>(6)? {
            Some(true) => (MarkKind::Measured, format!("{meter} of {class}: {new} measured, {old} assumed before")),
            _ => (MarkKind::Limit, format!("{meter} of {class}: {new}, it was {old}")),
        };
        marks.push(Mark { at: row.get::<_, i64>(0)? as f64 / 1_000.0, kind, text });
    }
    marks.reverse();
    Ok(marks)
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

    fn query(from: i64, to: i64, max_points: u32) -> SeriesQuery {
        SeriesQuery { measure: Measure::Requests, account: None, class: None, split: None, from: time(from), to: time(to), max_points }
    }

    fn plan(from: i64, to: i64, max_points: u32, minutes_from: i64) -> Plan {
        Plan::of(&query(from, to, max_points), minutes_from)
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
    #[test]
    fn a_divided_chart_reads_no_more_rows_than_it_can_at_once() {
        for (days, grain, step) in [(1, Grain::Minute, 5 * MINUTE), (7, Grain::Hour, 60 * MINUTE), (120, Grain::Day, DAY)] {
            let query = SeriesQuery { split: Some(Split::Client), ..query(20_000 * DAY, (20_000 + days) * DAY, 360) };
            let plan = Plan::of(&query, 0);
            assert_eq!((plan.grain, plan.step), (grain, step), "{days} days");
        }
    }
}
