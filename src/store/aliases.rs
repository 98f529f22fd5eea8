//! Aliases: which model names an account's requests may go on using.

use rusqlite::{Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::row::{millis, time, unreadable};
use super::writer::Store;
use crate::domain::{AccountId, Alias, ModelId, Problem};

impl Store {
    /// Sets an alias, in place of one for the same name. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn set_alias(&self, alias: Alias) -> Result<(), Problem> {
        self.call(move |db| {
            let Alias { account, from, to, set, until } = alias;
            let set = serde_json::Value::Object(set).to_string();
            db.execute(
                "INSERT OR REPLACE INTO aliases (account, model, replacement, parameters, until) VALUES (?, ?, ?, ?, ?)",
                params![account.0, from.as_str(), to.as_str(), set, until.map(millis)],
            )
            .map(drop)
            .map_err(failed("set the alias"))
        })
    }

    /// Removes an alias. Blocks until it is written.
    ///
    /// # Errors
    /// There is none for this name.
    pub fn remove_alias(&self, account: AccountId, from: ModelId) -> Result<(), Problem> {
        self.call(move |db| {
            let sql = "DELETE FROM aliases WHERE account = ? AND model = ?";
            let removed = db.execute(sql, params![account.0, from.as_str()]).map_err(failed("remove the alias"))?;
            if removed == 0 {
                return Err(Problem::new(format!("the account has no alias for {:?}", from.as_str())).hint("see `tierline alias list`"));
            }
            Ok(())
        })
    }
}

impl Reader {
    /// Every alias, by account and name, also those that hold no longer.
    pub fn aliases(&self) -> Result<Vec<Alias>, Problem> {
        let sql = "SELECT account, model, replacement, parameters, until FROM aliases ORDER BY account, model";
        self.all("read the aliases", sql, [], from_row)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Alias> {
    Ok(Alias {
        account: AccountId(row.get(0)?),
        from: ModelId::new(row.get_ref(1)?.as_str()?),
        to: ModelId::new(row.get_ref(2)?.as_str()?),
        set: serde_json::from_str(row.get_ref(3)?.as_str()?).map_err(unreadable)?,
        until: row.get::<_, Option<i64>>(4)?.map(time),
    })
}
