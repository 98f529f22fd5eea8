//! Rows in, lines out: in order, each with what it took; an error in one row stops no other.

use serde_json::json;
use tierline::sim::{Limits, SimConfig, SimProvider};

use crate::home::{Home, assert_whole, ids, objects, quick, row};

#[test]
fn lines_stand_in_the_order_of_the_rows_with_what_each_took() {
    let home = Home::new(quick());
    home.write("in.jsonl", (0..40).map(row));
    let told = home.well(&["batch", "run", "in.jsonl", "--account", "sim"]);
    let answers = home.answers("in.out.jsonl");
    assert_whole(&answers, 40);
    let usage = |field: &str| answers.iter().map(|answer| answer["usage"][field].as_u64().unwrap()).sum::<u64>();
    let batch = &told.last().unwrap()["batch"];
    assert_eq!(batch["state"], "done");
    assert_eq!((&batch["input_tokens"], &batch["output_tokens"]), (&usage("input").into(), &usage("output").into()));
    // $1 and $5 a million
    assert_eq!(batch["cost_nanos"], usage("input") * 1_000 + usage("output") * 5_000);
    assert_eq!(home.sim.stats().requests, 40);
    let refused = home.run(&["batch", "resume", "1"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("batch 1 is done"));
}

#[test]
fn an_error_in_a_row_stops_no_other() {
    let home = Home::new(SimConfig { models: vec!["claude-haiku-4-5".into()], ..quick() });
    let unknown = row(1).replace("claude-haiku-4-5", "claude-nobody-knows");
    home.write("in.jsonl", [row(0), unknown, row(2)]);
    let told = home.well(&["batch", "run", "in.jsonl"]);
    let answers = home.answers("in.out.jsonl");
    assert_eq!(ids(&answers), ["r0", "r1", "r2"]);
    assert_eq!((&answers[1]["error"]["kind"], &answers[1]["response"]["status_code"]), (&"model".into(), &404.into()));
    assert!(answers[0]["error"].is_null() && answers[2]["error"].is_null());
    let batch = &told.last().unwrap()["batch"];
    assert_eq!((&batch["state"], &batch["answered"], &batch["failed"]), (&"done".into(), &2.into(), &1.into()));
}

#[test]
fn openai_form_csv_and_templates_run_as_well() {
    let home = Home::new(SimConfig { provider: SimProvider::OpenAi, ..quick() });
    home.write("in.csv", ["id,text".into(), "r0,one".into(), "r1,\"two\nlines\"".into()]);
    home.well(&["batch", "run", "in.csv", "--model", "gpt-6-sol", "--template", "Say {{text}}", "--max-output-tokens", "20"]);
    assert_whole(&home.answers("in.out.jsonl"), 2);

    let body = json!({ "model": "text-embedding-3-small", "input": "fox" });
    home.write("emb.jsonl", [json!({ "custom_id": "r0", "method": "POST", "url": "/v1/embeddings", "body": body }).to_string()]);
    home.well(&["batch", "run", "emb.jsonl", "--out", "vectors.jsonl"]);
    let answers = home.answers("vectors.jsonl");
    assert_whole(&answers, 1);
    assert!(answers[0]["response"]["body"]["data"].is_array());
}

#[test]
fn a_refused_key_pauses_the_batch_and_fails_no_row() {
    let home = Home::new(SimConfig { keys: vec!["sk-another-key-000000".into()], ..quick() });
    home.write("in.jsonl", (0..20).map(row));
    let paused = home.run(&["batch", "run", "in.jsonl"]);
    assert!(!paused.status.success());
    let batch = home.batch();
    assert_eq!((&batch["state"], &batch["failed"], &batch["answered"]), (&"paused".into(), &0.into(), &0.into()));
    assert!(batch["reason"].as_str().unwrap().contains("key"), "{batch}");
}

#[test]
fn a_batch_never_costs_more_than_it_may() {
    let home = Home::new(quick());
    home.write("in.jsonl", (0..200).map(row));
    let paused = home.run(&["batch", "run", "in.jsonl", "--max-cost", "0.002"]);
    assert!(!paused.status.success());
    let batch = home.batch();
    assert!(batch["cost_nanos"].as_u64().unwrap() <= 2_000_000, "{batch}");
    assert!(batch["answered"].as_u64().unwrap() > 10, "{batch}");
    assert!(batch["reason"].as_str().unwrap().contains("maximum cost"), "{batch}");
    home.well(&["batch", "resume", "1"]);
    assert_whole(&home.answers("in.out.jsonl"), 200);
}

#[test]
fn a_dear_row_after_cheap_ones_is_held_up_as_well() {
    let home = Home::new(quick());
    let dear = row(30).replace("how far did the fox run?", &"the old fox ran far ".repeat(2_000));
    // more rows than are put in order of length
    home.write("in.jsonl", (0..700).map(|n| if n == 30 { dear.clone() } else { row(n) }));
    assert!(!home.run(&["batch", "run", "in.jsonl", "--max-cost", "0.005"]).status.success());
    let batch = home.batch();
    assert_eq!(batch["answered"], 30, "{batch}");
    assert!(batch["cost_nanos"].as_u64().unwrap() <= 5_000_000, "{batch}");
}

#[test]
fn an_impossible_deadline_is_told_beforehand() {
    let home = Home::new(SimConfig { limits: Limits { rpm: Some(60), ..Limits::default() }, ..quick() });
    home.write("one.jsonl", [row(0)]);
    home.well(&["batch", "run", "one.jsonl"]);
    // a bucket of 60 a minute is full at the start: 540 more take nine minutes
    home.write("in.jsonl", (0..600).map(row));
    for (deadline, expect) in [("1m", "cannot be done before the deadline in 60 s: it takes at least 9 min"), ("1h", "")] {
        let told = home.well(&["batch", "run", "in.jsonl", "--dry-run", "--deadline", deadline]);
        let late = told.iter().find_map(|line| line["late"].as_str()).unwrap_or_default();
        assert!(late.contains(expect) && late.is_empty() == expect.is_empty(), "{deadline}: {late}");
    }
}

#[test]
fn limits_delay_rows_and_fail_none() {
    let home = Home::new(SimConfig { limits: Limits { rpm: Some(600), ..Limits::default() }, initial_percent: Some(5), ..quick() });
    home.write("in.jsonl", (0..60).map(row));
    let told = objects(&home.run(&["batch", "run", "in.jsonl"]).stdout);
    assert_whole(&home.answers("in.out.jsonl"), 60);
    assert_eq!(told.last().unwrap()["batch"]["failed"], 0);
}
