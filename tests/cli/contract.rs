//! What holds for every command: exit codes, help, where the files are, what a machine without a display is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::Home;

#[test]
fn wrong_use_is_exit_code_2_and_says_what_is_wrong() {
    let home = Home::new();
    for (line, word) in [
        ("nonsense", "nonsense"),
        ("status --vault drawer", "drawer"),
        ("accounts", "Usage"),
        ("accounts add --provider nobody --label a --key-stdin", "nobody"),
        ("accounts add --provider anthropic --label a", "--key-stdin"),
        ("accounts add --provider anthropic --label a --key-stdin --key-env KEY", "--key-env"),
        ("accounts remove", "<LABEL>"),
        ("token new", "--client"),
        ("limits set --account a", "--rpm"),
        ("limits set --account a --rpm many", "many"),
        ("export --what prompts --format csv --out -", "prompts"),
        ("export --what requests --format csv", "--out"),
        ("export --what requests --format csv --out - --from yesterday", "yesterday"),
        ("serve --listen nowhere", "nowhere"),
        ("demo --headless --seconds 0", "--seconds"),
        ("explain --provider nobody --status 429", "nobody"),
        ("explain --provider openai --status 99", "status"),
        ("sim --provider nobody", "nobody"),
        ("sim --provider anthropic --fault flood:0.1", "flood"),
        ("models scan", "<DIR>"),
        ("catalog", "Usage"),
    ] {
        let ran = home.run(line);
        assert_eq!((ran.status.code(), ran.out.as_str()), (Some(2), ""), "{line}: {ran:?}");
        assert!(ran.err.contains(word), "{line}: {ran:?}");
    }
    assert!(!home.data().exists(), "nothing was touched");
}

#[test]
fn help_is_no_error() {
    let home = Home::new();
    let commands = [
        "",
        "demo",
        "serve",
        "accounts",
        "accounts add",
        "token",
        "limits",
        "limits set",
        "status",
        "probe",
        "export",
        "explain",
        "models",
        "catalog",
        "bench goodput",
        "sim",
    ];
    for command in commands {
        assert!(home.run(&format!("{command} --help")).done().contains("Usage: tierline"), "{command}");
    }
    assert_eq!(home.run("--version").done(), concat!("tierline ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_data_folder_is_named_by_flag_or_variable_and_closed_to_others() {
    let home = Home::new();
    home.run("token list").done();
    assert_eq!(fs::metadata(home.data()).unwrap().permissions().mode() & 0o777, 0o700);
    let other = home.path("other");
    home.run(&format!("token new --client there --data-dir {}", other.display())).done();
    assert!(other.join("tierline.db").exists(), "the flag outdoes the variable");
    assert_eq!(home.run("token list --json").json(), serde_json::json!([]));
}

#[test]
fn what_is_not_there_is_said_so_and_what_is_there_is_named() {
    let home = Home::with(&[("KEY", "sk-test-0001")]);
    home.run("token revoke nobody").failed(&["no client is called \"nobody\"", "there are none yet"]);
    home.run("accounts remove nobody").failed(&["no account is called \"nobody\""]);
    home.run("limits set --account nobody --rpm 5").failed(&["no account is called \"nobody\""]);
    home.run("probe").failed(&["no account", "accounts add"]);
    home.add_account("anthropic", "work", "http://127.0.0.1:9", "KEY");
    home.run("probe nobody --vault env").failed(&["there are work"]);
    home.run("models scan /nowhere/at/all").failed(&["/nowhere/at/all"]);
    home.run("explain --provider openai --status 429 --headers /nowhere").failed(&["/nowhere"]);
}

#[test]
fn without_a_display_the_window_names_what_needs_none() {
    let home = Home::new();
    home.run("--vault env --listen 127.0.0.1:0").failed(&["tierline serve", "tierline demo --headless"]);
}
