//! A read-only connection: cheap to open, to be kept by whoever asks often.

use rusqlite::{Connection, OpenFlags, Params, Row};

use super::data_dir::DataDir;
use super::failure::failed;
use super::open::BUSY;
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
