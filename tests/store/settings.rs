//! What the user sets: accounts, local tokens, ceilings, settings.

use tierline::domain::command::UserLimit;
use tierline::domain::{AccountId, Alias, BaseUrl, ClientName, Dimension, KeyRef, ModelClass, ModelId, Period, Problem, Provider, Secret};
use tierline::store::{AccountRow, AdminLimit, Write, token_hash};

use crate::made::{Home, NOON, at};

fn account(label: &str) -> AccountRow {
    AccountRow {
        provider: Provider::Custom,
        label: label.into(),
        base_url: BaseUrl::parse("https://openrouter.ai/api").unwrap(),
        fingerprint: Secret::from_pasted("sk-test-1").unwrap().fingerprint(),
        key: KeyRef::Keyring { entry: format!("custom/{label}") },
        created_at: at(NOON),
    }
}

fn says(problem: &Problem, words: &[&str]) {
    for word in words {
        assert!(problem.to_string().contains(word), "{problem}");
    }
}

#[test]
fn accounts_are_added_listed_found_and_removed() {
    let home = Home::new();
    let work = home.store.add_account(account("Work")).unwrap();
    let spare = home.store.add_account(account("spare")).unwrap();
    says(&home.store.add_account(account("work")).unwrap_err(), &["already called \"work\"", "another label"]);

    let reader = home.store.reader().unwrap();
    assert_eq!(reader.accounts().unwrap(), [work.clone(), spare.clone()]);
    assert_eq!(reader.account("WORK").unwrap(), work);
    says(&reader.account("wrok").unwrap_err(), &["\"wrok\"", "Work, spare"]);

    home.store.remove_account(spare.id).unwrap();
    says(&home.store.remove_account(spare.id).unwrap_err(), &["not there any more"]);
    let again = home.store.add_account(account("spare")).unwrap();
    assert!(again.id > spare.id, "a number is never used again");
}

#[test]
fn a_token_is_kept_as_a_hash_and_its_name_is_free_once_it_is_revoked() {
    let home = Home::new();
    let (agent, token) = (ClientName::new("agent"), Secret::from_pasted("tl-0123456789").unwrap());
    home.store.add_token(&agent, &token, at(NOON)).unwrap();
    says(&home.store.add_token(&agent, &token, at(NOON)).unwrap_err(), &["has a token already"]);
    home.write([Write::TokenUsed { client: agent.clone(), at: at(NOON + 5) }, Write::TokenUsed { client: agent.clone(), at: at(NOON) }]);

    let reader = home.store.reader().unwrap();
    let tokens = reader.tokens().unwrap();
    assert_eq!((&tokens[0].client, tokens[0].created_at, tokens[0].last_used_at), (&agent, at(NOON), Some(at(NOON + 5))));
    assert_eq!(tokens[0].hash, token_hash(b"tl-0123456789"));

    says(&home.store.revoke_token(&ClientName::new("agnet"), at(NOON)).unwrap_err(), &["\"agnet\"", "there are agent"]);
    home.store.revoke_token(&agent, at(NOON)).unwrap();
    assert_eq!(reader.tokens().unwrap(), []);
    says(&home.store.revoke_token(&agent, at(NOON)).unwrap_err(), &["there are none yet"]);
    home.store.add_token(&agent, &Secret::from_pasted("tl-other").unwrap(), at(NOON)).unwrap();

    // neither in the database nor in its log
    for file in ["tierline.db", "tierline.db-wal"] {
        let bytes = std::fs::read(home.dir.path().join(file)).unwrap();
        assert!(!bytes.windows(13).any(|window| window == b"tl-0123456789"), "{file}");
    }
}

#[test]
fn a_ceiling_is_set_changed_and_taken_away() {
    let home = Home::new();
    let id = home.store.add_account(account("work")).unwrap().id;
    let limit = |class: Option<&str>, capacity| UserLimit {
        account: id,
        class: class.map(ModelClass::new),
        dimension: Dimension::Requests,
        period: Period::MINUTE,
        capacity,
    };
    let set = |limit: &UserLimit| home.store.set_limit(limit.clone()).unwrap();
    let reader = home.store.reader().unwrap();
    set(&limit(None, Some(50)));
    set(&limit(None, Some(60)));
    set(&limit(Some("opus"), Some(5)));
    assert_eq!(reader.user_limits().unwrap(), [limit(None, Some(60)), limit(Some("opus"), Some(5))]);
    set(&limit(None, None));
    assert_eq!(reader.user_limits().unwrap(), [limit(Some("opus"), Some(5))]);
    says(&home.store.set_limit(UserLimit { account: AccountId(99), ..limit(None, Some(1)) }).unwrap_err(), &["not there any more"]);

    home.store.remove_account(id).unwrap();
    assert_eq!(reader.user_limits().unwrap(), []);
}

#[test]
fn a_setting_is_remembered() {
    let home = Home::new();
    let reader = home.store.reader().unwrap();
    assert_eq!(reader.setting("theme").unwrap(), None);
    home.store.set_setting("theme", "light").unwrap();
    home.store.set_setting("theme", "dark").unwrap();
    assert_eq!(reader.setting("theme").unwrap().as_deref(), Some("dark"));
}

#[test]
fn an_import_of_limits_replaces_the_one_before() {
    let home = Home::new();
    let account = home.store.add_account(account("Work")).unwrap().id;
    let limit = |class: &str, capacity| AdminLimit {
        account,
        class: ModelClass::new(class),
        dimension: Dimension::Requests,
        period: Period::MINUTE,
        capacity,
        read_at: at(NOON),
    };
    home.store.set_admin_limits(account, vec![limit("a", 1), limit("b", 2)]).unwrap();
    home.store.set_admin_limits(account, vec![limit("b", 3)]).unwrap();
    assert!(home.store.set_admin_limits(account, vec![limit("a", 1), limit("a", 2)]).is_err(), "all or nothing");
    assert_eq!(home.store.reader().unwrap().admin_limits().unwrap(), [limit("b", 3)]);
    home.store.remove_account(account).unwrap();
    assert_eq!(home.store.reader().unwrap().admin_limits().unwrap(), []);
}

#[test]
fn an_alias_is_one_a_name_and_goes_with_its_account() {
    let home = Home::new();
    let account = home.store.add_account(account("Work")).unwrap().id;
    let alias = |to: &str, until| Alias {
        account,
        from: ModelId::new("deepseek-chat"),
        to: ModelId::new(to),
        set: serde_json::from_str(r#"{"thinking":{"type":"disabled"}}"#).unwrap(),
        until,
    };
    home.store.set_alias(alias("deepseek-v4-flash", None)).unwrap();
    home.store.set_alias(alias("deepseek-flash", Some(at(NOON)))).unwrap();
    let reader = home.store.reader().unwrap();
    assert_eq!(reader.aliases().unwrap(), [alias("deepseek-flash", Some(at(NOON)))]);

    says(&home.store.remove_alias(account, ModelId::new("deepseek")).unwrap_err(), &["no alias for \"deepseek\"", "alias list"]);
    home.store.remove_account(account).unwrap();
    assert_eq!(reader.aliases().unwrap(), []);
}
