//! Puts a batch of [`Write`]s into one transaction: facts as rows, and their sums into the rollups.

use std::collections::BTreeMap;

use rusqlite::{Connection, TransactionBehavior, params};

use super::failure::may_pass;
use super::parts::Part;
use super::requests;
use super::rollup::{Grain, Rollups, Sum, Sums};
use super::row::{duration_millis, int, millis, unreadable};
use super::write::Write;
use crate::domain::{
    AccountId, Dimension, Identity, LimitChange, ModelClass, ModelId, Period, Provider, RefusalRecord, RequestId, RequestRecord, Scope,
    ScopeKind, Snapshot,
};

/// Which identity was last seen for an account: the table of scopes is only touched when it changes.
pub(super) type Identities = BTreeMap<AccountId, Identity>;

/// How a batch went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) written: u64,
    /// Rows that the database refuses for what they are; trying again would not help.
    pub(super) rejected: u64,
}

/// Writes all of a batch, or nothing.
///
/// # Errors
/// What stood in the way; the batch can be tried again.
pub(super) fn write(db: &mut Connection, batch: &[Write], identities: &mut Identities) -> rusqlite::Result<Outcomes> {
    // a deferred one that read first fails at once when another process has written since, however long it may wait for locks
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut rollups = Rollups::default();
    let mut outcomes = Outcomes::default();
    for item in batch {
        match write_one(&tx, item, &mut rollups, identities) {
            Ok(()) => outcomes.written += 1,
            Err(error) if !may_pass(&error) => {
                tracing::warn!(%error, "a row was not accepted by the database");
                outcomes.rejected += 1;
            }
            Err(error) => {
                // what was noted for rows that are now rolled back
                identities.clear();
                return Err(error);
            }
        }
    }
    let done = rollups.store(&tx).and_then(|()| tx.commit());
    if done.is_err() {
        identities.clear();
    }
    done.map(|()| outcomes)
}

fn write_one(db: &Connection, item: &Write, rollups: &mut Rollups, identities: &mut Identities) -> rusqlite::Result<()> {
    match item {
        Write::Finished(record) => finished(db, record, rollups),
        Write::Answered { id, account, class, snapshot } => {
            if !snapshot.identity.eq(identities.entry(*account).or_default()) {
                saw_identity(db, *account, &snapshot.identity)?;
                identities.insert(*account, snapshot.identity.clone());
            }
            answered(db, *id, *account, class, snapshot)
        }
        Write::Refused(record) => refused(db, record, rollups),
        Write::LimitChanged(change) => limit_changed(db, change),
        Write::Buckets { at, views } => {
            db.execute("DELETE FROM bucket_state", [])?;
            let mut insert = db.prepare_cached("INSERT OR REPLACE INTO bucket_state (key, view, saved_at) VALUES (?, ?, ?)")?;
            for view in views.iter() {
                insert.execute(params![json(&view.key)?, json(view)?, millis(*at)])?;
            }
            Ok(())
        }
        Write::Learned { key, value, at } => db
            .prepare_cached("INSERT OR REPLACE INTO learned (key, value, updated_at) VALUES (?, ?, ?)")?
            .execute(params![key, json(value)?, millis(*at)])
            .map(drop),
        Write::TokenUsed { client, at } => db
            .prepare_cached(
                "UPDATE client_tokens SET last_used_at = max(ifnull(last_used_at, 0), ?) WHERE name = ? AND revoked_at IS NULL",
            )?
            .execute(params![millis(*at), client.as_str()])
            .map(drop),
    }
}

pub(super) fn finished(db: &Connection, record: &RequestRecord, rollups: &mut Rollups) -> rusqlite::Result<()> {
    if !requests::insert(db, record)? {
        // the same request again: its first row and its sums stand
        return Ok(());
    }
    if let Some(model) = &record.model_asked {
        db.prepare_cached(
            "INSERT INTO model_days (day, account, provider, model, requests, last_at) VALUES (?, ?, ?, ?, 1, ?)
             ON CONFLICT DO UPDATE SET requests = requests + 1, last_at = max(last_at, excluded.last_at)",
        )?
        .execute(params![
            Grain::Day.start(millis(record.arrived_at)),
            record.account.0,
            record.provider.name(),
            model.as_str(),
            millis(record.arrived_at)
        ])?;
    }
    let (at, sums) = Sums::of(record);
    rollups.add(at, Part::of(record), sums);
    Ok(())
}

/// A reading as it is stored: without names, because there are several for every answer.
type CompactReading<'a> = (&'a str, Option<u32>, serde_json::Value, Option<u64>, Option<u64>, Option<i64>, u64);

fn answered(db: &Connection, id: RequestId, account: AccountId, class: &ModelClass, snapshot: &Snapshot) -> rusqlite::Result<()> {
    let readings = snapshot
        .readings
        .iter()
        .map(|r| -> rusqlite::Result<CompactReading<'_>> {
            let pool = serde_json::to_value(r.pool).map_err(unreadable)?;
            let full_at = r.full_at.map(millis);
            Ok((r.dimension.name(), r.period.map(Period::as_secs), pool, r.limit, r.remaining, full_at, r.grain))
        })
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let oddities = snapshot.oddities.iter().map(|o| (&o.header, &o.what)).collect::<Vec<_>>();
    let oddities = if oddities.is_empty() { None } else { Some(json(&oddities)?) };
    db.prepare_cached(
        "INSERT INTO snapshots (at, request, account, class, status, retry_after_millis, organization, project, workspace,
             upstream_request_id, readings, oddities)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        millis(snapshot.at),
        int(id.0),
        account.0,
        class.as_str(),
        snapshot.status,
        snapshot.retry_after.map(duration_millis),
        snapshot.identity.organization,
        snapshot.identity.project,
        snapshot.identity.workspace,
        snapshot.request_id,
        json(&readings)?,
        oddities,
    ])
    .map(drop)
}

/// Remembers to which scope an account was seen to belong, so that a chart of the account finds its limits.
fn saw_identity(db: &Connection, account: AccountId, identity: &Identity) -> rusqlite::Result<()> {
    let mut find = db.prepare_cached("SELECT provider FROM accounts WHERE id = ?")?;
    let mut found = find.query([account.0])?;
    let Some(provider) = found.next()?.map(|row| row.get::<_, String>(0)).transpose()? else { return Ok(()) };
    let Some(scope) = Provider::from_name(&provider).and_then(|provider| Scope::from_identity(provider, identity)) else { return Ok(()) };
    db.prepare_cached("INSERT OR IGNORE INTO account_scopes (account, kind, scope) VALUES (?, ?, ?)")?
        .execute(params![account.0, scope.kind.name(), scope.id])
        .map(drop)
}

fn refused(db: &Connection, record: &RefusalRecord, rollups: &mut Rollups) -> rusqlite::Result<()> {
    let verdict = &record.verdict;
    db.prepare_cached(
        "INSERT INTO refusals (at, request, attempt, account, account_label, client, class, model, status, kind, dimension,
             period_secs, capacity, used, requested, retry_after_millis, scope, whose, reason, advice, ledger)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        millis(record.at),
        int(record.request.0),
        record.attempt,
        record.account.0,
        record.account_label,
        record.client.as_str(),
        record.class.as_str(),
        record.model.as_ref().map(ModelId::as_str),
        record.status,
        verdict.kind.name(),
        verdict.dimension.map(Dimension::name),
        verdict.period.map(Period::as_secs),
        verdict.limit.map(int),
        verdict.used.map(int),
        verdict.requested.map(int),
        verdict.retry_after.map(duration_millis),
        verdict.scope.map(ScopeKind::name),
        verdict.whose.name(),
        verdict.reason,
        verdict.advice,
        json(&record.ledger)?,
    ])?;
    rollups.add(millis(record.at), Part::of_refusal(record), Sums::default().with(Sum::RefusedUpstream, 1));
    Ok(())
}

fn limit_changed(db: &Connection, change: &LimitChange) -> rusqlite::Result<()> {
    let scope = &change.bucket.scope;
    db.prepare_cached(
        "INSERT INTO limit_changes (at, provider, scope_kind, scope, class, dimension, period_secs, old_capacity, new_capacity, source)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        millis(change.at),
        scope.provider.name(),
        scope.kind.name(),
        scope.id,
        change.bucket.class.as_str(),
        change.bucket.dimension.name(),
        change.bucket.period.as_secs(),
        change.old.map(int),
        int(change.new),
        change.source.to_string(),
    ])
    .map(drop)
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(unreadable)
}
