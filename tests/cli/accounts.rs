//! `tierline accounts ...`: what is stored, what is shown, and what is refused.

use serde_json::json;

use crate::home::Home;

const KEY: &str = "sk-ant-test-5f1c6f6b2a";

#[test]
fn an_account_is_added_listed_and_removed_without_its_key_being_shown() {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    let added = home.run("accounts add --vault env --provider anthropic --label work --key-env WORK_KEY").done();
    assert!(added.starts_with("added work (anthropic, https://api.anthropic.com, key "), "{added}");
    home.add_account("custom", "box", "http://127.0.0.1:8080/v1/", "WORK_KEY");

    let listed = home.run("accounts list --json").json();
    let row = &listed[0];
    assert_eq!(
        [&row["label"], &row["provider"], &row["base_url"], &row["key"]],
        [&json!("work"), &json!("anthropic"), &json!("https://api.anthropic.com"), &json!({ "in": "env", "variable": "WORK_KEY" })]
    );
    assert_eq!(listed[1]["base_url"], "http://127.0.0.1:8080/v1");
    assert_eq!(row["fingerprint"].as_str().unwrap().len(), 12);
    let table = home.run("accounts list").done();
    assert!(table.lines().next().unwrap().starts_with("label") && table.contains("$WORK_KEY"), "{table}");
    assert!(!added.contains(KEY) && !listed.to_string().contains(KEY) && !table.contains(KEY));

    assert!(home.run("accounts remove work").done().starts_with("removed work"));
    assert_eq!(home.run("accounts remove box --json").json()[0]["label"], "box");
    assert_eq!(home.run("accounts list --json").json(), json!([]));
}

#[test]
fn what_cannot_be_stored_is_refused_with_advice() {
    let home = Home::with(&[("KEY", KEY)]);
    home.add_account("openai", "main", "http://127.0.0.1:9", "KEY");
    for (line, words) in [
        ("--vault env --provider openai --label main --key-env KEY", &["already called \"main\"", "another label"][..]),
        ("--vault env --provider openai --label MAIN --key-env KEY", &["already called \"MAIN\""]),
        ("--vault env --provider openai --label b/c --key-env KEY", &["\"b/c\" cannot be used", "letters"]),
        ("--vault env --provider openai --label b --key-env NO_KEY", &["NO_KEY is not set", "set it"]),
        ("--vault env --provider openai --label b --key-stdin", &["--key-env"]),
        ("--vault memory --provider openai --label b --key-env KEY", &["only in one process", "--vault env"]),
        ("--vault env --provider custom --label b --key-env KEY", &["needs a base URL", "--base-url"]),
    ] {
        home.run(&format!("accounts add {line}")).failed(words);
    }
    home.run("accounts import-env --vault memory").failed(&["only in one process"]);
    assert_eq!(home.run("accounts list --json").json().as_array().unwrap().len(), 1);
}

#[test]
fn another_base_url_needs_the_key_again() {
    let home = Home::with(&[("KEY", KEY), ("OTHER", "sk-ant-test-other")]);
    home.add_account("custom", "box", "http://127.0.0.1:9/v1", "KEY");
    let before = home.run("accounts list --json").json()[0].clone();
    for (line, words) in [
        ("box http://127.0.0.1:10/v1 --vault env --key-env NO_KEY", &["NO_KEY is not set"][..]),
        ("box http://example.com/v1 --vault env --key-env OTHER", &["is not https"]),
        ("box https://user:pw@example.com --vault env --key-env OTHER", &["must not contain a user name"]),
        ("bux http://127.0.0.1:10/v1 --vault env --key-env OTHER", &["no account is called \"bux\"", "there are box"]),
        ("box http://127.0.0.1:10/v1 --vault memory --key-env OTHER", &["only in one process"]),
    ] {
        home.run(&format!("accounts set-url {line}")).failed(words);
    }
    assert_eq!(home.run("accounts set-url box http://127.0.0.1:10/v1 --vault env").status.code(), Some(2), "no key");
    assert_eq!(home.run("accounts list --json").json()[0], before, "nothing has changed");

    let moved = home.run("accounts set-url Box http://127.0.0.1:10/v2/ --vault env --key-env OTHER").done();
    assert!(moved.starts_with("moved box (custom, http://127.0.0.1:10/v2, key "), "{moved}");
    let after = home.run("accounts list --json").json()[0].clone();
    assert_eq!((&after["base_url"], &after["key"]["variable"]), (&json!("http://127.0.0.1:10/v2"), &json!("OTHER")));
    assert_ne!(after["fingerprint"], before["fingerprint"]);
    assert_eq!(after["created_at"], before["created_at"], "it is the same account");
}

#[test]
fn keys_in_the_environment_are_imported_once_each() {
    let home = Home::with(&[
        ("ANTHROPIC_API_KEY", "sk-ant-test-1"),
        ("OPENAI_API_KEY", " sk-test-2\n"),
        ("GEMINI_API_KEY", "AIza-test-3"),
        ("GOOGLE_API_KEY", "AIza-test-3"),
        ("DEEPSEEK_API_KEY", "sk two words"),
    ]);
    let imported = home.run("accounts import-env --vault env --json").json();
    let labels: Vec<&str> = imported.as_array().unwrap().iter().map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["anthropic", "openai", "gemini"], "the same key twice is one account, and no key is none");
    let again = home.run("accounts import-env --vault env").done();
    assert_eq!(again.matches("is stored already").count(), 3, "{again}");
    assert_eq!(home.run("accounts list --json").json().as_array().unwrap().len(), 3);
}

#[test]
fn two_different_keys_for_one_provider_are_two_accounts() {
    let home = Home::with(&[("GEMINI_API_KEY", "AIza-test-3"), ("GOOGLE_API_KEY", "AIza-test-4")]);
    let imported = home.run("accounts import-env --vault env --json").json();
    let seen: Vec<_> = imported.as_array().unwrap().iter().map(|row| (row["label"].as_str().unwrap(), &row["key"]["variable"])).collect();
    assert_eq!(seen, [("gemini", &json!("GEMINI_API_KEY")), ("gemini-2", &json!("GOOGLE_API_KEY"))]);
}

#[test]
fn an_environment_without_keys_is_told_where_to_put_them() {
    let said = Home::new().run("accounts import-env --vault env").done();
    for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "DEEPSEEK_API_KEY"] {
        assert!(said.contains(variable), "{said}");
    }
}
