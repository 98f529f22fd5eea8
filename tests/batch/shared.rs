//! One gateway, one limiter: a batch goes through the Tierline that serves, and through its own when that one goes away.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::home::{Home, assert_whole, row, signal, slow};

fn serve(home: &Home) -> Child {
    let mut server = home.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("listening"), "{line}");
    server
}

#[test]
fn rows_go_through_the_gateway_that_serves_in_the_batch_lane() {
    let home = Home::new(slow(1));
    home.write("in.jsonl", (0..30).map(row));
    let mut server = serve(&home);
    home.well(&["batch", "run", "in.jsonl"]);
    assert_whole(&home.answers("in.out.jsonl"), 30);
    assert!(server.try_wait().unwrap().is_none(), "it goes on serving");
    assert!(home.well(&["token", "list"])[0].as_array().unwrap().is_empty(), "the batch's token is worth nothing any more");
    signal(&server, "TERM");
    server.wait().unwrap();

    home.well(&["export", "--what", "requests", "--format", "json", "--out", "requests.json"]);
    let requests: Vec<Value> = serde_json::from_slice(&std::fs::read(home.path("requests.json")).unwrap()).unwrap();
    assert_eq!(requests.len(), 30);
    assert!(requests.iter().all(|request| request["lane"] == "batch" && request["client"] == "batch-1"), "{}", requests[0]);
}

#[test]
fn a_gateway_that_goes_away_is_replaced() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..200).map(row));
    let mut server = serve(&home);
    let batch = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(30);
    server.kill().unwrap();
    server.wait().unwrap();
    let output = batch.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_whole(&home.answers("in.out.jsonl"), 200);
}

#[test]
fn a_server_can_start_while_a_batch_runs_and_takes_it_over() {
    let home = Home::new(slow(50));
    home.write("in.jsonl", (0..400).map(row));
    let batch = home.start(&["batch", "run", "in.jsonl", "--concurrency", "4"]);
    home.until_seen(30);
    let mut server = serve(&home);
    let output = batch.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_whole(&home.answers("in.out.jsonl"), 400);
    assert!(server.try_wait().unwrap().is_none(), "it goes on serving");
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(String::from_utf8(second.stderr).unwrap().contains("already serves from"), "a server gives way to nobody");
    signal(&server, "TERM");
    server.wait().unwrap();
    assert!(home.sim.stats().requests <= 410, "{:?}", home.sim.stats());
}
