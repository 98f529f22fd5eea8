//! The ceilings that the user set.

use rusqlite::{Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::row::{int, named, uint};
use super::writer::Store;
use crate::domain::command::UserLimit;
use crate::domain::{AccountId, ModelClass, Period, Problem};

impl Store {
    /// Sets one ceiling, or takes it away if its capacity is `None`. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn set_limit(&self, limit: UserLimit) -> Result<(), Problem> {
        self.call(move |db| {
            let class = limit.class.as_ref().map(ModelClass::as_str);
            let key = params![limit.account.0, class, limit.dimension.name(), limit.period.as_secs()];
            let Some(capacity) = limit.capacity else {
                return db
                    .execute("DELETE FROM user_limits WHERE account = ? AND class IS ? AND dimension = ? AND period_secs = ?", key)
                    .map(drop)
                    .map_err(failed("clear the limit"));
            };
            let known: bool = db
                .query_row("SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?)", [limit.account.0], |row| row.get(0))
                .map_err(failed("read the accounts"))?;
            if !known {
                return Err(Problem::new("the account of this limit is not there any more"));
            }
            db.execute(
                "INSERT INTO user_limits (account, class, dimension, period_secs, capacity) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET capacity = excluded.capacity",
                params![limit.account.0, class, limit.dimension.name(), limit.period.as_secs(), int(capacity)],
            )
            .map(drop)
            .map_err(failed("set the limit"))
        })
    }
}

impl Reader {
    /// Every ceiling that the user set, by account and class.
    pub fn user_limits(&self) -> Result<Vec<UserLimit>, Problem> {
        let sql = "SELECT account, class, dimension, period_secs, capacity FROM user_limits
             ORDER BY account, class, dimension, period_secs";
        self.all("read the limits", sql, [], from_row)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<UserLimit> {
    Ok(UserLimit {
        account: AccountId(row.get(0)?),
        class: row.get_ref(1)?.as_str_or_null()?.map(ModelClass::new),
        dimension: named(row.get_ref(2)?.as_str()?)?,
        period: Period::secs(row.get(3)?),
        capacity: Some(uint(row.get(4)?)),
    })
}
