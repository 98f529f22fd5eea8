//! `tierline doctor`: quiet about what is well, loud about what is not, and never the one who shows a key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::home::Home;

const KEY: &str = "sk-ant-test-0d3b7c51";
/// The same in base64 behind `x-api-key: `, as a dump of a request would have it.
const KEY_IN_BASE64: &str = "eC1hcGkta2V5OiBzay1hbnQtdGVzdC0wZDNiN2M1MQ==";

fn home() -> Home {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account("anthropic", "work", "http://127.0.0.1:9", "WORK_KEY");
    home
}

/// Exit code and the findings that are wrong: what was checked, and what is said.
fn wrong(home: &Home, more: &str) -> (Option<i32>, Vec<(String, String)>) {
    let ran = home.run(&format!("doctor --vault env --listen 127.0.0.1:0 --json {more}"));
    assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{ran:?}");
    let findings = serde_json::from_str::<Value>(&ran.out).unwrap()["findings"].as_array().unwrap().clone();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let wrong = findings.iter().filter(|f| f["state"] == "wrong").map(|f| (text(f, "check"), text(f, "text"))).collect();
    (ran.status.code(), wrong)
}

#[test]
fn an_installation_that_is_well_has_nothing_wrong() {
    let home = home();
    home.token("app");
    assert_eq!(wrong(&home, ""), (Some(0), Vec::new()));
    let text = home.run("doctor --vault env --listen 127.0.0.1:0").done();
    assert!(text.contains("none of 1 keys and 1 local tokens is in any of"), "{text}");
    for check in ["keyring", "files", "database", "port", "control socket", "clock", "catalogue", "secrets"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("good   {check}"))), "{check}: {text}");
    }
}

#[test]
fn a_planted_secret_is_found_in_every_spelling_and_not_repeated() {
    let home = home();
    let token = home.token("app");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(home.data().join("export")).unwrap();
    fs::set_permissions(home.data().join("export"), fs::Permissions::from_mode(0o700)).unwrap();
    for (place, text, says) in [
        (home.data().join("debug.log"), format!("sent authorization: {KEY}\n"), "the key of account work ("),
        (home.data().join("export/requests.csv"), format!("id,url\n1,/v1?key={}\n", KEY.replace('-', "%2D")), "percent-encoded"),
        (home.data().join("dump.json"), format!("{{\"k\":\"{}\"}}", KEY.replace('-', "\\u002d")), "with JSON escapes"),
        (home.data().join("request.b64"), KEY_IN_BASE64.to_owned(), "in base64"),
        (home.data().join("shell.txt"), format!("export ANTHROPIC_API_KEY={token}"), "the local token of app"),
        (elsewhere.path().join("my.log"), KEY.to_owned(), "as it is"),
    ] {
        fs::write(&place, text).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
        let (code, found) = wrong(&home, &format!("--search {}", elsewhere.path().display()));
        let [(check, text)] = found.as_slice() else { panic!("{place:?}: {found:?}") };
        assert_eq!((code, check.as_str()), (Some(1), "secrets"), "{place:?}");
        assert!(text.contains(says) && text.contains(place.to_str().unwrap()) && !text.contains(&token), "{text}");
        fs::remove_file(&place).unwrap();
    }
    assert_eq!(wrong(&home, "").0, Some(0), "clean again");
}

#[test]
fn what_is_open_taken_damaged_or_unreadable_is_named() {
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let says = |home: &Home, more: &str, check: &str, words: &str| {
        let (code, found) = wrong(home, more);
        assert_eq!(code, Some(1), "{check}");
        assert!(found.iter().any(|(which, text)| which == check && text.contains(words)), "{check} {words}: {found:?}");
    };
    let one = home();
    open(&one.data().join("tierline.db"), 0o644);
    says(&one, "", "files", "tierline.db");
    assert_eq!(fs::metadata(one.data().join("tierline.db")).unwrap().permissions().mode() & 0o777, 0o644, "a doctor only looks");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = one.run(&format!("doctor --vault env --listen {}", taken.local_addr().unwrap()));
    assert!(ran.status.code() == Some(1) && ran.out.contains("WRONG  port"), "{ran:?}");

    let mut two = home();
    two.set("WORK_KEY", "");
    says(&two, "", "keys", "the key of account work cannot be read");
    let database = two.data().join("tierline.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..16].copy_from_slice(b"no database here");
    fs::write(&database, bytes).unwrap();
    says(&two, "", "database", "could not check the database");
}
