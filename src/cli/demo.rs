//! `tierline demo`

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Common, Done, serve, unwritable, window};
use crate::clock::SystemClock;
use crate::demo::{Demo, Summary, status_line, summarise};
use crate::domain::query::{ExportFormat, ExportOrder, ExportWhat};
use crate::domain::{Clock, Problem};
use crate::engine::{Engine, Options};
use crate::store::{DataDir, export};
use crate::vault::Vault;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Without a window: a status line a second, then a summary.
    #[arg(long)]
    headless: bool,
    /// How long the headless demo runs.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Fixes what the simulated programs do.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    listen: serve::Listen,
}

pub(super) fn run(common: &Common, args: &DemoArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let folder = scratch_folder(common.data_dir.as_deref())?;
    let dir = DataDir::open(Some(&folder))?;
    // the usual port belongs to the user's own gateway
    let listen = args.listen.or_free_port();
    if !args.headless {
        let seed = args.seed;
        let beside: window::Beside = Box::new(move |engine| {
            let demo = tokio::runtime::Handle::current().block_on(Demo::start(engine, seed))?;
            Ok(tokio::spawn(async move {
                let _running = demo;
                std::future::pending::<()>().await;
            }))
        });
        return window::run(common, listen, Some((dir, beside)));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = Options { dir, vault: Vault::memory(), listen, clock, demo: true, wake: Box::new(|| ()) };
    serve::runtime()?.block_on(async {
        let mut ended = std::pin::pin!(serve::signal());
        let engine = Engine::start(options).await?;
        let demo = Demo::start(&engine, args.seed).await?;
        let views = engine.views();
        for second in 1..=args.seconds {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = &mut ended => break,
            }
            let view = Arc::clone(&views.borrow());
            let line = if common.json {
                json!({ "second": second, "done": view.totals.finished, "running": view.running.len(), "waiting": view.waiting_count(), "upstream_refusals": view.totals.upstream_refusals }).to_string()
            } else {
                status_line(&view, second)
            };
            writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| unwritable(&error))?;
        }
        let summary = summarise(&views.borrow(), demo.seen(), args.seconds as f64);
        drop(demo);
        engine.store().flush()?;
        let order = ExportOrder { what: ExportWhat::Requests, from: None, to: None, format: ExportFormat::Csv, path: folder.join("requests.csv") };
        let rows = export::write_file(&engine.store().reader()?, &order)?;
        engine.stop().await?;
        show(&summary, rows, &order.path, common.json, out)
    })
}

fn show(summary: &Summary, rows: u64, csv: &PathBuf, json: bool, out: &mut dyn Write) -> Result<Done, Problem> {
    if json {
        // on one line, as the lines before it
        writeln!(out, "{}", json!({ "summary": summary, "csv": csv, "rows": rows })).map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    let Summary { requests, ok, input_tokens, output_tokens, waited_secs, upstream_requests, upstream_refusals, local_refusals, buckets } =
        summary;
    let mut text = format!(
        "\n{requests} requests, {ok} answered well, {local_refusals} refused by Tierline\n\
         {input_tokens} input and {output_tokens} output tokens\n\
         {waited_secs:.1} s waited for room in all\n\
         {upstream_requests} requests reached a provider, {upstream_refusals} of them were refused\n\nused of what was possible in the last minute:\n"
    );
    for bucket in buckets {
        let binding = if bucket.binding { ", binding" } else { "" };
        let _ = writeln!(text, "  {:.3}  {} of {}  {}{binding}", bucket.efficiency, bucket.taken, bucket.limit, bucket.name);
    }
    writeln!(out, "{text}\nwrote {rows} rows to {}", csv.display()).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

/// A new folder, in the data folder that was named or among the temporary files: the demo's accounts and history never mix
/// with the user's.
pub(super) fn scratch_folder(parent: Option<&Path>) -> Result<PathBuf, Problem> {
    let mut bytes = [0_u8; 6];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new("the system gave no random numbers").because(error))?;
    let name = bytes.iter().fold(String::from("tierline-demo-"), |name, byte| format!("{name}{byte:02x}"));
    Ok(parent.map_or_else(std::env::temp_dir, Path::to_owned).join(name))
}
