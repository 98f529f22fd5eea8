//! What a person, or a script, sees of a batch while it runs.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::super::context::Context;
use super::super::unwritable;
use crate::batch::Progress;
use crate::batch::input::Scan;
use crate::domain::Problem;
use crate::domain::batch::{BatchEstimate, BatchRecord, BatchState};
use crate::planner::way::Way;
use crate::planner::words::{dollars, long};
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
            // what is wider than the terminal ends at its edge: on a second line it would stay behind
            How::Bar => write!(out, "\r\x1b[2K\x1b[?7l{} {}\x1b[?7h", bar(progress), text(progress)),
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

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn text(progress: &Progress) -> String {
    let Progress {
        rows,
        answered,
        failed,
        in_flight,
        again,
        rows_per_min,
        eta_secs,
        cost_nanos,
        bound_by,
        at_provider,
        pausing_secs,
        latest_secs,
        ..
    } = progress;
    let done = answered + failed;
    let eta = eta_secs.filter(|_| done < *rows).map(|secs| format!("about {} left", long(secs as f64)));
    let parts = [
        pausing_secs.map(|secs| format!("pausing: waiting {secs} s at most for what is on its way, Ctrl-C gives it up")),
        Some(format!("{done} of {rows} rows")),
        (*failed > 0).then(|| format!("{failed} failed")),
        (*at_provider == 0).then(|| format!("{rows_per_min:.0} a minute")),
        eta,
        Some(dollars(*cost_nanos)),
        Some(format!("{in_flight} on their way")),
        (*at_provider > 0).then(|| format!("in {at_provider} batches at the provider")),
        latest_secs.map(|secs| format!("within {} as it promises", long(secs as f64))),
        (*again > 0).then(|| format!("{again} go again")),
        bound_by.as_ref().map(|meter| format!("bound by {meter}")),
    ];
    format!("{} %  {}", done * 100 / (*rows).max(1), parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// What was found in the input.
pub(super) fn scanned(context: &Context, scan: &Scan, estimate: &BatchEstimate, out: &mut dyn Write) -> Result<(), Problem> {
    if context.json {
        let models: Vec<_> = scan.models.iter().map(|(model, tally)| json!({ "model": model, "tally": tally })).collect();
        let line = json!({ "scan": {
            "rows": scan.rows, "invalid": scan.bad, "models": models, "warnings": scan.warnings,
            "most_cost_nanos": estimate.most_cost_nanos, "estimate": estimate,
        } });
        return writeln!(out, "{line}").map_err(|error| unwritable(&error));
    }
    let mut lines = scan.warnings.clone();
    let models: Vec<String> = scan.models.iter().map(|(model, tally)| format!("{} for {model}", tally.rows)).collect();
    let models = if models.is_empty() { String::new() } else { format!(" ({})", models.join(", ")) };
    lines.push(format!("{} rows can be sent{models}, {} cannot", scan.rows, scan.bad));
    if scan.rows > 0 {
        lines.extend(expected(estimate));
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))
}

/// What it will take, a line each, and what that rests on.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn expected(estimate: &BatchEstimate) -> Vec<String> {
    let BatchEstimate { least_secs, expected_secs, binding, cost_nanos, most_cost_nanos, basis } = estimate;
    let mut lines = Vec::new();
    if *expected_secs == Some(0) {
        lines.push("takes as long as its answers do: the limits hold all of it at once".into());
    } else if let Some((least, about)) = least_secs.zip(*expected_secs) {
        let bound = binding.as_ref().map(|meter| format!(", bound by {meter}")).unwrap_or_default();
        lines.push(format!("takes about {}, at least {}{bound}", long(about as f64), long(least as f64)));
    }
    lines.push(match (cost_nanos, most_cost_nanos) {
        (Some(about), Some(most)) if about == most => format!("costs {} at most", dollars(*most)),
        (Some(about), Some(most)) => format!("costs about {}, {} if every answer is as long as it may be", dollars(*about), dollars(*most)),
        (Some(about), None) => format!("costs about {}; some rows set no maximum for their answers", dollars(*about)),
        (None, _) => "what it costs cannot be told: no price is known".into(),
    });
    lines.extend(basis.iter().cloned());
    lines
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

/// Says beforehand that the batch cannot, or will hardly, be done in the seconds that are `left`; `promise` is within how many
/// hours a provider's batch API is done.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn late(
    context: &Context,
    estimate: &BatchEstimate,
    promise: Option<u64>,
    left: Option<f64>,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let Some(left) = left.filter(|left| *left > 0.0) else { return Ok(()) };
    let takes = |secs: Option<u64>| secs.map(|secs| secs as f64).filter(|secs| *secs > left);
    let by_when = long(left);
    let why = match (takes(estimate.least_secs), takes(estimate.expected_secs), promise) {
        (Some(least), ..) => format!("cannot be done before the deadline in {by_when}: it takes at least {}", long(least)),
        (None, Some(expected), _) => format!("will hardly be done before the deadline in {by_when}: it takes about {}", long(expected)),
        (None, None, Some(hours)) if hours as f64 * 3_600.0 > left => {
            format!("may not be done before the deadline in {by_when}: the provider promises an end within {hours} h")
        }
        _ => return Ok(()),
    };
    let text = format!("the batch {why}; it pauses at the deadline");
    let line = if context.json { json!({ "late": text }).to_string() } else { text };
    writeln!(out, "{line}").map_err(|error| unwritable(&error))
}

/// What was planned beside what came of it, once it is done; `None` while it is not, or nothing was planned.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn against_plan(batch: &BatchRecord) -> Option<String> {
    let estimate = batch.estimate.as_ref().filter(|_| batch.state == BatchState::Done)?;
    let money = estimate.cost_nanos.map(|planned| format!("{} of {} planned", dollars(batch.cost_nanos), dollars(planned)));
    let time = estimate.expected_secs.map(|planned| format!("{} of {} planned", long(batch.ran_secs as f64), long(planned as f64)));
    let both: Vec<String> = money.into_iter().chain(time).collect();
    (!both.is_empty()).then(|| format!("took {}", both.join(", ")))
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
    lines.extend(against_plan(batch));
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
