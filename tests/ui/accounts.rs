//! What the accounts, models and explain parts show besides what `tests/ui.rs` looks at.

use std::sync::Arc;

use tierline::domain::command::{Command, ProbeReport};
use tierline::domain::view::{BucketView, ModelView, TierLimits};
use tierline::domain::{AccountId, Dimension, Limit, LimitSource, Problem, ReportSum};
use tierline::journal::LiveView;
use tierline::ui::PanelId;

use super::{Window, fixture, window};

fn catalogue() -> Window {
    let mut w = window(fixture::busy(), PanelId::Models);
    let Command::Models(reply) = w.order() else { panic!("the catalogue is not read") };
    let mut models = fixture::models();
    let limit = Limit {
        dimension: Dimension::InputTokens,
        window: tierline::domain::Window::PER_MINUTE,
        capacity: 2_000_000,
        source: LimitSource::User,
    };
    let tiers =
        vec![TierLimits { tier: "Start".into(), limits: vec![limit], evidence: "official, example.com/limits, as of 2026-09-02".into() }];
    models.models[0] = ModelView { tiers, ..models.models[0].clone() };
    reply.send(Ok(models));
    w.harness.run_ok();
    w
}

#[test]
fn a_key_is_tested_for_nothing_and_a_probe_says_its_price_before() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    assert!(w.shows("<$0.0001") && w.shows("nothing"), "what a probe costs stands in the table");
    w.click("Test work");
    let Command::TestKey(id, reply) = w.order() else { panic!("no test") };
    assert_eq!(id, AccountId(1));
    reply.send(Ok(ProbeReport {
        account: "work".into(),
        at: fixture::now(),
        request: "GET /v1/models?limit=1000 (free)".into(),
        status: 401,
        cost_nanos: Some(0),
        learned: vec!["the key is refused".into()],
        unknown: Vec::new(),
    }));
    w.harness.run_ok();
    assert!(w.shows("The key is refused."));
}

#[test]
fn keys_that_share_buckets_say_so_and_the_users_limits_are_listed() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    assert!(w.shows("work and laptop draw on the same organization"));
    w.click("Change RPM for claude-haiku-4-5");
    assert!(w.shows("Your own limits") && w.shows("Clear"));

    let calm = fixture::busy();
    let without: Vec<BucketView> = calm.buckets.iter().filter(|bucket| bucket.source != LimitSource::User).cloned().collect();
    let w = window(LiveView { buckets: Arc::new(without), ..calm }, PanelId::Accounts);
    assert!(!w.shows("Your own limits"), "nothing is listed where nothing was set");
}

#[test]
fn another_address_takes_the_key_along() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Address… work");
    assert!(w.shows("goes to no other"));
    w.click("Change");
    assert!(!w.orders.try_iter().any(|order| matches!(order, Command::MoveAccount(..))), "not without the key");
    w.write("Key", "sk-other-1234");
    w.click("Change");
    let Command::MoveAccount(moved, reply) = w.order() else { panic!("it does not move") };
    assert_eq!((moved.id, moved.key.expose()), (AccountId(1), "sk-other-1234"));
    assert!(moved.base_url.starts_with("https://"), "{}", moved.base_url);
    reply.send(Err(Problem::new("the keyring is locked")));
    w.harness.run_ok();
    assert!(w.shows("The keyring is locked."));
    w.click("Change");
    let Command::MoveAccount(_, reply) = w.order() else { panic!("it does not move") };
    reply.send(Ok(()));
    w.harness.run_ok();
    assert!(!w.shows("goes to no other"), "a stored address closes the form");
}

#[test]
fn every_client_has_a_snippet() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    for (name, part) in [
        ("Python", "from anthropic import Anthropic"),
        ("TypeScript", "@anthropic-ai/sdk"),
        ("curl", "x-api-key: TOKEN"),
        ("Claude Code", "ANTHROPIC_BASE_URL"),
        ("Codex", "wire_api = \"responses\""),
        ("Gemini CLI", "gemini-api-key"),
        ("llm", "llm -m claude-sonnet-5.5"),
        ("LiteLLM", "litellm.completion"),
        ("AI SDK", "createAnthropic"),
        ("Environment", "export ANTHROPIC_API_KEY=TOKEN"),
    ] {
        w.click(name);
        assert!(w.shows(part), "{name}");
    }
}

#[test]
fn a_model_is_kept_open_with_its_limits_and_sources_and_planned_with() {
    let mut w = catalogue();
    w.click("claude-sonnet-5-5 of Anthropic, active");
    for part in ["Limits by tier", "ITPM 2\u{202f}000\u{202f}000", "example.com/limits", "example.com/pricing", "example.com/models"] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Plan with it");
    assert_eq!(w.panel(), PanelId::Planner);
    let planned = w.orders.try_iter().find_map(|order| if let Command::Plan(query, _) = order { Some(query) } else { None });
    let query = planned.expect("it is planned with");
    assert_eq!(query.model.as_str(), "claude-sonnet-5-5");
    w.click("Models");
    w.click("Close the model");
    assert!(!w.shows("Limits by tier"));
}

#[test]
fn an_explained_error_is_there_as_json_too() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.click("Explain an error…");
    w.click("Explain");
    let Command::Explain(_, reply) = w.order() else { panic!("nothing is asked") };
    reply.send(Ok(fixture::verdict()));
    w.harness.run_ok();
    for field in ["verdict", "dimension", "window", "limit", "used", "requested", "retry_after_ms", "scope", "whose", "reason", "advice"] {
        assert!(w.shows(&format!("\"{field}\"")), "{field}");
    }
    w.click("Copy the JSON");
}

#[test]
fn what_providers_reported_stands_below_the_accounts_once_it_was_imported() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    let Command::Reports(reply) = w.order() else { panic!("no reports are read") };
    let day = |text: &str| text.parse().unwrap();
    reply.send(Ok(vec![ReportSum {
        account: AccountId(3),
        days: (day("2026-11-18T00:00:00Z"), day("2026-11-24T00:00:00Z")),
        read_at: day("2026-11-24T12:05:00Z"),
        input: 5_204_118,
        output: 482_390,
        cost_nanos: Some(12_400_000_000),
    }]));
    w.harness.run_ok();
    for part in ["Reported by providers", "$12.40", "5.20\u{202f}M in, 482\u{202f}k out", "2026-11-18 to 2026-11-24"] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Copy the command that holds the report of openai against what was recorded here");
}

#[test]
fn the_next_tier_says_what_it_takes_and_gives() {
    let w = window(fixture::busy(), PanelId::Accounts);
    for part in ["Tiers", "work, laptop: $40 paid", "gives OTPM of claude-sonnet-5-5: 90\u{202f}000"] {
        assert!(w.shows(part), "{part}");
    }
}
