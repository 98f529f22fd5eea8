//! What cannot be sent is found before anything is sent, with its line and the reason.

use serde_json::{Value, json};
use tierline::batch::input::{Checks, InputFile, Reading, Room, Template, scan};
use tierline::catalog::Catalog;
use tierline::domain::{Dialect, Dimension, ModelClass, ModelId};

use crate::home::{Home, quick, row};

fn check(reading: &Reading, name: &str, text: &str, expect: &[(u64, &str)]) -> u64 {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join(name);
    std::fs::write(&path, text).unwrap();
    let input = InputFile::open(&path).unwrap();
    let columns = input.is_csv().then(|| input.columns().unwrap());
    let reading = Reading { columns, ..reading.clone() };
    let rooms = vec![Room {
        class: ModelClass::new("claude-haiku-4-5"),
        dimension: Dimension::InputTokens,
        capacity: 1_000,
        meter: "ITPM".into(),
        source: "header".into(),
    }];
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let checks = Checks { reading: &reading, catalog: Catalog::bundled(), now, rooms };
    let mut bad = Vec::new();
    let mut places = Vec::new();
    let found = scan(
        &input,
        &checks,
        &mut |planned| {
            places.push(planned);
            Ok(())
        },
        &mut |row| bad.push(row),
    )
    .unwrap();
    let told: Vec<(u64, &str)> = bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
    assert_eq!(told, expect, "{text}");
    let mut again = InputFile::open(&path).unwrap();
    for planned in places {
        let text = again.record(planned.place).unwrap();
        assert_eq!(reading.row(&text, planned.place.line).unwrap().custom_id, planned.custom_id, "found again by its place");
    }
    found.rows
}

fn anthropic(id: &str, model: &str, prompt: &str) -> String {
    json!({ "custom_id": id, "params": { "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": prompt }] } })
        .to_string()
}

#[test]
fn every_bad_row_is_named_with_its_line_and_reason() {
    let reading = Reading::plain(Dialect::Anthropic);
    let haiku = "claude-haiku-4-5";
    let lines = [
        anthropic("a", haiku, "fine"),
        r#"{"custom_id":"b","params":"#.into(),
        String::new(),
        anthropic("a", haiku, "the same id"),
        json!({ "params": { "model": haiku } }).to_string(),
        json!({ "custom_id": "c", "params": { "messages": [] } }).to_string(),
        json!({ "custom_id": "d", "params": { "model": haiku, "stream": true } }).to_string(),
        anthropic("e", haiku, &"x".repeat(9_000)),
        anthropic("f", "claude-3-opus-20240229", "gone"),
        json!({ "custom_id": "g" }).to_string(),
        json!({ "custom_id": "h", "method": "GET", "url": "/v1/models", "body": {} }).to_string(),
        "[1]".into(),
        anthropic("z", haiku, "fine"),
    ];
    let opus = Catalog::bundled()
        .retirement(Dialect::Anthropic, &ModelId::new("claude-3-opus-20240229"), "2026-11-24T12:00:00Z".parse().unwrap())
        .unwrap();
    let gone = format!("the model claude-3-opus-20240229 {}; use {}", opus.when(), opus.replacement().unwrap());
    let rows = check(
        &reading,
        "in.jsonl",
        &lines.join("\n"),
        &[
            (2, "not JSON: EOF while parsing a value at column 26"),
            (4, r#"the custom_id "a" stands on line 1 already"#),
            (5, "no custom_id: every row needs one, as text"),
            (6, "no model: name one in the row, or for all rows with --model"),
            (7, "it asks for a stream, which a batch has no use for: leave `stream` out"),
            (8, "it needs at least 1125 of ITPM, which never holds more than 1000 (header)"),
            (9, &gone),
            (10, "neither `body` (OpenAI's form) nor `params` (Anthropic's); plain rows need --template"),
            (11, r#"the method "GET" is not POST"#),
            (12, "not a JSON object"),
        ],
    );
    assert_eq!(rows, 2);
}

#[test]
fn plain_rows_fill_a_template() {
    let reading = Reading {
        model: Some(ModelId::new("gpt-6-sol")),
        template: Some(Template::parse("Sum up {{text}} for {{ who }}.").unwrap()),
        ..Reading::plain(Dialect::OpenAi)
    };
    let csv = "id,text,who\n1,\"two\nlines, \"\"quoted\"\"\",me\n2,only one\n3,plain,you\n";
    assert_eq!(check(&reading, "in.csv", csv, &[(4, "2 columns where the header has 3")]), 2);
    // a mark at the beginning, both kinds of line ends, blank lines, letters of several bytes
    let odd = "\u{feff}id,text,who\r\n1,\"Zoë, \"\"🦊\"\"\r\ntwo\",me\r\n\r\n\n2,only one\n3,plain,you\r\n4\r\n";
    let columns = |columns| format!("{columns} columns where the header has 3");
    assert_eq!(check(&reading, "in.csv", odd, &[(6, &columns(2)), (8, &columns(1))]), 2);
    let jsonl = "{\"text\":\"a\",\"who\":\"b\"}\n{\"text\":\"a\"}\n{\"text\":[1],\"who\":2}\n";
    assert_eq!(check(&reading, "in.jsonl", jsonl, &[(2, r#"no column "who"; there are text"#)]), 2);

    let row = reading.row(br#"{"text":[1],"who":2}"#, 3).unwrap();
    let body: Value = serde_json::from_slice(&row.body).unwrap();
    assert_eq!((row.custom_id.as_str(), row.path.as_str()), ("row-3", "/v1/chat/completions"));
    assert_eq!(body["messages"][0]["content"], "Sum up [1] for 2.");
}

#[test]
fn a_body_is_passed_on_as_it_stands() {
    let body = r#"{"z":1.50,"messages":[],"a":{"y":1,"b":2}}"#;
    let line = format!(r#"{{"custom_id":"a","url":"/v1/chat/completions","body":{body}}}"#);
    let reading = Reading { model: Some(ModelId::new("m")), base_has_version: true, ..Reading::plain(Dialect::OpenRouter) };
    let row = reading.row(line.as_bytes(), 1).unwrap();
    assert_eq!(row.path, "/chat/completions", "the base URL has the version");
    assert_eq!(String::from_utf8(row.body).unwrap(), body.replacen('{', r#"{"model":"m","#, 1));
}

#[test]
fn nothing_is_sent_until_bad_rows_were_seen() {
    let home = Home::new(quick());
    home.write("in.jsonl", [row(0), "{".into(), row(1)]);
    let refused = home.run(&["batch", "run", "in.jsonl"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("1 of 3 rows cannot be sent; mend them"), "{said}");
    assert!(String::from_utf8(refused.stdout).unwrap().contains(r#"{"invalid":{"line":2,"#));
    let dry = home.run(&["batch", "run", "in.jsonl", "--dry-run", "--skip-invalid"]);
    assert!(!dry.status.success());
    assert_eq!((home.sim.stats().requests, home.path("in.out.jsonl").exists()), (0, false));

    home.well(&["batch", "run", "in.jsonl", "--skip-invalid"]);
    let answers = home.answers("in.out.jsonl");
    crate::home::assert_whole(&answers, 2);
    assert_eq!((&answers[0]["line"], &answers[1]["line"]), (&1.into(), &3.into()));
}

#[test]
fn an_output_that_is_there_is_not_overwritten() {
    let home = Home::new(quick());
    home.write("in.jsonl", [row(0)]);
    home.write("in.out.jsonl", ["precious".into()]);
    let refused = home.run(&["batch", "run", "in.jsonl"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("is there already; name another with --out"));
    assert_eq!(std::fs::read_to_string(home.path("in.out.jsonl")).unwrap(), "precious\n");
}
