//! Several accounts at one provider: who serves a request, and who stands in for whom.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tierline::sim::{Limits, Sim, SimConfig, SimHandle};

use crate::answer;
use crate::ask::{post, post_with};
use crate::home::Home;
use crate::scripted::Scripted;

const ONE: &str = "sk-ant-one-11111111";
const TWO: &str = "sk-ant-two-22222222";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn sim(key: &str, rpm: u64, organization: Option<&str>) -> SimHandle {
    let mut config = SimConfig { limits: Limits { rpm: Some(rpm), ..Limits::default() }, keys: vec![key.into()], ..SimConfig::default() };
    config.identity.organization = organization.map(Into::into);
    Sim::start(config, ANYWHERE).await.unwrap()
}

/// A home with the accounts `one` and `two` at these addresses, and a token.
fn home(one: &str, two: &str) -> (Home, String) {
    let home = Home::with(&[("KEY_ONE", ONE), ("KEY_TWO", TWO)]);
    home.add_account("anthropic", "one", one, "KEY_ONE");
    home.add_account("anthropic", "two", two, "KEY_TWO");
    let token = home.token("tests");
    (home, token)
}

/// A message that begins a conversation of its own.
fn message(text: &str) -> String {
    json!({ "model": "claude-sonnet-5-5", "max_tokens": 16, "messages": [{ "role": "user", "content": text }] }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_share_the_work_and_neither_is_refused() {
    let (one, two) = (sim(ONE, 600, Some("org-1")).await, sim(TWO, 600, Some("org-2")).await);
    let (home, token) = home(&one.url(), &two.url());
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let replies = join_all((0..40).map(|n| post(&url, &token, message(&format!("question {n}"))))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let (one, two) = (one.stats(), two.stats());
    assert_eq!((one.refused_total(), two.refused_total()), (0, 0));
    assert_eq!(one.admitted + two.admitted, 40);
    assert!((15..=25).contains(&one.admitted), "{} of 40", one.admitted);
    let served = |label: &str| replies.iter().filter(|reply| reply.header("x-tierline-account") == Some(label)).count() as u64;
    assert_eq!((served("one"), served("two")), (one.admitted, two.admitted), "answers say who served them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_and_a_client_may_choose() {
    let (one, two) = (sim(ONE, 600, None).await, sim(TWO, 600, None).await);
    let (home, token) = home(&one.url(), &two.url());
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let mut served = Vec::new();
    for _ in 0..6 {
        let reply = post(&url, &token, message("the same beginning")).await;
        served.push(reply.header("x-tierline-account").unwrap().to_owned());
    }
    assert!(served.iter().all(|label| *label == served[0]), "{served:?}");
    for (key, wanted, expect) in [
        (token.as_str(), Some("one"), "one"),
        (&token, Some("two"), "two"),
        // a provider's own key is good for its own account
        (ONE, None, "one"),
        (TWO, None, "two"),
    ] {
        for n in 0..3 {
            let pin = wanted.map(|label| ("x-tierline-account", label));
            let reply = post_with(&url, key, pin.as_slice(), message(&format!("{expect} {n}"))).await;
            assert_eq!((reply.status, reply.header("x-tierline-account")), (200, Some(expect)), "{wanted:?}");
        }
    }
    // what leans on an account's own store goes where the others of its kind went
    for n in 0..3 {
        let body = message(&format!("{n}")).replace("\"max_tokens\"", "\"container\":\"c\",\"max_tokens\"");
        assert_eq!(post(&url, &token, body).await.header("x-tierline-account"), Some("one"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_credit_or_a_refused_key_is_passed_over() {
    let no_credit = json!({ "type": "error", "error": { "type": "invalid_request_error",
        "message": "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits." } });
    let no_key = json!({ "type": "error", "error": { "type": "authentication_error", "message": "invalid x-api-key" } });
    for (status, error) in [("400 Bad Request", no_credit), ("401 Unauthorized", no_key)] {
        let upstream = Scripted::always(answer(status, &error.to_string())).await;
        let two = sim(TWO, 600, None).await;
        let (home, token) = home(&format!("http://{}", upstream.addr), &two.url());
        let serve = home.serve();
        let url = format!("{}/anthropic/v1/messages", serve.url());
        for n in 0..4 {
            let reply = post(&url, &token, message(&format!("question {n}"))).await;
            assert_eq!((reply.status, reply.header("x-tierline-account")), (200, Some("two")), "{status}: {}", reply.text);
        }
        assert_eq!(upstream.seen().len(), 1, "asked once, then passed over");
        // a client that insists hears the provider's own word
        let pinned = post_with(&url, &token, &[("x-tierline-account", "one")], message("insists")).await;
        assert_ne!(pinned.status, 200);
        serve.stop();
        let rows = home.exported("requests");
        let first: Vec<&Value> = ["account", "attempts", "outcome", "status"].iter().map(|column| &rows[0][column]).collect();
        assert_eq!(first, [&json!("two"), &json!(2), &json!("ok"), &json!(200)], "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_organisation_are_shown_as_one() {
    let one = sim(ONE, 600, Some("org-shared")).await;
    let two = sim(TWO, 600, Some("org-shared")).await;
    let (home, token) = home(&one.url(), &two.url());
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    for label in ["one", "two"] {
        assert_eq!(post_with(&url, &token, &[("x-tierline-account", label)], message("hi")).await.status, 200);
    }
    let says = |out: &str| out.contains("one and two share anthropic organization org-shared: the second adds no room");
    let status = home.run("status").done();
    assert!(says(&status), "{status}");
    serve.stop();
    let again = home.serve();
    let url = format!("{}/anthropic/v1/messages", again.url());
    // known from the start, without asking either of them anew
    for n in 0..4 {
        assert_eq!(post(&url, &token, message(&format!("{n}"))).await.header("x-tierline-account"), Some("one"));
    }
    assert!(says(&home.run("status").done()));
}
