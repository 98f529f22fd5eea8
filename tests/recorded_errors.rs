//! Every recorded refusal gets the verdict that its note calls for, field by field.
//!
//! `tests/data/recorded-errors.jsonl`: one case a line, with the body as JSON, as text, or null. Ids and key tails in it are
//! placeholders of the same length. `at` is the time of the answer where that matters, `expected` is what
//! `tierline explain --json` must print, less `reason` and `advice`.

#![expect(clippy::unwrap_used, reason = "a malformed case must fail the test")]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tierline::domain::Dialect;
use tierline::provider::verdict;

const CASES: &str = include_str!("data/recorded-errors.jsonl");

fn explained(case: &Value) -> Value {
    let dialect = Dialect::from_name(case["provider"].as_str().unwrap()).unwrap();
    let status = StatusCode::from_u16(case["status"].as_u64().unwrap().try_into().unwrap()).unwrap();
    let headers: HeaderMap = case["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse::<HeaderValue>().unwrap()))
        .collect();
    let body = match &case["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let at: Timestamp = case["at"].as_str().unwrap_or("2026-11-24T12:00:00Z").parse().unwrap();
    verdict(dialect, status, &headers, body.as_bytes(), at).map_or(Value::Null, |verdict| verdict.json())
}

#[test]
fn every_recorded_refusal_is_read_as_its_note_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (number, line) in CASES.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut found = explained(&case);
        let (reason, advice) = (found["reason"].take(), found["advice"].take());
        for sentence in [&reason, &advice] {
            let sentence = sentence.as_str().unwrap_or_default();
            assert!(sentence.len() > 10 && !sentence.contains("****"), "line {}: {sentence:?}", number + 1);
        }
        if let Value::Object(map) = &mut found {
            map.retain(|key, _| key != "reason" && key != "advice");
        }
        if found != case["expected"] {
            wrong.push(format!("line {}: {}\n  found    {found}\n  expected {}\n  {reason}", number + 1, case["note"], case["expected"]));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count} cases are wrong\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 50);
}
