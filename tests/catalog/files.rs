//! The bundled files are sound, and a mistake in a user's file is found and named.

use std::collections::BTreeSet;

use tierline::catalog::{Catalog, ModelState, Origin};

use super::{TODAY, now};

#[test]
fn every_bundled_file_is_read_and_nothing_in_it_contradicts_itself() {
    let catalog = Catalog::bundled();
    assert_eq!(catalog.problems(), []);
    let findings: Vec<String> = catalog.check(u32::MAX, TODAY).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
    assert_eq!(catalog.as_of(), Some(TODAY));
}

#[test]
fn every_row_says_where_it_is_from_and_is_about_something() {
    let rows = Catalog::bundled().rows();
    assert!(rows.len() > 250, "{} rows", rows.len());
    for row in &rows {
        assert!(!row.about.source.trim().is_empty() && !row.subjects.is_empty() && row.origin == Origin::Bundled, "{row:?}");
        assert!(!row.about.source.contains("://") && !row.about.source.starts_with('/'), "a public page without scheme: {row:?}");
    }
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind).collect();
    let all = ["batch", "class", "limits", "model", "peak", "price", "quota", "retirement", "service", "step", "tier"];
    assert_eq!(kinds, BTreeSet::from(all));
}

#[test]
fn a_member_belongs_to_one_class() {
    let mut members = BTreeSet::new();
    for row in Catalog::bundled().rows().iter().filter(|row| row.kind == "class") {
        for member in &row.subjects {
            assert!(members.insert((row.provider, member.clone())), "{member} twice");
        }
    }
}

#[test]
fn every_chain_of_replacements_ends_in_a_model_that_lives() {
    let catalog = Catalog::bundled();
    for end in catalog.retirements(now()) {
        if let Some(replacement) = end.replacement() {
            let further = catalog.retirement(end.provider, replacement, now());
            assert!(further.is_none_or(|further| further.state != ModelState::Retired), "{} ends at {replacement}", end.name);
        }
    }
}

#[test]
fn checks_find_what_is_wrong_with_a_users_file() {
    const GOOD: &str = "as_of = 2026-11-01\nsource = \"invoice\"\nconfidence = \"official\"\n";
    let check = |row: &str, want: &str| {
        let catalog = Catalog::with_user_file(&format!("provider = \"openai\"\n{row}")).unwrap();
        let found: Vec<String> =
            catalog.check(3_650, TODAY).into_iter().filter(|found| found.origin == Origin::User).map(|found| found.to_string()).collect();
        assert_eq!(found, if want.is_empty() { vec![] } else { vec![want.to_owned()] }, "{row}");
    };
    check(&format!("[[price]]\nmodels = [\"m\"]\ninput = \"1\"\n{GOOD}"), "");
    check("[[price]]\nmodels = [\"m\"]\nas_of = 2026-11-01\nsource = \" \"\nconfidence = \"weak\"", "openai price m: it names no source");
    check(&format!("[[price]]\nmodels = []\n{GOOD}"), "openai price : it is about nothing");
    check(
        "[[model]]\nid = \"m\"\nas_of = 2016-11-01\nsource = \"page\"\nconfidence = \"official\"",
        "openai model m: it is 3675 days old (2016-11-01); read page again",
    );
    check(
        "[[model]]\nid = \"m\"\nas_of = 2027-01-01\nsource = \"page\"\nconfidence = \"official\"",
        "openai model m: its date 2027-01-01 is in the future",
    );
    check(
        &format!(
            "[[tier]]\nname = \"t\"\ntitle = \"T\"\norder = 1\nqualifies = \"x\"\nvalid_from = 2026-02-02\nvalid_to = 2026-02-01\n{GOOD}"
        ),
        "openai tier t: it ends before it begins",
    );
    let price = |rest: &str| format!("[[price]]\nmodels = [\"m\"]\n{rest}\n{GOOD}");
    check(&(price("valid_to = 2026-01-31") + &price("valid_from = 2026-01-31")), "openai price m: two rows hold at the same time");
    check(&(price("valid_to = 2026-01-31") + &price("valid_from = 2026-02-01")), "");
    check(
        &(price("valid_to = 2026-01-31") + &price("valid_from = 2026-02-03")),
        "openai price m: no row holds between 2026-01-31 and 2026-02-03",
    );
    check(&(price("prompt_up_to = 10") + &price("prompt_above = 10")), "");
    check(&(price("prompt_up_to = 11") + &price("prompt_above = 10")), "openai price m: two rows hold at the same time");
    check(&(price("superseded = true") + &price("")), "");
    check(
        &format!("[[retirement]]\nmodels = [\"m\"]\nreplacement = \"n\"\n{GOOD}"),
        "openai retirement m: its replacement n is in no row; add a model row, or external = true",
    );
    check(&format!("[[retirement]]\nmodels = [\"m\"]\nreplacement = \"n\"\nexternal = true\n{GOOD}"), "");
}

#[test]
fn a_users_file_with_a_mistake_is_refused_with_the_mistake() {
    let check = |text: &str, says: &str| {
        let problem = Catalog::with_user_file(text).unwrap_err();
        assert!(problem.details.as_deref().unwrap_or_default().contains(says), "{text:?}: {problem}");
        assert!(problem.hint.is_some());
    };
    let row = |fields: &str| {
        format!(
            "provider = \"openai\"\n[[limits]]\nclasses = [\"m\"]\n{fields}\nas_of = 2026-11-01\nsource = \"s\"\nconfidence = \"official\""
        )
    };
    check("limits = 1", "line 1: invalid type");
    check(&row("rmp = 5"), "line 2: unknown field `rmp`");
    check(&format!("{}\n{}", row("rpm = 5"), &row("rmp = 5")["provider = 'openai'\n".len()..]), "line 8: unknown field `rmp`");
    check(&row("rpm = -5"), "in `rpm`");
    check(&row("rpm = 5").replace("as_of = 2026-11-01\n", ""), "missing field `as_of`");
    check(&row("rpm = 5").replace("2026-11-01", "2026-11-01T10:00:00"), "neither a date nor a date-time");
    check(&row("rpm = 5").replace("\"official\"", "\"sure\""), "unknown variant `sure`");
    check(&row("rpm = 5").replace("provider = \"openai\"", ""), "no provider");
    check(&row("rpm = 5").replace("openai", "opanai"), "unknown provider \"opanai\"");
    check(&row("rpm = 5").replace("\"m\"", "\"a*b\""), "at most one `*`");
    check(
        "[[price]]\nprovider = \"xai\"\nmodels = [\"m\"]\ninput = \"1,5\"\nas_of = 2026-11-01\nsource = \"s\"\nconfidence = \"weak\"",
        "not an amount in dollars",
    );
    assert!(Catalog::with_user_file("").is_ok());
}
