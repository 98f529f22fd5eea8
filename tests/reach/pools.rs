//! Pools apart from the ordinary limits, read from real headers.

use serde_json::json;

use crate::ask::post;
use crate::home::Home;
use crate::scripted::Scripted;

const KEY: &str = "sk-ant-test-77777777";

#[tokio::test(flavor = "multi_thread")]
async fn fast_answers_and_bought_capacity_have_buckets_of_their_own() {
    let upstream = Scripted::start(|_, seen| {
        let fast = String::from_utf8_lossy(&seen.body).contains("fast");
        let family = if fast { "fast" } else { "priority" };
        let body = r#"{"type":"message","model":"claude-opus-5-5","usage":{"input_tokens":9,"output_tokens":3}}"#;
        let own = format!("anthropic-{family}-input-tokens-limit: 9000\r\nanthropic-{family}-input-tokens-remaining: 0\r\n");
        let ordinary = "anthropic-ratelimit-input-tokens-limit: 80000\r\nanthropic-ratelimit-input-tokens-remaining: 79000\r\n";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{own}{ordinary}content-length: {}\r\n\r\n", body.len());
        vec![crate::scripted::Step::Send(format!("{head}{body}").into_bytes())]
    })
    .await;
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account("anthropic", "work", &format!("http://{}", upstream.addr), "WORK_KEY");
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let plain = json!({ "model": "claude-opus-5-5", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
    let mut fast = plain.clone();
    fast["speed"] = json!("fast");
    // the used-up pools hold nobody up who does not draw on them
    for body in [&plain, &fast, &plain, &plain] {
        assert_eq!(post(&url, KEY, body.to_string()).await.status, 200);
    }
    let status = home.run("status --json").json();
    let limit = |class: &str| {
        let is_it = |bucket: &&serde_json::Value| bucket["model_class"] == class && bucket["meter"] == "ITPM";
        status["buckets"].as_array().unwrap().iter().find(is_it).map(|bucket| bucket["limit"].clone())
    };
    let class = "claude-opus-5.5";
    for (pool, expect) in [("", 80_000), (" (fast)", 9_000), (" (priority)", 9_000)] {
        let found = limit(&format!("{class}{pool}")).or_else(|| limit(&format!("claude-opus-5-5{pool}")));
        assert_eq!(found, Some(json!(expect)), "{pool}: {status}");
    }
}
