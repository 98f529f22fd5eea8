//! Sums by client and model: whose traffic a chart shows. What was written before there were such sums gets them in small steps.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params, params_from_iter};

use super::failure::failed;
use super::requests;
use super::rollup::{Grain, Sum, Sums, upsert};
use super::writer::Store;
use crate::domain::{AccountId, ClientName, ModelClass, ModelId, Problem, RefusalRecord, RequestRecord};

/// Whose traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) account: AccountId,
    pub(super) class: ModelClass,
    pub(super) client: ClientName,
    /// As the request named it.
    pub(super) model: Option<ModelId>,
}

impl Part {
    pub(super) fn of(record: &RequestRecord) -> Self {
        let RequestRecord { account, class, client, model_asked, .. } = record;
        Self { account: *account, class: class.clone(), client: client.clone(), model: model_asked.clone() }
    }

    pub(super) fn of_refusal(record: &RefusalRecord) -> Self {
        let RefusalRecord { account, class, client, model, .. } = record;
        Self { account: *account, class: class.clone(), client: client.clone(), model: model.clone() }
    }
}

/// Columns that tell the rows of one step apart.
const KEY: [&str; 5] = ["start", "account", "class", "client", "model"];

/// What a batch adds.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<(i64, Part), Sums>);

impl Parts {
    /// Adds to the minute in which `at` lies.
    pub(super) fn add(&mut self, at: i64, part: Part, sums: Sums) {
        *self.0.entry((Grain::Minute.start(at), part)).or_default() += sums;
    }

    /// Writes everything that was collected, within the caller's transaction.
    pub(super) fn store(&self, db: &Connection) -> rusqlite::Result<()> {
        for grain in [Grain::Minute, Grain::Hour, Grain::Day] {
            let mut rows = BTreeMap::<(i64, &Part), Sums>::new();
            for ((minute, part), sums) in &self.0 {
                *rows.entry((grain.start(*minute), part)).or_default() += *sums;
            }
            let mut row = db.prepare_cached(&upsert(table(grain), &KEY, &[]))?;
            for ((start, part), sums) in rows {
                let Part { account, class, client, model } = part;
                let model = model.as_ref().map_or("", ModelId::as_str);
                let key = [start.into(), account.0.into(), text(class.as_str()), text(client.as_str()), text(model)];
                row.execute(params_from_iter(key.into_iter().chain(sums.values().map(Value::Integer))))?;
            }
        }
        Ok(())
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(super) const fn table(grain: Grain) -> &'static str {
    match grain {
        Grain::Minute => "part_minute",
        Grain::Hour => "part_hour",
        Grain::Day => "part_day",
    }
}

/// The settings that say from which row on downwards the rows of a table have no sums yet.
const REQUESTS: &str = "store.parts_requests";
const REFUSALS: &str = "store.parts_refusals";

impl Store {
    /// Gives sums by client and model to some of the rows that were written before there were such sums. `false` when all have
    /// them. Blocks for one step.
    pub fn fill_parts(&self) -> Result<bool, Problem> {
        self.call(|db| Ok(step(db, REQUESTS, old_requests)? || step(db, REFUSALS, old_refusals)?))
    }
}

/// Reads the rows of one step into the sums; answers with the lowest of their numbers.
type Read = fn(&Connection, from: i64, &mut Parts) -> rusqlite::Result<Option<i64>>;

/// How many old rows one step takes: some milliseconds of the writer's time.
const STEP: u32 = 500;

fn step(db: &mut Connection, left: &str, read: Read) -> Result<bool, Problem> {
    let mut step = || {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = "SELECT CAST(value AS INTEGER) FROM settings WHERE key = ?";
        let Some(from) = tx.query_row(from, [left], |row| row.get(0)).optional()? else { return Ok(false) };
        let mut parts = Parts::default();
        let lowest = read(&tx, from, &mut parts)?;
        parts.store(&tx)?;
        match lowest {
            Some(lowest) => tx.execute("UPDATE settings SET value = ? WHERE key = ?", [(lowest - 1).to_string().as_str(), left])?,
            None => tx.execute("DELETE FROM settings WHERE key = ?", [left])?,
        };
        tx.commit()?;
        Ok(true)
    };
    step().map_err(failed("sum up older requests"))
}

fn old_requests(db: &Connection, from: i64, parts: &mut Parts) -> rusqlite::Result<Option<i64>> {
    let mut found = db.prepare_cached("SELECT * FROM requests WHERE id <= ? ORDER BY id DESC LIMIT ?")?;
    let mut rows = found.query(params![from, STEP])?;
    let mut lowest = None;
    while let Some(row) = rows.next()? {
        lowest = Some(row.get("id")?);
        // a row that cannot be read is in no chart of parts, and its sums without parts stand
        if let Ok(record) = requests::from_row(row) {
            let (at, sums) = Sums::of(&record);
            parts.add(at, Part::of(&record), sums);
        }
    }
    Ok(lowest)
}

fn old_refusals(db: &Connection, from: i64, parts: &mut Parts) -> rusqlite::Result<Option<i64>> {
    let mut found =
        db.prepare_cached("SELECT id, at, account, class, client, model FROM refusals WHERE id <= ? ORDER BY id DESC LIMIT ?")?;
    let mut rows = found.query(params![from, STEP])?;
    let mut lowest = None;
    while let Some(row) = rows.next()? {
        lowest = Some(row.get("id")?);
        let part = Part {
            account: AccountId(row.get("account")?),
            class: ModelClass::new(row.get_ref("class")?.as_str()?),
            client: ClientName::new(row.get_ref("client")?.as_str()?),
            model: row.get_ref("model")?.as_str_or_null()?.map(ModelId::new),
        };
        parts.add(row.get("at")?, part, Sums::default().with(Sum::RefusedUpstream, 1));
    }
    Ok(lowest)
}
