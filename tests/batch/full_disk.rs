//! An output that cannot grow: the batch pauses and says why, and nothing that was answered is asked again.

use std::process::{Command, Output};

use tierline::sim::{Limits, OutputLength, SimConfig};

use crate::home::{Home, assert_whole, row, slow};

/// Rows whose answers are about 40 kB each.
const ROWS: usize = 300;

/// Runs the program where no file can grow beyond so many MiB.
fn with_room_for(home: &Home, mib: usize, args: &[&str]) -> Output {
    let command = home.command(args);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", mib * 2_048), "sh"]);
    limited.arg(command.get_program()).args(command.get_args()).current_dir(home.temp.path());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.output().unwrap()
}

#[test]
fn a_full_disk_pauses_the_batch_and_loses_nothing() {
    // not so fast that the journal, which keeps the answers of a second, could grow too large as well
    let limits = Limits { rpm: Some(1_000_000), itpm: Some(1_000_000_000), otpm: Some(1_000_000_000), ..Limits::default() };
    let home = Home::new(SimConfig { limits, output: OutputLength { tokens: 10_000, ..OutputLength::default() }, ..slow(200) });
    home.write("in.jsonl", (0..ROWS).map(|n| row(n).replace("\"max_tokens\":50", "\"max_tokens\":20000")));
    let full = with_room_for(&home, 8, &["batch", "run", "in.jsonl", "--concurrency", "8"]);
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    let batch = home.batch();
    let reason = batch["reason"].as_str().unwrap_or_default();
    assert!(batch["state"] == "paused" && reason.contains("in.out.jsonl could not be written"), "{batch}");
    assert!(reason.contains("free some disk space and run the batch again; no answer is lost"), "{reason}");
    assert!(batch["answered"].as_u64() > batch["written"].as_u64() && home.path("in.out.jsonl").exists(), "{batch}");

    home.well(&["batch", "run", "in.jsonl"]);
    let answers = home.answers("in.out.jsonl");
    assert_whole(&answers, ROWS);
    assert!(answers.iter().all(|answer| answer["sends"] == 1), "none went twice");
    assert_eq!(home.sim.stats().requests, ROWS as u64);
}
