//! `tierline bench goodput`

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::{Common, Done, demo, serve, unwritable};
use crate::bench::{Cost, Real, Row, rows};
use crate::clock::SystemClock;
use crate::domain::{Clock, Problem};
use crate::engine::{Engine, Options};
use crate::store::DataDir;
use crate::vault::Vault;

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// How near to the physical limit, and how many refusals that costs, beside four ways in which others do it.
    Goodput(GoodputArgs),
}

#[derive(Debug, Args)]
pub(super) struct GoodputArgs {
    /// Over real sockets and in real time, through a gateway and simulated providers on this machine: takes some minutes.
    #[arg(long)]
    real: bool,
    /// With --real: how many requests each client sends at once.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=5_000), requires = "real")]
    requests: u64,
    /// In virtual time: over how many seeds each figure is the mean.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
}

pub(super) fn run(common: &Common, command: &BenchCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    let BenchCommand::Goodput(args) = command;
    if args.real { real(common, args, out) } else { virtual_time(common, args, out) }
}

fn virtual_time(common: &Common, args: &GoodputArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    if !common.json {
        say(
            out,
            &format!(
                "E: least possible time over time taken; R429: refused of what reached the provider. Mean of {} seeds\n{}",
                args.seeds,
                Row::head()
            ),
        )?;
    }
    rows(args.seeds, |row| if common.json { say_json(out, &row) } else { say(out, &row.to_string()) })?;
    for cost in serve::runtime()?.block_on(Cost::all()) {
        if common.json { say_json(out, &cost)? } else { say(out, &cost.to_string())? }
    }
    Ok(Done::Well)
}

fn real(common: &Common, args: &GoodputArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    /// How often it tells how far it is.
    const EVERY: Duration = Duration::from_secs(5);
    let folder = demo::scratch_folder(common.data_dir.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let dir = DataDir::open(Some(&folder))?;
    let options = Options { dir, vault: Vault::memory(), listen, clock, demo: true, wake: Box::new(|| ()) };
    let done = serve::runtime()?.block_on(async {
        let mut ended = std::pin::pin!(serve::signal());
        let engine = Engine::start(options).await?;
        let mut real = Real::start(&engine, args.requests, 1).await?;
        let mut next = tokio::time::interval(EVERY);
        next.tick().await;
        let whole = loop {
            tokio::select! {
                () = real.finish() => break true,
                () = &mut ended => break false,
                _ = next.tick() => progress(&real, args.requests, common.json, out)?,
            }
        };
        let rows = real.rows();
        drop(real);
        engine.stop().await?;
        if !common.json {
            let how = if whole { "" } else { "interrupted: what was done until then\n" };
            say(out, &format!("\n{how}{}", Row::head()))?;
        }
        for row in rows {
            if common.json { say_json(out, &row)? } else { say(out, &row.to_string())? }
        }
        Ok(Done::Well)
    });
    // it held nothing but made-up requests
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn progress(real: &Real, requests: u64, as_json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    let clients = real.progress();
    if as_json {
        let clients: Vec<_> =
            clients.iter().map(|p| json!({ "client": p.client, "done": p.done, "failed": p.failed, "refused": p.refused })).collect();
        return say_json(out, &json!({ "second": real.seconds(), "requests": requests, "clients": clients }));
    }
    let clients: Vec<String> =
        clients.iter().map(|p| format!("{} {} done, {} refused, {} failed", p.client, p.done, p.refused, p.failed)).collect();
    say(out, &format!("{:>4} s of {requests} each: {}", real.seconds(), clients.join("; ")))
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), Problem> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| unwritable(&error))
}

fn say_json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), Problem> {
    say(out, &json!(value).to_string())
}
