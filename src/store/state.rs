//! What is to be found again after a restart: buckets, what was learned, settings; and which models are in use.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::failure::failed;
use super::reader::Reader;
use super::rollup::Grain;
use super::row::{millis, named, time, uint, unreadable};
use super::writer::Store;
use crate::domain::view::BucketView;
use crate::domain::{AccountId, ModelId, Problem, Provider};

/// A bucket as it stood when it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedBucket {
    /// The bucket.
    pub view: BucketView,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// Something that was worked out about a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// When it was worked out.
    pub updated_at: Timestamp,
}

/// How much an account used a model, by the name that its requests gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// Which account.
    pub account: AccountId,
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: ModelId,
    /// How many requests named it.
    pub requests: u64,
    /// When the last of them arrived.
    pub last_at: Timestamp,
}

impl Store {
    /// Remembers a setting. Blocks until it is written.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), Problem> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.call(move |db| {
            db.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", [key, value])
                .map(drop)
                .map_err(failed("store the setting"))
        })
    }
}

impl Reader {
    /// A setting, if it was ever set.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Problem> {
        self.db
            .query_row("SELECT value FROM settings WHERE key = ?", [key], |row| row.get(0))
            .optional()
            .map_err(failed("read the setting"))
    }

    /// Every bucket as it was saved last.
    pub fn buckets(&self) -> Result<Vec<SavedBucket>, Problem> {
        self.all("read the saved buckets", "SELECT view, saved_at FROM bucket_state ORDER BY key", [], |row| {
            let view = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(unreadable)?;
            Ok(SavedBucket { view, saved_at: time(row.get(1)?) })
        })
    }

    /// Everything that was learned.
    pub fn learned(&self) -> Result<Vec<Learned>, Problem> {
        self.all("read what was learned", "SELECT key, value, updated_at FROM learned ORDER BY key", [], |row| {
            let value = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(unreadable)?;
            Ok(Learned { key: row.get(0)?, value, updated_at: time(row.get(2)?) })
        })
    }

    /// Which models were asked for since the UTC day of `since`, most used first.
    pub fn models_used(&self, since: Timestamp) -> Result<Vec<ModelUse>, Problem> {
        let sql = "SELECT account, provider, model, sum(requests) AS requests, max(last_at) FROM model_days WHERE day >= ?
             GROUP BY account, provider, model ORDER BY requests DESC, account, model";
        self.all("read which models are in use", sql, [Grain::Day.start(millis(since))], |row| {
            Ok(ModelUse {
                account: AccountId(row.get(0)?),
                provider: named(row.get_ref(1)?.as_str()?)?,
                model: ModelId::new(row.get_ref(2)?.as_str()?),
                requests: uint(row.get(3)?),
                last_at: time(row.get(4)?),
            })
        })
    }
}
