//! How the source is laid out. The tables below are the documentation, and the test that it is true.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "support/rust_paths.rs"]
mod rust_paths;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rust_paths::{NamedPath, named_paths};

/// The folders and files directly in `src/`, and the floor each stands on. A floor names only lower floors.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),   // the words everybody shares; no I/O, no tasks
    ("sync", 0),     // what the limiter's handle waits with; its explorer has another
    ("provider", 1), // headers and bytes in, domain out; pure
    ("catalog", 1),  // dated facts: tiers, model classes, prices, retirements
    ("limiter", 2),  // buckets, ledger, queue; one async file around a pure core
    ("clock", 2),    // the one place that reads the time; beside the limiter, which therefore cannot
    ("store", 3),    // SQLite
    ("vault", 3),    // keyring, environment or memory
    ("upstream", 3), // the way to a provider
    ("journal", 3),  // events in, live view and history out
    ("desktop", 4),  // notifications, tray, start at login
    ("gateway", 4),  // the loopback server in front of the providers
    ("probe", 4),    // reads the limits of a key
    ("batch", 4),    // many requests from a file
    ("planner", 4),  // how long a job would take
    ("sim", 4),      // the simulated provider
    ("engine", 5),   // builds the parts, joins them, stops them
    ("ui", 6),       // the window
    ("demo", 6),     // simulated providers and clients around an engine
    ("bench", 6),    // the limiter beside what others do, in virtual time and around an engine
    ("cli", 7),      // the commands; none means the window
    ("main", 8),     // hands the command line its output
    ("lib", 8),      // the list of modules
];

/// Who may name a neighbour on the same floor.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("journal", "store"), // the recorder hands its batches to the writer
];

/// Folders that may name even fewer of ours than their floor allows.
const NARROW: &[(&str, &[&str])] = &[
    ("ui", &["domain", "journal"]), // a function of one view; it answers with commands
    ("sim", &[]),                   // a judge of the limiter must share nothing with it
];

/// Foreign crates, or parts of them, and the only places in `src/` that may name them: each a folder, or one file.
const HOMES: &[(&str, &[&str])] = &[
    ("egui", &["ui"]),
    ("eframe", &["ui"]),
    ("egui_plot", &["ui"]),
    ("egui_extras", &["ui"]),
    ("rfd", &["ui"]),
    ("zbus", &["desktop"]),
    ("ksni", &["desktop"]),
    ("rusqlite", &["store"]),
    ("keyring", &["vault"]),
    ("clap", &["cli", "sim/cli.rs", "sim/config.rs", "main.rs"]), // sim/config.rs: the provider is a value on the command line
    ("hyper", &["gateway", "sim", "upstream"]),
    ("hyper_util", &["gateway", "sim", "upstream"]),
    ("hyper::server", &["gateway", "sim"]),
    ("hyper_util::server", &["gateway", "sim"]),
    ("hyper::client", &["upstream"]),
    ("hyper_util::client", &["upstream"]),
    ("hyper_rustls", &["upstream"]),
    ("rustls", &["upstream"]),
    ("rustls_platform_verifier", &["upstream"]),
    ("reqwest", &["bench"]), // never in the gateway: its URL type rewrites paths and queries
];

/// A file longer than this has more than one subject.
const MOST_LINES: usize = 700;

#[test]
fn the_source_keeps_to_the_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    files.sort();
    assert!(files.len() > 100, "only {} files in src/: the walk is broken", files.len());
    let mut breaches = Vec::new();
    for file in &files {
        let place = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        breaches.extend(breaches_of(&place, &fs::read_to_string(file).unwrap()));
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.iter().map(Breach::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_planted_breach_is_found() {
    let check = |place: &str, source: &str, expect: &[&str]| {
        let found: Vec<String> = breaches_of(place, &format!("//! A file.\n{source}")).iter().map(Breach::to_string).collect();
        assert_eq!(found, expect, "{place}: {source}");
    };
    // Floors.
    check("limiter/core.rs", "use crate::domain::Tick;", &[]);
    check("limiter/core.rs", "use crate::store;", &["src/limiter/core.rs:2: limiter (floor 2) names store (floor 3): only lower floors"]);
    check(
        "gateway/tap.rs",
        "use crate::{\n    domain::{Tick, Usage},\n    engine::Engine as E,\n};",
        &["src/gateway/tap.rs:4: gateway (floor 4) names engine (floor 5): only lower floors"],
    );
    check(
        "probe/mod.rs",
        "fn f() -> crate::gateway::Gateway { g() }",
        &["src/probe/mod.rs:2: probe (floor 4) names gateway (floor 4): neighbours do not know each other"],
    );
    check("main.rs", "fn main() { tierline::cli::run() }", &[]);
    check("journal/recorder.rs", "use crate::store::Writer;", &[]);
    check(
        "store/writer.rs",
        "use crate::journal::Sink;",
        &["src/store/writer.rs:2: store (floor 3) names journal (floor 3): neighbours do not know each other"],
    );
    check("domain/cost.rs", "use crate::util::x;", &["src/domain/cost.rs:2: util is not in the table of floors"]);
    check("util.rs", "", &["src/util.rs:1: util is not in the table of floors"]);
    // Narrow folders, and the long way round to the root.
    check(
        "ui/app.rs",
        "use crate::journal::LiveView;\nuse super::super::vault::Vault;",
        &["src/ui/app.rs:3: ui names vault: it may know only domain, journal"],
    );
    check("sim/state.rs", "fn f(x: crate::domain::Tick) {}", &["src/sim/state.rs:2: sim names domain: it may know none of ours"]);
    check(
        "ui/panels/accounts/mod.rs",
        "use super::super::super::vault;",
        &["src/ui/panels/accounts/mod.rs:2: ui names vault: it may know only domain, journal"],
    );
    check("ui/panels/accounts/mod.rs", "use super::super::probe;", &[]);
    // Homes.
    check("store/open.rs", "use rusqlite::Connection;", &[]);
    check("cli/export.rs", "let x = rusqlite::params![1];", &["src/cli/export.rs:2: rusqlite belongs in store only"]);
    check("upstream/http.rs", "use hyper::server::conn;", &["src/upstream/http.rs:2: hyper::server belongs in gateway, sim only"]);
    check(
        "gateway/forward.rs",
        "use hyper_util::{client::legacy::Client, rt::TokioIo};",
        &["src/gateway/forward.rs:2: hyper_util::client belongs in upstream only"],
    );
    check("probe/mod.rs", "use rustls::ClientConfig;", &["src/probe/mod.rs:2: rustls belongs in upstream only"]);
    check("gateway/forward.rs", "use reqwest::Client;", &["src/gateway/forward.rs:2: reqwest belongs in bench only"]);
    check("sim/fault.rs", "use clap;", &["src/sim/fault.rs:2: clap belongs in cli, sim/cli.rs, sim/config.rs, main.rs only"]);
    // Words that are no names.
    check("domain/cost.rs", "// crate::ui\n/* egui::Ui */\nconst A: &str = \"crate::ui\"; const B: &str = r#\"a \" crate::ui\"#;", &[]);
    check(
        "domain/cost.rs",
        "fn f<'a>(c: char) -> bool { c == '\"' || c == '\\'' } use crate::ui;",
        &["src/domain/cost.rs:2: domain (floor 0) names ui (floor 6): only lower floors"],
    );
    // Files.
    let bare: Vec<String> = breaches_of("domain/cost.rs", "use std::fmt;").iter().map(Breach::to_string).collect();
    assert_eq!(bare, ["src/domain/cost.rs:1: the first line does not say what the file is for (//! ...)"]);
    check("domain/cost.rs", &"\n".repeat(MOST_LINES - 1), &[]);
    check("domain/cost.rs", &"\n".repeat(MOST_LINES), &["src/domain/cost.rs:701: longer than 700 lines"]);
}

struct Breach {
    place: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.place, self.line, self.rule)
    }
}

/// `place` is the path inside `src/`, with slashes.
fn breaches_of(place: &str, source: &str) -> Vec<Breach> {
    let mut rules: Vec<(usize, String)> = Vec::new();
    if !source.starts_with("//! ") {
        rules.push((1, "the first line does not say what the file is for (//! ...)".into()));
    }
    if source.lines().count() > MOST_LINES {
        rules.push((MOST_LINES + 1, format!("longer than {MOST_LINES} lines")));
    }
    let folder = place.split('/').next().unwrap_or(place).trim_end_matches(".rs");
    match floor(folder) {
        None => rules.push((1, format!("{folder} is not in the table of floors"))),
        Some(own_floor) => {
            for path in named_paths(source) {
                let rule = ours(place, &path).and_then(|named| misstep(folder, own_floor, named)).or_else(|| astray(place, &path));
                rules.extend(rule.map(|rule| (path.line, rule)));
            }
        }
    }
    rules.into_iter().map(|(line, rule)| Breach { place: place.to_owned(), line, rule }).collect()
}

fn floor(folder: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == folder).map(|(_, floor)| *floor)
}

/// The folder of ours that a path leads into: through `crate::`, through the library's name, or up through `super::` as far as the root.
fn ours<'a>(place: &str, path: &'a NamedPath) -> Option<&'a str> {
    let segments = &path.segments;
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    if ups > 0 {
        let parts = place.trim_end_matches(".rs").split('/');
        let depth = parts.filter(|part| !["mod", "lib", "main"].contains(part)).count();
        // One level more than the file is deep: an inner module. A name that is no folder of ours is then its neighbour.
        return segments.get(ups).map(String::as_str).filter(|name| ups >= depth && floor(name).is_some());
    }
    let rooted = segments.first().is_some_and(|first| first == "crate" || first == "tierline");
    segments.get(1).map(String::as_str).filter(|_| rooted)
}

fn misstep(folder: &str, own_floor: u8, named: &str) -> Option<String> {
    let Some(floor) = floor(named) else { return Some(format!("{named} is not in the table of floors")) };
    if named == folder {
        return None;
    }
    if let Some((_, allowed)) = NARROW.iter().find(|(narrow, _)| *narrow == folder) {
        let known = if allowed.is_empty() { "none of ours".to_owned() } else { format!("only {}", allowed.join(", ")) };
        return (!allowed.contains(&named)).then(|| format!("{folder} names {named}: it may know {known}"));
    }
    let rule = match floor.cmp(&own_floor) {
        std::cmp::Ordering::Less => return None,
        std::cmp::Ordering::Equal if NEIGHBOURS.contains(&(folder, named)) => return None,
        std::cmp::Ordering::Equal => "neighbours do not know each other",
        std::cmp::Ordering::Greater => "only lower floors",
    };
    Some(format!("{folder} (floor {own_floor}) names {named} (floor {floor}): {rule}"))
}

/// The rule that a foreign path breaks: of all that match, the longest decides.
fn astray(place: &str, path: &NamedPath) -> Option<String> {
    let folder = place.split('/').next().unwrap_or(place);
    let matches = |name: &str| name.split("::").zip(&path.segments).filter(|(a, b)| a == b).count() == name.split("::").count();
    let (name, homes) = HOMES.iter().filter(|(name, _)| matches(name)).max_by_key(|(name, _)| name.len())?;
    let at_home = homes.iter().any(|home| *home == folder || *home == place);
    (!at_home).then(|| format!("{name} belongs in {} only", homes.join(", ")))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
