//! `tierline sim` as a provider of its own, and `tierline probe` against it.

use serde_json::{Value, json};

use crate::ask::{message, post};
use crate::home::Home;

const KEY: &str = "sk-ant-test-77aa01";

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_at_the_end_what_it_has_seen() {
    let home = Home::with(&[("SIM_KEY", KEY)]);
    let sim = home.start("sim --provider anthropic --rpm 1 --key-env SIM_KEY --json --listen 127.0.0.1:0");
    let first: Value = serde_json::from_str(sim.first_line()).unwrap();
    assert_eq!((&first["provider"], first["url"].as_str()), (&json!("anthropic"), Some(sim.url())));
    let url = format!("{}/v1/messages", sim.url());
    let mut statuses = Vec::new();
    for key in [KEY, "sk-wrong", KEY] {
        statuses.push(post(&url, key, message()).await.status);
    }
    assert_eq!(statuses, [200, 401, 429]);
    let said = sim.stop().done();
    let stats: Value = serde_json::from_str(said.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&stats["admitted"], &stats["bad_keys"], &stats["refused"]["rpm"]), (&json!(1), &json!(1), &json!(1)), "{said}");
}

#[test]
fn it_stays_on_this_machine_and_says_what_is_missing() {
    let home = Home::new();
    home.run("sim --provider openai --listen 0.0.0.0:0").failed(&["loopback only", "--listen 127.0.0.1:0"]);
    home.run("sim --provider openai --key-env NOT_THERE").failed(&["NOT_THERE is not set"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    home.run(&format!("sim --provider openai --listen {}", taken.local_addr().unwrap())).failed(&["in use", "127.0.0.1:0"]);
}

#[test]
fn a_probe_tells_what_it_learned_where_from_and_what_it_cost() {
    let home = Home::with(&[("SIM_KEY", KEY)]);
    for (provider, limits, learned) in [
        ("anthropic", "--rpm 50 --itpm 30000 --otpm 8000", &["50", "30000", "8000"][..]),
        ("openai", "--rpm 500 --tpm 30000", &["500", "30000"]),
        ("gemini", "--rpm 15", &[]),
        ("deepseek", "--concurrency 6", &[]),
    ] {
        let sim = home.start(&format!("sim --provider {provider} {limits} --key-env SIM_KEY"));
        home.add_account(provider, provider, sim.url(), "SIM_KEY");
        let planned = home.run(&format!("probe {provider} --dry-run --json")).json();
        assert_eq!(planned[0]["account"], provider, "{planned}");
        assert!(!planned[0]["cost"].as_str().unwrap().is_empty() && planned[0]["request"].as_str().unwrap().contains(" /"), "{planned}");
        let report = home.run(&format!("probe {provider} --vault env --json")).json();
        assert_eq!(report["account"], provider, "{report}");
        assert!(report["learned"][0].as_str().unwrap().starts_with("the key works"), "{report}");
        assert!(report.as_object().unwrap().contains_key("cost_nanos") && !report.to_string().contains(KEY), "{report}");
        for number in learned {
            assert!(report["learned"].to_string().contains(number), "no {number} in {report}");
        }
        assert!(!learned.is_empty() || report["unknown"] != json!([]), "{report}");
        let said = home.run(&format!("probe {provider} --vault env")).done();
        assert!(said.starts_with(&format!("{provider}: ")), "{said}");
        sim.stop();
    }
    // what was learned is part of the history; nothing came from a request of the user's
    let snapshots = home.exported("snapshots");
    assert!(snapshots.iter().any(|row| row["account"] == "anthropic" && row["limit"] == 30_000), "{snapshots:?}");
    assert_eq!(home.exported("requests"), Vec::<Value>::new());
}

#[test]
fn what_a_probe_learned_shows_in_the_status_whether_or_not_a_gateway_runs() {
    let home = Home::with(&[("SIM_KEY", KEY)]);
    let sim = home.start("sim --provider anthropic --rpm 57 --key-env SIM_KEY");
    home.add_account("anthropic", "work", sim.url(), "SIM_KEY");
    let rpm = |home: &Home| {
        let status = home.run("status --json").json();
        let bucket = status["buckets"].as_array().unwrap().iter().find(|bucket| bucket["meter"] == "RPM").cloned();
        bucket.map(|bucket| (bucket["limit"].clone(), bucket["source"].clone()))
    };
    assert_eq!(rpm(&home), None);
    home.run("probe work --vault env").done();
    assert_eq!(rpm(&home), Some((json!(57), json!("header"))), "saved");
    assert!(home.exported("limits").iter().any(|row| row["new_limit"] == 57));
    sim.stop();

    let sim = home.start("sim --provider anthropic --rpm 23 --key-env SIM_KEY");
    home.run("accounts remove work").done();
    home.add_account("anthropic", "work", sim.url(), "SIM_KEY");
    let serve = home.serve();
    home.run("probe work --vault env").done();
    assert_eq!(rpm(&home), Some((json!(23), json!("header"))), "live");
    serve.stop().done();
}

#[test]
fn a_probe_that_reaches_nobody_or_has_a_wrong_key_says_so() {
    let mut home = Home::with(&[("SIM_KEY", KEY)]);
    let sim = home.start("sim --provider anthropic --key-env SIM_KEY");
    let url = sim.url().to_owned();
    home.add_account("anthropic", "work", &url, "SIM_KEY");
    home.set("SIM_KEY", "sk-ant-test-other");
    let report = home.run("probe work --vault env --json").json();
    assert_eq!(report["status"], 401, "{report}");
    sim.stop();
    home.run("probe work --vault env").failed(&[&url, "does not answer", "check the network"]);
}
