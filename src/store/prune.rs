//! Retention: forgets old rows in small steps, between which the writer goes on with its work.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::failed;
use super::rollup::Grain;
use super::row::{millis, uint};
use super::writer::Store;
use crate::domain::Problem;

/// How many rows one step deletes: a few milliseconds of the writer's time.
const STEP: u32 = 1_000;

/// The setting that says from when on there are sums per minute. Charts that begin earlier are drawn from hours.
const HORIZON: &str = "store.minutes_from";

/// The tables that forget by time, with the column that has it.
const TABLES: [(&str, &str); 3] = [("requests", "arrived_at"), ("snapshots", "at"), ("refusals", "at")];

impl Store {
    /// Deletes requests, snapshots, refusals and sums per minute from before `older_than`, and returns how many rows that
    /// were. Sums per hour and day, models in use and limit changes are small, and stay. Blocks until done.
    pub fn prune(&self, older_than: Timestamp) -> Result<u64, Problem> {
        let before = Grain::Day.start(millis(older_than));
        self.call(move |db| {
            db.execute(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
                params![HORIZON, before.to_string()],
            )
            .map_err(failed("prune the history"))
        })?;
        let mut deleted = 0;
        for (table, column) in TABLES {
            let sql =
                format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < ?1 ORDER BY {column} LIMIT {STEP})");
            deleted += self.in_steps(move |db| db.prepare_cached(&sql)?.execute([before]))?;
        }
        // its key begins with account and class: one range for each pair, the pairs from the small table
        let pairs = self.call(|db| pairs(db).map_err(failed("prune the history")))?;
        for (account, class) in pairs {
            deleted += self.in_steps(move |db| {
                db.prepare_cached(&format!(
                    "DELETE FROM rollup_minute WHERE account = ?1 AND class = ?2 AND start IN
                     (SELECT start FROM rollup_minute WHERE account = ?1 AND class = ?2 AND start < ?3 ORDER BY start LIMIT {STEP})"
                ))?
                .execute(params![account, class, before])
            })?;
        }
        deleted += self.in_steps(move |db| {
            db.prepare_cached(&format!(
                "DELETE FROM part_minute WHERE (start, account, class, client, model) IN
                 (SELECT start, account, class, client, model FROM part_minute WHERE start < ?1 ORDER BY start LIMIT {STEP})"
            ))?
            .execute([before])
        })?;
        Ok(deleted)
    }

    /// Repeats a step on the writer until it finds nothing more.
    fn in_steps(&self, step: impl Fn(&Connection) -> rusqlite::Result<usize> + Clone + Send + 'static) -> Result<u64, Problem> {
        let mut all = 0;
        loop {
            let step = step.clone();
            match self.call(move |db| step(db).map_err(failed("prune the history")))? {
                0 => return Ok(all),
                some => all += some as u64,
            }
        }
    }
}

/// From when on there are minutes; 0 if none was ever pruned.
pub(super) fn minutes_from(db: &Connection) -> rusqlite::Result<u64> {
    let stored = db.query_row("SELECT CAST(value AS INTEGER) FROM settings WHERE key = ?", [HORIZON], |row| row.get(0)).optional()?;
    Ok(stored.map_or(0, uint))
}

fn pairs(db: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    db.prepare("SELECT DISTINCT account, class FROM rollup_day")?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
