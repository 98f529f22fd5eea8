//! The vault: memory and environment everywhere; the system's keyring where a test stage provides one.
//!
//! With `TIERLINE_TEST_SECRET_SERVICE=1` (an unlocked Secret Service on a session bus) keys make a real round trip; with
//! `TIERLINE_TEST_SECRET_SERVICE=none` or `=locked` the failure is real.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::env;

use tierline::domain::{KeyRef, Problem, Secret};
use tierline::vault::{Vault, VaultError};

fn key(text: &str) -> Secret {
    Secret::from_pasted(text).unwrap()
}

fn variable(name: &str) -> KeyRef {
    KeyRef::Env { variable: name.into() }
}

#[tokio::test]
async fn memory_keeps_keys_for_every_handle_until_they_are_deleted() {
    let vault = Vault::memory();
    let at = vault.clone().put("anthropic/work", &key("sk-test-1")).await.unwrap();
    assert_eq!(at, KeyRef::Memory { entry: "anthropic/work".into() });
    assert!(vault.get(&at).await.unwrap().matches(b"sk-test-1"));
    vault.put("anthropic/work", &key("sk-test-2")).await.unwrap();
    assert!(vault.get(&at).await.unwrap().matches(b"sk-test-2"));
    assert!(!format!("{vault:?}").contains("sk-test"), "{vault:?}");

    vault.delete(&at).await.unwrap();
    vault.delete(&at).await.unwrap();
    assert!(matches!(vault.get(&at).await, Err(VaultError::NotFound(_))));
    assert!(matches!(Vault::memory().get(&at).await, Err(VaultError::NotFound(_))), "another process's memory");
}

/// Cargo gives its own environment to tests: no test has to change the process's.
#[tokio::test]
async fn the_environment_is_read_and_nothing_is_stored() {
    let name = env!("CARGO_PKG_NAME");
    for vault in [Vault::Env, Vault::memory()] {
        let read = vault.get(&variable("CARGO_PKG_NAME")).await.unwrap();
        assert!(read.matches(name.as_bytes()), "any vault can read a variable");
    }
    let cases = [
        (Vault::Env.get(&variable("TIERLINE_TEST_NOT_SET")).await.unwrap_err(), "TIERLINE_TEST_NOT_SET is not set", "set it"),
        (Vault::Env.get(&variable("CARGO_PKG_DESCRIPTION")).await.unwrap_err(), "no usable key in the environment variable", ""),
        (Vault::Env.put("a", &key("sk-test-1")).await.unwrap_err(), "stores nothing", "--key-env"),
        (Vault::Env.get(&KeyRef::Keyring { entry: "a".into() }).await.unwrap_err(), "in the system's keyring", "--vault keyring"),
    ];
    for (error, summary, hint) in cases {
        let problem = Problem::from(error);
        assert!(problem.summary.contains(summary) && problem.hint.clone().unwrap_or_default().contains(hint), "{problem}");
    }
    // an account that goes takes nobody's variable with it
    Vault::Env.delete(&variable("CARGO_PKG_NAME")).await.unwrap();
    assert!(Vault::Env.status().await.unwrap().contains("nothing is stored"));
}

/// What the stage around this test provides, if it provides anything.
fn secret_service() -> Option<String> {
    env::var("TIERLINE_TEST_SECRET_SERVICE").ok()
}

#[tokio::test]
async fn keys_make_a_round_trip_through_a_real_keyring() {
    if secret_service().as_deref() != Some("1") {
        return;
    }
    let vault = Vault::keyring().unwrap();
    let entry = format!("test/{}", std::process::id());
    assert_eq!(vault.status().await.unwrap(), "the system's keyring");
    let missing = vault.get(&KeyRef::Keyring { entry: entry.clone() }).await.unwrap_err();
    assert!(matches!(missing, VaultError::NotFound(_)), "{missing:?}");

    let at = vault.put(&entry, &key("sk-test-1")).await.unwrap();
    assert!(vault.get(&at).await.unwrap().matches(b"sk-test-1"));
    vault.put(&entry, &key("sk-test-2")).await.unwrap();
    // another handle, as after a restart
    assert!(Vault::keyring().unwrap().get(&at).await.unwrap().matches(b"sk-test-2"));
    vault.delete(&at).await.unwrap();
    vault.delete(&at).await.unwrap();
    assert!(matches!(vault.get(&at).await, Err(VaultError::NotFound(_))));
}

#[tokio::test]
async fn a_keyring_that_is_not_there_or_locked_says_what_to_do() {
    let vault = Vault::keyring().unwrap();
    match secret_service().as_deref() {
        Some("none") => {
            let problem = vault.status().await.unwrap_err();
            assert_eq!(problem.summary, "no password service is running");
            let hint = problem.hint.unwrap_or_default();
            assert!(["gnome-keyring", "kwallet", "keepassxc", "--vault env"].iter().all(|word| hint.contains(word)), "{hint}");
            let error = vault.put("test/none", &key("sk-test-1")).await.unwrap_err();
            assert!(matches!(error, VaultError::NoService(_)), "{error:?}");
        }
        Some("locked") => {
            let error = vault.put("test/locked", &key("sk-test-1")).await.unwrap_err();
            assert!(matches!(error, VaultError::Locked(_)), "{error:?}");
        }
        _ => {}
    }
}
