//! Probes and imports against a provider on a real socket: what is asked, in which order, and what is not asked any more.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "support/scripted.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod scripted;

use std::sync::Arc;

use scripted::{Scripted, Step};
use tierline::clock::SystemClock;
use tierline::domain::{Account, AccountId, BaseUrl, Clock, KeyRef, Provider, Secret};
use tierline::probe::{AdminAccess, Prober};
use tierline::upstream::HttpUpstream;

fn account(provider: Provider, at: &Scripted) -> (Account, Secret) {
    let key = Secret::from_pasted("sk-test").unwrap();
    let account = Account {
        id: AccountId(1),
        provider,
        label: "main".into(),
        base_url: BaseUrl::parse(&format!("http://{}", at.addr)).unwrap(),
        fingerprint: key.fingerprint(),
        key: KeyRef::Memory { entry: "main".into() },
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    (account, key)
}

fn answer(status: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Send(format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())]
}

fn prober() -> Prober {
    Prober::new(Arc::new(HttpUpstream::default()))
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

#[tokio::test]
async fn a_key_that_is_refused_for_free_costs_nothing() {
    let refused = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    for (status, body, asked, cost) in [
        ("401 Unauthorized", refused, ["GET /v1/models?limit=1000 HTTP/1.1"].as_slice(), Some(0)),
        ("200 OK", "{}", ["GET /v1/models?limit=1000 HTTP/1.1", "POST /v1/messages HTTP/1.1"].as_slice(), Some(1_500)),
    ] {
        let provider = Scripted::start(move |_, _| answer(status, body)).await;
        let (account, key) = account(Provider::Anthropic, &provider);
        let probed = prober().probe(&account, &key, None, &clock()).await.unwrap();
        assert_eq!(provider.seen().iter().map(scripted::Seen::line).collect::<Vec<_>>(), asked, "{status}");
        assert_eq!(probed.report.cost_nanos, cost, "{:?}", probed.report);
    }
}

#[tokio::test]
async fn configured_limits_are_read_to_the_last_page() {
    let provider = Scripted::start(|_, seen| {
        let row = |model: &str, rpm: u64| format!(r#"{{"model":"{model}","max_requests_per_1_minute":{rpm}}}"#);
        if seen.line().contains("after=rl-1") {
            answer("200 OK", &format!(r#"{{"data":[{}],"last_id":"rl-2","has_more":false}}"#, row("made-up", 500)))
        } else {
            answer("200 OK", &format!(r#"{{"data":[{}],"last_id":"rl-1","has_more":true}}"#, row("made-up-2026-08-01", 600)))
        }
    })
    .await;
    let (account, _) = account(Provider::OpenAi, &provider);
    let admin = Secret::from_pasted("sk-admin-test").unwrap();
    let prober = prober();
    let clock = clock();
    let access = AdminAccess { account: &account, base_url: None, key: &admin, clock: &clock };
    let found = prober.configured_limits(access, Some("proj_1"), None).await.unwrap();
    let limits: Vec<(String, u64)> = found.limits.iter().map(|((class, ..), capacity)| (class.to_string(), *capacity)).collect();
    assert_eq!(limits, [("made-up".to_owned(), 500)], "one class, its lowest limit");
    assert_eq!(provider.seen().len(), 2);
    assert_eq!(provider.seen()[0].header("authorization"), Some("Bearer sk-admin-test"));

    let missing = prober.configured_limits(access, None, None).await.unwrap_err();
    assert!(missing.to_string().contains("--project"), "{missing}");
}

#[tokio::test]
async fn an_admin_api_that_refuses_says_why() {
    let provider = Scripted::start(|_, _| {
        answer("401 Unauthorized", r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#)
    })
    .await;
    let (account, key) = account(Provider::Anthropic, &provider);
    let clock = clock();
    let access = AdminAccess { account: &account, base_url: None, key: &key, clock: &clock };
    let refused = prober().configured_limits(access, None, None).await.unwrap_err();
    assert!(refused.to_string().contains("the admin API answered 401"), "{refused}");
    assert!(refused.to_string().contains("use an admin key"), "{refused}");
}

#[tokio::test]
async fn a_workspace_may_have_lower_limits_or_none_of_its_own() {
    let organization = r#"{"data":[{"group_type":"model_group","models":["claude-opus-5"],"limits":[{"type":"requests_per_minute","value":4000}]}],"next_page":null}"#;
    let own = r#"{"data":[{"type":"workspace_rate_limit","group_type":"model_group","models":["claude-opus-5"],"limits":[{"type":"requests_per_minute","value":1000,"org_limit":4000,"source":{"type":"workspace"}}]}],"next_page":null}"#;
    let none = r#"{"type":"error","error":{"type":"not_found_error","message":"Not found"}}"#;
    for (status, body, expect) in [("200 OK", own, vec![1000]), ("404 Not Found", none, vec![])] {
        let provider = Scripted::start(move |_, seen| {
            if seen.line().contains("/workspaces/wrkspc_1/") { answer(status, body) } else { answer("200 OK", organization) }
        })
        .await;
        let (account, key) = account(Provider::Anthropic, &provider);
        let clock = clock();
        let access = AdminAccess { account: &account, base_url: None, key: &key, clock: &clock };
        let found = prober().configured_limits(access, None, Some("wrkspc_1")).await.unwrap();
        assert_eq!(found.limits.values().copied().collect::<Vec<_>>(), [4000], "{status}");
        assert_eq!(found.overrides.values().copied().collect::<Vec<_>>(), expect, "{status}");
    }
}
