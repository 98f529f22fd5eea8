//! The limiter's state and the catalogue as the window and the command line show them: numbers with their unit, source and evidence.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dimension::Meter;
use super::{
    AccountId, BucketKey, ClientName, Dialect, Lane, Limit, LimitSource, ModelClass, ModelId, Refill, RequestId, Severity, Window,
};

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
    /// The limit that it keeps.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        let window = Window { period: self.key.period, refill: self.refill };
        Limit { dimension: self.key.dimension, window, capacity: self.capacity, source: self.source }
    }

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
    /// When the evidence last spoke; `None` if nothing but documents has.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// How sure it is.
    #[serde(default)]
    pub sureness: Sureness,
}

/// How sure a belief is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sureness {
    /// Nothing has tested it yet.
    #[default]
    Assumed,
    /// Some answers speak for it.
    Likely,
    /// The provider said it, or many answers speak for it.
    Sure,
}

impl Sureness {
    /// The word on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }

    /// By how many observations speak for it.
    #[must_use]
    pub const fn of(observations: u32) -> Self {
        match observations {
            0 => Self::Assumed,
            1..20 => Self::Likely,
            _ => Self::Sure,
        }
    }
}

/// What a probe of an account would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeOffer {
    /// What it asks, and what that costs, a sentence each.
    pub what: Vec<String>,
    /// Nano-dollars; `None` if no price is known.
    pub cost_nanos: Option<u64>,
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
    /// The bucket that decides; where none does, the budget of which requests under way hold what is left, as money of all models.
    pub bucket: Option<BucketKey>,
    /// When it can be expected to go.
    pub ready_at: Option<Timestamp>,
    /// Since when it waits.
    pub since: Timestamp,
}

impl WaitingView {
    /// What it waits for, under the name people use; `None` for its turn.
    #[must_use]
    pub fn meter(&self) -> Option<Meter> {
        self.bucket.as_ref().map(BucketKey::meter)
    }
}

/// What the catalogue knows of models, as it looks at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelsView {
    /// The date of the newest row.
    pub as_of: Option<Date>,
    /// Every model, by provider, place in life and name.
    pub models: Vec<ModelView>,
}

/// One model in the catalogue. What no row says is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelView {
    /// Whose.
    pub provider: Dialect,
    /// Its id, or a family such as `sora-2*`.
    pub id: String,
    /// Its name for people.
    pub title: Option<String>,
    /// The bucket it draws on.
    pub class: ModelClass,
    /// Where it is in its life: `active`, `deprecated`, `retiring`, `retired`.
    pub state: &'static str,
    /// How much that matters to whoever uses it.
    pub severity: Severity,
    /// When it came out.
    pub released: Option<Date>,
    /// The provider promises not to retire it before this day.
    pub not_before: Option<Date>,
    /// When it ends or ended, as exactly as the source says.
    pub ends: Option<String>,
    /// The living model at the end of its chain of replacements.
    pub replacement: Option<ModelId>,
    /// What to use where the source names no single model, what keeps the behaviour, and what changes besides the name.
    pub remarks: Vec<String>,
    /// What it costs now at the ordinary service tier.
    pub price: Option<PriceView>,
    /// What a new paying account may use of its class.
    pub limits: Vec<Limit>,
    /// What each tier may use of its class, lowest first.
    pub tiers: Vec<TierLimits>,
    /// How well the row is known, where it was read, and when.
    pub evidence: String,
}

/// What one tier may use of a class of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLimits {
    /// The tier's name for people.
    pub tier: String,
    /// What it may use.
    pub limits: Vec<Limit>,
    /// The rows that this comes from, a line each.
    pub evidence: String,
}

/// Prices in nano-dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceView {
    /// Input that touches no cache.
    pub input: Option<u64>,
    /// Input read from the cache.
    pub cache_read: Option<u64>,
    /// Output, reasoning included.
    pub output: Option<u64>,
    /// How well it is known, where it was read, and when.
    pub evidence: String,
}

/// What a scan of a source tree found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Files that were searched.
    pub files: u64,
    /// Files that were left out because they are binary, too large or unreadable.
    pub skipped: u64,
    /// Places that name a retired model.
    pub retired: u64,
    /// Places that name a model whose end is to come.
    pub retiring: u64,
    /// The places, in the order of their files, at most [`ScanReport::LISTED`].
    pub hits: Vec<ScanHit>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

impl ScanReport {
    /// How many places a report lists.
    pub const LISTED: usize = 5_000;
}

/// A place in a source tree that names a model which ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanHit {
    /// The file, below the scanned folder.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The name as it stands there.
    pub name: String,
    /// Whether it has ended (an error) or will (a warning).
    pub severity: Severity,
    /// `retired 2026-07-24 15:59 UTC`, `retires 2026-12-11`, ...
    pub when: String,
    /// The living model at the end of its chain of replacements.
    pub replacement: Option<ModelId>,
}
