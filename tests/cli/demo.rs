//! `tierline demo --headless`: everything in motion without a key, a display, or a trace among the user's own data.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::home::Home;

#[test]
fn it_shows_a_line_a_second_sums_up_and_names_its_csv() {
    let home = Home::with(&[("KEY", "sk-test-1")]);
    home.add_account("anthropic", "claude-work", "http://127.0.0.1:9", "KEY");
    let said = home.run("demo --headless --seconds 3").done();
    assert_eq!(said.lines().filter(|line| line.contains(" done, ")).count(), 3, "{said}");
    for word in ["answered well", "output tokens", "waited for room", "reached a provider", "RPM of"] {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    let (rows, csv) = said.lines().last().unwrap().strip_prefix("wrote ").unwrap().split_once(" rows to ").unwrap();
    let written = csv::Reader::from_path(csv).unwrap().into_records().map(Result::unwrap).count();
    assert!(written > 0 && written.to_string() == rows, "{rows} rows, {written} written");
    assert_eq!(home.run("accounts list --json").json().as_array().unwrap().len(), 1, "the user's own data are left alone");
    assert_eq!(home.exported("requests"), Vec::<Value>::new());
}

#[test]
fn as_json_it_is_one_object_a_line() {
    let home = Home::new();
    let mut command = home.command(["demo", "--headless", "--seconds", "1", "--json"]);
    let output = command.env_remove("TIERLINE_DATA_DIR").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["second"]), (2, &serde_json::json!(1)));
    let csv = Path::new(lines[1]["csv"].as_str().unwrap());
    assert!(csv.starts_with(home.path("")) && fs::metadata(csv).unwrap().len() > 0, "{}", csv.display());
    assert!(lines[1]["summary"]["upstream_refusals"].is_u64());
}
