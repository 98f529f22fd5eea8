//! A read-only connection: cheap to open, to be kept by whoever asks often.

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Params, Row};

use super::data_dir::DataDir;
use super::failure::failed;
use super::migrate::{MigrateError, version};
use super::open::BUSY;
use super::row::{time, uint};
use crate::domain::Problem;

/// Reads the history while it is being written, also from another process. What it can answer is in the files of the tables.
#[derive(Debug)]
pub struct Reader {
    pub(super) db: Connection,
}

impl Reader {
    /// Opens the database of a data folder, which a [`Store`](super::Store) has opened at least once.
    pub fn open(dir: &DataDir) -> Result<Self, Problem> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let db = Connection::open_with_flags(dir.database(), flags)?;
            db.busy_timeout(BUSY)?;
            db.set_prepared_statement_cache_capacity(32);
            Ok(Self { db })
        };
        open().map_err(failed("open the database for reading"))
    }

    /// How many requests are in the database, if it is whole and of a version that is known here.
    ///
    /// # Errors
    /// It is damaged, or newer than this Tierline.
    pub fn health(&self) -> Result<u64, Problem> {
        let look = || {
            let newer = matches!(version(&self.db), Err(MigrateError::Newer(..)));
            let verdict: String = self.db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            let requests = self.db.query_row("SELECT count(*) FROM requests", [], |row| row.get(0).map(uint))?;
            Ok((newer, verdict, requests))
        };
        let (newer, verdict, requests) = look().map_err(failed("check the database"))?;
        if verdict != "ok" {
            return Err(Problem::new("the database is damaged").because(verdict).hint("start Tierline again: it moves it aside"));
        }
        if newer {
            return Err(Problem::new("a newer Tierline wrote the database").hint("use the newer one"));
        }
        Ok(requests)
    }

    /// When the latest request arrived, if there is one.
    pub fn last_arrival(&self) -> Result<Option<Timestamp>, Problem> {
        let look = || self.db.query_row("SELECT max(arrived_at) FROM requests", [], |row| row.get::<_, Option<i64>>(0));
        Ok(look().map_err(failed("read the requests"))?.map(time))
    }

    /// Every row that a statement finds.
    pub(super) fn all<T>(
        &self,
        doing: &str,
        sql: &str,
        params: impl Params,
        from_row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Problem> {
        let all = || self.db.prepare_cached(sql)?.query_map(params, from_row)?.collect::<Result<_, _>>();
        all().map_err(failed(doing))
    }
}
