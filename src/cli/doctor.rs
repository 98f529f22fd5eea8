//! `tierline doctor`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::context::vault;
use super::{Common, Done, print_json, serve, unwritable};
use crate::clock::SystemClock;
use crate::domain::{Clock, Problem};
use crate::engine::doctor::{Finding, Patient, State, examine};
use crate::store::DataDir;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Search this file or folder for keys as well: an export, a log.
    #[arg(long, value_name = "PATH")]
    search: Vec<PathBuf>,
    #[command(flatten)]
    listen: serve::Listen,
}

pub(super) fn run(common: &Common, args: &DoctorArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let dir = DataDir::untouched(common.data_dir.as_deref())?;
    let vault = vault(common.vault)?;
    let patient = Patient { dir: &dir, vault: &vault, listen: args.listen.addr(), now: SystemClock::new().now(), also: &args.search };
    let findings = serve::runtime()?.block_on(examine(&patient));
    let well = findings.iter().all(|finding| finding.state != State::Wrong);
    if common.json {
        print_json(out, &json!({ "well": well, "findings": findings }))?;
    } else {
        findings.iter().try_for_each(|finding| writeln!(out, "{}", line(finding))).map_err(|error| unwritable(&error))?;
    }
    Ok(if well { Done::Well } else { Done::Found })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "good ",
        State::Note => "note ",
        State::Wrong => "WRONG",
    };
    let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{mark}  {:<14}  {}{hint}", finding.check, finding.text)
}
