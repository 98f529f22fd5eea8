//! `tierline limits ...`: the user's own ceilings.

use serde_json::{Value, json};

use crate::home::Home;

fn rows(home: &Home) -> Vec<(Value, Value, Value, Value)> {
    let mut rows: Vec<_> = home
        .run("limits list --json")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!((&row["account"], &row["source"]), (&json!("work"), &json!("user")));
            (row["model_class"].clone(), row["dimension"].clone(), row["window"].clone(), row["limit"].clone())
        })
        .collect();
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

#[test]
fn every_number_is_set_listed_and_cleared() {
    let home = Home::with(&[("KEY", "sk-test-1")]);
    home.add_account("openai", "work", "http://127.0.0.1:9", "KEY");
    assert!(home.run("limits list").done().contains("no ceilings of your own"));
    for (flag, dimension, window) in [
        ("--rpm", "requests", "minute"),
        ("--tpm", "tokens", "minute"),
        ("--itpm", "input_tokens", "minute"),
        ("--otpm", "output_tokens", "minute"),
        ("--rpd", "requests", "day"),
        ("--tpd", "tokens", "day"),
        ("--ipm", "images", "minute"),
        ("--concurrency", "concurrent", "at_once"),
    ] {
        home.run(&format!("limits set --account work {flag} 70 --json")).json();
        assert_eq!(rows(&home), [(Value::Null, json!(dimension), json!(window), json!(70))], "{flag}");
        home.run(&format!("limits set --account work {flag} 0")).done();
        assert_eq!(rows(&home), [], "{flag}");
    }
}

#[test]
fn a_class_of_models_has_ceilings_of_its_own_and_a_new_number_replaces_the_old() {
    let home = Home::with(&[("KEY", "sk-test-1")]);
    home.add_account("openai", "work", "http://127.0.0.1:9", "KEY");
    home.run("limits set --account work --rpm 10 --tpm 5000").done();
    home.run("limits set --account WORK --model-class gpt-6-sol --rpm 4").done();
    let listed = home.run("limits set --account work --rpm 12").done();
    assert!(listed.contains("all models") && listed.contains("gpt-6-sol") && listed.contains("RPM"), "{listed}");
    assert_eq!(
        rows(&home),
        [
            (Value::Null, json!("requests"), json!("minute"), json!(12)),
            (Value::Null, json!("tokens"), json!("minute"), json!(5000)),
            (json!("gpt-6-sol"), json!("requests"), json!("minute"), json!(4)),
        ]
    );
    home.run("accounts remove work").done();
    assert_eq!(home.run("limits list --json").json(), json!([]), "they go with their account");
}
