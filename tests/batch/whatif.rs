//! What was recorded, played again.

use serde_json::json;
use tierline::sim::{Limits, SimConfig};

use crate::home::{Home, quick, row};

#[test]
fn recorded_waits_would_not_have_been_with_more_room() {
    let home = Home::new(SimConfig { limits: Limits { rpm: Some(600), ..Limits::default() }, initial_percent: Some(5), ..quick() });
    home.write("in.jsonl", (0..60).map(row));
    home.well(&["batch", "run", "in.jsonl"]);
    let played = home.well(&["whatif", "--from", "1h", "--rpm", "100000"]);
    let played = &played[0][0];
    let what_if = &played["what_if"];
    assert_eq!((&played["account"], &what_if["requests"], &what_if["turned_away"]), (&json!("sim"), &json!(60), &json!(0)), "{played}");
    let p95 = |side: &str| what_if[side]["wait_p95_millis"].as_u64().unwrap();
    assert!(p95("was") > 500 && p95("would_be") < p95("was"), "{played}");
    let dearer = home.well(&["whatif", "--model", "claude-sonnet-4-6"]);
    let costs = |side: &str| dearer[0][0]["what_if"][side]["cost_nanos"].as_u64().unwrap();
    assert_eq!(costs("would_be"), costs("was") * 3, "$3 and $15 instead of $1 and $5 a million");
    let nothing = String::from_utf8(home.run(&["whatif"]).stderr).unwrap();
    assert!(nothing.contains("nothing differs"), "{nothing}");
}
