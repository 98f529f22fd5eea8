//! Budgets: spent by real answers, refused at the end, remembered over a restart.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tierline::sim::{Sim, SimConfig};

use crate::ask::{Reply, post};
use crate::home::{Home, until};

const KEY: &str = "sk-ant-test-33333333";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A message to a model that costs a dollar a million of input and five a million of output.
fn message(model: &str) -> String {
    json!({ "model": model, "max_tokens": 20, "messages": [{ "role": "user", "content": "how much is left" }] }).to_string()
}

fn budget(home: &Home) -> Value {
    home.run("status --json").json()["budgets"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_refuses_until_it_begins_anew() {
    let sim = Sim::start(SimConfig { keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap();
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account("anthropic", "work", &sim.url(), "WORK_KEY");
    home.run("budgets set --account work --usd-per-day 0.0005 --time-zone Europe/Berlin").done();
    let serve = home.serve();
    let ask =
        async |serve_url: &str, model: &str| -> Reply { post(&format!("{serve_url}/anthropic/v1/messages"), KEY, message(model)).await };

    let mut served = 0;
    let refused = loop {
        let reply = ask(serve.url(), "claude-haiku-4-5").await;
        if reply.status != 200 {
            break reply;
        }
        served += 1;
    };
    assert!((2..50).contains(&served), "{served}");
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (402, &json!("billing_error")));
    for (header, value) in [("x-tierline-refused-by", "gateway"), ("x-tierline-reason", "over_budget"), ("x-should-retry", "false")] {
        assert_eq!(refused.header(header), Some(value), "{header}");
    }
    assert_eq!(refused.header("retry-after"), None, "a client that obeys it would sit out the day");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    for words in ["budget of account work", "$0.0005 a day", "it begins anew at ", "00:00 (Europe/Berlin)", "tierline budgets set"] {
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(sim.stats().admitted, served, "what is refused does not leave");
    assert_eq!(ask(serve.url(), "claude-mystery-9").await.status, 200, "what has no price is not counted");

    let before = until("the answer without a price", || Some(budget(&home)).filter(|budget| budget["unpriced"] == 1));
    let cost: u64 = {
        serve.stop();
        home.exported("requests").iter().filter_map(|row| row["cost_nanos"].as_u64()).sum()
    };
    assert_eq!((&before["spent_nanos"], &before["held_nanos"], &before["account"]), (&json!(cost), &json!(0), &json!("work")));
    assert_eq!(budget(&home)["spent_nanos"], json!(cost), "while nothing serves");

    let again = home.serve();
    assert_eq!(budget(&home)["spent_nanos"], json!(cost), "a restart forgets nothing");
    assert_eq!(ask(again.url(), "claude-haiku-4-5").await.status, 402);
    let text = home.run("status").done();
    assert!(text.contains("1 answers of unknown price are not in it"), "{text}");
    home.run("budgets set --usd-per-month 100").done();
    home.run("budgets remove --account work --day").done();
    assert_eq!(ask(again.url(), "claude-haiku-4-5").await.status, 200, "it holds at once");
    let left = home.run("budgets list --json").json();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["account"], &left[0]["window"]), (1, &Value::Null, &json!("month")));
    home.run("budgets remove --account work").failed(&["no such budget", "budgets list"]);
}

#[test]
fn amounts_and_zones_that_make_no_sense_are_wrong_use() {
    let home = Home::with(&[]);
    for line in
        ["budgets set", "budgets set --usd-per-day 0", "budgets set --usd-per-day five", "budgets set --usd-per-day 1 --time-zone Mars"]
    {
        assert_eq!(home.run(line).status.code(), Some(2), "{line}");
    }
    home.run("budgets set --account nobody --usd-per-day 1").failed(&["no account is called"]);
}
