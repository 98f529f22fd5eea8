//! Rows that a provider's batch API answered, in the history: one request each, at half the price, apart from the limits of the minute.

use serde_json::{Value, json};
use tierline::sim::{Batches, SimProvider};

use crate::handover::{PROVIDERS, RUN, home, row_for};
use crate::home::{Home, row};

fn sum(requests: &[Value], column: &str) -> u64 {
    requests.iter().map(|request| request[column].as_u64().unwrap()).sum()
}

#[test]
fn each_row_is_one_request_with_its_usage_at_half_the_price() {
    for provider in PROVIDERS {
        let home = home(provider, Batches { take_ms: 200, ..Batches::default() });
        home.write("in.jsonl", (0..30).map(|n| row_for(provider, n)));
        home.well(&RUN);
        let (batch, requests) = (home.batch(), home.history());
        assert_eq!(requests.len(), 30, "{provider:?}");
        assert_eq!(sum(&requests, "cost_nanos"), batch["cost_nanos"].as_u64().unwrap(), "{provider:?}");
        assert_eq!(sum(&requests, "input_tokens"), batch["input_tokens"].as_u64().unwrap(), "{provider:?}");
        assert_eq!(sum(&requests, "output_tokens"), 150, "{provider:?}");
        // nothing of them counts toward the limits of the minute, nor toward the requests that were sent
        let counted = ["counted_input_tokens", "counted_output_tokens", "attempts", "wait_millis"].map(|column| sum(&requests, column));
        assert_eq!(counted, [0; 4], "{provider:?}");
        let first = &requests[0];
        let of = ["client", "lane", "outcome", "service_tier", "account"].map(|column| first[column].clone());
        assert_eq!(of, [json!("batch-1"), json!("batch"), json!("ok"), json!("batch"), json!("sim")], "{first}");
        let mut ids: Vec<u64> = requests.iter().map(|request| request["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 30, "{provider:?}: every request has a number of its own");
    }
}

#[test]
fn a_row_that_failed_is_there_as_well_and_cost_nothing() {
    let home = home(SimProvider::Anthropic, Batches::default());
    let wrong = json!({"custom_id": "r1", "params": {"model": "claude-haiku-4-5", "max_tokens": 5}}).to_string();
    home.write("in.jsonl", [row(0), wrong]);
    home.well(&RUN);
    let requests = home.history();
    let failed: Vec<&Value> = requests.iter().filter(|request| request["outcome"] == "error").collect();
    assert_eq!((requests.len(), failed.len()), (2, 1), "{requests:?}");
    assert_eq!((&failed[0]["status"], &failed[0]["verdict"], &failed[0]["cost_nanos"]), (&json!(400), &json!("request"), &Value::Null));
}

#[test]
fn a_budget_counts_them_whoever_serves() {
    let spent = |home: &Home| {
        let budgets = home.well(&["budgets", "list"]);
        ["spent_nanos", "unpriced"].map(|column| budgets[0][0][column].as_u64().unwrap())
    };
    for served in [false, true] {
        let home = home(SimProvider::Anthropic, Batches::default());
        home.write("in.jsonl", (0..30).map(row));
        home.well(&["budgets", "set", "--usd-per-day", "1"]);
        let server = served.then(|| {
            let child = home.start(&["serve", "--listen", "127.0.0.1:0"]);
            home.until(|home| home.run(&["status"]).status.success() && home.path("data/control.sock").exists());
            child
        });
        home.well(&RUN);
        let cost = home.batch()["cost_nanos"].as_u64().unwrap();
        assert!(cost > 0);
        assert_eq!(home.history().len(), 30, "served {served}");
        assert_eq!(spent(&home), [cost, 0], "served {served}");
        if let Some(mut server) = server {
            server.kill().unwrap();
            server.wait().unwrap();
            // the next process reads what was spent from the history
            assert_eq!(spent(&home), [cost, 0], "after its end");
        }
    }
}

#[test]
fn a_budget_holds_them_up_before_they_are_handed_over() {
    let home = home(SimProvider::Anthropic, Batches::default());
    home.write("in.jsonl", (0..100).map(row));
    home.well(&["budgets", "set", "--usd-per-day", "0.001"]);
    assert!(!home.run(&RUN).status.success());
    let batch = home.batch();
    assert!((1..=1_000_000).contains(&batch["cost_nanos"].as_u64().unwrap()), "{batch}");
    assert!(batch["reason"].as_str().unwrap().contains("its budget has left"), "{batch}");
    assert_eq!(home.history().len() as u64, batch["answered"].as_u64().unwrap());
}
