//! The provider's batch API: half the price, the same output; whatever happens, nothing is lost and nothing submitted twice.

use serde_json::{Value, json};
use tierline::sim::{Batches, OutputLength, SimConfig, SimProvider};

use crate::home::{Home, assert_whole, ids, objects, row, signal};

pub(crate) const RUN: [&str; 7] = ["batch", "run", "in.jsonl", "--via", "provider-batch", "--poll", "0.1"];

fn rules(provider: SimProvider, batches: Batches) -> SimConfig {
    SimConfig {
        provider,
        batches,
        output: OutputLength { tokens: 5, spread_percent: 0, ..OutputLength::default() },
        ..SimConfig::default()
    }
}

pub(crate) fn home(provider: SimProvider, batches: Batches) -> Home {
    Home::new(rules(provider, batches))
}

/// A row in the form of this provider.
pub(crate) fn row_for(provider: SimProvider, n: usize) -> String {
    let prompt = "how far did the fox run, and where to?";
    let (url, body) = match provider {
        SimProvider::OpenAi => (
            "/v1/chat/completions",
            json!({"model": "gpt-6-sol", "max_completion_tokens": 50, "messages": [{"role": "user", "content": prompt}]}),
        ),
        SimProvider::Gemini => (
            "/v1beta/models/gemini-3.8-flash:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}], "generationConfig": {"maxOutputTokens": 50}}),
        ),
        SimProvider::Anthropic | SimProvider::DeepSeek => return row(n),
    };
    json!({"custom_id": format!("r{n}"), "method": "POST", "url": url, "body": body}).to_string()
}

pub(crate) const PROVIDERS: [SimProvider; 3] = [SimProvider::Anthropic, SimProvider::OpenAi, SimProvider::Gemini];

#[test]
fn answers_stand_in_order_at_half_the_price() {
    for (provider, input_nanos, output_nanos) in
        [(SimProvider::Anthropic, 1_000, 5_000), (SimProvider::OpenAi, 2_000, 10_000), (SimProvider::Gemini, 750, 3_750)]
    {
        let home = home(provider, Batches { take_ms: 300, ..Batches::default() });
        home.write("in.jsonl", (0..40).map(|n| row_for(provider, n)));
        let told = home.well(&RUN);
        let answers = home.answers("in.out.jsonl");
        assert_whole(&answers, 40);
        let usage = |field: &str| answers.iter().map(|answer| answer["usage"][field].as_u64().unwrap()).sum::<u64>();
        let batch = &told.last().unwrap()["batch"];
        assert_eq!((&batch["state"], &batch["via"]), (&json!("done"), &json!("provider_batch")), "{provider:?}");
        let full = usage("input") * input_nanos + usage("output") * output_nanos;
        let (cost, each) = (batch["cost_nanos"].as_u64().unwrap(), answers.len() as u64);
        assert!(usage("output") == 200 && cost.abs_diff(full / 2) <= each, "{provider:?}: {cost} of {full}");
        let stats = home.sim.stats();
        assert_eq!((stats.batches, stats.batch_rows, stats.requests), (1, 40, 0), "{provider:?}");
        assert_eq!(stats.uploads, 0, "{provider:?}: the uploaded requests do not stay there");
        let progress: Vec<&Value> = told.iter().filter_map(|line| line.get("progress")).collect();
        let at_provider = progress.iter().find(|progress| progress["at_provider"] == 1);
        let latest = at_provider.map(|progress| progress["latest_secs"].as_u64().unwrap());
        assert!(latest.is_none_or(|secs| secs <= 86_400), "{provider:?}: {latest:?}");
    }
}

#[test]
fn a_batch_whose_creation_was_not_heard_of_is_found_and_not_submitted_again() {
    for provider in PROVIDERS {
        let home = home(provider, Batches { take_ms: 1_000, lost_answers: 1, ..Batches::default() });
        home.write("in.jsonl", (0..10).map(|n| row_for(provider, n)));
        home.well(&RUN);
        assert_whole(&home.answers("in.out.jsonl"), 10);
        assert_eq!((home.sim.stats().batches, home.sim.stats().batch_rows), (1, 10), "{provider:?}");
    }
}

/// A batch of the same size that somebody else makes at the same time.
#[test]
fn another_batch_of_the_same_size_is_not_taken_for_ours() {
    let home = home(SimProvider::Anthropic, Batches { take_ms: 500, lost_answers: 2, ..Batches::default() });
    let rows: Vec<String> = (0..5).map(row).collect();
    home.write("in.jsonl", rows.clone());
    let child = home.start(&RUN);
    home.until_batches(1);
    // the second creation is another's, newer than ours and found first; its answer is lost as well
    let requests: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let body = json!({ "requests": requests }).to_string();
    let url = format!("{}/v1/messages/batches", home.sim.url());
    let post = reqwest::Client::new().post(url).header("x-api-key", "sk-other").body(body).send();
    assert!(tokio::runtime::Runtime::new().unwrap().block_on(post).is_err());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_whole(&home.answers("in.out.jsonl"), 5);
    assert_eq!(home.sim.stats().batches, 2, "ours was submitted once");
}

#[test]
fn only_rows_that_expired_or_met_an_error_go_again() {
    for provider in PROVIDERS {
        let home = home(provider, Batches { expired_percent: 20, errored_percent: 10, ..Batches::default() });
        home.write("in.jsonl", (0..60).map(|n| row_for(provider, n)));
        let told = objects(&home.run(&RUN).stdout);
        let answers = home.answers("in.out.jsonl");
        assert_eq!(ids(&answers), (0..60).map(|n| format!("r{n}")).collect::<Vec<_>>(), "{provider:?}");
        let batch = &told.last().unwrap()["batch"];
        assert_eq!(batch["state"], "done", "{provider:?}");
        assert!(batch["failed"].as_u64().unwrap() <= 6, "of four tries hardly any row fails in all: {batch}");
        let again = answers.iter().filter(|answer| answer["sends"].as_u64().unwrap() > 1).count();
        let stats = home.sim.stats();
        assert!(again > 5 && stats.batches > 1 && stats.batch_rows < 120, "{provider:?}: {again} again, {stats:?}");
    }
}

#[test]
fn parts_are_as_small_as_the_queue_and_the_models_demand() {
    // 13 tokens a row by our estimate: the queue's real size is learned from the refusal
    let home = home(SimProvider::OpenAi, Batches { take_ms: 200, queue: Some(200), ..Batches::default() });
    let other = |n| row_for(SimProvider::OpenAi, n).replace("gpt-6-sol", "gpt-6-luna");
    home.write("in.jsonl", (0..40).map(|n| if n % 4 == 3 { other(n) } else { row_for(SimProvider::OpenAi, n) }));
    home.well(&RUN);
    assert_whole(&home.answers("in.out.jsonl"), 40);
    assert!(home.sim.stats().batches >= 4, "{:?}", home.sim.stats());

    let home = self::home(SimProvider::Anthropic, Batches { take_ms: 200, queue: Some(15), ..Batches::default() });
    home.write("in.jsonl", (0..40).map(row));
    home.well(&RUN);
    assert_whole(&home.answers("in.out.jsonl"), 40);
    assert_eq!(home.sim.stats().batch_rows, 40);
}

#[test]
fn what_is_wrong_with_a_row_is_that_rows_answer() {
    let home = home(SimProvider::Anthropic, Batches::default());
    let wrong = json!({"custom_id": "r1", "params": {"model": "claude-haiku-4-5", "max_tokens": 5}}).to_string();
    home.write("in.jsonl", [row(0), wrong, row(2)]);
    home.well(&RUN);
    let answers = home.answers("in.out.jsonl");
    assert_eq!(ids(&answers), ["r0", "r1", "r2"]);
    assert_eq!((&answers[1]["error"]["kind"], &answers[1]["response"]["status_code"]), (&json!("request"), &json!(400)));
    assert_eq!(home.batch()["failed"], 1);
}

#[test]
fn an_interrupt_leaves_the_batch_with_the_provider_and_the_next_run_fetches_it() {
    let home = home(SimProvider::OpenAi, Batches { take_ms: 1_500, ..Batches::default() });
    home.write("in.jsonl", (0..20).map(|n| row_for(SimProvider::OpenAi, n)));
    let child = home.start(&RUN);
    home.until_batches(1);
    home.until(|home| home.well(&["batch", "status", "1"])[0]["state"] == "running");
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let told = objects(&output.stdout);
    let last = told.last().unwrap();
    assert_eq!((&last["batch"]["state"], &last["at_provider"][0]["rows"]), (&json!("paused"), &json!(20)), "{last}");
    home.well(&["batch", "resume", "1", "--poll", "0.1"]);
    assert_whole(&home.answers("in.out.jsonl"), 20);
    assert_eq!(home.sim.stats().batches, 1);
}

/// The provider has answered some requests of its only batch.
fn some_are_done(home: &Home) -> bool {
    let get = reqwest::Client::new().get(format!("{}/v1/batches", home.sim.url())).bearer_auth("sk-other").send();
    let list = tokio::runtime::Runtime::new().unwrap().block_on(async { get.await.unwrap().text().await.unwrap() });
    let list: Value = serde_json::from_str(&list).unwrap();
    list["data"][0]["request_counts"]["completed"].as_u64().is_some_and(|done| done > 0)
}

#[test]
fn cancelling_reaches_the_provider_whether_somebody_runs_it_or_not() {
    for running in [true, false] {
        let home = home(SimProvider::OpenAi, Batches { take_ms: 6_000, ..Batches::default() });
        home.write("in.jsonl", (0..100).map(|n| row_for(SimProvider::OpenAi, n)));
        let mut child = home.start(&RUN);
        home.until_batches(1);
        home.until(some_are_done);
        if running {
            home.well(&["batch", "cancel", "1"]);
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            home.well(&["batch", "cancel", "1"]);
        }
        child.wait().unwrap();
        let batch = home.batch();
        assert_eq!(batch["state"], "cancelled");
        let answers = home.answers("in.out.jsonl");
        assert_eq!(answers.len() as u64, batch["answered"].as_u64().unwrap());
        assert!((1..100).contains(&answers.len()), "running {running}: {}", answers.len());
    }
}

#[test]
fn what_cannot_be_handed_over_is_said_before_anything_is_sent() {
    let home = home(SimProvider::DeepSeek, Batches::default());
    home.write("in.jsonl", [row(0)]);
    let refused = String::from_utf8(home.run(&RUN).stderr).unwrap();
    assert!(refused.contains("DeepSeek has no batch API"), "{refused}");

    let home = self::home(SimProvider::Anthropic, Batches::default());
    home.write("in.jsonl", [row_for(SimProvider::OpenAi, 0)]);
    let refused = home.run(&RUN);
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(said.contains("Anthropic's batches hold requests to /v1/messages only, not to /v1/chat/completions"), "{said}");
    assert_eq!(home.sim.stats().batches, 0);
}

#[test]
fn a_batch_never_costs_more_than_it_may() {
    let home = home(SimProvider::Anthropic, Batches::default());
    home.write("in.jsonl", (0..100).map(row));
    let paused = home.run(&[RUN.as_slice(), &["--max-cost", "0.001"]].concat());
    assert!(!paused.status.success());
    let batch = home.batch();
    assert!(batch["cost_nanos"].as_u64().unwrap() <= 1_000_000, "{batch}");
    assert!(batch["answered"].as_u64().unwrap() > 10, "{batch}");
    assert!(batch["reason"].as_str().unwrap().contains("maximum cost"), "{batch}");
}

#[test]
fn the_way_is_chosen_by_deadline_and_cost_and_says_why() {
    let home = home(SimProvider::Anthropic, Batches::default());
    for (n, (deadline, expect, why)) in
        [(&[][..], "provider_batch", "no deadline"), (&["--deadline", "8h"], "gateway", "the deadline is in 8 h")].into_iter().enumerate()
    {
        let input = format!("in{n}.jsonl");
        home.write(&input, (0..20).map(row));
        let told = home.well(&[&["batch", "run", &input, "--via", "auto", "--poll", "0.1"], deadline].concat());
        let way = told.iter().find_map(|line| line.get("way")).unwrap();
        assert_eq!(way["via"], expect, "{way}");
        assert!(way["why"].as_str().unwrap().contains(why), "{way}");
        assert_eq!(told.last().unwrap()["batch"]["via"], expect);
        assert_whole(&home.answers(&format!("in{n}.out.jsonl")), 20);
    }
}

#[test]
fn an_unfinished_batch_keeps_its_way() {
    let home = home(SimProvider::Anthropic, Batches { take_ms: 60_000, ..Batches::default() });
    home.write("in.jsonl", (0..5).map(row));
    let mut child = home.start(&RUN);
    home.until_batches(1);
    child.kill().unwrap();
    child.wait().unwrap();
    let refused = home.run(&["batch", "run", "in.jsonl", "--via", "gateway"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("batch 1 of this file is not finished, via provider-batch"), "{said}");
}
