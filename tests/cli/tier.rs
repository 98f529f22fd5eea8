//! `tierline tier`: from what a simulated provider enforces to the rung of the ladder.

use serde_json::json;
use tierline::sim::{Limits, SimProvider};

use crate::ask::{message, post};
use crate::gateway::{KEY, home_with, sim};
use crate::home::Home;

#[test]
fn nothing_seen_is_said_so() {
    let home = Home::new();
    assert!(home.run("tier").done().contains("no limit was seen yet"));
    assert_eq!(home.run("tier --json").json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_are_a_tiers_name_it_and_the_next_one() {
    for (rpm, itpm, otpm, tier, agree, next) in [
        (5_000, 5_000_000, 1_000_000, "build", 3, Some("scale")),
        (10_000, 10_000_000, 2_000_000, "scale", 3, Some("custom")),
        (1_000, 2_000_000, 77_000, "start", 2, Some("build")),
    ] {
        let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(rpm), itpm: Some(itpm), otpm: Some(otpm), ..Limits::default() }).await;
        let home = home_with("anthropic", &sim);
        let serve = home.serve();
        assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), KEY, message()).await.status, 200);
        serve.stop().done();
        let rows = home.run("tier --json").json();
        let row = &rows[0];
        assert_eq!(
            (&row["accounts"], &row["match"]["tier"]["name"], &row["match"]["agree"]),
            (&json!(["work"]), &json!(tier), &json!(agree)),
            "{row}"
        );
        assert_eq!(row["match"]["next"]["tier"]["name"], json!(next), "{row}");
        if tier == "build" {
            let text = home.run("tier").done();
            assert!(
                text.contains("tier Build: 3 of 3 limits agree") && text.contains("next Scale: ") && text.contains("RPM 10000"),
                "{text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_made_to_measure_match_no_tier() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(123), itpm: Some(45_678), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let serve = home.serve();
    assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), KEY, message()).await.status, 200);
    assert!(home.run("tier").done().contains("no tier of the catalogue has these numbers"));
    serve.stop().done();
}
