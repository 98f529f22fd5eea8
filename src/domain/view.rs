//! The limiter's state as the window and `tierline status` show it: numbers with their unit, source and evidence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, BucketKey, ClientName, Lane, LimitSource, ModelClass, ModelId, Refill, RequestId};

/// One bucket at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketView {
    /// Which bucket.
    pub key: BucketKey,
    /// RPM, ITPM, ... for people.
    pub meter: String,
    /// Labels of the accounts that draw on it.
    pub accounts: Vec<String>,
    /// How room comes back.
    pub refill: Refill,
    /// How much it holds when full.
    pub capacity: u64,
    /// Where that number came from.
    pub source: LimitSource,
    /// Taken and not yet refilled, held included.
    pub used: u64,
    /// Reserved by requests in flight.
    pub held: u64,
    /// What is left for new requests; negative while there is debt.
    pub remaining: i64,
    /// When it will be full (or reset), if nothing more is taken.
    pub full_at: Option<Timestamp>,
    /// No request may draw on it before this time, because the provider said so.
    pub frozen_until: Option<Timestamp>,
    /// Our own use over the last minute, per minute.
    pub own_per_minute: f64,
    /// Use by others as it can be told from headers, per minute.
    pub foreign_per_minute: f64,
    /// When a header last confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// Whether this is the bucket of its class that runs out first.
    pub binding: bool,
    /// How many requests wait for it.
    pub waiting: u32,
    /// What the limiter believes beside the numbers, and why.
    pub beliefs: Vec<Belief>,
}

impl BucketView {
    /// How full of use it is, from 0 to 1 (and above, with debt).
    #[must_use]
    pub fn share_used(&self) -> f64 {
        if self.capacity == 0 { 1.0 } else { self.used as f64 / self.capacity as f64 }
    }
}

/// Something the limiter worked out, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// `burst`, `charge rule`, `foreign share`, `concurrency cap`, ...
    pub what: String,
    /// Its value, with a unit.
    pub value: String,
    /// What it rests on.
    pub evidence: String,
}

/// One request in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// Which request.
    pub id: RequestId,
    /// Which account will serve it.
    pub account: AccountId,
    /// That account's label.
    pub account_label: String,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stands in.
    pub lane: Lane,
    /// The model it names.
    pub model: Option<ModelId>,
    /// Which models' buckets.
    pub class: ModelClass,
    /// 1 for the next to go.
    pub position: u32,
    /// The bucket that decides.
    pub bucket: Option<BucketKey>,
    /// When it can be expected to go.
    pub ready_at: Option<Timestamp>,
    /// Since when it waits.
    pub since: Timestamp,
}
