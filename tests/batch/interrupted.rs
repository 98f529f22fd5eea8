//! However a run ends, the next one goes on: no row lost, no line doubled, and what may have gone out twice is told.

use std::fs;

use tierline::sim::{Latency, SimConfig};

use crate::home::{Home, assert_whole, ids, objects, quick, resent, row, signal, slow};

#[test]
fn an_interrupt_pauses_and_nothing_goes_out_twice() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..200).map(row));
    let child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(40);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let batch = home.batch();
    assert_eq!((&batch["state"], &batch["reason"]), (&"paused".into(), &"interrupted; run it again to go on".into()));
    assert!(batch["answered"].as_u64().unwrap() >= 40);

    let told = home.well(&["batch", "run", "in.jsonl"]);
    assert!(resent(&told).is_empty());
    assert_whole(&home.answers("in.out.jsonl"), 200);
    assert_eq!(home.sim.stats().requests, 200);
}

#[test]
fn another_process_can_pause_and_cancel() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..400).map(row));
    let child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(20);
    home.well(&["batch", "pause", "1"]);
    child.wait_with_output().unwrap();
    assert_eq!(home.batch()["state"], "paused");

    let child = home.start(&["batch", "resume", "1", "--concurrency", "4"]);
    home.until_seen(home.sim.stats().requests + 20);
    home.well(&["batch", "cancel", "1"]);
    child.wait_with_output().unwrap();
    let batch = home.batch();
    assert_eq!(batch["state"], "cancelled");
    let answers = home.answers("in.out.jsonl");
    assert_eq!(answers.len() as u64, batch["answered"].as_u64().unwrap());
    let mut numbers: Vec<u32> = ids(&answers).iter().map(|id| id[1..].parse().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.len() < 400, "{numbers:?}");
    numbers.dedup();
    assert_eq!(numbers.len(), answers.len());
}

#[test]
fn a_batch_that_nobody_runs_can_be_cancelled_and_keeps_its_answers() {
    let home = Home::new(slow(30));
    home.write("in.jsonl", (0..100).map(row));
    let mut child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(50);
    child.kill().unwrap();
    child.wait().unwrap();
    home.well(&["batch", "cancel", "1"]);
    let batch = home.batch();
    assert_eq!(batch["state"], "cancelled");
    assert_eq!(home.answers("in.out.jsonl").len() as u64, batch["answered"].as_u64().unwrap());
}

#[test]
fn an_input_that_changed_is_said_and_one_that_was_only_touched_goes_on() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..100).map(row));
    let child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(10);
    signal(&child, "INT");
    child.wait_with_output().unwrap();

    let text = fs::read_to_string(home.path("in.jsonl")).unwrap();
    fs::write(home.path("in.jsonl"), text.replacen("fox", "dog", 1)).unwrap();
    let refused = home.run(&["batch", "run", "in.jsonl"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("has changed since batch 1 was planned"), "{said}");

    fs::write(home.path("in.jsonl"), text).unwrap();
    home.well(&["batch", "run", "in.jsonl"]);
    assert_whole(&home.answers("in.out.jsonl"), 100);
}

#[test]
fn a_batch_has_one_runner_at_a_time() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..200).map(row));
    let child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(5);
    let second = home.run(&["batch", "run", "in.jsonl"]);
    assert!(String::from_utf8(second.stderr).unwrap().contains("batch 1 is being run by another process"));
    signal(&child, "INT");
    child.wait_with_output().unwrap();
}

#[test]
fn a_deadline_that_has_passed_pauses() {
    let home = Home::new(quick());
    home.write("in.jsonl", (0..10).map(row));
    let paused = home.run(&["batch", "run", "in.jsonl", "--deadline", "2026-01-01T00:00:00Z"]);
    assert_eq!(paused.status.code(), Some(1));
    assert!(home.batch()["reason"].as_str().unwrap().contains("the deadline has passed"));
    assert_eq!(home.sim.stats().requests, 0);
}

#[test]
fn a_pause_does_not_wait_for_slow_rows_and_says_which_it_gave_up() {
    let home = Home::new(slow(600_000));
    home.write("in.jsonl", (0..10).map(row));
    let child = home.start(&["batch", "run", "in.jsonl", "--concurrency", "3"]);
    home.until_seen(3);
    signal(&child, "INT");
    let told = objects(&child.wait_with_output().unwrap().stdout);
    assert!(told.iter().any(|line| line["progress"]["pausing_secs"] == 5), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((&last["batch"]["state"], last["given_up"].as_array().unwrap().len()), (&"paused".into(), 3), "{last}");
}

#[test]
fn answers_can_be_written_as_they_come_and_still_none_is_lost_or_doubled() {
    let latency = Latency { first_byte_ms: 20, per_token_ms: 5, ..Latency::default() };
    let home = Home::new(SimConfig { latency, ..quick() });
    let long = |row: String| row.replace("\"params\":{", "\"params\":{\"metadata\":{\"user_id\":\"out=49\"},");
    let row = |n: usize| if n % 20 == 10 { long(row(n)) } else { row(n) };
    home.write("in.jsonl", (0..300).map(row));
    let run = ["batch", "run", "in.jsonl", "--concurrency", "12", "--as-they-come"];
    for seen in [1, 60, 130] {
        let mut child = home.start(&run);
        home.until_seen(seen);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let child = home.start(&run);
    home.until_seen(200);
    signal(&child, "INT");
    child.wait_with_output().unwrap();
    home.well(&run);
    let answers = home.answers("in.out.jsonl");
    let mut rows: Vec<usize> = ids(&answers).iter().map(|id| id[1..].parse().unwrap()).collect();
    assert!(!rows.is_sorted(), "some rows take longer than those after them");
    rows.sort_unstable();
    assert_eq!(rows, (0..300).collect::<Vec<_>>());
    assert_eq!(home.batch()["written"], 300);
}
