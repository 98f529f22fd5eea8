//! From a file to a planned batch: the one that was interrupted, or a new one whose every row was checked.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::context::Context;
use super::{RunArgs, ViaArg, show, way};
use crate::batch::create_output;
use crate::batch::handover::is_offered;
use crate::batch::input::file::Print;
use crate::batch::input::{Bad, Checks, InputFile, Reading, Room, Scan, Template, scan};
use crate::catalog::Catalog;
use crate::domain::batch::{BatchRecord, BatchState, BatchVia};
use crate::domain::dimension::Meter;
use crate::domain::view::BucketView;
use crate::domain::{Account, LimitSource, ModelId, Problem};
use crate::engine::{self, Answer, Request};
use crate::store::{BatchBook, BatchRow, NewBatch};

/// How a batch's rows are read, as it is stored with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    model: Option<String>,
    template: Option<String>,
    max_output: Option<u64>,
    /// What the input was; `None` while it is being read for the first time.
    pub(super) print: Option<Print>,
}

/// Rows that go into the journal at once.
const CHUNK: usize = 2_000;
/// How many rows that cannot be sent are shown.
const SHOWN: u64 = 50;

impl Stored {
    pub(super) fn of(book: &BatchBook, record: &BatchRecord) -> Result<Self, Problem> {
        serde_json::from_value(book.options(record.id)?)
            .map_err(|error| Problem::new(format!("the options of batch {} are unreadable", record.id.0)).because(error))
    }

    pub(super) fn reading(&self, account: &Account, via: BatchVia, input: &InputFile) -> Result<Reading, Problem> {
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

/// The batch of this file that is not over, or a new one; `None` if it was only to be looked at.
pub(super) fn find_or_plan(
    context: &Context,
    book: &mut BatchBook,
    args: &RunArgs,
    out: &mut dyn Write,
) -> Result<Option<BatchRecord>, Problem> {
    let input = InputFile::open(&args.input)?;
    let unfinished = if args.dry_run { None } else { book.unfinished(input.path())? };
    match unfinished {
        Some(record) if record.state == BatchState::Planning => forget(context, book, &record)?,
        Some(record) => {
            if let Some(other) = args.account.as_ref().filter(|label| **label != record.account) {
                return Err(Problem::new(format!("batch {} of this file is not finished, with account {}", record.id.0, record.account))
                    .hint(format!("cancel it first to run the file with {other}: tierline batch cancel {}", record.id.0)));
            }
            if let Some(via) = args.via.and_then(ViaArg::fixed).filter(|via| *via != record.via) {
                return Err(Problem::new(format!("batch {} of this file is not finished, via {}", record.id.0, record.via.flag()))
                    .hint(format!("cancel it first to run the file via {}: tierline batch cancel {}", via.flag(), record.id.0)));
            }
            show::note(context, out, &format!("batch {} of this file goes on", record.id.0))?;
            return Ok(Some(record));
        }
        None => {}
    }
    let account = account(context, args.account.as_deref())?;
    let stored = Stored { model: args.model.clone(), template: args.template.clone(), max_output: args.max_output_tokens, print: None };
    let via = match args.via {
        Some(ViaArg::Auto) => {
            let way = way::auto(context, &account, &stored, &input, args.options.deadline(context.clock.now().wall)?)?;
            show::way(context, &way, out)?;
            way.via
        }
        named => named.and_then(ViaArg::fixed).unwrap_or_default(),
    };
    if via == BatchVia::ProviderBatch {
        is_offered(account.dialect())?;
    }
    let reading = stored.reading(&account, via, &input)?;
    // the limits of the minute are not those of the batch API
    let rooms = if via == BatchVia::Gateway { rooms(context, &account.label)? } else { Vec::new() };
    let checks = Checks { reading: &reading, catalog: Catalog::bundled(), now: context.clock.now().wall, rooms };
    if args.dry_run {
        let scan = scan(&input, &checks, &mut |_| Ok(()), &mut shown(context, out))?;
        show::scanned(context, &scan, &reading, out)?;
        return if scan.bad > 0 { Err(refused(&scan)) } else { Ok(None) };
    }
    let output = output(args, input.path())?;
    plan(
        context,
        book,
        &input,
        &checks,
        Planning { account, stored, via, ordered: !args.as_they_come, output, skip: args.skip_invalid },
        out,
    )
    .map(Some)
}

struct Planning {
    account: Account,
    stored: Stored,
    via: BatchVia,
    ordered: bool,
    output: PathBuf,
    skip: bool,
}

fn plan(
    context: &Context,
    book: &mut BatchBook,
    input: &InputFile,
    checks: &Checks<'_>,
    planning: Planning,
    out: &mut dyn Write,
) -> Result<BatchRecord, Problem> {
    let Planning { account, mut stored, via, ordered, output, skip } = planning;
    let options = |stored: &Stored| serde_json::to_value(stored).unwrap_or_default();
    let new = NewBatch {
        input: input.path().to_owned(),
        output: output.clone(),
        account: account.label,
        via,
        ordered,
        options: options(&stored),
    };
    let id = book.create(&new, context.clock.now())?;
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
            if chunk.len() < CHUNK {
                return Ok(());
            }
            book.plan(id, &std::mem::take(&mut chunk))
        },
        &mut shown(context, out),
    );
    let scan = match scanned {
        Ok(scan) if scan.rows > 0 && (scan.bad == 0 || skip) => scan,
        Ok(scan) => {
            book.remove(id)?;
            show::scanned(context, &scan, checks.reading, out)?;
            return Err(refused(&scan));
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
    show::scanned(context, &scan, checks.reading, out)?;
    stored.print = Some(scan.print);
    book.planned(id, scan.rows, &options(&stored), context.clock.now())?;
    book.batch(id)
}

fn refused(scan: &Scan) -> Problem {
    if scan.rows == 0 && scan.bad == 0 {
        return Problem::new("the input has no rows");
    }
    let problem = Problem::new(format!("{} of {} rows cannot be sent", scan.bad, scan.bad + scan.rows));
    if scan.rows == 0 { problem } else { problem.hint("mend them, or go on without them with --skip-invalid; nothing was sent") }
}

/// A batch whose planning was interrupted has sent nothing.
fn forget(context: &Context, book: &BatchBook, record: &BatchRecord) -> Result<(), Problem> {
    let Some(claim) = context.dir.claim_batch(record.id)? else {
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

fn account(context: &Context, label: Option<&str>) -> Result<Account, Problem> {
    let reader = context.reader()?;
    if let Some(label) = label {
        return reader.account(label);
    }
    let mut accounts = reader.accounts()?;
    match (accounts.pop(), accounts.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(Problem::new("no account is stored").hint("add one: see `tierline accounts add --help`")),
        (Some(_), false) => Err(Problem::new("which account serves the rows is not said").hint("name it with --account")),
    }
}

/// What the account's buckets hold, as far as the provider or the user said so.
fn rooms(context: &Context, label: &str) -> Result<Vec<Room>, Problem> {
    let views = views(context)?;
    let said = |view: &BucketView| !matches!(view.source, LimitSource::Catalog { .. } | LimitSource::Learned);
    Ok(views
        .into_iter()
        .filter(|view| said(view) && view.accounts.iter().any(|account| account == label))
        .map(|view| Room {
            meter: Meter(view.key.dimension, view.key.period).to_string(),
            class: view.key.class,
            dimension: view.key.dimension,
            capacity: view.capacity,
            source: view.source.to_string(),
        })
        .collect())
}

/// The buckets of the Tierline that serves, else as they were kept.
pub(super) fn views(context: &Context) -> Result<Vec<BucketView>, Problem> {
    match engine::ask(context.dir.path(), &Request::Status) {
        Some(Answer::Status { buckets, .. }) => Ok(buckets),
        _ => Ok(context.reader()?.buckets()?.into_iter().map(|saved| saved.view).collect()),
    }
}

fn output(args: &RunArgs, input: &Path) -> Result<PathBuf, Problem> {
    let path = args.out.clone().unwrap_or_else(|| input.with_extension("out.jsonl"));
    let path =
        std::path::absolute(&path).map_err(|error| Problem::new(format!("the output {} cannot be used", path.display())).because(error))?;
    if path.exists() {
        return Err(
            Problem::new(format!("the output {} is there already", path.display())).hint("name another with --out, or move it away")
        );
    }
    Ok(path)
}

/// Prints rows that cannot be sent, the first ones.
fn shown<'a>(context: &'a Context, out: &'a mut dyn Write) -> impl FnMut(Bad) + 'a {
    let mut count = 0;
    move |bad| {
        count += 1;
        // a closed pipe comes up again with the summary
        let _ = match (context.json, count) {
            (true, _) => writeln!(out, "{}", json!({ "invalid": bad })),
            (false, 1..=SHOWN) => writeln!(out, "line {}: {}", bad.line, bad.reason),
            (false, _) if count == SHOWN + 1 => writeln!(out, "..."),
            (false, _) => Ok(()),
        };
    }
}
