//! Finished requests as rows: in, out, and a page at a time.

use rusqlite::{Connection, Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::row::{int, millis, named, time, uint};
use crate::domain::query::{Requests, RequestsQuery};
use crate::domain::{AccountId, ClientName, ModelClass, ModelId, Problem, RequestId, RequestRecord, Usage, VerdictKind};

/// Adds a request. `false` if its number is there already; then nothing changed.
pub(super) fn insert(db: &Connection, r: &RequestRecord) -> rusqlite::Result<bool> {
    let u = &r.usage;
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO requests (id, arrived_at, finished_at, account, account_label, provider, client, lane, api,
                 model_asked, model_served, class, status, outcome, wait_millis, first_byte_millis, attempts,
                 input, cache_read, cache_write, cache_write_long, tool_input, output, reasoning, images, certainty, service_tier,
                 counted_input, counted_output, cost_nanos, reserved_input, reserved_output, bound_by, verdict,
                 upstream_request_id, request_bytes, response_bytes)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            int(r.id.0),
            millis(r.arrived_at),
            millis(r.finished_at),
            r.account.0,
            r.account_label,
            r.provider.name(),
            r.client.as_str(),
            r.lane.name(),
            r.api.name(),
            r.model_asked.as_ref().map(ModelId::as_str),
            u.model.as_ref().map(ModelId::as_str),
            r.class.as_str(),
            r.status,
            r.outcome.name(),
            int(r.wait_millis),
            r.first_byte_millis.map(int),
            r.attempts,
            int(u.input),
            int(u.cache_read),
            int(u.cache_write),
            int(u.cache_write_long),
            int(u.tool_input),
            int(u.output),
            int(u.reasoning),
            int(u.images),
            u.certainty.name(),
            u.service_tier,
            int(r.counted_input),
            int(r.counted_output),
            r.cost_nanos.map(int),
            int(r.reserved_input),
            int(r.reserved_output),
            r.bound_by,
            r.verdict.map(VerdictKind::name),
            r.upstream_request_id,
            int(r.request_bytes),
            int(r.response_bytes),
        ])?;
    Ok(added > 0)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    let text = |column: &str| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let model = |column: &str| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null()?.map(ModelId::new));
    let number = |column: &str| row.get::<_, i64>(column).map(uint);
    let maybe = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(uint));
    let at = |column: &str| row.get::<_, i64>(column).map(time);
    Ok(RequestRecord {
        id: RequestId(number("id")?),
        arrived_at: at("arrived_at")?,
        finished_at: at("finished_at")?,
        account: AccountId(row.get("account")?),
        account_label: row.get("account_label")?,
        provider: named(text("provider")?)?,
        client: ClientName::new(text("client")?),
        lane: named(text("lane")?)?,
        api: named(text("api")?)?,
        model_asked: model("model_asked")?,
        class: ModelClass::new(text("class")?),
        status: row.get("status")?,
        outcome: named(text("outcome")?)?,
        wait_millis: number("wait_millis")?,
        first_byte_millis: maybe("first_byte_millis")?,
        attempts: row.get("attempts")?,
        usage: Usage {
            input: number("input")?,
            cache_read: number("cache_read")?,
            cache_write: number("cache_write")?,
            cache_write_long: number("cache_write_long")?,
            tool_input: number("tool_input")?,
            output: number("output")?,
            reasoning: number("reasoning")?,
            images: number("images")?,
            certainty: named(text("certainty")?)?,
            model: model("model_served")?,
            service_tier: row.get("service_tier")?,
        },
        counted_input: number("counted_input")?,
        counted_output: number("counted_output")?,
        cost_nanos: maybe("cost_nanos")?,
        reserved_input: number("reserved_input")?,
        reserved_output: number("reserved_output")?,
        bound_by: row.get("bound_by")?,
        verdict: row.get_ref("verdict")?.as_str_or_null()?.map(named).transpose()?,
        upstream_request_id: row.get("upstream_request_id")?,
        request_bytes: number("request_bytes")?,
        response_bytes: number("response_bytes")?,
    })
}

impl Reader {
    /// A page of finished requests, newest first.
    pub fn requests(&self, query: &RequestsQuery) -> Result<Requests, Problem> {
        const ANY: &str = "SELECT * FROM requests WHERE id < ? ORDER BY id DESC LIMIT ?";
        const OF_ACCOUNT: &str = "SELECT * FROM requests WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?";
        let before = query.before.map_or(i64::MAX, int);
        match query.account {
            Some(account) => self.all("read the requests", OF_ACCOUNT, params![account.0, before, query.limit], from_row),
            None => self.all("read the requests", ANY, params![before, query.limit], from_row),
        }
    }

    /// The first number that no request of this data folder has had, as far as its rows are still there.
    pub fn next_request_id(&self) -> Result<u64, Problem> {
        // an unfinished request has left no row of its own, but perhaps a snapshot or a refusal; both tables are read at their newest
        // rows only, because neither is indexed by request
        self.db
            .query_row(
                "SELECT max(ifnull((SELECT max(id) FROM requests), 0),
                     ifnull((SELECT max(request) FROM (SELECT request FROM snapshots ORDER BY id DESC LIMIT 1000)), 0),
                     ifnull((SELECT max(request) FROM (SELECT request FROM refusals ORDER BY id DESC LIMIT 1000)), 0))",
                [],
                |row| row.get::<_, i64>(0),
            )
            .map(|highest| uint(highest).saturating_add(1))
            .map_err(failed("read the last request's number"))
    }
}
