//! Accounts: labels, addresses and where keys are; the keys are elsewhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::row::{millis, named, time, unreadable};
use super::writer::Store;
use crate::domain::{Account, AccountId, BaseUrl, Fingerprint, Identity, KeyRef, Problem, Provider};

/// An account that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Which route of the gateway it serves.
    pub provider: Provider,
    /// The user's name for it; no two differ only in case.
    pub label: String,
    /// Where its requests go.
    pub base_url: BaseUrl,
    /// A short name for the key.
    pub fingerprint: Fingerprint,
    /// Where the key is.
    pub key: KeyRef,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Store {
    /// Adds an account. Blocks until it is written.
    ///
    /// # Errors
    /// The label is taken.
    pub fn add_account(&self, row: AccountRow) -> Result<Account, Problem> {
        self.call(move |db| add(db, row))
    }

    /// Writes down where an account goes now, and where its key for that place is. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn move_account(&self, account: &Account) -> Result<(), Problem> {
        let Account { id, base_url, fingerprint, key, .. } = account.clone();
        self.call(move |db| {
            let sql = "UPDATE accounts SET base_url = ?, fingerprint = ?, key_ref = ? WHERE id = ?";
            let moved = db
                .execute(sql, params![base_url.as_str(), fingerprint.to_string(), written(&key)?, id.0])
                .map_err(failed("change the account"))?;
            if moved == 0 { Err(Problem::new("this account is not there any more")) } else { Ok(()) }
        })
    }

    /// Removes an account and the limits that the user set for it; its history stays. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn remove_account(&self, id: AccountId) -> Result<(), Problem> {
        self.call(move |db| {
            let removed = db.execute("DELETE FROM accounts WHERE id = ?", [id.0]).map_err(failed("remove the account"))?;
            if removed == 0 { Err(Problem::new("this account is not there any more")) } else { Ok(()) }
        })
    }
}

impl Reader {
    /// Every account, oldest first.
    pub fn accounts(&self) -> Result<Vec<Account>, Problem> {
        self.all("read the accounts", "SELECT * FROM accounts ORDER BY id", [], from_row)
    }

    /// To which organisation or project answers said that accounts belong; nothing of those about which they did not agree.
    pub fn identities(&self) -> Result<BTreeMap<AccountId, Identity>, Problem> {
        let sql = "SELECT account, max(kind), max(scope) FROM account_scopes GROUP BY account HAVING count(*) = 1";
        let from_row = |row: &Row<'_>| {
            let scope = Some(row.get(2)?);
            let identity = match row.get_ref(1)?.as_str()? {
                "organization" => Identity { organization: scope, ..Identity::default() },
                "project" => Identity { project: scope, ..Identity::default() },
                _ => Identity::default(),
            };
            Ok((AccountId(row.get(0)?), identity))
        };
        Ok(self.all("read the accounts' scopes", sql, [], from_row)?.into_iter().collect())
    }

    /// The account with this label, whatever its case.
    ///
    /// # Errors
    /// There is none; the labels that there are get named.
    pub fn account(&self, label: &str) -> Result<Account, Problem> {
        let accounts = self.accounts()?;
        let labels = accounts.iter().map(|a| a.label.clone()).collect::<Vec<_>>();
        accounts.into_iter().find(|a| a.label.eq_ignore_ascii_case(label)).ok_or_else(|| unknown("account", label, &labels))
    }
}

/// The problem with a name that nothing has.
pub(super) fn unknown(what: &str, name: &str, known: &[String]) -> Problem {
    let known = if known.is_empty() { "there are none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
    Problem::new(format!("no {what} is called {name:?}")).hint(known)
}

fn add(db: &Connection, row: AccountRow) -> Result<Account, Problem> {
    let taken: bool = db
        .query_row("SELECT EXISTS (SELECT 1 FROM accounts WHERE label = ?)", [&row.label], |found| found.get(0))
        .map_err(failed("read the accounts"))?;
    if taken {
        return Err(Problem::new(format!("an account is already called {:?}", row.label)).hint("choose another label, or remove that one"));
    }
    let key = written(&row.key)?;
    db.execute(
        "INSERT INTO accounts (provider, label, base_url, fingerprint, key_ref, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        params![row.provider.name(), row.label, row.base_url.as_str(), row.fingerprint.to_string(), key, millis(row.created_at)],
    )
    .map_err(failed("add the account"))?;
    let AccountRow { provider, label, base_url, fingerprint, key, created_at } = row;
    Ok(Account { id: AccountId(db.last_insert_rowid()), provider, label, base_url, fingerprint, key, created_at })
}

fn written(key: &KeyRef) -> Result<String, Problem> {
    serde_json::to_string(key).map_err(|e| Problem::new("could not write down where the key is").because(e))
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let text = |column: &str| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Account {
        id: AccountId(row.get("id")?),
        provider: named(text("provider")?)?,
        label: row.get("label")?,
        base_url: BaseUrl::parse(text("base_url")?).map_err(unreadable)?,
        fingerprint: Fingerprint::from_stored(text("fingerprint")?),
        key: serde_json::from_str(text("key_ref")?).map_err(unreadable)?,
        created_at: time(row.get("created_at")?),
    })
}
