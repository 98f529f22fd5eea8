//! The command line: a contract that scripts rely on. It is changed only by adding.
//!
//! Exit codes: 0 done, 1 failed with one line on stderr, 2 wrong use. `--json` prints one JSON document, or one object a
//! line while a command runs. Commands write to what they are given; only `main` knows stdout.

mod accounts;
mod admin;
mod alias;
mod batch;
mod bench;
mod budgets;
mod bypass;
mod catalog;
mod connect;
mod context;
mod demo;
mod doctor;
mod door;
mod explain;
mod export;
mod import_limits;
mod import_usage;
mod limits;
mod models;
mod plan;
mod probe;
mod process;
mod reader;
mod routes;
mod serve;
mod status;
mod table;
mod tier;
mod tokens;
mod whatif;
mod window;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::Problem;
use context::Context;

/// Use every LLM API key you own up to its real limit, without an avoidable 429, and see why.
///
/// Without a command, opens the window and starts the gateway.
#[derive(Debug, Parser)]
#[command(name = "tierline", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    listen: serve::Listen,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where Tierline keeps its files [default: the platform's data folder].
    #[arg(long, global = true, env = "TIERLINE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where keys are kept: the system's keyring, environment variables that accounts name, or only this process.
    #[arg(long, global = true, value_enum, default_value = "keyring")]
    vault: VaultKind,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// Where keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VaultKind {
    /// The operating system's keyring.
    Keyring,
    /// Environment variables that accounts name; nothing is stored.
    Env,
    /// Only this process.
    Memory,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulated providers, several clients and a small batch: everything in motion, without a key.
    Demo(demo::DemoArgs),
    /// Run the gateway without a window until a signal comes.
    Serve(serve::ServeArgs),
    /// Add, list, remove and import accounts.
    #[command(subcommand)]
    Accounts(accounts::AccountsCommand),
    /// Local tokens for your programs: make, list, revoke.
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Your own ceilings below the providers' limits.
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// What your accounts may spend in a day or a month: set, list, remove.
    #[command(subcommand)]
    Budgets(budgets::BudgetsCommand),
    /// Let retired model names stand for their replacements: set, list, remove.
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Who may serve a model when its own account cannot: add, list, remove.
    #[command(subcommand)]
    Routes(routes::RoutesCommand),
    /// The lines that point a client at the gateway.
    Connect(connect::ConnectArgs),
    /// The lines that point clients straight back at the provider.
    Bypass(bypass::BypassArgs),
    /// Every bucket: used, held, remaining, reset, source, and which one binds.
    Status,
    /// Look over the installation, and search Tierline's own files for the stored keys: none is expected.
    Doctor(doctor::DoctorArgs),
    /// Which tier the limits that were seen are of, and what the next one would give.
    Tier,
    /// Ask a provider for an account's limits now.
    Probe(probe::ProbeArgs),
    /// Write requests, header snapshots, refusals or limit changes to a file.
    Export(export::ExportArgs),
    /// Say what a refusal means: give its body on standard input.
    Explain(explain::ExplainArgs),
    /// Known models with their state; `models scan` finds retired names in a source tree.
    Models(models::ModelsArgs),
    /// The catalogue of tiers, limits, prices and retirements.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Run files of requests at the limit, survive any interruption, keep the order.
    #[command(subcommand)]
    Batch(batch::BatchCommand),
    /// Hold a load against tiers and limits: does it fit, what binds, how long, for how much.
    Plan(plan::PlanArgs),
    /// Play recorded traffic again with another tier, other limits or another model: which refusals would not have been.
    #[command(name = "whatif")]
    WhatIf(whatif::WhatIfArgs),
    /// Measure the limiter on this machine, beside what others do.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// A simulated provider, to test your own code against.
    Sim(crate::sim::SimArgs),
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Exit code 0.
    Well,
    /// It found what it looks for, which is bad news: exit code 1 without an error.
    Found,
}

/// Parses the arguments, runs the command, and prints an error as one line.
pub fn main(out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    process::prepare();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            let to: &mut dyn Write = if wrong { err } else { out };
            // nobody is left to tell if this fails
            let _ = write!(to, "{error}");
            return ExitCode::from(if wrong { 2 } else { 0 });
        }
    };
    match run(cli, &mut reader::Reader::of(out)) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Found) => ExitCode::FAILURE,
        Err(problem) => {
            let line = problem.to_string().replace(['\n', '\r'], " ");
            let _ = writeln!(err, "tierline: {}", table::clean(&line));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, out: &mut dyn Write) -> Result<Done, Problem> {
    let Cli { common, command, listen } = cli;
    match command {
        None => window::run(&common, listen.addr(), None),
        Some(Command::Demo(args)) => demo::run(&common, &args, out),
        Some(Command::Serve(args)) => serve::run(&common, &args, out),
        Some(Command::Sim(mut args)) => {
            args.json |= common.json;
            serve::runtime()?
                .block_on(async { crate::sim::run(args, out, serve::signal()).await })
                .map(|()| Done::Well)
                .map_err(|error| Problem::new(error.to_string()))
        }
        Some(Command::Bench(command)) => bench::run(&common, &command, out),
        Some(Command::Doctor(args)) => doctor::run(&common, &args, out),
        Some(Command::Batch(command)) => batch::run(&common, command, out),
        Some(Command::Plan(args)) => plan::run(&common, &args, out),
        Some(Command::WhatIf(args)) => whatif::run(&common, &args, out),
        Some(Command::Explain(args)) => explain::run(&args, common.json, out),
        Some(Command::Models(args)) => models::run(&args, common.json, out),
        Some(Command::Catalog(command)) => catalog::run(&command, common.json, out),
        Some(Command::Accounts(command)) => accounts::run(&Context::open(&common)?, command, out),
        Some(Command::Token(command)) => tokens::run(&Context::open(&common)?, &command, out),
        Some(Command::Limits(command)) => limits::run(&Context::open(&common)?, &command, out),
        Some(Command::Budgets(command)) => budgets::run(&Context::open(&common)?, command, out),
        Some(Command::Alias(command)) => alias::run(&Context::open(&common)?, command, out),
        Some(Command::Routes(command)) => routes::run(&Context::open(&common)?, command, out),
        Some(Command::Connect(args)) => connect::run(&Context::open(&common)?, &args, out),
        Some(Command::Bypass(args)) => bypass::run(&Context::open(&common)?, &args, out),
        Some(Command::Status) => status::run(&Context::open(&common)?, out),
        Some(Command::Tier) => tier::run(&Context::open(&common)?, out),
        Some(Command::Probe(args)) => probe::run(&Context::open(&common)?, &args, out),
        Some(Command::Export(args)) => export::run(&Context::open(&common)?, &args, out),
    }
}

/// Prints a JSON document.
fn print_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<Done, Problem> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Problem::new("the answer could not be written as JSON").because(error))?;
    writeln!(out, "{text}").map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

/// The error of a closed pipe or a full disk behind the output.
fn unwritable(error: &io::Error) -> Problem {
    Problem::new("the output could not be written").because(error)
}
