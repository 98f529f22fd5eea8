//! `tierline catalog ...`

use std::io::Write;

use clap::Subcommand;

use super::{Done, print_json, unwritable};
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::domain::{Clock, Problem};

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Report rows without a source, overlaps, gaps, and rows older than so many days. Exit code 1 if there are any.
    Check {
        /// Older rows are reported.
        #[arg(long, value_name = "N", default_value_t = 120)]
        days: u32,
    },
}

pub(super) fn run(command: &CatalogCommand, json: bool, out: &mut dyn Write) -> Result<Done, Problem> {
    let CatalogCommand::Check { days } = command;
    let today = jiff::tz::Offset::UTC.to_datetime(SystemClock::new().now().wall).date();
    let catalog = Catalog::bundled();
    let findings = catalog.check(*days, today);
    if json {
        print_json(out, &findings)?;
    } else {
        for finding in &findings {
            writeln!(out, "{} {} {}: {}", finding.provider.name(), finding.kind, finding.subject, finding.what)
                .map_err(|error| unwritable(&error))?;
        }
        let newest = catalog.as_of().map_or_else(|| "unknown".to_owned(), |date| date.to_string());
        writeln!(out, "{} rows, newest of {newest}, {} findings", catalog.rows().len(), findings.len())
            .map_err(|error| unwritable(&error))?;
    }
    Ok(if findings.is_empty() { Done::Well } else { Done::Found })
}
