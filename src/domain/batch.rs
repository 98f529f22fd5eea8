//! A file of requests that is run at the limit: which, where it stands, what it cost so far.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A batch's number in this data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub i64);

/// Where a batch is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Its file is being read.
    Planning,
    /// Its rows are being sent; or were, when the process ended.
    Running,
    /// Nothing is sent until it is run again.
    Paused,
    /// Every row has its line in the output.
    Done,
    /// The user does not want the rest.
    Cancelled,
}

impl BatchState {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether something is left to be sent.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// Which way a batch's rows go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchVia {
    /// One by one through the gateway, at the limits.
    #[default]
    Gateway,
    /// Many at once through the provider's batch API, within a day, for less.
    ProviderBatch,
}

impl BatchVia {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::ProviderBatch => "provider_batch",
        }
    }

    /// The name in the command line.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::ProviderBatch => "provider-batch",
        }
    }
}

/// What another process may ask of the one that runs a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchWish {
    /// Send nothing more for now.
    Pause,
    /// Send nothing more.
    Cancel,
}

impl BatchWish {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
}

/// Everything about a batch but its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Its number.
    pub id: BatchId,
    /// The file with its rows.
    pub input: PathBuf,
    /// The file with their answers.
    pub output: PathBuf,
    /// The label of the account that serves it.
    pub account: String,
    /// Which way its rows go.
    #[serde(default)]
    pub via: BatchVia,
    /// Whether its answers are written in the order of the rows; else as they come.
    #[serde(default = "yes")]
    pub ordered: bool,
    /// Where it is in its life.
    pub state: BatchState,
    /// Why it is paused.
    pub reason: Option<String>,
    /// How many rows it has.
    pub rows: u64,
    /// Rows that were answered well.
    pub answered: u64,
    /// Rows that were answered with an error.
    pub failed: u64,
    /// Rows that were in flight when the process ended, and were sent again.
    pub resent: u64,
    /// What it cost so far, in nano-dollars, as far as prices are known.
    pub cost_nanos: u64,
    /// Answers whose cost is unknown.
    pub unpriced: u64,
    /// Input tokens so far.
    pub input_tokens: u64,
    /// Output tokens so far.
    pub output_tokens: u64,
    /// Rows that are safely in the output, from the first.
    pub written: u64,
    /// How long the output is with them.
    pub output_bytes: u64,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

const fn yes() -> bool {
    true
}

impl BatchRecord {
    /// Rows that have their answer, good or bad.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.answered + self.failed
    }
}
