//! `tierline export ...`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::context::Context;
use super::{Done, print_json, unwritable};
use crate::domain::Problem;
use crate::domain::query::{ExportFormat, ExportOrder, ExportWhat};
use crate::store::export;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Which table.
    #[arg(long, value_enum)]
    what: What,
    /// From this time on, RFC 3339 (2026-11-24T00:00:00Z).
    #[arg(long, value_name = "T")]
    from: Option<Timestamp>,
    /// Up to this time, RFC 3339.
    #[arg(long, value_name = "T")]
    to: Option<Timestamp>,
    /// How to write it.
    #[arg(long, value_enum)]
    format: Format,
    /// The file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Requests,
    Snapshots,
    Refusals,
    Limits,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub(super) fn run(context: &Context, args: &ExportArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let what = match args.what {
        What::Requests => ExportWhat::Requests,
        What::Snapshots => ExportWhat::Snapshots,
        What::Refusals => ExportWhat::Refusals,
        What::Limits => ExportWhat::Limits,
    };
    let format = match args.format {
        Format::Csv => ExportFormat::Csv,
        Format::Json => ExportFormat::Json,
    };
    let order = ExportOrder { what, from: args.from, to: args.to, format, path: args.out.clone() };
    let reader = context.reader()?;
    if args.out == Path::new("-") {
        export::write(&reader, &order, out)?;
        out.flush().map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    let rows = export::write_file(&reader, &order)?;
    if context.json {
        return print_json(out, &json!({ "rows": rows, "file": args.out }));
    }
    writeln!(out, "wrote {rows} rows to {}", args.out.display()).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}
