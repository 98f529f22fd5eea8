//! Questions to the history and their answers, as the window and the command line ask them.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, ModelClass, RefusalRecord, RequestId, RequestRecord, Snapshot};

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Requests a minute.
    Requests,
    /// Counted input tokens a minute.
    InputTokens,
    /// Counted output tokens a minute.
    OutputTokens,
    /// Input and output tokens a minute.
    Tokens,
    /// Provider refusals a minute.
    Refusals,
    /// Mean wait in milliseconds.
    WaitMillis,
    /// Nano-dollars a minute.
    CostNanos,
    /// Counted input and output tokens of one request, on average.
    TokensPerRequest,
    /// Refused attempts of a hundred attempts.
    RefusedShare,
    /// Attempts beyond the first a minute.
    Retries,
}

impl Measure {
    /// Whether values of several clients or models can be laid on each other: rates can, averages cannot.
    #[must_use]
    pub const fn adds_up(self) -> bool {
        !matches!(self, Self::WaitMillis | Self::TokensPerRequest | Self::RefusedShare)
    }
}

/// By what a chart is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The program that sent the requests.
    Client,
    /// The model that they named.
    Model,
}

/// A question for a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    /// What to show.
    pub measure: Measure,
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only this class of models.
    pub class: Option<ModelClass>,
    /// Divided by this, for measures that [add up](Measure::adds_up).
    pub split: Option<Split>,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// How many points at the most.
    pub max_points: u32,
}

/// The answer for a chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Length of one step in seconds.
    pub step_secs: u32,
    /// Steps are shorter than a minute, and each value is that of the whole minute before the step's end: what meets the tier line.
    pub trailing: bool,
    /// Start of each step (Unix seconds) and the value over it, gaps filled with zero.
    pub points: Vec<[f64; 2]>,
    /// The highest single minute within each step, for rates: what meets the tier line.
    pub peaks: Vec<[f64; 2]>,
    /// From when (Unix seconds) which limit held, oldest first.
    pub limits: Vec<[f64; 2]>,
    /// What each client or model had of the points, most first. What is missing to a point has no known part.
    pub parts: Vec<PartOf>,
    /// What happened in this time, oldest first.
    pub marks: Vec<Mark>,
}

/// What one client or model had of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct PartOf {
    /// Its name; empty for requests that named none.
    pub name: String,
    /// One value for each point.
    pub values: Vec<f64>,
}

/// A moment that a chart should show.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When (Unix seconds).
    pub at: f64,
    /// Of which kind.
    pub kind: MarkKind,
    /// What happened, in a few words.
    pub text: String,
}

/// What a mark tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// A limit that the catalogue had assumed was measured for the first time, and is another.
    Measured,
    /// A limit became another.
    Limit,
    /// A model in use ended.
    Retirement,
}

/// Which finished requests to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestsQuery {
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only those that finished before this one (for paging).
    pub before: Option<u64>,
    /// How many at the most.
    pub limit: u32,
}

/// A page of finished requests.
pub type Requests = Vec<RequestRecord>;

/// Whose story to read, and when it happened at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoryQuery {
    /// Which request.
    pub id: RequestId,
    /// When it arrived.
    pub from: Timestamp,
    /// When it ended, if it did.
    pub to: Option<Timestamp>,
}

/// What is stored of a request beside its own row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// What the heads of its answers said about limits, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Attempts that the provider refused, in their order.
    pub refusals: Vec<RefusalRecord>,
}

/// Which table to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportWhat {
    /// Finished requests.
    Requests,
    /// Header snapshots.
    Snapshots,
    /// Provider refusals.
    Refusals,
    /// Limit changes.
    Limits,
}

impl ExportWhat {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Snapshots, Self::Refusals, Self::Limits];

    /// The name in the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Snapshots => "snapshots",
            Self::Refusals => "refusals",
            Self::Limits => "limits",
        }
    }
}

/// How to write an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// RFC 4180, formula-safe.
    Csv,
    /// One JSON array.
    Json,
}

/// An order to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOrder {
    /// Which table.
    pub what: ExportWhat,
    /// From when, inclusive.
    pub from: Option<Timestamp>,
    /// To when, exclusive.
    pub to: Option<Timestamp>,
    /// How to write it.
    pub format: ExportFormat,
    /// Where to.
    pub path: PathBuf,
}
