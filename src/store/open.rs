//! Opens the database for writing, and moves a corrupt one aside instead of giving up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::data_dir::{DataDir, with_suffix};
use super::failure::{failed, is_corrupt};
use super::migrate::{MigrateError, migrate, version};
use super::modes;
use crate::domain::{Notice, Problem, Severity};

/// How long a statement waits for another process that writes.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// A database up to this size is checked page by page at every start; a larger one would make the start slow, and shows
/// its damage when a damaged page is met.
const CHECKED_BYTES: u64 = 32 << 20;

/// The connection of the writer, and what the user should know about how it was got.
pub(super) fn open(dir: &DataDir, now: Timestamp) -> Result<(Connection, Vec<Notice>), Problem> {
    let mut notices = Vec::new();
    if let Some(text) = dir.tightened() {
        notices.push(notice(now, Severity::Info, text.to_owned(), None));
    }
    let path = dir.database();
    let db = match try_open(&path) {
        Err(MigrateError::Sqlite(error)) if is_corrupt(&error) => {
            if !dir.is_ours_alone() {
                return Err(failed("open the database")(error).hint("stop the Tierline that serves from this folder, then start it again"));
            }
            let aside = move_aside(&path, now)
                .map_err(|e| Problem::new(format!("the database {} is corrupt and could not be moved aside", path.display())).because(e))?;
            let hint = format!("the old one is kept as {}; accounts have to be added again", aside.display());
            notices.push(notice(now, Severity::Error, format!("the database was corrupt ({error}); a new one was started"), Some(hint)));
            try_open(&path)
        }
        other => other,
    };
    let db = db.map_err(|error| match error {
        MigrateError::Newer(found, known) => {
            Problem::new(format!("the database {} has version {found}, this Tierline knows versions up to {known}", path.display()))
                .hint("use the newer Tierline, or name another folder with --data-dir; nothing was changed")
        }
        MigrateError::Sqlite(error) => failed("open the database")(error),
    })?;
    Ok((db, notices))
}

fn try_open(path: &Path) -> Result<Connection, MigrateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    // until the version is known to be ours, closing must not even move the log into the database
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    version(&db)?;
    if fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_BYTES) {
        check(&db)?;
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // after a burst the log shrinks to this again
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut db)?;
    Ok(db)
}

fn check(db: &Connection) -> Result<(), rusqlite::Error> {
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(verdict)))
}

/// Renames the database and its log to `tierline.corrupt-<UTC time>.db`, and makes an empty private file in its place.
fn move_aside(path: &Path, now: Timestamp) -> std::io::Result<PathBuf> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let aside = (1..u32::MAX)
        .map(|n| {
            path.with_file_name(if n == 1 { format!("tierline.corrupt-{stamp}.db") } else { format!("tierline.corrupt-{stamp}-{n}.db") })
        })
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| with_suffix(path, ".corrupt"));
    fs::rename(path, &aside)?;
    for companion in ["-wal", "-shm"] {
        let from = with_suffix(path, companion);
        if from.exists() {
            fs::rename(from, with_suffix(&aside, companion))?;
        }
    }
    modes::open_private_file(path)?;
    Ok(aside)
}

fn notice(at: Timestamp, severity: Severity, text: String, hint: Option<String>) -> Notice {
    Notice { key: "store".into(), at, severity, text, hint }
}
