//! A file far larger than what a batch may hold in memory.

use std::fs;
use std::io::{BufWriter, Write};
use std::process::Child;

use crate::home::{Home, row, signal, slow};

/// The most memory that a process has had, in KiB.
fn peak_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[test]
fn a_hundred_thousand_rows_take_no_more_memory_than_a_few() {
    let home = Home::new(slow(5));
    let mut file = BufWriter::new(fs::File::create(home.path("in.jsonl")).unwrap());
    // about 110 MB
    let filling = "the old fox ran far ".repeat(50);
    for n in 0..100_000 {
        writeln!(file, "{}", row(n).replace("how far did the fox run?", &filling)).unwrap();
    }
    file.into_inner().unwrap();
    let child = home.start(&["batch", "run", "in.jsonl"]);
    home.until_seen(500);
    let peak = peak_kib(&child).unwrap();
    signal(&child, "INT");
    child.wait_with_output().unwrap();
    assert_eq!(home.batch()["rows"], 100_000);
    eprintln!("peak {} MiB", peak >> 10);
    assert!(peak < 150 << 10, "{peak} KiB");
}
