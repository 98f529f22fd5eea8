//! The rows of a batch: planned, sent, answered, and their lines on the way to the output.

use rusqlite::{Connection, Row, params};

use super::batches::BatchBook;
use super::failure::failed;
use super::row::{int, millis, uint, unreadable};
use crate::domain::batch::BatchId;
use crate::domain::{Now, Problem, RequestRecord};

/// A row's place in the input, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// Its number in the batch, from 0.
    pub row: u64,
    /// The line of the input on which it begins, from 1.
    pub line: u64,
    /// The byte of the input at which it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// The name that its answer carries.
    pub custom_id: String,
    /// How often it was sent.
    pub sends: u64,
}

/// A step of one row.
#[derive(Debug, Clone)]
pub enum BatchStep {
    /// It is about to be sent.
    Sent {
        /// Which.
        row: u64,
    },
    /// It was not answered and is to be sent again.
    Back {
        /// Which.
        row: u64,
    },
    /// It has its answer.
    Ended(BatchEnd),
}

/// A row's answer, and what it took.
#[derive(Debug, Clone)]
pub struct BatchEnd {
    /// Which row.
    pub row: u64,
    /// Whether it was answered well.
    pub well: bool,
    /// Its line in the output, without a line break.
    pub line: String,
    /// What it cost; `None` if that is unknown.
    pub cost_nanos: Option<u64>,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What the history is to hold of it, without a number; `None` if it went through the gateway, which records its requests.
    pub record: Option<Box<RequestRecord>>,
}

impl BatchBook {
    /// Adds planned rows.
    pub fn plan(&mut self, id: BatchId, rows: &[BatchRow]) -> Result<(), Problem> {
        let add = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            let mut insert =
                tx.prepare_cached("INSERT INTO batch_rows (batch, row, line, offset, length, custom_id) VALUES (?, ?, ?, ?, ?, ?)")?;
            for row in rows {
                insert.execute(params![id.0, int(row.row), int(row.line), int(row.offset), int(row.length), row.custom_id])?;
            }
            drop(insert);
            tx.commit()
        };
        add(&mut self.db).map_err(failed("store the plan"))
    }

    /// The next rows after `after` that are to be sent, in order.
    pub fn open_rows(&self, id: BatchId, after: Option<u64>, limit: u32) -> Result<Vec<BatchRow>, Problem> {
        let rows = || -> rusqlite::Result<Vec<BatchRow>> {
            self.db
                .prepare_cached(
                    "SELECT row, line, offset, length, custom_id, sends FROM batch_rows
                     WHERE batch = ? AND state = 0 AND row > ? ORDER BY row LIMIT ?",
                )?
                .query_map(params![id.0, after.map_or(-1, int), limit], batch_row)?
                .collect()
        };
        rows().map_err(failed("read the batch's rows"))
    }

    /// How many bytes of the input the rows have that have no answer.
    pub fn bytes_left(&self, id: BatchId) -> Result<u64, Problem> {
        self.db
            .query_row("SELECT ifnull(sum(length), 0) FROM batch_rows WHERE batch = ? AND state < 2", [id.0], |row| row.get(0).map(uint))
            .map_err(failed("read the batch's rows"))
    }

    /// Rows that were sent one by one and have no answer.
    pub fn in_flight(&self, id: BatchId) -> Result<Vec<BatchRow>, Problem> {
        let rows = || -> rusqlite::Result<Vec<BatchRow>> {
            self.db
                .prepare_cached(
                    "SELECT row, line, offset, length, custom_id, sends FROM batch_rows
                     WHERE batch = ? AND state = 1 AND part IS NULL ORDER BY row",
                )?
                .query_map([id.0], batch_row)?
                .collect()
        };
        rows().map_err(failed("read the rows in flight"))
    }

    /// Rows that were being sent when the process ended: they are to be sent again, and are told. Those in parts that are
    /// with the provider, or may be, stay where they are.
    pub fn recover(&mut self, id: BatchId) -> Result<Vec<BatchRow>, Problem> {
        let in_flight = self.in_flight(id)?;
        let reset = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            let reset = tx.execute("UPDATE batch_rows SET state = 0 WHERE batch = ? AND state = 1 AND part IS NULL", [id.0])?;
            tx.execute("UPDATE batches SET resent = resent + ? WHERE id = ?", params![int(reset as u64), id.0])?;
            tx.commit()
        };
        reset(&mut self.db).map_err(failed("read the rows in flight"))?;
        Ok(in_flight)
    }

    /// Takes all of these steps, or none; they are on the disk when it returns.
    pub fn take(&mut self, id: BatchId, steps: &[BatchStep], now: Now) -> Result<(), Problem> {
        let steps_taken = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            for step in steps {
                match step {
                    BatchStep::Sent { row } => step_to(&tx, id, *row, 1, 1)?,
                    BatchStep::Back { row } => step_to(&tx, id, *row, 0, 0)?,
                    BatchStep::Ended(end) => ended(&tx, id, end)?,
                }
            }
            tx.prepare_cached("UPDATE batches SET updated_at = ? WHERE id = ?")?.execute(params![millis(now.wall), id.0])?;
            tx.commit()
        };
        steps_taken(&mut self.db).map_err(failed("write the batch's journal"))
    }

    /// The lines that can go to the output now: from row `from` on, without a gap, about this many bytes. With `gaps`
    /// whatever there is.
    pub fn lines(&self, id: BatchId, from: u64, most_bytes: usize, gaps: bool) -> Result<Vec<(u64, String)>, Problem> {
        let lines = || -> rusqlite::Result<Vec<(u64, String)>> {
            let mut find = self.db.prepare_cached("SELECT row, line FROM batch_lines WHERE batch = ? AND row >= ? ORDER BY row")?;
            let mut found = find.query(params![id.0, int(from)])?;
            let (mut lines, mut bytes, mut next) = (Vec::new(), 0, from);
            while let Some(row) = found.next()? {
                let number = uint(row.get(0)?);
                if bytes >= most_bytes || (!gaps && number != next) {
                    break;
                }
                let line: String = row.get(1)?;
                bytes += line.len();
                next = number + 1;
                lines.push((number, line));
            }
            Ok(lines)
        };
        lines().map_err(failed("read the batch's answers"))
    }

    /// The lines from place `from` on in the order in which they came, about this many bytes, each with its place.
    pub fn lines_that_came(&self, id: BatchId, from: u64, most_bytes: usize) -> Result<Vec<(u64, String)>, Problem> {
        let lines = || -> rusqlite::Result<Vec<(u64, String)>> {
            let mut find = self.db.prepare_cached("SELECT rowid, line FROM batch_lines WHERE batch = ? AND rowid >= ? ORDER BY rowid")?;
            let mut found = find.query(params![id.0, int(from)])?;
            let (mut lines, mut bytes) = (Vec::new(), 0);
            while let Some(row) = found.next()?.filter(|_| bytes < most_bytes) {
                let line: String = row.get(1)?;
                bytes += line.len();
                lines.push((uint(row.get(0)?), line));
            }
            Ok(lines)
        };
        lines().map_err(failed("read the batch's answers"))
    }

    /// So many lines are safely in the output, which is this long: all that came before place `before` among them.
    pub fn wrote_that_came(&mut self, id: BatchId, written: u64, before: u64, output_bytes: u64) -> Result<(), Problem> {
        let note = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            tx.execute("UPDATE batches SET written = ?, output_bytes = ? WHERE id = ?", params![int(written), int(output_bytes), id.0])?;
            tx.execute("DELETE FROM batch_lines WHERE batch = ? AND rowid < ?", params![id.0, int(before)])?;
            tx.commit()
        };
        note(&mut self.db).map_err(failed("write the batch's journal"))
    }

    /// Everything before row `written` is safely in the output, which is this long.
    pub fn wrote(&mut self, id: BatchId, written: u64, output_bytes: u64) -> Result<(), Problem> {
        let note = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            tx.execute("UPDATE batches SET written = ?, output_bytes = ? WHERE id = ?", params![int(written), int(output_bytes), id.0])?;
            tx.execute("DELETE FROM batch_lines WHERE batch = ? AND row < ?", params![id.0, int(written)])?;
            tx.commit()
        };
        note(&mut self.db).map_err(failed("write the batch's journal"))
    }
}

/// `row, line, offset, length, custom_id, sends`.
pub(super) fn batch_row(row: &Row<'_>) -> rusqlite::Result<BatchRow> {
    let number = |column| row.get::<_, i64>(column).map(uint);
    Ok(BatchRow { row: number(0)?, line: number(1)?, offset: number(2)?, length: number(3)?, custom_id: row.get(4)?, sends: number(5)? })
}

fn step_to(db: &Connection, id: BatchId, row: u64, state: i64, sends: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE batch_rows SET state = ?, sends = sends + ?, part = NULL WHERE batch = ? AND row = ? AND state < 2")?
        .execute(params![state, sends, id.0, int(row)])
        .map(drop)
}

fn ended(db: &Connection, id: BatchId, end: &BatchEnd) -> rusqlite::Result<()> {
    let state = if end.well { 2 } else { 3 };
    let first = db.prepare_cached("UPDATE batch_rows SET state = ? WHERE batch = ? AND row = ? AND state < 2")?.execute(params![
        state,
        id.0,
        int(end.row)
    ])?;
    // a row that has its answer keeps it
    if first == 0 {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO batch_lines (batch, row, line) VALUES (?, ?, ?)")?.execute(params![id.0, int(end.row), end.line])?;
    if let Some(record) = &end.record {
        let record = serde_json::to_string(record).map_err(unreadable)?;
        db.prepare_cached("INSERT INTO batch_answers (record) VALUES (?)")?.execute([record])?;
    }
    db.prepare_cached(
        "UPDATE batches SET answered = answered + ?, failed = failed + ?, cost_nanos = cost_nanos + ?, unpriced = unpriced + ?,
             input_tokens = input_tokens + ?, output_tokens = output_tokens + ? WHERE id = ?",
    )?
    .execute(params![
        i64::from(end.well),
        i64::from(!end.well),
        int(end.cost_nanos.unwrap_or(0)),
        i64::from(end.well && end.cost_nanos.is_none()),
        int(end.input_tokens),
        int(end.output_tokens),
        id.0
    ])
    .map(drop)
}
