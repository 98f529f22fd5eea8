//! `tierline models [scan DIR]`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Done, print_json, table, unwritable};
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::domain::{Clock, Dialect, Problem};

#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Find retired and retiring model names in a source tree. Exit code 1 if a retired one is found.
    Scan {
        /// The folder; what git ignores is passed over.
        dir: PathBuf,
    },
}

pub(super) fn run(args: &ModelsArgs, json: bool, out: &mut dyn Write) -> Result<Done, Problem> {
    let now = SystemClock::new().now().wall;
    match &args.command {
        Some(ModelsCommand::Scan { dir }) => scan(dir, json, now, out),
        None => list(json, now, out),
    }
}

fn list(json: bool, now: jiff::Timestamp, out: &mut dyn Write) -> Result<Done, Problem> {
    let catalog = Catalog::bundled();
    let models: Vec<_> =
        Dialect::ALL.into_iter().flat_map(|dialect| catalog.models(dialect, now).into_iter().map(move |model| (dialect, model))).collect();
    if json {
        let rows: Vec<_> = models.iter().map(|(dialect, model)| json!({ "provider": dialect, "model": model })).collect();
        return print_json(out, &rows);
    }
    let rows: Vec<Vec<String>> = models
        .iter()
        .map(|(dialect, known)| {
            let ends = known.shutdown.map_or_else(String::new, |when| when.to_string());
            let replacement = known.replacement.as_ref().map_or_else(String::new, ToString::to_string);
            vec![dialect.name().into(), known.id.clone(), known.state.name().into(), ends, replacement]
        })
        .collect();
    table::print(out, &["provider", "model", "state", "ends", "replacement"], &rows)?;
    Ok(Done::Well)
}

fn scan(dir: &std::path::Path, json: bool, now: jiff::Timestamp, out: &mut dyn Write) -> Result<Done, Problem> {
    let mut failed = None;
    let summary = Catalog::bundled().scan(dir, now, &mut |hit| {
        let end = hit.retirement;
        let line = if json {
            json!({ "file": hit.path, "line": hit.line, "column": hit.column, "name": hit.name, "state": end.state.name(), "retirement": end })
                .to_string()
        } else {
            let replacement = end.replacement().map_or_else(String::new, |model| format!("; use {model}"));
            format!("{}:{}:{}: {} is {} ({}){replacement}", hit.path.display(), hit.line, hit.column, hit.name, end.state.name(), end.when())
        };
        if let Err(error) = writeln!(out, "{line}") {
            failed.get_or_insert(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(unwritable(&error));
    }
    Ok(if summary.retired > 0 { Done::Found } else { Done::Well })
}
