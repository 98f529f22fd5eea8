//! From a file to a batch in the journal, whose every row was checked.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::create_output;
use super::input::file::Print;
use super::input::{Bad, Checks, InputFile, Reading, Room, Scan, Template, scan};
use crate::domain::batch::{BatchEstimate, BatchRecord, BatchVia};
use crate::domain::dimension::Meter;
use crate::domain::view::BucketView;
use crate::domain::{Account, Clock, LimitSource, ModelId, Problem};
use crate::store::{BatchBook, BatchRow, DataDir, NewBatch};

/// How a batch's rows are read, as it is stored with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stored {
    /// The model of rows that name none.
    pub model: Option<String>,
    /// For plain columns: the prompt.
    pub template: Option<String>,
    /// For plain columns: the most tokens of an answer.
    pub max_output: Option<u64>,
    /// What the input was; `None` while it is being read for the first time.
    pub print: Option<Print>,
    /// What it was expected to take.
    #[serde(default)]
    pub estimate: Option<BatchEstimate>,
}

/// A batch that is to be planned.
pub struct Planning<'a> {
    /// The account that serves it.
    pub account: &'a Account,
    /// How its rows are read.
    pub stored: Stored,
    /// Which way its rows go.
    pub via: BatchVia,
    /// Whether its answers are written in the order of the rows; else as they come.
    pub ordered: bool,
    /// Where the answers go.
    pub output: PathBuf,
    /// Go on without the rows that cannot be sent.
    pub skip_invalid: bool,
    /// What they will take.
    pub estimate: &'a dyn Fn(&Scan) -> BatchEstimate,
}

/// What became of it.
pub enum Outcome {
    /// It can be run.
    Planned(Box<BatchRecord>, Scan),
    /// Rows cannot be sent; nothing of it is kept.
    Refused(Scan),
}

/// Rows that go into the journal at once.
const CHUNK: usize = 2_000;

impl Stored {
    /// As it is stored with a batch.
    pub fn of(book: &BatchBook, record: &BatchRecord) -> Result<Self, Problem> {
        serde_json::from_value(book.options(record.id)?)
            .map_err(|error| Problem::new(format!("the options of batch {} are unreadable", record.id.0)).because(error))
    }

    /// How the rows of this file are read for this account, which they reach this way.
    pub fn reading(&self, account: &Account, via: BatchVia, input: &InputFile) -> Result<Reading, Problem> {
        Ok(Reading {
            model: self.model.as_deref().map(ModelId::new),
            template: self.template.as_deref().map(Template::parse).transpose().map_err(Problem::new)?,
            max_output: self.max_output,
            columns: if input.is_csv() { Some(input.columns()?) } else { None },
            hands_over: via == BatchVia::ProviderBatch,
            ..Reading::of(account)
        })
    }
}

/// Checks every row and writes those that can be sent into the journal. `going_on` is asked after each; `bad` hears of every
/// row that cannot be sent.
///
/// # Errors
/// The file cannot be read, the output is there already, or it was stopped. Nothing of the batch is kept.
pub fn plan(
    book: &mut BatchBook,
    input: &InputFile,
    checks: &Checks<'_>,
    planning: Planning<'_>,
    clock: &dyn Clock,
    going_on: &mut dyn FnMut(u64) -> bool,
    bad: &mut dyn FnMut(Bad),
) -> Result<Outcome, Problem> {
    let Planning { account, mut stored, via, ordered, output, skip_invalid, estimate } = planning;
    let options = |stored: &Stored| serde_json::to_value(stored).unwrap_or_default();
    let new = NewBatch {
        input: input.path().to_owned(),
        output: output.clone(),
        account: account.label.clone(),
        via,
        ordered,
        options: options(&stored),
    };
    let id = book.create(&new, clock.now())?;
    let mut chunk = Vec::with_capacity(CHUNK);
    let scanned = scan(
        input,
        checks,
        &mut |planned| {
            let place = planned.place;
            chunk.push(BatchRow {
                row: planned.row,
                line: place.line,
                offset: place.offset,
                length: place.length,
                custom_id: planned.custom_id,
                sends: 0,
            });
            if !going_on(planned.row + 1) {
                return Err(Problem::new("stopped before anything was sent"));
            }
            if chunk.len() < CHUNK {
                return Ok(());
            }
            book.plan(id, &std::mem::take(&mut chunk))
        },
        bad,
    );
    let scan = match scanned {
        Ok(scan) if scan.rows > 0 && (scan.bad == 0 || skip_invalid) => scan,
        Ok(scan) => {
            book.remove(id)?;
            return Ok(Outcome::Refused(scan));
        }
        Err(problem) => {
            book.remove(id)?;
            return Err(problem);
        }
    };
    book.plan(id, &chunk)?;
    if let Err(problem) = create_output(&output) {
        book.remove(id)?;
        return Err(problem);
    }
    stored.print = Some(scan.print.clone());
    stored.estimate = Some(estimate(&scan));
    book.planned(id, scan.rows, &options(&stored), clock.now())?;
    Ok(Outcome::Planned(Box::new(book.batch(id)?), scan))
}

/// Forgets a batch whose planning was interrupted: it has sent nothing.
///
/// # Errors
/// Another process is planning it now.
pub fn forget(dir: &DataDir, book: &BatchBook, record: &BatchRecord) -> Result<(), Problem> {
    let Some(claim) = dir.claim_batch(record.id)? else {
        return Err(Problem::new(format!("batch {} of this file is being planned by another process", record.id.0)));
    };
    book.remove(record.id)?;
    claim.retire();
    if std::fs::metadata(&record.output).is_ok_and(|found| found.len() == 0) {
        // it was made for that batch; if it cannot be removed, that is said when the new one is to be made
        let _ = std::fs::remove_file(&record.output);
    }
    Ok(())
}

/// Why a file cannot be run as it is.
#[must_use]
pub fn refused(scan: &Scan) -> Problem {
    if scan.rows == 0 && scan.bad == 0 {
        return Problem::new("the input has no rows");
    }
    let problem = Problem::new(format!("{} of {} rows cannot be sent", scan.bad, scan.bad + scan.rows));
    if scan.rows == 0 { problem } else { problem.hint("mend them, or go on without them with --skip-invalid; nothing was sent") }
}

/// What an account's buckets hold, as far as the provider or the user said so.
#[must_use]
pub fn rooms(views: impl IntoIterator<Item = BucketView>, label: &str) -> Vec<Room> {
    let said = |view: &BucketView| !matches!(view.source, LimitSource::Catalog { .. } | LimitSource::Learned);
    views
        .into_iter()
        .filter(|view| said(view) && view.accounts.iter().any(|account| account == label))
        .map(|view| Room {
            meter: Meter(view.key.dimension, view.key.period).to_string(),
            class: view.key.class,
            dimension: view.key.dimension,
            capacity: view.capacity,
            source: view.source.to_string(),
        })
        .collect()
}

/// Where the answers go: the given path, or beside the input as `NAME.out.jsonl`.
///
/// # Errors
/// Something is there already.
pub fn output(given: Option<&Path>, input: &Path) -> Result<PathBuf, Problem> {
    let path = given.map_or_else(|| input.with_extension("out.jsonl"), Path::to_owned);
    let path =
        std::path::absolute(&path).map_err(|error| Problem::new(format!("the output {} cannot be used", path.display())).because(error))?;
    if path.exists() {
        return Err(
            Problem::new(format!("the output {} is there already", path.display())).hint("name another with --out, or move it away")
        );
    }
    Ok(path)
}
