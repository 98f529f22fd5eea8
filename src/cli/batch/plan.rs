//! From a file to a planned batch: the one that was interrupted, or a new one whose every row was checked.

use std::io::Write;

use serde_json::json;

use super::super::context::Context;
use super::{RunArgs, ViaArg, show};
use crate::batch::input::{Bad, Checks, InputFile, Scan, scan};
use crate::batch::{self, Outcome, Planning, Stored, finish_hours, is_offered, output, plan, refused};
use crate::catalog::Catalog;
use crate::domain::batch::{BatchRecord, BatchState, BatchVia};
use crate::domain::view::BucketView;
use crate::domain::{Account, Problem};
use crate::engine::{self, Answer, Grounds, Request};
use crate::store::BatchBook;

/// How many rows that cannot be sent are shown.
const SHOWN: u64 = 50;

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
        Some(record) if record.state == BatchState::Planning => batch::forget(&context.dir, book, &record)?,
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
    let RunArgs { model, template, max_output_tokens, .. } = args;
    let stored = Stored { model: model.clone(), template: template.clone(), max_output: *max_output_tokens, ..Stored::default() };
    let grounds = grounds(context)?;
    let deadline = args.options.deadline(context.clock.now().wall)?;
    let via = match args.via {
        Some(ViaArg::Auto) => {
            let way = engine::auto_way(&account, &stored, &input, deadline, &grounds)?;
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
    let rooms = if via == BatchVia::Gateway { batch::rooms(views(context)?, &account.label) } else { Vec::new() };
    let checks = Checks { reading: &reading, catalog: Catalog::bundled(), now: context.clock.now().wall, rooms };
    let estimate = &|scan: &Scan| grounds.estimate(&account, scan, via);
    let left = deadline.map(|deadline| deadline.duration_since(context.clock.now().wall).as_secs_f64());
    let promise = finish_hours(account.dialect(), context.clock.now().wall).filter(|_| via == BatchVia::ProviderBatch);
    let scanned = |scan: &Scan, out: &mut dyn Write| {
        let estimate = estimate(scan);
        show::scanned(context, scan, &estimate, out)?;
        show::late(context, &estimate, promise, left, out)
    };
    if args.dry_run {
        let scan = scan(&input, &checks, &mut |_| Ok(()), &mut shown(context, out))?;
        scanned(&scan, out)?;
        return if scan.bad > 0 { Err(refused(&scan)) } else { Ok(None) };
    }
    let output = output(args.out.as_deref(), input.path())?;
    let (ordered, skip_invalid) = (!args.as_they_come, args.skip_invalid);
    let planning = Planning { account: &account, stored, via, ordered, output, skip_invalid, estimate };
    let outcome = plan(book, &input, &checks, planning, context.clock.as_ref(), &mut |_| true, &mut shown(context, out))?;
    match outcome {
        Outcome::Refused(scan) => {
            scanned(&scan, out)?;
            Err(refused(&scan))
        }
        Outcome::Planned(record, scan) => {
            scanned(&scan, out)?;
            Ok(Some(*record))
        }
    }
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

/// What an estimate rests on now.
fn grounds(context: &Context) -> Result<Grounds, Problem> {
    Grounds::new(&context.reader()?, views(context)?, context.clock.now().wall)
}

/// The buckets of the Tierline that serves, else as they were kept.
fn views(context: &Context) -> Result<Vec<BucketView>, Problem> {
    match engine::ask(context.dir.path(), &Request::Status) {
        Some(Answer::Status { buckets, .. }) => Ok(buckets),
        _ => Ok(context.reader()?.buckets()?.into_iter().map(|saved| saved.view).collect()),
    }
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
