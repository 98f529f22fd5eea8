//! A file of requests that is run at the limit: which, where it stands, what it cost so far.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, ModelId};

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
    /// What it was expected to take when it was planned, if that was worked out.
    pub estimate: Option<BatchEstimate>,
    /// Seconds that it ran, over all its runs.
    pub ran_secs: u64,
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

/// What the user wants of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOptions {
    /// How many rows may be on their way at once; as many as are useful if `None`.
    pub concurrency: Option<usize>,
    /// What the batch may cost altogether, in nano-dollars.
    pub max_cost_nanos: Option<u64>,
    /// When it pauses, done or not.
    pub deadline: Option<Timestamp>,
    /// How often a provider's batch API is asked how things stand; by the age of the batch if `None`.
    pub poll: Option<Duration>,
}

/// How a batch stands at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BatchProgress {
    /// How many rows it has.
    pub rows: u64,
    /// Rows answered well.
    pub answered: u64,
    /// Rows answered with an error.
    pub failed: u64,
    /// Rows on their way now.
    pub in_flight: u64,
    /// Rows that wait to be sent again.
    pub again: u64,
    /// Rows a minute, of late.
    pub rows_per_min: f64,
    /// Seconds until it is done at this rate; `None` while there is no rate.
    pub eta_secs: Option<u64>,
    /// Seconds until all that is with the provider's batch API is over, as it promises; `None` while rows are still here.
    pub latest_secs: Option<u64>,
    /// What it cost so far, in nano-dollars, as far as prices are known.
    pub cost_nanos: u64,
    /// The meter that rows last waited for.
    pub bound_by: Option<String>,
    /// Batches that are with the provider, and the rows in flight in them.
    pub at_provider: u64,
    /// It pauses: what is on its way may take so many seconds at most to end.
    pub pausing_secs: Option<u64>,
    /// Seconds since this run of it began.
    pub elapsed_secs: u64,
}

/// A row that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The line on which it begins.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

/// A batch that the window wants checked, or run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOrder {
    /// The file with its rows.
    pub input: PathBuf,
    /// The account that serves them.
    pub account: AccountId,
    /// The model of rows that name none.
    pub model: Option<ModelId>,
    /// For plain columns: the prompt, with `{{column}}` in it.
    pub template: Option<String>,
    /// For plain columns: the most tokens of an answer.
    pub max_output: Option<u64>,
    /// Where the answers go; beside the input if `None`.
    pub output: Option<PathBuf>,
    /// Which way its rows go; if `None`, whichever the deadline and the cost speak for.
    pub via: Option<BatchVia>,
    /// Write answers as they come, not in the order of the rows.
    pub as_they_come: bool,
    /// Go on without the rows that cannot be sent.
    pub skip_invalid: bool,
    /// What the user wants of this run.
    pub options: BatchOptions,
}

/// What a batch's file holds, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchCheck {
    /// How many rows can be sent.
    pub rows: u64,
    /// How many cannot.
    pub bad: u64,
    /// The first of those, at most [`BatchCheck::LISTED`].
    pub bad_rows: Vec<BadRow>,
    /// How many rows each model has, by name.
    pub models: Vec<(ModelId, u64)>,
    /// Models that will end, a sentence each.
    pub warnings: Vec<String>,
    /// Where the answers go.
    pub output: PathBuf,
    /// Which way its rows go.
    pub via: BatchVia,
    /// Why that way, if it was not the user who chose it.
    pub why: Option<String>,
    /// The batch of this file that is not over: it goes on instead.
    pub unfinished: Option<BatchId>,
    /// What it will take.
    pub estimate: BatchEstimate,
}

impl BatchCheck {
    /// How many bad rows are listed.
    pub const LISTED: usize = 1_000;
}

/// What a batch will take, as far as it can be told before it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchEstimate {
    /// Seconds, with every bucket full at the start and no moment lost; `None` without known limits.
    pub least_secs: Option<u64>,
    /// Seconds, evenly at the limit; `None` without known limits.
    pub expected_secs: Option<u64>,
    /// The meter that decides.
    pub binding: Option<String>,
    /// Nano-dollars if answers are as long as they were of late; `None` without a price.
    pub cost_nanos: Option<u64>,
    /// Nano-dollars if every answer is as long as it may be; `None` without a price, or without a maximum.
    pub most_cost_nanos: Option<u64>,
    /// Where limits and lengths came from, a sentence each.
    pub basis: Vec<String>,
}

/// A batch as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchView {
    /// The batch.
    pub record: BatchRecord,
    /// Who runs it.
    pub runner: BatchRunner,
    /// How it goes, while somebody runs it. What another process has on its way is not known here.
    pub progress: Option<BatchProgress>,
}

/// Who runs a batch at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchRunner {
    /// Nobody: one that should be running was interrupted.
    #[default]
    Nobody,
    /// This process.
    Here,
    /// Another process, with its number where that can be told.
    Elsewhere(Option<u32>),
}
