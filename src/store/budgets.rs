//! Budgets, and what the history says was spent.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::rollup::{Grain, account_column};
use super::row::{int, millis, uint};
use super::writer::Store;
use crate::domain::budget::{Budget, Spent};
use crate::domain::{AccountId, Period, Problem};

impl Store {
    /// Sets a budget, in place of one for the same account and period. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn set_budget(&self, budget: Budget) -> Result<(), Problem> {
        self.call(move |db| {
            let Budget { account, period, nanos, zone } = budget;
            db.execute(
                "INSERT INTO budgets (account, period_secs, nanos, zone) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET nanos = excluded.nanos, zone = excluded.zone",
                params![account.map(|id| id.0), period.as_secs(), int(nanos), zone],
            )
            .map(drop)
            .map_err(failed("set the budget"))
        })
    }

    /// Takes a budget away. Blocks until it is written.
    ///
    /// # Errors
    /// There is none for this account and period.
    pub fn remove_budget(&self, account: Option<AccountId>, period: Period) -> Result<(), Problem> {
        self.call(move |db| {
            let removed = db
                .execute("DELETE FROM budgets WHERE account IS ? AND period_secs = ?", params![account.map(|id| id.0), period.as_secs()])
                .map_err(failed("remove the budget"))?;
            if removed == 0 { Err(Problem::new("there is no such budget").hint("see `tierline budgets list`")) } else { Ok(()) }
        })
    }
}

impl Reader {
    /// Every budget, that of all accounts first.
    pub fn budgets(&self) -> Result<Vec<Budget>, Problem> {
        let sql = "SELECT account, period_secs, nanos, zone FROM budgets ORDER BY ifnull(account, 0), period_secs";
        self.all("read the budgets", sql, [], from_row)
    }

    /// What was spent by an account, or by all of them, on requests that ended since a time: from the sums by hour, and from the
    /// requests that were on their way when the first whole hour began.
    pub fn spent(&self, account: Option<AccountId>, since: Timestamp) -> Result<Spent, Problem> {
        let spent = || {
            let since = millis(since);
            let hour = Grain::Hour.start(since + Grain::Hour.millis() - 1);
            let id = account.map(|id| id.0);
            // no request takes longer than a day, and arrivals have the index; sums count a request when it was sent
            let arrived = since - Grain::Day.millis();
            let before: i64 = self.db.query_row(
                "SELECT ifnull(sum(cost_nanos), 0) FROM requests WHERE arrived_at >= ?1 AND arrived_at < ?2 AND finished_at >= ?3
                 AND min(arrived_at + wait_millis, max(finished_at, arrived_at)) < ?2 AND (?4 IS NULL OR account = ?4)",
                params![arrived, hour, since, id],
                |row| row.get(0),
            )?;
            let after: i64 = self.db.query_row(
                "SELECT ifnull(sum(cost_nanos), 0) FROM rollup_hour WHERE account = ? AND class = '' AND start >= ?",
                params![account_column(account), hour],
                |row| row.get(0),
            )?;
            let unpriced: i64 = self.db.query_row(
                "SELECT count(*) FROM requests INDEXED BY requests_unpriced WHERE cost_nanos IS NULL AND outcome = 'ok' AND certainty <> 'unknown'
                 AND ifnull(model_asked, model_served) IS NOT NULL AND arrived_at >= ?1 AND finished_at >= ?2 AND (?3 IS NULL OR account = ?3)",
                params![arrived, since, id],
                |row| row.get(0),
            )?;
            Ok(Spent { nanos: uint(before.saturating_add(after)), unpriced: uint(unpriced) })
        };
        spent().map_err(failed("read what was spent"))
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Budget> {
    Ok(Budget {
        account: row.get::<_, Option<i64>>(0)?.map(AccountId),
        period: Period::secs(row.get(1)?),
        nanos: uint(row.get(2)?),
        zone: row.get(3)?,
    })
}
