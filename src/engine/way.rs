//! Which way a batch goes if deadline and cost are to decide: what both ways take, for the planner to choose.

use jiff::Timestamp;

use super::estimate::Grounds;
use crate::batch::input::{Bad, Checks, InputFile, Scan, scan};
use crate::batch::{Stored, finish_hours, is_offered};
use crate::catalog::Catalog;
use crate::domain::batch::BatchVia;
use crate::domain::{Account, Problem};
use crate::planner::way::{Way, Ways, choose};

/// Reads the file and chooses.
///
/// # Errors
/// The file cannot be read.
pub fn auto_way(
    account: &Account,
    stored: &Stored,
    input: &InputFile,
    deadline: Option<Timestamp>,
    grounds: &Grounds,
) -> Result<Way, Problem> {
    let now = grounds.now;
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
    let at_limits = grounds.estimate(account, &found, BatchVia::Gateway);
    #[expect(clippy::cast_precision_loss, reason = "a plan is no ledger")]
    Ok(choose(&Ways {
        deadline_secs: deadline.map(|deadline| deadline.duration_since(now).as_secs_f64().max(0.0)),
        at_limits_secs: at_limits.expected_secs.map(|secs| secs as f64),
        finish_hours: finish_hours(account.dialect(), now),
        obstacle,
        at_limits_nanos: at_limits.cost_nanos,
        batch_api_nanos: grounds.estimate(account, &found, BatchVia::ProviderBatch).cost_nanos,
    }))
}
