//! Looks over the installation without changing anything: keyring, files, port, clock, catalogue, database; and searches our
//! own files for the user's keys.

mod decode;
mod search;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::Offset;
use serde::Serialize;

use self::search::{SHORTEST, Search, What, files};
use super::control::{self, Answer, Request};
use crate::catalog::Catalog;
use crate::domain::{Now, Problem};
use crate::store::{DataDir, Reader};
use crate::vault::Vault;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, a sentence.
    pub text: String,
    /// What to do, if something is to be done.
    pub hint: Option<String>,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// Good to know.
    Note,
    /// Something is to be done.
    Wrong,
}

/// What is looked over.
pub struct Patient<'a> {
    /// The data folder.
    pub dir: &'a DataDir,
    /// Where keys are.
    pub vault: &'a Vault,
    /// Where the gateway should listen.
    pub listen: SocketAddr,
    /// The present.
    pub now: Now,
    /// Files and folders to search beside the data folder: exports, logs.
    pub also: &'a [PathBuf],
}

/// Older facts about limits and prices are worth a look for a newer release.
const CATALOG_AGE_DAYS: i64 = 120;
/// What a recorded time may be ahead of the clock.
const CLOCK_SLACK: Duration = Duration::from_secs(120);

/// Everything that was found, in the order in which it was looked at.
pub async fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let Patient { dir, vault, listen, now, also } = *patient;
    let mut findings = vec![keyring(vault).await, data_folder(dir)];
    let reader = dir.database().exists().then(|| Reader::open(dir));
    findings.push(database(reader.as_ref()));
    findings.extend([port(dir.path(), listen), control_socket(dir.path()), clock(reader.as_ref(), now), catalogue(now)]);
    let Some(Ok(reader)) = reader else { return findings };
    let mut search = Search::default();
    findings.extend(gather(&reader, vault, &mut search).await);
    let places: Vec<&Path> = std::iter::once(dir.path()).chain(also.iter().map(PathBuf::as_path)).collect();
    findings.extend(secrets(&search, &places));
    findings
}

async fn keyring(vault: &Vault) -> Finding {
    match vault.status().await {
        Ok(place) => good("keyring", format!("keys are kept in {place}")),
        Err(problem) => wrong("keyring", &problem),
    }
}

fn data_folder(dir: &DataDir) -> Finding {
    let shown = dir.path().display();
    match dir.open_to_others() {
        Ok(None) => {
            Finding { state: State::Note, ..good("files", format!("there is no data folder {shown} yet; the first start makes it")) }
        }
        Ok(Some(open)) if open.is_empty() => good("files", format!("{shown} and everything in it is closed to other users")),
        Ok(Some(open)) => {
            let named: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
            let hint = format!("close them: chmod 700 {shown}; chmod 600 for each file in it");
            Finding { hint: Some(hint), ..wrong("files", &Problem::new(format!("other users may open {}", named.join(", ")))) }
        }
        Err(problem) => wrong("files", &problem),
    }
}

fn database(reader: Option<&Result<Reader, Problem>>) -> Finding {
    match reader.map(|reader| reader.as_ref().map_err(Clone::clone).and_then(Reader::health)) {
        None => Finding { state: State::Note, ..good("database", "there is no database yet".to_owned()) },
        Some(Ok(rows)) => good("database", format!("whole, with {rows} requests")),
        Some(Err(problem)) => wrong("database", &problem),
    }
}

fn port(dir: &Path, listen: SocketAddr) -> Finding {
    if let Some(Answer::Status { gateway, .. }) = control::ask(dir, &Request::Status) {
        return match gateway {
            Some(url) => good("port", format!("the gateway listens on {url}")),
            None => wrong(
                "port",
                &Problem::new("Tierline runs, and its gateway does not listen").hint("see its window or its log for the reason"),
            ),
        };
    }
    match TcpListener::bind(listen) {
        Ok(_) => good("port", format!("{listen} is free; no gateway serves from this folder now")),
        Err(error) => wrong(
            "port",
            &Problem::new(format!("{listen} cannot be had")).because(error).hint("stop what has it (see `ss -ltnp`), or use --listen"),
        ),
    }
}

fn control_socket(dir: &Path) -> Finding {
    match control::fits(dir) {
        Ok(()) => good("control socket", "its path is short enough".to_owned()),
        Err(problem) => wrong("control socket", &problem),
    }
}

/// A clock that is wrong makes limits of a day reset at the wrong time, and TLS fail.
fn clock(reader: Option<&Result<Reader, Problem>>, now: Now) -> Finding {
    let today = Offset::UTC.to_datetime(now.wall).date();
    let set = "set the system's clock, and let it be kept by NTP";
    if let Some(as_of) = Catalog::bundled().as_of().filter(|as_of| today < *as_of) {
        return wrong("clock", &Problem::new(format!("today is {today}, before this release was made ({as_of})")).hint(set));
    }
    let last = reader.and_then(|reader| reader.as_ref().ok()).and_then(|reader| reader.last_arrival().ok().flatten());
    if let Some(last) = last.filter(|last| *last > now.wall.saturating_add(CLOCK_SLACK).unwrap_or(*last)) {
        return wrong("clock", &Problem::new(format!("it is {:.0}, and the history has a request of {last:.0}", now.wall)).hint(set));
    }
    good("clock", format!("{:.0}", now.wall))
}

fn catalogue(now: Now) -> Finding {
    let today = Offset::UTC.to_datetime(now.wall).date();
    let Some(as_of) = Catalog::bundled().as_of() else {
        return wrong("catalogue", &Problem::new("the catalogue is empty"));
    };
    let days = today.since(as_of).map_or(0, |age| i64::from(age.get_days()));
    let finding = good("catalogue", format!("newest row of {as_of}, {days} days old"));
    if days <= CATALOG_AGE_DAYS {
        return finding;
    }
    let hint = "limits that a provider does not send, prices and retirements may be out of date: look for a newer release".to_owned();
    Finding { state: State::Note, hint: Some(hint), ..finding }
}

/// Reads the keys and the hashes of tokens; what cannot be read is a finding.
async fn gather(reader: &Reader, vault: &Vault, search: &mut Search) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (reader.accounts(), reader.tokens()) {
        (Ok(accounts), Ok(tokens)) => {
            search.tokens = tokens.into_iter().map(|token| (token.client, token.hash)).collect();
            for account in accounts {
                match vault.get_for(&account).await {
                    Ok(key) if key.expose().len() < SHORTEST => {
                        let text = format!("the key of account {} is too short to be searched for", account.label);
                        findings.push(Finding { state: State::Note, ..good("keys", text) });
                    }
                    Ok(key) => search.keys.push((account.label, key)),
                    Err(problem) => {
                        let summary = format!("the key of account {} cannot be read, so nothing was searched for it", account.label);
                        findings.push(wrong("keys", &Problem { details: Some(problem.summary), ..Problem::new(summary) }));
                    }
                }
            }
        }
        (Err(problem), _) | (_, Err(problem)) => findings.push(wrong("keys", &problem)),
    }
    findings
}

fn secrets(search: &Search, places: &[&Path]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut searched = 0_u64;
    for place in places {
        let files = match files(place) {
            Ok(files) => files,
            Err(error) => {
                findings.push(wrong("secrets", &Problem::new(format!("{} cannot be searched", place.display())).because(error)));
                continue;
            }
        };
        for file in files {
            searched += 1;
            match search.in_file(&file) {
                Ok(hits) => findings.extend(hits.into_iter().map(|hit| {
                    let (whose, hint) = match hit.what {
                        What::Key { label, fingerprint } => {
                            (format!("the key of account {label} ({fingerprint})"), "replace the key at the provider, and delete the file")
                        }
                        What::Token(client) => {
                            (format!("the local token of {client}"), "revoke it with `tierline token revoke`, and delete the file")
                        }
                    };
                    wrong("secrets", &Problem::new(format!("{} holds {whose}, {}", file.display(), hit.spelling)).hint(hint))
                })),
                Err(error) => findings.push(wrong("secrets", &Problem::new(format!("{} cannot be read", file.display())).because(error))),
            }
        }
    }
    if findings.is_empty() {
        let (keys, tokens) = (search.keys.len(), search.tokens.len());
        findings.push(good("secrets", format!("none of {keys} keys and {tokens} local tokens is in any of {searched} files")));
    }
    findings
}

fn good(check: &'static str, text: String) -> Finding {
    Finding { check, state: State::Good, text, hint: None }
}

fn wrong(check: &'static str, problem: &Problem) -> Finding {
    let text = problem.details.as_ref().map_or_else(|| problem.summary.clone(), |details| format!("{}: {details}", problem.summary));
    Finding { check, state: State::Wrong, text, hint: problem.hint.clone() }
}
