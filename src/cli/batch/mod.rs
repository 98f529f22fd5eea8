//! `tierline batch ...`

mod gateways;
mod go;
mod plan;
mod show;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::context::Context;
use super::{Common, Done, print_json, table, unwritable};
use crate::batch::Options;
use crate::catalog::Usd;
use crate::domain::batch::{BatchId, BatchRecord, BatchState, BatchVia, BatchWish};
use crate::domain::{Now, Problem};
use crate::planner::words::dollars;
use crate::store::BatchBook;

#[derive(Debug, Subcommand)]
pub(super) enum BatchCommand {
    /// Run a file of requests at the limit. A file whose run was interrupted goes on where it stopped.
    Run(RunArgs),
    /// Every batch.
    List,
    /// One batch.
    Status {
        /// Its number.
        id: i64,
    },
    /// Send nothing more for now.
    Pause {
        /// Its number.
        id: i64,
    },
    /// Go on with a batch that was paused or interrupted.
    Resume {
        /// Its number.
        id: i64,
        #[command(flatten)]
        options: OptionArgs,
    },
    /// Send nothing more, and keep the answers that there are.
    Cancel {
        /// Its number.
        id: i64,
    },
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The rows: JSONL in OpenAI's batch form (custom_id, method, url, body) or Anthropic's (custom_id, params), or plain
    /// columns as CSV or JSONL with --template.
    input: PathBuf,
    /// The account that serves them, by its label.
    #[arg(long)]
    account: Option<String>,
    /// The model of rows that name none.
    #[arg(long)]
    model: Option<String>,
    /// The prompt for plain columns, with {{column}} in it.
    #[arg(long)]
    template: Option<String>,
    /// The most tokens of an answer, for plain columns.
    #[arg(long, value_name = "N", requires = "template")]
    max_output_tokens: Option<u64>,
    /// Where the answers go, a line each, in the order of the rows [default: beside the input, as NAME.out.jsonl].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which way the rows go: one by one at the limits; through the provider's batch API, within a day, for less; or
    /// whichever the deadline and the cost speak for [default: gateway].
    #[arg(long, value_enum)]
    via: Option<ViaArg>,
    /// Write answers as they come, not in the order of the rows.
    #[arg(long, alias = "unordered")]
    as_they_come: bool,
    #[command(flatten)]
    options: OptionArgs,
    /// Check every row, say what it would cost, send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on without the rows that cannot be sent.
    #[arg(long)]
    skip_invalid: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViaArg {
    Gateway,
    ProviderBatch,
    Auto,
}

impl ViaArg {
    /// The way that was named, if one was.
    const fn fixed(self) -> Option<BatchVia> {
        match self {
            Self::Gateway => Some(BatchVia::Gateway),
            Self::ProviderBatch => Some(BatchVia::ProviderBatch),
            Self::Auto => None,
        }
    }
}

/// What can differ from run to run of one batch.
#[derive(Debug, Clone, Args)]
pub(super) struct OptionArgs {
    /// How many rows may be on their way at once: a number, or as many as the limits admit.
    #[arg(long, value_name = "N|auto", default_value = "auto", value_parser = concurrency)]
    concurrency: Concurrency,
    /// What the whole batch may cost, in dollars; it pauses before it could cost more.
    #[arg(long, value_name = "USD", value_parser = usd)]
    max_cost: Option<Usd>,
    /// When it pauses, done or not: a time (2026-11-25T06:00:00Z) or from now (8h).
    #[arg(long, value_name = "T")]
    deadline: Option<String>,
    /// Seconds between two looks at what is with the provider's batch API [default: by the age of the batch].
    #[arg(long, value_name = "SECS", value_parser = poll)]
    poll: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum Concurrency {
    Auto,
    Fixed(usize),
}

pub(super) fn run(common: &Common, command: BatchCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    let context = Context::open(common)?;
    let mut book = BatchBook::open(&context.dir)?;
    match command {
        BatchCommand::Run(args) => match plan::find_or_plan(&context, &mut book, &args, out)? {
            Some(record) => go::go(&context, &record, args.options.options(context.clock.now())?, None, out),
            None => Ok(Done::Well),
        },
        BatchCommand::Resume { id, options } => {
            let record = book.batch(BatchId(id))?;
            if !record.state.is_open() {
                return Err(Problem::new(format!("batch {id} is {}", record.state.name())).hint("run its file again for a new batch"));
            }
            go::go(&context, &record, options.options(context.clock.now())?, None, out)
        }
        BatchCommand::List => list(&context, out),
        BatchCommand::Status { id } => status(&context, &book.batch(BatchId(id))?, out),
        BatchCommand::Pause { id } => {
            let record = open_batch(&book, id)?;
            match context.dir.claim_batch(record.id)? {
                None => book.wish(record.id, BatchWish::Pause)?,
                Some(_claim) => book.set_state(record.id, BatchState::Paused, Some("paused by the user"), context.clock.now())?,
            }
            say(&context, &book.batch(record.id)?, "pausing", out)
        }
        BatchCommand::Cancel { id } => {
            let record = open_batch(&book, id)?;
            let at_provider = !book.open_parts(record.id)?.is_empty();
            match context.dir.claim_batch(record.id)? {
                None => book.wish(record.id, BatchWish::Cancel)?,
                Some(claim) if at_provider => {
                    // the provider has to be told, and what it answered by then is fetched
                    drop(claim);
                    return go::go(&context, &record, Options::default(), Some(BatchWish::Cancel), out);
                }
                Some(claim) => {
                    go::cancel(&context, &record)?;
                    claim.retire();
                }
            }
            say(&context, &book.batch(record.id)?, "cancelling", out)
        }
    }
}

fn open_batch(book: &BatchBook, id: i64) -> Result<BatchRecord, Problem> {
    let record = book.batch(BatchId(id))?;
    if record.state.is_open() { Ok(record) } else { Err(Problem::new(format!("batch {id} is {} already", record.state.name()))) }
}

/// What became of an order: done, or asked of the process that runs the batch.
fn say(context: &Context, record: &BatchRecord, asked: &str, out: &mut dyn Write) -> Result<Done, Problem> {
    if context.json {
        return print_json(out, record);
    }
    let state = if record.state == BatchState::Running { asked } else { record.state.name() };
    writeln!(out, "batch {} {state}", record.id.0).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

fn list(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    let batches = context.reader()?.batches()?;
    if context.json {
        return print_json(out, &batches);
    }
    let rows: Vec<Vec<String>> = batches
        .iter()
        .map(|batch| {
            let BatchRecord { id, input, account, rows, failed, .. } = batch;
            vec![
                id.0.to_string(),
                state_of(context, batch),
                account.clone(),
                format!("{} of {rows}", batch.finished()),
                failed.to_string(),
                dollars(batch.cost_nanos),
                input.display().to_string(),
            ]
        })
        .collect();
    table::print(out, &["id", "state", "account", "rows", "failed", "cost", "input"], &rows)?;
    Ok(Done::Well)
}

fn status(context: &Context, batch: &BatchRecord, out: &mut dyn Write) -> Result<Done, Problem> {
    if context.json {
        return print_json(out, batch);
    }
    let mut lines = vec![
        format!("batch {} {} with {}", batch.id.0, state_of(context, batch), batch.account),
        format!("{} of {} rows, {} failed, {}", batch.finished(), batch.rows, batch.failed, show::cost(batch)),
        format!("{} input and {} output tokens", batch.input_tokens, batch.output_tokens),
        format!("from {}", batch.input.display()),
        format!("to {}, {} rows written", batch.output.display(), batch.written),
    ];
    lines.extend(show::against_plan(batch));
    let parts = BatchBook::open(&context.dir)?.open_parts(batch.id)?;
    lines.extend(parts.iter().map(|part| match &part.remote {
        Some(remote) => format!("{} rows are with the provider as {remote}, since {}", part.rows, part.at),
        None => format!("{} rows were about to be handed over at {}; whether the provider has them is found out", part.rows, part.at),
    }));
    lines.extend(batch.reason.iter().map(|reason| format!("paused: {reason}")));
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

/// The state, and that nobody runs what should be running.
fn state_of(context: &Context, batch: &BatchRecord) -> String {
    let left = batch.state == BatchState::Running && matches!(context.dir.claim_batch(batch.id), Ok(Some(_)));
    if left { "interrupted".into() } else { batch.state.name().into() }
}

impl OptionArgs {
    fn deadline(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        self.deadline.as_deref().map(|text| moment(text, now)).transpose()
    }

    fn options(&self, now: Now) -> Result<Options, Problem> {
        let deadline = self.deadline(now.wall)?;
        let concurrency = match self.concurrency {
            Concurrency::Auto => None,
            Concurrency::Fixed(size) => Some(size),
        };
        Ok(Options { concurrency, max_cost_nanos: self.max_cost.map(Usd::nanos), deadline, poll: self.poll })
    }
}

fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ahead = super::plan::duration(text)?;
    now.checked_add(ahead).map_err(|error| Problem::new(format!("the deadline {text:?} is out of all bounds")).because(error))
}

fn concurrency(text: &str) -> Result<Concurrency, String> {
    if text == "auto" {
        return Ok(Concurrency::Auto);
    }
    text.parse()
        .ok()
        .filter(|size| (1..=10_000).contains(size))
        .map(Concurrency::Fixed)
        .ok_or_else(|| "neither auto nor a number from 1 to 10000".into())
}

fn poll(text: &str) -> Result<Duration, String> {
    let secs = text.parse().ok().filter(|secs| (0.1..=86_400.0).contains(secs));
    secs.map(Duration::from_secs_f64).ok_or_else(|| "not a number of seconds from 0.1 to 86400".into())
}

fn usd(text: &str) -> Result<Usd, String> {
    Usd::parse(text.trim_start_matches('$')).ok_or_else(|| "not an amount in dollars such as 2.50".into())
}
