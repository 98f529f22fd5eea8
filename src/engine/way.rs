//! Which way a batch goes if deadline and cost are to decide: what both ways take, for the planner to choose.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::batch::input::{Bad, Checks, InputFile, Scan, Tally, scan};
use crate::batch::{Stored, is_offered};
use crate::catalog::Catalog;
use crate::domain::batch::BatchVia;
use crate::domain::view::BucketView;
use crate::domain::{Account, Limit, ModelClass, ModelId, Problem, Usage};
use crate::planner::way::{Way, Ways, choose};
use crate::planner::{Choice, Counting, Demand, Prices, plan};

/// Reads the file and chooses. `views` are the buckets as they stand.
///
/// # Errors
/// The file cannot be read.
pub fn auto_way(
    account: &Account,
    stored: &Stored,
    input: &InputFile,
    deadline: Option<Timestamp>,
    views: &[BucketView],
    now: Timestamp,
) -> Result<Way, Problem> {
    if is_offered(account.dialect()).is_err() {
        return Ok(choose(&Ways::default()));
    }
    let mut first = None;
    let mut look = |via| -> Result<Scan, Problem> {
        let reading = stored.reading(account, via, input)?;
        let checks = Checks { reading: &reading, catalog: Catalog::bundled(), now, rooms: Vec::new() };
        scan(input, &checks, &mut |_| Ok(()), &mut |bad: Bad| {
            first.get_or_insert(bad);
        })
    };
    let mut found = look(BatchVia::ProviderBatch)?;
    let mut obstacle = None;
    if found.bad > 0 {
        let at_limits = look(BatchVia::Gateway)?;
        // rows that nobody can send decide nothing
        if at_limits.bad < found.bad {
            obstacle = first.map(|bad| format!("line {}: {}", bad.line, bad.reason));
            found = at_limits;
        }
    }
    let costs = |service| {
        found.models.iter().try_fold(0_u64, |sum, (model, tally)| Some(sum.saturating_add(cost(account, model, tally, service, now)?)))
    };
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let known = Catalog::bundled().batch_limits(account.dialect(), &ModelClass::any(), None, 0, today);
    Ok(choose(&Ways {
        deadline_secs: deadline.map(|deadline| deadline.duration_since(now).as_secs_f64().max(0.0)),
        at_limits_secs: at_limits_secs(account, &found, views, today),
        finish_hours: known.and_then(|limits| limits.finish_hours),
        obstacle,
        at_limits_nanos: costs(None),
        batch_api_nanos: costs(Some("batch")),
    }))
}

/// The mean request of a model; `None` if nothing is said about the length of answers.
fn mean(tally: &Tally) -> Option<Usage> {
    let rows = tally.rows.max(1);
    // English has about four bytes a token
    (tally.without_max == 0).then(|| Usage { input: tally.text_bytes / 4 / rows, output: tally.max_output / rows, ..Usage::default() })
}

fn cost(account: &Account, model: &ModelId, tally: &Tally, service: Option<&str>, now: Timestamp) -> Option<u64> {
    let usage = mean(tally)?;
    let price = Catalog::bundled().price_at_service(account.dialect(), model, service, now, usage.input)?;
    Some(price.cost_nanos(&usage)?.saturating_mul(tally.rows))
}

/// Classes go side by side, the models of one class after one another. By the measured limits where there are some, else
/// by those of a new account.
fn at_limits_secs(account: &Account, found: &Scan, views: &[BucketView], today: jiff::civil::Date) -> Option<f64> {
    let catalog = Catalog::bundled();
    let dialect = account.dialect();
    let mut classes: BTreeMap<ModelClass, f64> = BTreeMap::new();
    for (model, tally) in &found.models {
        let class = catalog.class_of(dialect, model);
        let measured = views.iter().filter(|view| view.key.class == class && view.accounts.contains(&account.label));
        let mut limits: Vec<Limit> = measured.map(BucketView::limit).collect();
        if limits.is_empty() {
            limits = catalog.default_limits(dialect, &class, today);
        }
        let usage = mean(tally).unwrap_or_else(|| Usage { input: tally.text_bytes / 4 / tally.rows.max(1), ..Usage::default() });
        let demand = Demand { rows: Some(tally.rows), input_tokens: usage.input, output_tokens: usage.output, ..Demand::default() };
        let choice = Choice { name: String::new(), title: String::new(), limits };
        let plan = plan(&demand, Counting::of(dialect, model), &[choice], None, &Prices::default());
        let time = plan.fits.first()?.batch?;
        *classes.entry(class).or_default() += time.expected_secs;
    }
    classes.into_values().max_by(f64::total_cmp)
}
