//! A process that dies loses at most what it had not flushed, and leaves a database that opens.

use std::process::Command;

use tierline::store::{DataDir, Store};

use crate::history::all_requests;
use crate::made::{NOON, Standing, at, finished, record};

const CHILD: &str = "TIERLINE_TEST_CRASH_IN";
const FLUSHED: u64 = 3_000;

#[test]
fn a_crash_loses_at_most_what_was_not_flushed() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = DataDir::open(Some(dir.as_ref())).unwrap();
        let (store, _) = Store::open(&dir, &Standing).unwrap();
        (1..=FLUSHED).for_each(|id| store.write(finished(&record(id, NOON))).unwrap());
        store.flush().unwrap();
        (FLUSHED + 1..=2 * FLUSHED).for_each(|id| store.write(finished(&record(id, NOON))).unwrap());
        std::process::abort();
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_crash_loses_at_most_what_was_not_flushed"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(!child.status.success());

    let dir = DataDir::open(Some(&path)).unwrap();
    let (store, notices) = Store::open(&dir, &Standing).unwrap();
    assert_eq!(notices, []);
    let reader = store.reader().unwrap();
    let kept = all_requests(&reader, None).iter().map(|r| r.id.0).collect::<Vec<_>>();
    assert!(kept.len() as u64 >= FLUSHED, "{}", kept.len());
    assert!(kept.iter().copied().eq(1..=kept.len() as u64), "no gaps");
    // rows and sums are of the same transactions
    assert_eq!(reader.models_used(at(NOON)).unwrap()[0].requests, kept.len() as u64);
}

#[test]
fn closing_writes_what_was_handed_over_and_takes_no_more() {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(Some(&temp.path().join("data"))).unwrap();
    let (store, _) = Store::open(&dir, &Standing).unwrap();
    (1..=100).for_each(|id| store.write(finished(&record(id, NOON))).unwrap());
    store.close().unwrap();
    assert!(store.write(finished(&record(101, NOON))).is_err(), "closed");
    assert_eq!(store.health().dropped, 1);
    let (store, _) = Store::open(&dir, &Standing).unwrap();
    assert_eq!(all_requests(&store.reader().unwrap(), None).len(), 100);
}
