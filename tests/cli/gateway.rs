//! `tierline serve` between a client and a simulated provider: who gets in, what comes back, what is written down.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tierline::sim::{Limits, Sim, SimConfig, SimHandle, SimProvider};

use crate::ask::{Reply, message, post, post_with};
use crate::home::{Home, until};

pub(crate) const KEY: &str = "sk-ant-test-0d3b7c51";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

pub(crate) async fn sim(provider: SimProvider, limits: Limits) -> SimHandle {
    Sim::start(SimConfig { provider, limits, keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap()
}

/// A home with an account `work` at this simulated provider.
pub(crate) fn home_with(provider: &str, sim: &SimHandle) -> Home {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account(provider, "work", &sim.url(), "WORK_KEY");
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_and_the_key_itself_are_let_in_and_usage_is_written_down_token_for_token() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(50), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let token = home.token("notebook");
    let serve = home.serve();
    assert!(serve.first_line().starts_with("tierline listening on http://127.0.0.1:"), "{}", serve.first_line());
    let url = format!("{}/anthropic/v1/messages", serve.url());

    let mut told = Vec::new();
    for (key, client) in [(token.as_str(), "notebook"), (KEY, "work")] {
        let reply = post(&url, key, message()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        for (header, value) in [("x-tierline-account", "work"), ("x-tierline-attempts", "1"), ("x-tierline-wait-ms", "0")] {
            assert_eq!(reply.header(header), Some(value), "{header}");
        }
        assert!(reply.headers.contains_key("x-tierline-request-id") && reply.headers.contains_key("anthropic-ratelimit-requests-limit"));
        let usage = reply.json()["usage"].clone();
        told.push(json!([client, 200, "ok", usage["input_tokens"], usage["output_tokens"], "exact", reply.header("request-id")]));
    }
    let stopped = serve.stop();
    assert_eq!((stopped.out.lines().count(), stopped.done().is_empty()), (1, false));

    let written: Vec<Value> = home
        .exported("requests")
        .iter()
        .map(|row| {
            assert_eq!([&row["account"], &row["model_served"], &row["api"]], ["work", "claude-sonnet-5-5", "messages"]);
            let columns = ["client", "status", "outcome", "input_tokens", "output_tokens", "usage_certainty", "upstream_request_id"];
            columns.map(|column| row[column].clone()).into_iter().collect()
        })
        .collect();
    assert_eq!(written, told);
    assert!(!home.run("token list --json").json()[0]["last_used_at"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_counted_as_the_provider_counted_it() {
    let sim = sim(SimProvider::OpenAi, Limits { rpm: Some(500), tpm: Some(100_000), ..Limits::default() }).await;
    let home = home_with("openai", &sim);
    let token = home.token("agent");
    let serve = home.serve();
    let ask = json!({ "model": "gpt-6-sol", "max_completion_tokens": 30, "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "say something" }] });
    let reply = post(&format!("{}/openai/v1/chat/completions", serve.url()), &token, ask.to_string()).await;
    assert_eq!((reply.status, reply.text.trim_end().ends_with("data: [DONE]")), (200, true));
    let usage = reply.text.lines().filter_map(|line| line.strip_prefix("data: {")).map(|json| format!("{{{json}"));
    let usage =
        usage.filter_map(|event| serde_json::from_str::<Value>(&event).unwrap().get("usage").cloned()).rfind(|u| !u.is_null()).unwrap();
    serve.stop().done();
    let row = &home.exported("requests")[0];
    assert_eq!((&row["input_tokens"], &row["output_tokens"]), (&usage["prompt_tokens"], &usage["completion_tokens"]));
    assert_eq!((&row["usage_certainty"], &row["api"]), (&json!("exact"), &json!("chat_completions")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_gets_401_as_each_provider_writes_it() {
    let mut home = Home::new();
    home.set("A_KEY", KEY);
    for provider in ["anthropic", "openai", "gemini", "deepseek", "custom"] {
        home.add_account(provider, provider, "http://127.0.0.1:9", "A_KEY");
    }
    let serve = home.serve();
    for (path, at, value) in [
        ("/anthropic/v1/messages", "/error/type", json!("authentication_error")),
        ("/anthropic/v1/messages", "/type", json!("error")),
        ("/openai/v1/responses", "/error/code", json!("invalid_api_key")),
        ("/openai/v1/responses", "/error/type", json!("invalid_request_error")),
        ("/gemini/v1beta/models/gemini-3.8-flash:generateContent", "/error/code", json!(401)),
        ("/gemini/v1beta/models/gemini-3.8-flash:generateContent", "/error/status", json!("UNAUTHENTICATED")),
        ("/deepseek/chat/completions", "/error/param", Value::Null),
        ("/custom/custom/v1/chat/completions", "/error/code", json!("invalid_api_key")),
    ] {
        for wrong in ["sk-ant-test-0d3b7c52", "tl-0000"] {
            let reply = post(&format!("{}{path}", serve.url()), wrong, message()).await;
            assert_eq!((reply.status, reply.json().pointer(at)), (401, Some(&value)), "{path}: {}", reply.text);
            assert!(reply.text.contains("tierline token new"), "{}", reply.text);
            assert_eq!(reply.header("x-tierline-refused-by"), Some("gateway"));
        }
    }
    serve.stop().done();
    assert_eq!(home.exported("requests"), Vec::<Value>::new(), "a stranger leaves no row");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_tokens_and_limits_change_while_it_serves() {
    let sim = sim(SimProvider::Anthropic, Limits::default()).await;
    let home = Home::with(&[("WORK_KEY", KEY)]);
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let status = async |token: &str| post(&url, token, message()).await.status;

    let token = home.token("notebook");
    assert_eq!(status(&token).await, 404, "no account yet");
    home.add_account("anthropic", "work", &sim.url(), "WORK_KEY");
    assert_eq!(status(&token).await, 200);
    home.run("limits set --account work --rpm 7").done();
    let buckets = home.run("status --json").json()["buckets"].clone();
    let rpm = buckets.as_array().unwrap().iter().find(|bucket| bucket["meter"] == "RPM").unwrap();
    assert_eq!((&rpm["limit"], &rpm["source"]), (&json!(7), &json!("user")));
    home.run("token revoke notebook").done();
    assert_eq!(status(&token).await, 401, "a revoked token is useless at once");
    assert_eq!(status(KEY).await, 200);
    home.run("accounts remove work").done();
    assert_eq!(status(KEY).await, 401, "the key of an account that is gone opens nothing");
    serve.stop().done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_waits_for_room_and_nothing_is_refused() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(58), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    home.run("limits set --account work --rpm 58").done();
    let token = home.token("batch");
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let replies: Vec<Reply> = futures_util::future::join_all((0..60).map(|_| post(&url, &token, message()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    serve.stop().done();
    let seen = sim.stats();
    assert_eq!((seen.requests, seen.admitted, seen.refused_total()), (60, 60, 0));
    let rows = home.exported("requests");
    let waited = rows.iter().filter(|row| row["bound_by"] == "RPM" && row["wait_millis"].as_u64().unwrap() > 0).count();
    assert!((rows.len(), waited >= 2) == (60, true), "60 do not fit into 58: {waited} of {} waited", rows.len());
    assert_eq!(home.exported("refusals"), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_is_passed_on_untouched_and_written_down() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(1), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let token = home.token("notebook");
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    // somebody else uses up the only request of this minute
    assert_eq!(post(&format!("{}/v1/messages", sim.url()), KEY, message()).await.status, 200);
    let reply = post_with(&url, &token, &[("x-tierline-deadline-ms", "500")], message()).await;
    assert_eq!((reply.status, reply.headers.contains_key("retry-after")), (429, true));
    assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
    serve.stop().done();
    let refusal = &home.exported("refusals")[0];
    assert_eq!(
        [&refusal["kind"], &refusal["dimension"], &refusal["period_secs"], &refusal["limit"], &refusal["whose"]],
        [&json!("wait"), &json!("requests"), &json!(60), &json!(1), &json!("account")]
    );
    assert_eq!(home.exported("requests")[0]["status"], 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_written_down_as_such() {
    let config = SimConfig { keys: vec![KEY.into()], ..SimConfig::default() };
    let config = SimConfig { latency: tierline::sim::Latency { first_byte_ms: 600_000, ..config.latency }, ..config };
    let sim = Sim::start(config, ANYWHERE).await.unwrap();
    let home = home_with("anthropic", &sim);
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let asking = tokio::spawn(async move { post(&url, KEY, message()).await });
    until("the request at the provider", || (sim.stats().in_flight == 1).then_some(()));
    asking.abort();
    until("the provider to see it gone", || (sim.stats().disconnects == 1).then_some(()));
    serve.stop().done();
    assert_eq!(home.exported("requests")[0]["outcome"], "client_gone");
}
