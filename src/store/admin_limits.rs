//! Limits as a provider's admin API said they are configured.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::row::{int, millis, named, time, uint};
use super::writer::Store;
use crate::domain::{AccountId, Dimension, ModelClass, Period, Problem};

/// One limit that was read with an admin key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminLimit {
    /// Of which account.
    pub account: AccountId,
    /// For which models.
    pub class: ModelClass,
    /// Of what.
    pub dimension: Dimension,
    /// Over how long.
    pub period: Period,
    /// How much.
    pub capacity: u64,
    /// When it was read.
    pub read_at: Timestamp,
}

impl Store {
    /// Replaces what was read for an account before. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn set_admin_limits(&self, account: AccountId, limits: Vec<AdminLimit>) -> Result<(), Problem> {
        self.call(move |db| {
            let mut replace = || {
                let tx = db.transaction()?;
                tx.execute("DELETE FROM admin_limits WHERE account = ?", [account.0])?;
                for limit in &limits {
                    let AdminLimit { class, dimension, period, capacity, read_at, .. } = limit;
                    tx.execute(
                        "INSERT INTO admin_limits (account, class, dimension, period_secs, capacity, read_at) VALUES (?, ?, ?, ?, ?, ?)",
                        params![account.0, class.as_str(), dimension.name(), period.as_secs(), int(*capacity), millis(*read_at)],
                    )?;
                }
                tx.commit()
            };
            replace().map_err(failed("store the limits"))
        })
    }
}

impl Reader {
    /// Everything that was read with admin keys, by account and class.
    pub fn admin_limits(&self) -> Result<Vec<AdminLimit>, Problem> {
        let sql = "SELECT account, class, dimension, period_secs, capacity, read_at FROM admin_limits
             ORDER BY account, class, dimension, period_secs";
        self.all("read the limits", sql, [], from_row)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AdminLimit> {
    Ok(AdminLimit {
        account: AccountId(row.get(0)?),
        class: ModelClass::new(row.get_ref(1)?.as_str()?),
        dimension: named(row.get_ref(2)?.as_str()?)?,
        period: Period::secs(row.get(3)?),
        capacity: uint(row.get(4)?),
        read_at: time(row.get(5)?),
    })
}
