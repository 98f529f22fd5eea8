//! What a person, or a script, sees of a batch while it runs.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::super::context::Context;
use super::super::plan::{dollars, long};
use super::super::unwritable;
use crate::batch::Progress;
use crate::batch::input::{Reading, Scan};
use crate::catalog::Catalog;
use crate::domain::batch::{BatchRecord, BatchState};
use crate::domain::{Problem, Usage};
use crate::planner::way::Way;
use crate::store::{BatchPart, BatchRow};

/// Without a terminal a line is enough this often, in seconds.
const PLAIN_SECS: u64 = 10;
/// How many rows in flight are named.
const NAMED: usize = 20;
const BAR: usize = 24;

/// The progress line.
pub(super) struct Meter {
    how: How,
    /// When the last line was written, in seconds since the start.
    last: Option<u64>,
}

enum How {
    Json,
    Bar,
    Plain,
}

impl Meter {
    pub(super) fn new(json: bool) -> Self {
        let how = match (json, std::io::stdout().is_terminal()) {
            (true, _) => How::Json,
            (false, true) => How::Bar,
            (false, false) => How::Plain,
        };
        Self { how, last: None }
    }

    /// Shows how it goes; a closed pipe stops no batch.
    pub(super) fn show(&mut self, progress: &Progress, out: &mut dyn Write) {
        let due = progress.pausing_secs.is_some() || self.last.is_none_or(|last| progress.elapsed_secs >= last + PLAIN_SECS);
        let _ = match self.how {
            How::Json => writeln!(out, "{}", json!({ "progress": progress })),
            How::Bar => write!(out, "\r\x1b[2K{} {}", bar(progress), text(progress)),
            How::Plain if !due => return,
            How::Plain => writeln!(out, "{}", text(progress)),
        };
        let _ = out.flush();
        self.last = Some(progress.elapsed_secs);
    }

    fn end(&self, out: &mut dyn Write) {
        if matches!(self.how, How::Bar) && self.last.is_some() {
            let _ = writeln!(out);
        }
    }
}

fn bar(progress: &Progress) -> String {
    let done = progress.answered + progress.failed;
    let full = usize::try_from(done * BAR as u64 / progress.rows.max(1)).unwrap_or(BAR).min(BAR);
    format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full))
}

fn text(progress: &Progress) -> String {
    let Progress {
        rows, answered, failed, in_flight, again, rows_per_min, eta_secs, cost_nanos, bound_by, at_provider, pausing_secs, ..
    } = progress;
    let done = answered + failed;
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let eta = eta_secs.filter(|_| done < *rows).map(|secs| format!("about {} left", long(secs as f64)));
    let parts = [
        Some(format!("{done} of {rows} rows")),
        (*failed > 0).then(|| format!("{failed} failed")),
        (*at_provider == 0).then(|| format!("{rows_per_min:.0} a minute")),
        eta,
        Some(dollars(*cost_nanos)),
        Some(format!("{in_flight} on their way")),
        (*at_provider > 0).then(|| format!("in {at_provider} batches at the provider")),
        (*again > 0).then(|| format!("{again} go again")),
        bound_by.as_ref().map(|meter| format!("bound by {meter}")),
        pausing_secs.map(|secs| format!("pausing: waiting {secs} s at most for what is on its way, Ctrl-C gives it up")),
    ];
    format!("{} %  {}", done * 100 / (*rows).max(1), parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// What was found in the input.
pub(super) fn scanned(context: &Context, scan: &Scan, reading: &Reading, out: &mut dyn Write) -> Result<(), Problem> {
    let now = context.clock.now().wall;
    let mut cost = Some(0_u64);
    for (model, tally) in &scan.models {
        let rows = tally.rows.max(1);
        let usage = Usage { input: tally.text_bytes / 4 / rows, output: tally.max_output / rows, ..Usage::default() };
        let service = reading.hands_over.then_some("batch");
        let price = Catalog::bundled().price_at_service(reading.dialect, model, service, now, usage.input);
        let each = price.and_then(|price| price.cost_nanos(&usage));
        let known = each.filter(|_| tally.without_max == 0);
        cost = cost.zip(known).map(|(sum, each)| sum.saturating_add(each.saturating_mul(rows)));
    }
    if context.json {
        let models: Vec<_> = scan.models.iter().map(|(model, tally)| json!({ "model": model, "tally": tally })).collect();
        let line = json!({ "scan": {
            "rows": scan.rows, "invalid": scan.bad, "models": models, "warnings": scan.warnings, "most_cost_nanos": cost,
        } });
        return writeln!(out, "{line}").map_err(|error| unwritable(&error));
    }
    let mut lines = scan.warnings.clone();
    let models: Vec<String> = scan.models.iter().map(|(model, tally)| format!("{} for {model}", tally.rows)).collect();
    let models = if models.is_empty() { String::new() } else { format!(" ({})", models.join(", ")) };
    lines.push(format!("{} rows can be sent{models}, {} cannot", scan.rows, scan.bad));
    if scan.rows > 0 {
        lines.push(match cost {
            Some(cost) => format!("about {} if every answer is as long as it may be", dollars(cost)),
            None => "what it costs cannot be told: a price is unknown, or rows set no maximum for their answers".into(),
        });
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))
}

/// Which way was chosen, and why.
pub(super) fn way(context: &Context, way: &Way, out: &mut dyn Write) -> Result<(), Problem> {
    if context.json {
        return writeln!(out, "{}", json!({ "way": way })).map_err(|error| unwritable(&error));
    }
    note(context, out, &way.why)
}

/// A sentence that only people need.
pub(super) fn note(context: &Context, out: &mut dyn Write, text: &str) -> Result<(), Problem> {
    if context.json {
        return Ok(());
    }
    writeln!(out, "{text}").map_err(|error| unwritable(&error))
}

/// Rows that were in flight when the last run ended without a word.
pub(super) fn resent(context: &Context, rows: &[BatchRow], out: &mut dyn Write) -> Result<(), Problem> {
    if context.json {
        let ids: Vec<&str> = rows.iter().map(|row| row.custom_id.as_str()).collect();
        return writeln!(out, "{}", json!({ "resent": ids })).map_err(|error| unwritable(&error));
    }
    let text = format!("{} rows were on their way when the last run ended and are sent again: {}", rows.len(), names(rows));
    note(context, out, &text)
}

fn names(rows: &[BatchRow]) -> String {
    let named: Vec<&str> = rows.iter().take(NAMED).map(|row| row.custom_id.as_str()).collect();
    format!("{}{}", named.join(", "), if rows.len() > NAMED { ", ..." } else { "" })
}

/// How it ended.
pub(super) fn ended(
    context: &Context,
    batch: &BatchRecord,
    parts: &[BatchPart],
    given_up: &[BatchRow],
    meter: &mut Meter,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    meter.end(out);
    if context.json {
        let ids: Vec<&str> = given_up.iter().map(|row| row.custom_id.as_str()).collect();
        let line = json!({ "batch": batch, "at_provider": parts, "given_up": ids });
        return writeln!(out, "{line}").map_err(|error| unwritable(&error));
    }
    let mut lines = vec![format!(
        "batch {} {}: {} of {} rows, {} failed, {}",
        batch.id.0,
        batch.state.name(),
        batch.finished(),
        batch.rows,
        batch.failed,
        cost(batch)
    )];
    lines.extend(batch.reason.clone());
    if !given_up.is_empty() {
        lines.push(format!("{} rows were given up on their way and are sent again: {}", given_up.len(), names(given_up)));
    }
    if !parts.is_empty() {
        let rows: u64 = parts.iter().map(|part| part.rows).sum();
        lines.push(format!("{rows} rows in {} batches stay with the provider and go on there", parts.len()));
    }
    if batch.state == BatchState::Paused {
        lines.push(format!("go on with: tierline batch resume {}", batch.id.0));
    } else {
        lines.push(format!("the answers are in {}", batch.output.display()));
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))
}

/// What a batch cost so far, and what of that is not known.
pub(super) fn cost(batch: &BatchRecord) -> String {
    let known = dollars(batch.cost_nanos);
    if batch.unpriced > 0 { format!("{known} and {} answers without a known price", batch.unpriced) } else { known }
}
