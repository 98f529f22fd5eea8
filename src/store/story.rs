//! The whole story of one request: what the heads of its answers said about limits, and the attempts that were refused.

use std::time::Duration;

use rusqlite::{Row, params};

use super::reader::Reader;
use super::row::{int, millis, named, time, uint, unreadable};
use crate::domain::query::{Story, StoryQuery};
use crate::domain::{
    AccountId, ClientName, Dimension, Identity, ModelClass, ModelId, Oddity, Period, Pool, Problem, Reading, RefusalRecord, RequestId,
    Snapshot, Verdict,
};

/// Clocks are read at several places of a request's way: its rows may lie this far outside of it, in milliseconds.
const SLACK: i64 = 1_000;

impl Reader {
    /// What is stored of a request beside its own row. The times bound the search: neither table is indexed by request.
    pub fn story(&self, query: &StoryQuery) -> Result<Story, Problem> {
        let (from, to) = (millis(query.from).saturating_sub(SLACK), query.to.map_or(i64::MAX, |to| millis(to).saturating_add(SLACK)));
        let bounds = params![from, to, int(query.id.0)];
        let snapshots = "SELECT * FROM snapshots WHERE at BETWEEN ? AND ? AND request = ? ORDER BY at, id";
        let refusals = "SELECT * FROM refusals WHERE at BETWEEN ? AND ? AND request = ? ORDER BY attempt, id";
        Ok(Story {
            snapshots: self.all("read the headers of a request", snapshots, bounds, snapshot)?,
            refusals: self.all("read the refusals of a request", refusals, bounds, refusal)?,
        })
    }
}

fn snapshot(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    let readings: Vec<CompactReading> = serde_json::from_str(row.get_ref("readings")?.as_str()?).map_err(unreadable)?;
    let oddities = row.get_ref("oddities")?.as_str_or_null()?.map(serde_json::from_str::<Vec<(String, String)>>).transpose();
    Ok(Snapshot {
        at: time(row.get("at")?),
        status: row.get("status")?,
        readings: readings.into_iter().filter_map(reading).collect(),
        retry_after: wait(row)?,
        identity: Identity { organization: row.get("organization")?, project: row.get("project")?, workspace: row.get("workspace")? },
        request_id: row.get("upstream_request_id")?,
        oddities: oddities.map_err(unreadable)?.unwrap_or_default().into_iter().map(|(header, what)| Oddity { header, what }).collect(),
    })
}

/// A reading as `batch` writes it: dimension, period, pool, limit, remaining, full at, grain.
type CompactReading = (String, Option<u32>, Pool, Option<u64>, Option<u64>, Option<i64>, u64);

/// `None` for a dimension of a newer version.
fn reading((dimension, period, pool, limit, remaining, full_at, grain): CompactReading) -> Option<Reading> {
    let dimension = Dimension::from_name(&dimension)?;
    Some(Reading { dimension, period: period.map(Period::secs), pool, limit, remaining, full_at: full_at.map(time), grain })
}

fn refusal(row: &Row<'_>) -> rusqlite::Result<RefusalRecord> {
    let maybe = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(uint));
    Ok(RefusalRecord {
        at: time(row.get("at")?),
        request: RequestId(uint(row.get("request")?)),
        attempt: row.get("attempt")?,
        account: AccountId(row.get("account")?),
        account_label: row.get("account_label")?,
        client: ClientName::new(row.get_ref("client")?.as_str()?),
        class: ModelClass::new(row.get_ref("class")?.as_str()?),
        model: row.get_ref("model")?.as_str_or_null()?.map(ModelId::new),
        status: row.get("status")?,
        verdict: Verdict {
            kind: named(row.get_ref("kind")?.as_str()?)?,
            dimension: row.get_ref("dimension")?.as_str_or_null()?.and_then(Dimension::from_name),
            period: row.get::<_, Option<u32>>("period_secs")?.map(Period::secs),
            limit: maybe("capacity")?,
            used: maybe("used")?,
            requested: maybe("requested")?,
            retry_after: wait(row)?,
            scope: row.get_ref("scope")?.as_str_or_null()?.map(named).transpose()?,
            whose: named(row.get_ref("whose")?.as_str()?)?,
            reason: row.get("reason")?,
            advice: row.get("advice")?,
        },
        ledger: serde_json::from_str(row.get_ref("ledger")?.as_str()?).map_err(unreadable)?,
    })
}

fn wait(row: &Row<'_>) -> rusqlite::Result<Option<Duration>> {
    Ok(row.get::<_, Option<i64>>("retry_after_millis")?.map(uint).map(Duration::from_millis))
}
