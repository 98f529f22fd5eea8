//! Rows that a provider's batch API answered, on their way into the history: each becomes one request, once.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use super::failure::failed;
use super::rollup::Rollups;
use super::transaction::finished;
use super::writer::Store;
use crate::domain::{Problem, RequestId, RequestRecord};

/// The most that one transaction takes.
const MOST: u32 = 500;

impl Store {
    /// Moves answered rows into the history, each as a request with its `next` number: some hundreds of them, none if none wait.
    /// Blocks until they are written.
    ///
    /// # Errors
    /// The database did not take them in time. They wait on.
    pub fn take_batch_answers(&self, next: impl Fn() -> RequestId + Send + 'static) -> Result<Vec<Arc<RequestRecord>>, Problem> {
        self.call(move |db| take(db, next).map_err(failed("record the batch's answers")))
    }
}

fn take(db: &mut Connection, next: impl Fn() -> RequestId) -> rusqlite::Result<Vec<Arc<RequestRecord>>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let waiting: Vec<(i64, String)> = tx
        .prepare_cached("SELECT place, record FROM batch_answers ORDER BY place LIMIT ?")?
        .query_map([MOST], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut rollups = Rollups::default();
    let mut taken = Vec::with_capacity(waiting.len());
    for (place, text) in waiting {
        match serde_json::from_str::<RequestRecord>(&text) {
            Ok(record) => {
                let record = RequestRecord { id: next(), ..record };
                finished(&tx, &record, &mut rollups)?;
                taken.push(Arc::new(record));
            }
            Err(error) => tracing::warn!(%error, "an answer of a batch cannot be read and is not in the history"),
        }
        tx.prepare_cached("DELETE FROM batch_answers WHERE place = ?")?.execute([place])?;
    }
    rollups.store(&tx)?;
    tx.commit()?;
    Ok(taken)
}
