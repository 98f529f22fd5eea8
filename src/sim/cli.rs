//! `tierline sim`: a simulated provider on the command line.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::config::{Batches, Charge, Key, Latency, Limits, OutputLength, RefillRule, SimConfig, SimProvider};
use super::fault::{FaultArg, Faults};
use super::server::Sim;
use super::stats::SimStats;

/// Run a simulated provider on this machine, to test backoff code against for nothing.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// Whose limits, headers and errors
    #[arg(long, value_enum)]
    pub provider: SimProvider,
    /// Requests per minute
    #[arg(long, value_name = "N")]
    pub rpm: Option<u64>,
    /// Input tokens per minute
    #[arg(long, value_name = "N")]
    pub itpm: Option<u64>,
    /// Output tokens per minute
    #[arg(long, value_name = "N")]
    pub otpm: Option<u64>,
    /// Tokens per minute
    #[arg(long, value_name = "N")]
    pub tpm: Option<u64>,
    /// Requests per day
    #[arg(long, value_name = "N")]
    pub rpd: Option<u64>,
    /// Tokens per day
    #[arg(long, value_name = "N")]
    pub tpd: Option<u64>,
    /// Requests at the same time
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u64>,
    /// How room comes back: all the time, once a second, or at the end of each minute
    #[arg(long, value_enum, default_value = "continuous")]
    pub refill: RefillArg,
    /// Seconds of capacity that a per-minute limit really holds [default: 60, or 1 if quantised]
    #[arg(long, value_name = "N")]
    pub burst_seconds: Option<u64>,
    /// What a request takes from the token limits
    #[arg(long, value_enum, default_value = "actual")]
    pub charge: ChargeArg,
    /// Accept only the key in this environment variable [default: any key]
    #[arg(long, value_name = "VAR")]
    pub key_env: Option<String>,
    /// Milliseconds until the first token
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub latency_ms: u64,
    /// Milliseconds per output token
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub ms_per_token: u64,
    /// How long answers are, about, where the request does not say
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub output_tokens: u64,
    /// What goes wrong: KIND:RATE or KIND@REQUEST, as in overloaded:0.05 or reset-mid-stream@3; may be given again
    #[arg(long, value_name = "FAULT")]
    fault: Vec<FaultArg>,
    /// Seconds that a batch takes at the batch endpoints
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = seconds)]
    pub batch_seconds: f64,
    /// What may wait in all batches together: requests at Anthropic, input tokens elsewhere
    #[arg(long, value_name = "N")]
    pub batch_queue: Option<u64>,
    /// How many requests of a batch in a hundred end with a server error
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub batch_errored: u8,
    /// How many requests of a batch in a hundred expire
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub batch_expired: u8,
    /// Decides every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// A loopback address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How room comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RefillArg {
    /// All the time.
    Continuous,
    /// Once a second.
    Quantised,
    /// At the end of each minute.
    Fixed,
}

/// What a request takes from the token limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChargeArg {
    /// What it really uses.
    Actual,
    /// Its max tokens, and the unused part comes back.
    ReservesMax,
    /// Its max tokens, and nothing comes back.
    KeepsMax,
    /// A quarter of the prompt's characters.
    Chars4,
}

/// Why `tierline sim` failed.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The variable named by `--key-env` is not set.
    #[error("the environment variable {0} is not set; set it to the key to accept, or leave --key-env out")]
    NoKey(String),
    /// Not an address of this machine alone.
    #[error("the simulated provider listens on loopback only, not on {0}; use --listen 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The system refused.
    #[error("cannot listen on {addr}: {cause}; choose another address with --listen, or 127.0.0.1:0 for a free port")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Nobody reads the output.
    #[error("cannot write the output: {0}")]
    Write(#[from] io::Error),
}

/// Runs until `stop` is done. Prints a line with the URL when ready and a summary at the end.
///
/// # Errors
/// [`SimError`] says why it could not start, or could not say so.
pub async fn run(args: SimArgs, out: &mut dyn Write, stop: impl Future) -> Result<(), SimError> {
    let (provider, addr, json) = (args.provider.name(), args.listen, args.json);
    if !addr.ip().is_loopback() {
        return Err(SimError::NotLoopback(addr));
    }
    let sim = Sim::start(config_of(args)?, addr).await.map_err(|cause| SimError::Listen { addr, cause })?;
    if json {
        writeln!(out, "{}", serde_json::json!({"provider": provider, "url": sim.url()}))?;
    } else {
        writeln!(out, "sim {provider} listening on {}", sim.url())?;
    }
    out.flush()?;
    stop.await;
    let stats = sim.shutdown().await;
    if json {
        writeln!(out, "{}", serde_json::json!(stats))?;
    } else {
        summarise(&stats, out)?;
    }
    Ok(out.flush()?)
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|secs| (0.0..=1e9).contains(secs)).ok_or_else(|| "not a number of seconds".into())
}

fn config_of(args: SimArgs) -> Result<SimConfig, SimError> {
    let keys = match args.key_env {
        None => Vec::new(),
        Some(variable) => vec![Key::from(std::env::var(&variable).map_err(|_| SimError::NoKey(variable))?)],
    };
    let SimArgs { rpm, itpm, otpm, tpm, rpd, tpd, concurrency, .. } = args;
    let mut faults = Faults::default();
    args.fault.into_iter().for_each(|told| faults.add(told));
    Ok(SimConfig {
        provider: args.provider,
        limits: Limits { rpm, itpm, otpm, tpm, rpd, tpd, concurrency },
        refill: match args.refill {
            RefillArg::Continuous => RefillRule::Continuous,
            RefillArg::Quantised => RefillRule::QuantisedSeconds(1),
            RefillArg::Fixed => RefillRule::FixedWindow,
        },
        burst_seconds: args.burst_seconds,
        charge: match args.charge {
            ChargeArg::Actual => Charge::Actual,
            ChargeArg::ReservesMax => Charge::ReservesMax { refund: true },
            ChargeArg::KeepsMax => Charge::ReservesMax { refund: false },
            ChargeArg::Chars4 => Charge::CharsOver4PlusReserve(0),
        },
        keys,
        latency: Latency { first_byte_ms: args.latency_ms, per_token_ms: args.ms_per_token, ..Latency::default() },
        output: OutputLength { tokens: args.output_tokens, ..OutputLength::default() },
        faults,
        batches: Batches {
            take_ms: u64::try_from(Duration::from_secs_f64(args.batch_seconds).as_millis()).unwrap_or(u64::MAX),
            queue: args.batch_queue,
            errored_percent: args.batch_errored,
            expired_percent: args.batch_expired,
            ..Batches::default()
        },
        seed: args.seed,
        ..SimConfig::default()
    })
}

fn summarise(stats: &SimStats, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{} requests, {} admitted, {} refused by a limit", stats.requests, stats.admitted, stats.refused_total())?;
    for (limit, count) in &stats.refused {
        write!(out, ", {limit} {count}")?;
    }
    writeln!(out, "\n{} input and {} output tokens charged", stats.charged_input, stats.charged_output)?;
    writeln!(out, "at most {} in flight, {} clients left early", stats.max_in_flight, stats.disconnects)?;
    writeln!(out, "{} faults, {} of them overloads; {} wrong keys", stats.faults, stats.overloads, stats.bad_keys)?;
    for (model, seen) in &stats.models {
        write!(out, "{model}: {} admitted, {} refused, {} input tokens, ", seen.admitted, seen.refused, seen.input)?;
        writeln!(out, "{} from the cache, {} into it, {} output tokens", seen.cache_read, seen.cache_write, seen.output)?;
    }
    Ok(())
}
