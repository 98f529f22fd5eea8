//! The recorded traffic in the order in which it came, with its refusals, to be played again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::failure::failed;
use super::reader::Reader;
use super::requests::from_row;
use super::row::{millis, time, uint};
use crate::domain::{Problem, RequestRecord};

/// A recorded request, and when the provider refused attempts of it for a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The request.
    pub record: RequestRecord,
    /// When attempts were refused.
    pub refused_at: Vec<Timestamp>,
}

/// The newest requests are enough to learn from, and fit in memory.
const MOST: u32 = 200_000;

impl Reader {
    /// What arrived since then, named a model and left for a provider, in order; the newest 200,000 requests at most.
    pub fn recorded_traffic(&self, since: Timestamp) -> Result<Vec<RecordedRequest>, Problem> {
        let read = || -> rusqlite::Result<Vec<RecordedRequest>> {
            let mut refusals: BTreeMap<u64, Vec<Timestamp>> = BTreeMap::new();
            let mut find =
                self.db.prepare_cached("SELECT request, at FROM refusals WHERE at >= ? AND kind IN ('wait', 'never') ORDER BY at")?;
            let mut found = find.query([millis(since)])?;
            while let Some(row) = found.next()? {
                refusals.entry(uint(row.get(0)?)).or_default().push(time(row.get(1)?));
            }
            let mut find = self.db.prepare_cached(
                "SELECT * FROM requests WHERE arrived_at >= ? AND attempts > 0 AND model_asked IS NOT NULL
                     ORDER BY arrived_at DESC LIMIT ?",
            )?;
            let records = find.query_map(params![millis(since), MOST], from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let with_refusals = records.into_iter().rev().map(|record| {
                let refused_at = refusals.remove(&record.id.0).unwrap_or_default();
                RecordedRequest { record, refused_at }
            });
            Ok(with_refusals.collect())
        };
        read().map_err(failed("read the recorded traffic"))
    }
}
