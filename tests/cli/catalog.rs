//! `tierline models`, `models scan`, `catalog check` and `explain`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::home::Home;

#[test]
fn known_models_come_with_their_state() {
    let home = Home::new();
    let rows = home.run("models --json").json();
    let providers: BTreeSet<&str> = rows.as_array().unwrap().iter().map(|row| row["provider"].as_str().unwrap()).collect();
    assert!(["anthropic", "openai", "gemini", "deepseek"].iter().all(|name| providers.contains(name)), "{providers:?}");
    let row = rows.as_array().unwrap().iter().find(|row| row["model"]["id"] == "deepseek-chat").unwrap();
    assert_eq!((&row["provider"], &row["model"]["state"]), (&json!("deepseek"), &json!("retired")), "{row}");
    let table = home.run("models").done();
    assert!(table.starts_with("provider") && table.contains("deepseek-chat"), "{table}");
}

#[test]
fn a_retired_name_in_a_source_tree_is_found_by_file_and_line() {
    let home = Home::new();
    let tree = home.path("tree");
    fs::create_dir_all(tree.join(".git")).unwrap();
    fs::create_dir_all(tree.join("src")).unwrap();
    fs::write(tree.join(".gitignore"), "ignored.py\n").unwrap();
    fs::write(tree.join("ignored.py"), "model = 'deepseek-chat'\n").unwrap();
    fs::write(tree.join("src/fine.py"), "model = 'not-a-model'\n").unwrap();
    let scan = format!("models scan {}", tree.display());
    assert_eq!(home.run(&scan).done(), "", "nothing to say of a clean tree");

    fs::write(tree.join("src/app.py"), "import x\nclient.chat(model=\"deepseek-chat\")\n").unwrap();
    let found = home.run(&scan);
    assert_eq!((found.status.code(), found.err.as_str()), (Some(1), ""), "{found:?}");
    let file = tree.join("src/app.py");
    assert!(found.out.starts_with(&format!("{}:2:", file.display())) && found.out.lines().count() == 1, "{found:?}");
    let found = home.run(&format!("{scan} --json"));
    let hit: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(
        (found.status.code(), &hit["line"], &hit["name"], &hit["state"]),
        (Some(1), &json!(2), &json!("deepseek-chat"), &json!("retired"))
    );
}

#[test]
fn the_catalogue_is_checked_against_its_own_rules() {
    let home = Home::new();
    let old = home.run("catalog check --days 0");
    assert_eq!(old.status.code(), Some(1), "every row is older than today: {old:?}");
    assert!(old.err.is_empty() && old.out.lines().last().unwrap().ends_with("findings"), "{old:?}");
    let checked = home.run("catalog check --days 36500 --json");
    let findings: Vec<Value> = serde_json::from_str(&checked.out).unwrap();
    assert_eq!((checked.status.code(), checked.err.as_str()), (Some(i32::from(!findings.is_empty())), ""));
}

#[test]
fn a_refusal_is_explained_in_the_fields_of_the_contract() {
    const FIELDS: [&str; 11] =
        ["verdict", "dimension", "window", "limit", "used", "requested", "retry_after_ms", "scope", "whose", "reason", "advice"];
    let home = Home::new();
    let headers = home.path("headers");
    fs::write(&headers, "HTTP/2 429\nRetry-After: 12\nanthropic-ratelimit-requests-limit: 50\n\n").unwrap();
    let with_headers = format!("--headers {}", headers.display());
    let openai = r#"{"error":{"message":"Rate limit reached for gpt-6-sol in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
    for (line, body, expect) in [
        (
            "--provider openai --status 429",
            openai,
            json!({ "verdict": "wait", "dimension": "tokens", "window": "minute", "limit": 30_000, "used": 29_000, "requested": 2_000,
                "retry_after_ms": 2_000, "whose": "account" }),
        ),
        (
            &format!("--provider anthropic --status 429 {with_headers}"),
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#,
            json!({ "verdict": "wait", "retry_after_ms": 12_000, "used": null, "requested": null, "whose": "account" }),
        ),
        (
            "--provider anthropic --status 529",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            json!({ "verdict": "overload", "dimension": null, "limit": null, "whose": "provider" }),
        ),
        ("--provider deepseek --status 402", r#"{"error":{"message":"Insufficient Balance"}}"#, json!({ "verdict": "money" })),
        ("--provider openai --status 401", "not even JSON \u{fffd}", json!({ "verdict": "key", "limit": null })),
        ("--provider gemini --status 404", "", json!({ "verdict": "request" })),
    ] {
        let told = home.fed(&format!("explain {line} --json"), body).json();
        let fields: BTreeSet<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, FIELDS.into_iter().collect(), "{line}");
        for (field, value) in expect.as_object().unwrap() {
            assert_eq!(&told[field], value, "{line}: {field} in {told}");
        }
        let said = home.fed(&format!("explain {line}"), body).done();
        assert!(said.starts_with(&format!("{}: ", told["verdict"].as_str().unwrap())) && said.lines().count() >= 3, "{said}");
    }
    home.fed("explain --provider openai --status 200", "{}").failed(&["status 200"]);
}
