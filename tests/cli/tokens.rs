//! `tierline token ...`: shown once, kept as a hash.

use crate::home::{Home, files_with};

#[test]
fn a_token_is_shown_once_and_kept_nowhere() {
    let home = Home::new();
    let token = home.token("notebook");
    assert!(token.starts_with("tl-") && token.len() == 67, "{token}");
    let other = home.run("token new --client agent --json").json();
    assert_eq!(other["client"], "agent");
    let other = other["token"].as_str().unwrap();

    let listed = home.run("token list").done();
    let rows = home.run("token list --json").json();
    let clients: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["client"].as_str().unwrap()).collect();
    assert_eq!(clients, ["notebook", "agent"]);
    assert!(rows[0]["last_used_at"].is_null() && listed.contains("never"));
    for token in [token.as_str(), other] {
        assert!(!listed.contains(token) && !rows.to_string().contains(token));
        assert_eq!(files_with(&home.data(), token.as_bytes()), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn a_client_has_one_token_until_it_is_revoked() {
    let home = Home::new();
    let first = home.token("notebook");
    home.run("token new --client notebook").failed(&["has a token already", "revoke it first"]);
    home.run("token new --client Notebook").failed(&["has a token already"]);
    assert_eq!(home.run("token revoke notebook --json").json()["revoked"], "notebook");
    home.run("token revoke notebook").failed(&["no client is called \"notebook\""]);
    assert_ne!(home.token("notebook"), first);
}

#[test]
fn a_name_that_fits_no_table_is_refused() {
    let home = Home::new();
    let long = "x".repeat(65);
    for name in ["a/b", "ü", long.as_str()] {
        home.run(&format!("token new --client {name}")).failed(&["cannot be used", "1 to 64 letters"]);
    }
}
