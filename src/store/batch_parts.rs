//! The parts of a batch that are handed to the provider's batch API: written down before they leave, and found again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};
use serde::Serialize;

use super::batch_rows::{BatchRow, batch_row};
use super::batches::BatchBook;
use super::failure::failed;
use super::row::{int, millis, time, uint, unreadable};
use crate::domain::batch::BatchId;
use crate::domain::{Now, Problem};

/// A part that is about to be submitted.
#[derive(Debug, Clone)]
pub struct NewPart {
    /// Our name for it.
    pub tag: String,
    /// Where its requests go.
    pub endpoint: String,
    /// The model of its requests; empty if it may hold several.
    pub model: String,
    /// Its rows, in order.
    pub rows: Vec<u64>,
    /// Their input tokens, estimated.
    pub tokens: u64,
    /// What they may cost, in nano-dollars.
    pub may_cost_nanos: u64,
}

/// A part that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchPart {
    /// Its number in the batch, from 1.
    pub part: u64,
    /// Our name for it.
    pub tag: String,
    /// Where its requests go.
    pub endpoint: String,
    /// The model of its requests; empty if it may hold several.
    pub model: String,
    /// The provider's name for it; `None` until the provider is known to have it.
    pub remote: Option<String>,
    /// Batches at the provider that looked like it and were not.
    pub not_ours: Vec<String>,
    /// How many rows it has.
    pub rows: u64,
    /// Their input tokens, estimated.
    pub tokens: u64,
    /// What they may cost, in nano-dollars.
    pub may_cost_nanos: u64,
    /// When it was written down, before it was submitted.
    pub at: Timestamp,
}

const COLUMNS: &str = "part, tag, endpoint, model, remote, not_ours, rows, tokens, may_cost_nanos, at";

impl BatchBook {
    /// Writes down that a part is about to be submitted, with its rows.
    pub fn plan_part(&mut self, id: BatchId, new: &NewPart, now: Now) -> Result<BatchPart, Problem> {
        let add = |db: &mut Connection| -> rusqlite::Result<BatchPart> {
            // it reads first: a deferred one would fail at once if another process has written since
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let part: i64 = tx.query_row("SELECT ifnull(max(part), 0) + 1 FROM batch_parts WHERE batch = ?", [id.0], |row| row.get(0))?;
            tx.execute(
                "INSERT INTO batch_parts (batch, part, tag, endpoint, model, rows, tokens, may_cost_nanos, at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    id.0,
                    part,
                    new.tag,
                    new.endpoint,
                    new.model,
                    int(new.rows.len() as u64),
                    int(new.tokens),
                    int(new.may_cost_nanos),
                    millis(now.wall)
                ],
            )?;
            let mut take = tx
                .prepare_cached("UPDATE batch_rows SET state = 1, part = ?, sends = sends + 1 WHERE batch = ? AND row = ? AND state = 0")?;
            for row in &new.rows {
                take.execute(params![part, id.0, int(*row)])?;
            }
            drop(take);
            let part =
                tx.query_row(&format!("SELECT {COLUMNS} FROM batch_parts WHERE batch = ? AND part = ?"), params![id.0, part], from_row)?;
            tx.commit()?;
            Ok(part)
        };
        add(&mut self.db).map_err(failed("store the part"))
    }

    /// The parts that are not over.
    pub fn open_parts(&self, id: BatchId) -> Result<Vec<BatchPart>, Problem> {
        let parts = || -> rusqlite::Result<Vec<BatchPart>> {
            let sql = format!("SELECT {COLUMNS} FROM batch_parts WHERE batch = ? AND state < 2 ORDER BY part");
            self.db.prepare_cached(&sql)?.query_map([id.0], from_row)?.collect()
        };
        parts().map_err(failed("read the batch's parts"))
    }

    /// Every name that a provider gave to a part of any batch.
    pub fn known_remotes(&self) -> Result<BTreeSet<String>, Problem> {
        let names = || -> rusqlite::Result<BTreeSet<String>> {
            let mut find = self.db.prepare_cached("SELECT remote FROM batch_parts WHERE remote IS NOT NULL")?;
            find.query_map([], |row| row.get(0))?.collect()
        };
        names().map_err(failed("read the batches' parts"))
    }

    /// The rows of a part, in order, those that have their answer included.
    pub fn part_rows(&self, id: BatchId, part: u64) -> Result<Vec<BatchRow>, Problem> {
        let rows = || -> rusqlite::Result<Vec<BatchRow>> {
            self.db
                .prepare_cached(
                    "SELECT row, line, offset, length, custom_id, sends FROM batch_rows WHERE batch = ? AND part = ? ORDER BY row",
                )?
                .query_map(params![id.0, int(part)], batch_row)?
                .collect()
        };
        rows().map_err(failed("read the part's rows"))
    }

    /// The provider has it, under this name.
    pub fn part_submitted(&mut self, id: BatchId, part: u64, remote: &str) -> Result<(), Problem> {
        self.db
            .execute("UPDATE batch_parts SET state = 1, remote = ? WHERE batch = ? AND part = ?", params![remote, id.0, int(part)])
            .map(drop)
            .map_err(failed("store the part's name"))
    }

    /// What looked like it at the provider is something else.
    pub fn part_is_not(&mut self, id: BatchId, part: u64, remote: &str) -> Result<(), Problem> {
        self.db
            .execute(
                "UPDATE batch_parts SET state = 0, remote = NULL, not_ours = json_insert(not_ours, '$[#]', ?) WHERE batch = ? AND part = ?",
                params![remote, id.0, int(part)],
            )
            .map(drop)
            .map_err(failed("store the part's name"))
    }

    /// It is over. Rows that have no answer by now are to be sent again: how many those are.
    pub fn part_over(&mut self, id: BatchId, part: u64) -> Result<u64, Problem> {
        self.end_part(id, part, 0)
    }

    /// The provider never had it: its rows are as if they had not been sent.
    pub fn part_withdrawn(&mut self, id: BatchId, part: u64) -> Result<(), Problem> {
        self.end_part(id, part, 1).map(drop)
    }

    fn end_part(&mut self, id: BatchId, part: u64, sends_less: i64) -> Result<u64, Problem> {
        let end = |db: &mut Connection| -> rusqlite::Result<u64> {
            let tx = db.transaction()?;
            tx.execute("UPDATE batch_parts SET state = 2 WHERE batch = ? AND part = ?", params![id.0, int(part)])?;
            let again = tx.execute(
                "UPDATE batch_rows SET state = 0, part = NULL, sends = sends - ? WHERE batch = ? AND part = ? AND state = 1",
                params![sends_less, id.0, int(part)],
            )?;
            tx.commit()?;
            Ok(again as u64)
        };
        end(&mut self.db).map_err(failed("end the part"))
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<BatchPart> {
    let number = |column: &str| row.get::<_, i64>(column).map(uint);
    Ok(BatchPart {
        part: number("part")?,
        tag: row.get("tag")?,
        endpoint: row.get("endpoint")?,
        model: row.get("model")?,
        remote: row.get("remote")?,
        not_ours: serde_json::from_str(row.get_ref("not_ours")?.as_str()?).map_err(unreadable)?,
        rows: number("rows")?,
        tokens: number("tokens")?,
        may_cost_nanos: number("may_cost_nanos")?,
        at: time(row.get("at")?),
    })
}
