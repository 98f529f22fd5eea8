//! Fallback routes: where a request goes when its own account cannot serve it, and when it does not.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tierline::sim::{Sim, SimConfig, SimHandle, SimProvider};

use crate::answer;
use crate::ask::{post, post_with};
use crate::home::Home;
use crate::scripted::Scripted;

const KEY: &str = "sk-ant-test-55555555";
const OTHER: &str = "sk-ds-test-66666666";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const ADD: &str = "routes add --from claude-sonnet-5-5 --to ds/deepseek-flash";

async fn sim(provider: SimProvider, key: &str) -> SimHandle {
    Sim::start(SimConfig { provider, keys: vec![key.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap()
}

/// A home with the accounts `work` at Anthropic and `ds` at `DeepSeek`, and a token.
fn home(anthropic: &str, deepseek: &str) -> (Home, String) {
    let home = Home::with(&[("WORK_KEY", KEY), ("DS_KEY", OTHER)]);
    home.add_account("anthropic", "work", anthropic, "WORK_KEY");
    home.add_account("deepseek", "ds", deepseek, "DS_KEY");
    let token = home.token("tests");
    (home, token)
}

fn message() -> String {
    r#"{"model": "claude-sonnet-5-5",  "max_tokens":16,"messages":[{"role":"user","content":"hi"}]}"#.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_would_come_too_late_is_served_elsewhere_once_the_user_says_so() {
    let (anthropic, deepseek) = (sim(SimProvider::Anthropic, KEY).await, sim(SimProvider::DeepSeek, OTHER).await);
    let (home, token) = home(&anthropic.url(), &deepseek.url());
    home.run("limits set --account work --rpm 1").done();
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let hurry = [("x-tierline-deadline-ms", "500")];
    assert_eq!(post(&url, &token, message()).await.status, 200);
    assert_eq!(post_with(&url, &token, &hurry, message()).await.status, 429, "off until a route is listed");

    home.run(&format!("{ADD} --yes")).done();
    let reply = post_with(&url, &token, &hurry, message()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    for (header, value) in [("x-tierline-served-by", "ds/deepseek-flash"), ("x-tierline-account", "ds"), ("x-tierline-attempts", "1")] {
        assert_eq!(reply.header(header), Some(value), "{header}");
    }
    // an account that is named is meant, and a provider's own key is good for its own account
    assert_eq!(post_with(&url, &token, &[hurry[0], ("x-tierline-account", "work")], message()).await.status, 429);
    assert_eq!(post_with(&url, KEY, &hurry, message()).await.status, 429);
    home.run("routes remove --from claude-sonnet-5-5").done();
    assert_eq!(post_with(&url, &token, &hurry, message()).await.status, 429);
    assert_eq!((anthropic.stats().requests, deepseek.stats().requests), (1, 1));

    serve.stop();
    let rows = home.exported("requests");
    let served = rows.iter().find(|row| !row["served_by"].is_null()).unwrap();
    let columns = ["account", "provider", "model_asked", "model_served", "served_by", "outcome"].map(|column| served[column].clone());
    assert_eq!(columns, ["ds", "deepseek", "claude-sonnet-5-5", "deepseek-flash", "ds/deepseek-flash", "ok"].map(Value::from));
    assert!(served["cost_nanos"].as_u64().unwrap() < rows[0]["cost_nanos"].as_u64().unwrap(), "at the price of the model that answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_name_the_key_and_the_address_change() {
    let deepseek =
        Scripted::always(answer("200 OK", r#"{"type":"message","model":"deepseek-flash","usage":{"input_tokens":1,"output_tokens":1}}"#))
            .await;
    let money =
        r#"{"type":"error","error":{"type":"billing_error","message":"Your credit balance is too low to access the Anthropic API."}}"#;
    let anthropic = Scripted::always(answer("402 Payment Required", money)).await;
    let (home, token) = home(&format!("http://{}", anthropic.addr), &format!("http://{}", deepseek.addr));
    home.run(&format!("{ADD} --yes")).done();
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages?beta=true", serve.url());
    let reply = post_with(&url, &token, &[("anthropic-beta", "a")], message()).await;
    assert_eq!((reply.status, reply.header("x-tierline-attempts")), (200, Some("2")), "{}", reply.text);
    let seen = deepseek.seen().pop().unwrap();
    assert_eq!(seen.line(), "POST /anthropic/v1/messages?beta=true HTTP/1.1");
    assert_eq!(String::from_utf8_lossy(&seen.body), message().replace("claude-sonnet-5-5", "deepseek-flash"));
    assert_eq!((seen.header("x-api-key"), seen.header("anthropic-beta")), (Some(OTHER), Some("a")));
    assert!(!seen.head.contains(KEY) && !seen.head.contains(&token), "{}", seen.head);
    // an account without credit is not asked again
    assert_eq!(post(&url, &token, message()).await.status, 200);
    assert_eq!(anthropic.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_left_and_a_request_at_fault_is_not() {
    let overloaded = answer("529 Overloaded", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    let wrong = answer("400 Bad Request", r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: required"}}"#);
    for (case, script, status, served_by) in [
        ("overloaded", Some(overloaded), 200, Some("ds/deepseek-flash")),
        ("unreachable", None, 200, Some("ds/deepseek-flash")),
        ("at fault", Some(wrong), 400, None),
    ] {
        let deepseek = sim(SimProvider::DeepSeek, OTHER).await;
        let anthropic = match script {
            Some(script) => Scripted::always(script).await.addr,
            None => "127.0.0.1:9".parse().unwrap(),
        };
        let (home, token) = home(&format!("http://{anthropic}"), &deepseek.url());
        home.run(&format!("{ADD} --yes")).done();
        let serve = home.serve();
        let url = format!("{}/anthropic/v1/messages", serve.url());
        let reply = post(&url, &token, message()).await;
        assert_eq!((reply.status, reply.header("x-tierline-served-by")), (status, served_by), "{case}: {}", reply.text);
    }
}

#[test]
fn what_the_other_side_ignores_is_said_before_a_route_is_switched_on() {
    let (home, _) = home("http://127.0.0.1:9", "http://127.0.0.1:9");
    let asked = home.fed(ADD, "n\n");
    assert_eq!(asked.status.code(), Some(1));
    for words in [
        "to deepseek-flash of account ds",
        "messages: ignored: anthropic-version, anthropic-beta",
        "tokenizers differ",
        "Switch it on? [y/N]",
    ] {
        assert!(asked.out.contains(words), "{words}: {}", asked.out);
    }
    assert!(asked.err.contains("was not added"), "{}", asked.err);
    assert_eq!(home.run("routes list --json").json(), json!([]));
    assert_eq!(home.fed(ADD, "y\n").status.code(), Some(0));
    let listed = home.run("routes list --json").json();
    assert_eq!(
        (&listed[0]["from"], &listed[0]["account"], &listed[0]["to"]),
        (&json!("claude-sonnet-5-5"), &json!("ds"), &json!("deepseek-flash"))
    );
    assert_eq!(listed[0]["apis"], json!(["chat_completions", "messages"]));
    home.run("routes remove --from claude-sonnet-5-5 --to ds/deepseek-flash").done();
    home.run("routes remove --from claude-sonnet-5-5").failed(&["no such route"]);
    home.add_account("custom", "azure", "https://mine.openai.azure.com/openai", "DS_KEY");
    home.run("routes add --from claude-sonnet-5-5 --to azure/gpt --yes").failed(&["no wire format in common"]);
    assert_eq!(home.run("routes add --from a --to b --yes").status.code(), Some(2));
}
