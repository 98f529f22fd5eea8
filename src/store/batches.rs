//! Batches as rows: which there are, and what another process asks of the one that runs one.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::data_dir::DataDir;
use super::failure::failed;
use super::modes;
use super::open::BUSY;
use super::reader::Reader;
use super::row::{millis, named, time, uint};
use crate::domain::batch::{BatchId, BatchRecord, BatchState, BatchVia, BatchWish};
use crate::domain::{Now, Problem};

/// A connection for the process that plans, runs or looks at batches. What it writes is on the disk when it returns.
#[derive(Debug)]
pub struct BatchBook {
    pub(super) db: Connection,
}

/// Held by the process that runs a batch; given back on drop, and by the system if the process dies.
#[derive(Debug)]
pub struct BatchClaim {
    _file: File,
    path: PathBuf,
}

/// Others hold a claim for a moment, to see whether anybody runs the batch.
const CLAIM_TRIES: u32 = 5;
const CLAIM_PAUSE: Duration = Duration::from_millis(50);

/// A batch that is about to be planned.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// The file with its rows, as a whole path.
    pub input: PathBuf,
    /// The file for their answers, as a whole path.
    pub output: PathBuf,
    /// The account's label.
    pub account: String,
    /// Which way its rows go.
    pub via: BatchVia,
    /// Whether its answers are written in the order of the rows.
    pub ordered: bool,
    /// How its rows are read.
    pub options: serde_json::Value,
}

/// How long a batch ran stands among its options, because it is for people and nothing is decided by it.
const RAN: &str = "ran_secs";

const COLUMNS: &str = "id, input, output, account, via, ordered, state, reason, rows, answered, failed, resent, cost_nanos, unpriced, \
                       input_tokens, output_tokens, written, output_bytes, created_at, updated_at, options";

impl BatchBook {
    /// Opens the database of a data folder, which a [`Store`](super::Store) has opened at least once.
    pub fn open(dir: &DataDir) -> Result<Self, Problem> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let db = Connection::open_with_flags(dir.database(), flags)?;
            db.busy_timeout(BUSY)?;
            // an intent that is not on the disk is none: the history may lose its last second, this may not
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "foreign_keys", true)?;
            Ok(Self { db })
        };
        open().map_err(failed("open the database for batches"))
    }

    /// Begins a batch, in state `planning`.
    pub fn create(&self, new: &NewBatch, now: Now) -> Result<BatchId, Problem> {
        self.db
            .execute(
                "INSERT INTO batches (input, output, account, via, ordered, options, state, created_at, updated_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    text(&new.input)?,
                    text(&new.output)?,
                    new.account,
                    new.via.name(),
                    new.ordered,
                    new.options.to_string(),
                    BatchState::Planning.name(),
                    millis(now.wall),
                    millis(now.wall)
                ],
            )
            .map_err(failed("store the batch"))?;
        Ok(BatchId(self.db.last_insert_rowid()))
    }

    /// Forgets a batch and its rows.
    pub fn remove(&self, id: BatchId) -> Result<(), Problem> {
        self.db.execute("DELETE FROM batches WHERE id = ?", [id.0]).map(drop).map_err(failed("forget the batch"))
    }

    /// One batch.
    ///
    /// # Errors
    /// There is none of this number.
    pub fn batch(&self, id: BatchId) -> Result<BatchRecord, Problem> {
        self.db
            .query_row(&format!("SELECT {COLUMNS} FROM batches WHERE id = ?"), [id.0], from_row)
            .optional()
            .map_err(failed("read the batch"))?
            .ok_or_else(|| Problem::new(format!("there is no batch {}", id.0)).hint("see `tierline batch list`"))
    }

    /// The newest batch of this input that is not over, in whichever state.
    pub fn unfinished(&self, input: &Path) -> Result<Option<BatchRecord>, Problem> {
        let sql = format!(
            "SELECT {COLUMNS} FROM batches WHERE input = ? AND state IN ('planning', 'running', 'paused') ORDER BY id DESC LIMIT 1"
        );
        self.db.query_row(&sql, [text(input)?], from_row).optional().map_err(failed("read the batches"))
    }

    /// How a batch's rows are read.
    pub fn options(&self, id: BatchId) -> Result<serde_json::Value, Problem> {
        let text: String = self
            .db
            .query_row("SELECT options FROM batches WHERE id = ?", [id.0], |row| row.get(0))
            .map_err(failed("read the batch's options"))?;
        serde_json::from_str(&text).map_err(|error| Problem::new(format!("the options of batch {} are unreadable", id.0)).because(error))
    }

    /// The file was read: this many rows can be sent.
    pub fn planned(&self, id: BatchId, rows: u64, options: &serde_json::Value, now: Now) -> Result<(), Problem> {
        self.db
            .execute(
                "UPDATE batches SET rows = ?, options = ?, state = 'running', updated_at = ? WHERE id = ?",
                params![super::row::int(rows), options.to_string(), millis(now.wall), id.0],
            )
            .map(drop)
            .map_err(failed("store the plan"))
    }

    /// Moves a batch on in its life. A wish that waited is answered by that.
    pub fn set_state(&self, id: BatchId, state: BatchState, reason: Option<&str>, now: Now) -> Result<(), Problem> {
        self.db
            .execute(
                "UPDATE batches SET state = ?, reason = ?, wanted = NULL, updated_at = ? WHERE id = ?",
                params![state.name(), reason, millis(now.wall), id.0],
            )
            .map(drop)
            .map_err(failed("store the batch's state"))
    }

    /// It ran for so many seconds more.
    pub fn ran(&self, id: BatchId, secs: u64) -> Result<(), Problem> {
        let path = format!("$.{RAN}");
        self.db
            .execute(
                "UPDATE batches SET options = json_set(options, ?, coalesce(json_extract(options, ?), 0) + ?) WHERE id = ?",
                params![path, path, super::row::int(secs), id.0],
            )
            .map(drop)
            .map_err(failed("store how long the batch ran"))
    }

    /// Asks something of the process that runs a batch.
    pub fn wish(&self, id: BatchId, wish: BatchWish) -> Result<(), Problem> {
        self.db.execute("UPDATE batches SET wanted = ? WHERE id = ?", params![wish.name(), id.0]).map(drop).map_err(failed("ask for it"))
    }

    /// What is asked of the process that runs a batch.
    pub fn wished(&self, id: BatchId) -> Result<Option<BatchWish>, Problem> {
        let asked = || {
            let mut find = self.db.prepare_cached("SELECT wanted FROM batches WHERE id = ?")?;
            find.query_row([id.0], |row| row.get_ref(0)?.as_str_or_null()?.map(named).transpose())
        };
        asked().map_err(failed("read what is asked of the batch"))
    }
}

impl Reader {
    /// Every batch, newest first.
    pub fn batches(&self) -> Result<Vec<BatchRecord>, Problem> {
        self.all("read the batches", &format!("SELECT {COLUMNS} FROM batches ORDER BY id DESC"), [], from_row)
    }
}

impl DataDir {
    /// Claims a batch for a process that runs or changes it; `None` if another process has it.
    pub fn claim_batch(&self, id: BatchId) -> Result<Option<BatchClaim>, Problem> {
        let path = self.path().join(format!("batch-{}.lock", id.0));
        let unusable = |error| Problem::new(format!("{} cannot be used", path.display())).because(error);
        let file = modes::open_private_file(&path).map_err(unusable)?;
        for _ in 0..CLAIM_TRIES {
            match file.try_lock() {
                Ok(()) => {
                    // for who looks on; nothing is decided by it
                    let _ = file.set_len(0).and_then(|()| writeln!(&file, "{}", std::process::id()));
                    return Ok(Some(BatchClaim { _file: file, path }));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(CLAIM_PAUSE),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Ok(None)
    }
}

/// Who holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHolder {
    /// The process's number; `None` where a locked file cannot be read.
    pub process: Option<u32>,
    /// When it took the claim.
    pub since: Option<Timestamp>,
}

impl DataDir {
    /// Who runs or changes a batch now, if anybody does. Does not wait, and makes no file.
    #[must_use]
    pub fn batch_holder(&self, id: BatchId) -> Option<BatchHolder> {
        let mut file = File::open(self.path().join(format!("batch-{}.lock", id.0))).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else { return None };
        let mut text = String::new();
        let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
        let since = file.metadata().and_then(|found| found.modified()).ok().and_then(|at| Timestamp::try_from(at).ok());
        Some(BatchHolder { process, since })
    }
}

impl BatchClaim {
    /// Gives it back for good: the batch is over, and nobody will claim it again. The file of a batch that is not over must
    /// stay, or two processes could hold claims on two files of its name.
    pub fn retire(self) {
        // one that stays behind does no harm
        let _ = fs::remove_file(&self.path);
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<BatchRecord> {
    let number = |column: &str| row.get::<_, i64>(column).map(uint);
    let path = |column: &str| row.get::<_, String>(column).map(PathBuf::from);
    let options: serde_json::Value = serde_json::from_str(row.get_ref("options")?.as_str()?).unwrap_or_default();
    Ok(BatchRecord {
        id: BatchId(row.get("id")?),
        input: path("input")?,
        output: path("output")?,
        account: row.get("account")?,
        via: named(row.get_ref("via")?.as_str()?)?,
        ordered: row.get("ordered")?,
        state: named(row.get_ref("state")?.as_str()?)?,
        reason: row.get("reason")?,
        rows: number("rows")?,
        answered: number("answered")?,
        failed: number("failed")?,
        resent: number("resent")?,
        cost_nanos: number("cost_nanos")?,
        unpriced: number("unpriced")?,
        input_tokens: number("input_tokens")?,
        output_tokens: number("output_tokens")?,
        written: number("written")?,
        output_bytes: number("output_bytes")?,
        estimate: options.get("estimate").and_then(|estimate| serde_json::from_value(estimate.clone()).ok()),
        ran_secs: options.get(RAN).and_then(serde_json::Value::as_u64).unwrap_or(0),
        created_at: time(row.get("created_at")?),
        updated_at: time(row.get("updated_at")?),
    })
}

fn text(path: &Path) -> Result<&str, Problem> {
    path.to_str().ok_or_else(|| Problem::new(format!("the path {} is not Unicode", path.display())).hint("give the file another name"))
}
