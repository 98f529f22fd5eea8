//! What a simulated provider is like, as data that a test or a TOML file can spell out.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Whose API is simulated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum SimProvider {
    /// Messages, count tokens, models and the OpenAI-compatible path.
    #[default]
    Anthropic,
    /// Chat completions, responses, embeddings, models.
    OpenAi,
    /// generateContent and its relatives, and the OpenAI-compatible path.
    Gemini,
    /// Chat completions, messages, models, balance.
    DeepSeek,
}

impl SimProvider {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::DeepSeek => "deepseek",
        }
    }
}

/// Everything about one simulated provider. The default is an Anthropic without limits, faults or latency.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// Whose API.
    pub provider: SimProvider,
    /// The limits of every model class that `class_limits` does not name.
    pub limits: Limits,
    /// The limits of single model classes, instead of `limits`.
    pub class_limits: BTreeMap<String, Limits>,
    /// Beginnings of model ids and the class they belong to; the longest wins. Other ids are grouped as the provider
    /// groups them (`sonnet-4.x`, `opus-5.5`), or stand alone without their date.
    pub classes: BTreeMap<String, String>,
    /// How room comes back.
    pub refill: RefillRule,
    /// How many seconds of capacity a per-minute bucket really holds: 60, or one step of a quantised refill, if not said.
    /// A request larger than the bucket but not larger than the limit is admitted when the bucket is full.
    pub burst_seconds: Option<u64>,
    /// What a request takes from the token limits.
    pub charge: Charge,
    /// How full the buckets are at the start; 100 if not said.
    pub initial_percent: Option<u8>,
    /// Whether a refused request still takes one request.
    pub refusal_costs_request: bool,
    /// The keys that are accepted. Empty: any key but the empty one.
    pub keys: Vec<Key>,
    /// What answers and refusals say about whose key it is.
    pub identity: Identity,
    /// How long answers take.
    pub latency: Latency,
    /// How long answers are.
    pub output: OutputLength,
    /// How far the clock behind the headers is ahead of this machine's (behind, if negative).
    pub clock_skew_seconds: i64,
    /// Whether limit headers are sent.
    pub headers: HeaderMode,
    /// What goes wrong.
    pub faults: Faults,
    /// Somebody else who draws on the same buckets.
    pub co_tenant: CoTenant,
    /// Gemini: refuse in the words of a paid tier instead of the free one.
    pub paid_tier: bool,
    /// Anthropic: prompts shorter than this many tokens are not cached. The real minimum is 512 to 4,096, by model.
    pub cache_min_tokens: u64,
    /// Anthropic: the limit of count_tokens, which is apart from all others.
    pub count_tokens: TokenCountLimit,
    /// How batches go.
    pub batches: Batches,
    /// The models that exist. Empty: any, and the list shows a few.
    pub models: Vec<String>,
    /// Decides every random choice.
    pub seed: u64,
}

/// The limits of one model class; what is `None` is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Input tokens per minute; cache reads are free at Anthropic.
    pub itpm: Option<u64>,
    /// Output tokens per minute.
    pub otpm: Option<u64>,
    /// Input and output tokens per minute (Gemini: input tokens).
    pub tpm: Option<u64>,
    /// Requests per day (Gemini: until midnight Pacific; others: refilled like the minute).
    pub rpd: Option<u64>,
    /// Tokens per day, as `tpm`.
    pub tpd: Option<u64>,
    /// Requests at the same time.
    pub concurrency: Option<u64>,
}

/// How room comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefillRule {
    /// A little all the time.
    #[default]
    Continuous,
    /// Every so many seconds, what has become due since the last time.
    QuantisedSeconds(u64),
    /// All of it at the end of each window, counted from the first request to the class.
    FixedWindow,
}

/// What a request takes from the token limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Input when it arrives; output when it has been made, whatever is left then (an empty output bucket refuses).
    #[default]
    Actual,
    /// Input and the whole of max tokens when it arrives.
    ReservesMax {
        /// Whether the unused part comes back at the end.
        refund: bool,
    },
    /// A quarter of the prompt's characters and this many tokens; what it really used plays no part.
    CharsOver4PlusReserve(u64),
}

/// What answers and refusals say about whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// `anthropic-organization-id`, or `openai-organization`.
    pub organization: Option<String>,
    /// `anthropic-workspace-id`.
    pub workspace: Option<String>,
    /// `openai-project`.
    pub project: Option<String>,
}

impl Default for Identity {
    fn default() -> Self {
        Self { organization: None, workspace: Some("wrkspc_01SimulatedWorkspace00".into()), project: Some("proj_simulated".into()) }
    }
}

/// How long answers take. All zero: as fast as it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// Milliseconds until the first token.
    pub first_byte_ms: u64,
    /// Milliseconds per output token.
    pub per_token_ms: u64,
    /// Both vary by up to this share, up or down.
    pub jitter_percent: u8,
    /// DeepSeek: milliseconds between two signs of life while an answer is waited for; 1,000 if not said.
    pub keep_alive_ms: Option<u64>,
}

/// How long answers are, unless the request says so: with a header `x-sim-output-tokens: 120`, or with `out=120` as or in
/// `metadata.user_id` or `user`. Never longer than the request's max tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputLength {
    /// The middle.
    pub tokens: u64,
    /// How far from it, up or down.
    pub spread_percent: u8,
    /// How many tokens one chunk of a stream brings.
    pub tokens_per_chunk: u64,
}

impl Default for OutputLength {
    fn default() -> Self {
        Self { tokens: 64, spread_percent: 25, tokens_per_chunk: 4 }
    }
}

/// Whether limit headers are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderMode {
    /// As documented.
    #[default]
    Normal,
    /// None at all, as some accounts saw in 2024 and 2025.
    Missing,
    /// Each answer carries what the answer before should have carried.
    Delayed,
}

/// Somebody else who draws on every class's buckets, evenly in time, and never while one of them is in debt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoTenant {
    /// Requests per minute.
    pub rpm: u64,
    /// Input tokens per minute.
    pub input_tpm: u64,
    /// Output tokens per minute.
    pub output_tpm: u64,
}

/// How batches go at the batch endpoints. By default they are over at once, well, and without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batches {
    /// How long a batch takes from its creation to its end, in milliseconds.
    pub take_ms: u64,
    /// After which time it expires, done or not; a day at the real ones.
    pub window_ms: Option<u64>,
    /// What may wait in all batches together: requests at Anthropic, input tokens elsewhere.
    pub queue: Option<u64>,
    /// How many requests in a hundred end with a server error.
    pub errored_percent: u8,
    /// How many requests in a hundred are never reached.
    pub expired_percent: u8,
    /// So many batches from the first are created without an answer: the connection breaks.
    pub lost_answers: u64,
}

/// The limit of Anthropic's count_tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenCountLimit {
    /// Requests per minute; 2,000 to 8,000 by tier. Not limited if not said.
    pub rpm: Option<u64>,
}

/// A key that is accepted. It cannot be printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Whether this is the key that a request showed.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        self.0 == shown
    }
}

impl<T: Into<String>> From<T> for Key {
    fn from(key: T) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
