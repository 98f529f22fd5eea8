//! What a provider's admin API reported as used and billed, and what was recorded here of the same days.

use jiff::Timestamp;
use rusqlite::{Row, params, params_from_iter};

use super::failure::failed;
use super::reader::Reader;
use super::row::{int, millis, time, uint};
use super::writer::Store;
use crate::domain::{AccountId, AdminReport, DayCost, DayUsage, ModelId, Problem};

/// What the requests of one model on one day took, as far as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDay {
    /// What was counted.
    pub usage: DayUsage,
    /// The price of the requests that have one.
    pub cost_nanos: u64,
    /// Requests whose answer did not say what they took.
    pub without_usage: u64,
    /// Requests whose price is not known.
    pub without_price: u64,
}

impl Store {
    /// Keeps a report in place of what was kept of these days before. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn set_admin_report(
        &self,
        account: AccountId,
        days: std::ops::Range<Timestamp>,
        report: AdminReport,
        read_at: Timestamp,
    ) -> Result<(), Problem> {
        self.call(move |db| {
            let mut replace = || {
                let tx = db.transaction()?;
                for table in ["admin_usage", "admin_costs"] {
                    let sql = format!("DELETE FROM {table} WHERE account = ? AND day >= ? AND day < ?");
                    tx.execute(&sql, params![account.0, millis(days.start), millis(days.end)])?;
                }
                let read_at = millis(read_at);
                for row in &report.usage {
                    // reports may split finer than this; the parts add up
                    tx.prepare_cached(
                        "INSERT INTO admin_usage (account, day, model, part, requests, input, cache_read, cache_write, output, read_at)
                         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                         ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, input = input + excluded.input,
                             cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
                             output = output + excluded.output",
                    )?
                    .execute(params![
                        account.0,
                        millis(row.day),
                        row.model.as_ref().map_or("", ModelId::as_str),
                        row.part.as_deref().unwrap_or(""),
                        row.requests.map(int),
                        int(row.input),
                        int(row.cache_read),
                        int(row.cache_write),
                        int(row.output),
                        read_at,
                    ])?;
                }
                for row in &report.costs {
                    tx.prepare_cached(
                        "INSERT INTO admin_costs (account, day, item, part, cost_nanos, read_at) VALUES (?, ?, ?, ?, ?, ?)
                         ON CONFLICT DO UPDATE SET cost_nanos = cost_nanos + excluded.cost_nanos",
                    )?
                    .execute(params![
                        account.0,
                        millis(row.day),
                        row.item,
                        row.part.as_deref().unwrap_or(""),
                        row.cost_nanos.map(int),
                        read_at,
                    ])?;
                }
                tx.commit()
            };
            replace().map_err(failed("store the report"))
        })
    }
}

impl Reader {
    /// What was kept of the reports for an account since then, and when the newest of it was read; `None` if nothing was.
    pub fn admin_report(&self, account: AccountId, since: Timestamp) -> Result<Option<(AdminReport, Timestamp)>, Problem> {
        let doing = "read the reports";
        let newest = "SELECT max(read_at) FROM (SELECT read_at FROM admin_usage WHERE account = ?1 AND day >= ?2
             UNION ALL SELECT read_at FROM admin_costs WHERE account = ?1 AND day >= ?2)";
        let read_at = self.all(doing, newest, params![account.0, millis(since)], |row| row.get::<_, Option<i64>>(0))?;
        let Some(read_at) = read_at.into_iter().flatten().next() else { return Ok(None) };
        let usage = "SELECT day, model, part, requests, input, cache_read, cache_write, output FROM admin_usage
             WHERE account = ? AND day >= ? ORDER BY day, model, part";
        let costs = "SELECT day, item, part, cost_nanos FROM admin_costs WHERE account = ? AND day >= ? ORDER BY day, item, part";
        let report = AdminReport {
            usage: self.all(doing, usage, params![account.0, millis(since)], usage_row)?,
            costs: self.all(doing, costs, params![account.0, millis(since)], |row| {
                Ok(DayCost {
                    day: time(row.get(0)?),
                    item: row.get(1)?,
                    part: filled(row, 2)?,
                    cost_nanos: row.get::<_, Option<i64>>(3)?.map(uint),
                })
            })?,
        };
        Ok(Some((report, time(read_at))))
    }

    /// What the requests of these accounts that arrived in this time took, by UTC day and by the model that answered.
    pub fn recorded_days(&self, accounts: &[AccountId], during: std::ops::Range<Timestamp>) -> Result<Vec<RecordedDay>, Problem> {
        let places = vec!["?"; accounts.len()].join(", ");
        let sql = format!(
            "SELECT arrived_at - arrived_at % 86400000, ifnull(ifnull(model_served, model_asked), ''), '', count(*) FILTER (WHERE outcome = 'ok'),
                 sum(input), sum(cache_read), sum(cache_write), sum(output), sum(ifnull(cost_nanos, 0)),
                 count(*) FILTER (WHERE certainty = 'unknown' AND outcome = 'ok'),
                 count(*) FILTER (WHERE cost_nanos IS NULL AND certainty <> 'unknown')
             FROM requests WHERE arrived_at >= ? AND arrived_at < ? AND account IN ({places}) AND api <> 'models' AND api <> 'count_tokens'
             GROUP BY 1, 2 ORDER BY 1, 2"
        );
        let params = [millis(during.start), millis(during.end)].into_iter().chain(accounts.iter().map(|account| account.0));
        self.all("read the recorded requests", &sql, params_from_iter(params), |row| {
            Ok(RecordedDay {
                usage: usage_row(row)?,
                cost_nanos: uint(row.get(8)?),
                without_usage: uint(row.get(9)?),
                without_price: uint(row.get(10)?),
            })
        })
    }
}

fn usage_row(row: &Row<'_>) -> rusqlite::Result<DayUsage> {
    let number = |column: usize| row.get::<_, i64>(column).map(uint);
    Ok(DayUsage {
        day: time(row.get(0)?),
        model: filled(row, 1)?.map(|name| ModelId::new(&name)),
        part: filled(row, 2)?,
        requests: row.get::<_, Option<i64>>(3)?.map(uint),
        input: number(4)?,
        cache_read: number(5)?,
        cache_write: number(6)?,
        output: number(7)?,
    })
}

/// A text column in which nothing is written as the empty text.
fn filled(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(Some(row.get::<_, String>(column)?).filter(|text| !text.is_empty()))
}
