//! `tierline status`: live from the process that serves, and from what was saved when it ended.

use serde_json::{Value, json};
use tierline::sim::{Limits, SimProvider};

use crate::ask::{message, post};
use crate::gateway::{home_with, sim};
use crate::home::{Home, until};

fn bucket(home: &Home, meter: &str) -> Value {
    let status = home.run("status --json").json();
    let buckets = status["buckets"].as_array().unwrap();
    buckets.iter().find(|bucket| bucket["meter"] == meter).unwrap_or_else(|| panic!("no {meter} in {status}")).clone()
}

#[test]
fn nothing_known_is_said_so() {
    let home = Home::new();
    assert!(home.run("status").done().contains("no limit is known yet"));
    let status = home.run("status --json").json();
    assert_eq!((&status["live"], &status["gateway"], &status["buckets"]), (&json!(false), &Value::Null, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_shows_at_once_and_after_the_end() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(50), itpm: Some(30_000), otpm: Some(8_000), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let serve = home.serve();
    for _ in 0..5 {
        assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), crate::gateway::KEY, message()).await.status, 200);
    }
    let live = home.run("status --json").json();
    assert_eq!((&live["live"], live["gateway"].as_str(), &live["waiting"]), (&json!(true), Some(serve.url()), &json!([])));
    let rpm = bucket(&home, "RPM");
    assert_eq!(
        [&rpm["limit"], &rpm["source"], &rpm["held"], &rpm["window"], &rpm["dimension"], &rpm["accounts"]],
        [&json!(50), &json!("header"), &json!(0), &json!("minute"), &json!("requests"), &json!(["work"])]
    );
    let used =
        |bucket: &Value| (bucket["used"].as_i64().unwrap(), bucket["remaining"].as_i64().unwrap(), bucket["limit"].as_i64().unwrap());
    let (taken, left, limit) = used(&rpm);
    assert!((1..=5).contains(&taken) && taken + left == limit, "{rpm}");
    assert!(rpm["full_at"].is_string());
    let buckets = live["buckets"].as_array().unwrap();
    assert_eq!(buckets.iter().filter(|bucket| bucket["binding"] == json!(true)).count(), 1, "{live}");
    let table = home.run("status").done();
    assert!(table.starts_with("gateway http://127.0.0.1:") && table.contains("ITPM") && table.contains("OTPM"), "{table}");

    serve.stop().done();
    let saved = home.run("status --json").json();
    assert_eq!((&saved["live"], &saved["gateway"]), (&json!(false), &Value::Null));
    let rpm = bucket(&home, "RPM");
    assert_eq!((&rpm["limit"], &rpm["source"]), (&json!(50), &json!("header")));
    assert!(home.run("status").done().starts_with("not serving; as saved at "));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_and_for_what_is_shown() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(1), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    home.run("limits set --account work --rpm 1").done();
    let token = home.token("notebook");
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    assert_eq!(post(&url, &token, message()).await.status, 200);
    let waiting = tokio::spawn(async move { post(&url, &token, message()).await });
    let status = until("the queue", || {
        let status = home.run("status --json").json();
        (status["waiting"] != json!([])).then_some(status)
    });
    let entry = &status["waiting"][0];
    assert_eq!((&entry["position"], &entry["client"]), (&json!(1), &json!("notebook")));
    assert!(home.run("status").done().contains("waiting #1 notebook for RPM"));
    waiting.abort();
    serve.stop().done();
}
