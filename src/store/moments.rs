//! A chart of a few minutes, from the requests themselves: every point is the whole minute before it, second by second.
//!
//! A step shorter than a minute has no rate that meets a tier line: three requests in a second are not 180 a minute. The minute
//! that ends with the step does.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::rollup::{Grain, account_column, class_column};
use super::row::millis;
use crate::domain::query::{Measure, PartOf, Series, SeriesQuery, Split};

const SECOND: i64 = 1_000;
const MINUTE: i64 = Grain::Minute.millis();

/// Longer ranges are drawn from the sums by minute.
const LONGEST: i64 = 15 * MINUTE;

/// So many requests are read at the most; where more came in, a minute is fine enough.
const MOST_READ: i64 = 30_000;

/// Requests are found by when they arrived, and count when they were sent: one may have waited for so long.
const LONGEST_WAIT: i64 = 60 * MINUTE;

/// A picture with fewer points gains nothing over minutes.
const FEWEST: u32 = 100;

/// Lengths of a step; each divides a minute.
const STEPS: [i64; 5] = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND];

/// The points and parts of a chart, if its range is short enough and its requests are few enough. `minutes_from`: from when on
/// requests are kept.
pub(super) fn series(db: &Connection, query: &SeriesQuery, minutes_from: i64) -> rusqlite::Result<Option<Series>> {
    let (from, to) = (millis(query.from), millis(query.to));
    let count = |step: i64| (to - from.div_euclid(step) * step + step - 1) / step;
    let fits = |step: &i64| count(*step) <= i64::from(query.max_points);
    let Some(step) = STEPS.into_iter().find(fits) else { return Ok(None) };
    let since = from - MINUTE - LONGEST_WAIT;
    if to - from > LONGEST || query.max_points < FEWEST || from - MINUTE < minutes_from || requests(db, since, to)? > MOST_READ {
        return Ok(None);
    }
    let seconds = Seconds::of(from, to, step);
    let steps = read(db, query, &seconds, since)?;
    let average = !query.measure.adds_up();
    let scale = if query.measure == Measure::RefusedShare { 100.0 } else { 1.0 };
    let value = |(amount, over): (i64, i64)| match average {
        true if scale > 1.0 => (amount as f64 * scale / over.max(1) as f64).min(scale),
        true => amount as f64 / over.max(1) as f64,
        false => amount as f64,
    };
    let at = |step_at: usize| (seconds.first + step * i64::try_from(step_at).unwrap_or(0)) as f64 / 1_000.0;
    let whole = seconds.minutes(steps.values());
    let mut parts: Vec<(i64, PartOf)> = Vec::new();
    if query.split.is_some() && !average {
        for (name, of_part) in &steps {
            let values = seconds.minutes([of_part]);
            let total = values.iter().fold(0_i64, |sum, (amount, _)| sum.saturating_add(*amount));
            parts.push((total, PartOf { name: name.clone(), values: values.into_iter().map(value).collect() }));
        }
        parts.retain(|(total, _)| *total > 0);
        parts.sort_by_key(|(total, _)| std::cmp::Reverse(*total));
    }
    Ok(Some(Series {
        step_secs: u32::try_from(step / SECOND).unwrap_or(1),
        trailing: true,
        points: whole.into_iter().enumerate().map(|(step_at, minute)| [at(step_at), value(minute)]).collect(),
        parts: parts.into_iter().map(|(_, part)| part).collect(),
        ..Series::default()
    }))
}

/// How many requests were sent in this time.
fn requests(db: &Connection, from: i64, to: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT ifnull(sum(ended), 0) FROM rollup_minute WHERE account = 0 AND class = '' AND start >= ? AND start < ?";
    db.prepare_cached(sql)?.query_row(params![Grain::Minute.start(from), to], |row| row.get(0))
}

/// What was counted in each step, and over what: for all, or for each client or model.
type Steps = BTreeMap<String, Vec<(i64, i64)>>;

/// How the time is cut.
struct Seconds {
    step: i64,
    /// Start of the first step that is drawn.
    first: i64,
    /// How many are drawn.
    drawn: usize,
    /// Steps in a minute.
    minute: usize,
}

impl Seconds {
    fn of(from: i64, to: i64, step: i64) -> Self {
        let first = from.div_euclid(step) * step;
        let size = |length: i64| usize::try_from(length / step).unwrap_or(0);
        Self { step, first, drawn: size(to - first + step - 1), minute: size(MINUTE) }
    }

    /// Start of the minute that ends with the first step.
    const fn start(&self) -> i64 {
        self.first + self.step - MINUTE
    }

    fn counted(&self) -> usize {
        self.drawn + self.minute - 1
    }

    /// The step in which a moment lies, if it is counted.
    fn step_of(&self, at: i64) -> Option<usize> {
        usize::try_from((at - self.start()).div_euclid(self.step)).ok().filter(|step| *step < self.counted())
    }

    /// For each step that is drawn, the minute that ends with it.
    fn minutes<'a>(&self, of: impl IntoIterator<Item = &'a Vec<(i64, i64)>>) -> Vec<(i64, i64)> {
        let mut sums = vec![(0_i64, 0_i64); self.counted()];
        for steps in of {
            for (sum, (amount, over)) in sums.iter_mut().zip(steps) {
                *sum = (sum.0.saturating_add(*amount), sum.1.saturating_add(*over));
            }
        }
        let add = |(a, b): (i64, i64), (c, d): &(i64, i64)| (a.saturating_add(*c), b.saturating_add(*d));
        sums.windows(self.minute).map(|minute| minute.iter().fold((0, 0), add)).collect()
    }
}

/// What a request adds to a measure, and to what that is held against.
const fn amounts(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Requests => ("attempts > 0", "0"),
        Measure::InputTokens => ("counted_input", "0"),
        Measure::OutputTokens => ("counted_output", "0"),
        Measure::Tokens => ("counted_input + counted_output", "0"),
        Measure::Retries => ("max(attempts - 1, 0)", "0"),
        Measure::CostNanos => ("ifnull(cost_nanos, 0)", "0"),
        Measure::WaitMillis => ("wait_millis", "1"),
        Measure::TokensPerRequest => ("counted_input + counted_output", "attempts > 0"),
        Measure::Refusals => ("0", "0"),
        Measure::RefusedShare => ("0", "attempts"),
    }
}

fn read(db: &Connection, query: &SeriesQuery, seconds: &Seconds, since: i64) -> rusqlite::Result<Steps> {
    let [of_request, of_refusal] = match query.split {
        None => ["''", "''"],
        Some(Split::Client) => ["client", "client"],
        Some(Split::Model) => ["ifnull(model_asked, '')", "ifnull(model, '')"],
    };
    let (amount, over) = amounts(query.measure);
    let whose = "(?3 = 0 OR account = ?3) AND (?4 = '' OR class = ?4)";
    let mut sources = vec![(
        // a request counts when it was sent
        format!(
            "SELECT {of_request}, min(arrived_at + wait_millis, max(finished_at, arrived_at)), {amount}, {over} FROM requests
             WHERE arrived_at >= ?1 AND arrived_at < ?2 AND {whose}"
        ),
        since,
    )];
    if matches!(query.measure, Measure::Refusals | Measure::RefusedShare) {
        sources.push((format!("SELECT {of_refusal}, at, 1, 0 FROM refusals WHERE at >= ?1 AND at < ?2 AND {whose}"), seconds.start()));
    }
    let mut steps = Steps::new();
    for (sql, from) in sources {
        let mut found = db.prepare_cached(&sql)?;
        let mut rows = found.query(params![from, millis(query.to), account_column(query.account), class_column(query.class.as_ref())])?;
        while let Some(row) = rows.next()? {
            let (at, amount, over): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let Some(step) = seconds.step_of(at) else { continue };
            let name = row.get_ref(0)?.as_str()?;
            if !steps.contains_key(name) {
                steps.insert(name.to_owned(), vec![(0, 0); seconds.counted()]);
            }
            if let Some(sum) = steps.get_mut(name).and_then(|steps| steps.get_mut(step)) {
                *sum = (sum.0.saturating_add(amount), sum.1.saturating_add(over));
            }
        }
    }
    Ok(steps)
}
