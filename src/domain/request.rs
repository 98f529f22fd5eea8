//! One request: what can be told of it before it is sent, and what is kept of it afterwards.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, ModelClass, ModelId, Provider, Usage, VerdictKind};

/// A request's number in this data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// Which of the user's programs sent a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientName(Arc<str>);

impl ClientName {
    /// Wraps a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which queue a request stands in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// Nobody waits for it.
    Batch,
}

impl Lane {
    /// The name in headers and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }
}

/// The API that a path belongs to, which decides how its usage is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Anthropic's `/v1/messages`.
    Messages,
    /// Anthropic's `/v1/messages/count_tokens`, Gemini's `:countTokens`, OpenAI's `/v1/responses/input_tokens`.
    CountTokens,
    /// `/chat/completions` of OpenAI and all who speak its format.
    ChatCompletions,
    /// OpenAI's older `/completions`.
    Completions,
    /// OpenAI's `/responses`.
    Responses,
    /// Gemini's `:generateContent` and `:streamGenerateContent`.
    GenerateContent,
    /// Gemini's `/interactions`.
    Interactions,
    /// `/embeddings`, `:embedContent`, `:batchEmbedContents`.
    Embeddings,
    /// `/images/...`.
    Images,
    /// `/audio/...`.
    Audio,
    /// Batches and the files for them: work for later, with limits of its own.
    Batches,
    /// Lists and other things that generate nothing.
    Models,
    /// Anything else: passes through, counts as one request.
    Other,
}

impl Api {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::GenerateContent => "generate_content",
            Self::Interactions => "interactions",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Batches => "batches",
            Self::Models => "models",
            Self::Other => "other",
        }
    }
}

/// What can be told of a request from its path and body before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// Which API.
    pub api: Api,
    /// The model it names.
    pub model: Option<ModelId>,
    /// Whether it asks for a stream.
    pub stream: bool,
    /// The most output tokens it allows, if it says.
    pub max_output: Option<u64>,
    /// How many answers it asks for at once (`n`, `candidateCount`); 1 unless it says.
    pub choices: u64,
    /// Bytes of text that become input tokens: prompts, tools, schemas.
    pub text_bytes: u64,
    /// Images, audio and files in the input, whose bytes say little about tokens.
    pub media: u32,
    /// Equal for requests of one conversation, so that they can keep their prompt cache.
    pub conversation: Option<u64>,
    /// Requests to other pools (`flex`, `priority`, `fast`), as the body spells it.
    pub service_tier: Option<String>,
}

impl RequestFacts {
    /// A request about which only its size is known.
    #[must_use]
    pub const fn opaque(api: Api, body_bytes: u64) -> Self {
        Self {
            api,
            model: None,
            stream: false,
            max_output: None,
            choices: 1,
            text_bytes: body_bytes,
            media: 0,
            conversation: None,
            service_tier: None,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The provider answered below 400 and the answer arrived whole.
    Ok,
    /// The provider answered with an error that is no refusal for limits.
    Error,
    /// The provider refused it for a limit (after whatever retries were allowed).
    Refused,
    /// Tierline refused it.
    RefusedLocally,
    /// The client went away.
    ClientGone,
    /// The provider could not be reached, or broke off.
    UpstreamFailed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [Self::Ok, Self::Error, Self::Refused, Self::RefusedLocally, Self::ClientGone, Self::UpstreamFailed];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::RefusedLocally => "refused_locally",
            Self::ClientGone => "client_gone",
            Self::UpstreamFailed => "upstream_failed",
        }
    }

    /// The outcome with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

/// All that is kept of a finished request. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Its number.
    pub id: RequestId,
    /// When it arrived at the gateway.
    pub arrived_at: Timestamp,
    /// When its last byte was handed to the client, or it ended otherwise.
    pub finished_at: Timestamp,
    /// Which account served it.
    pub account: AccountId,
    /// That account's label at the time.
    pub account_label: String,
    /// Whose API.
    pub provider: Provider,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stood in.
    pub lane: Lane,
    /// Which API.
    pub api: Api,
    /// The model it named.
    pub model_asked: Option<ModelId>,
    /// The class of models whose buckets it drew on.
    pub class: ModelClass,
    /// HTTP status that the client saw; 0 if none.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it waited for room, in milliseconds.
    pub wait_millis: u64,
    /// From sending it to the first byte of the answer's head, in milliseconds; the last attempt.
    pub first_byte_millis: Option<u64>,
    /// How many times it was sent; 0 for a row of a provider's batch, which went inside of that.
    pub attempts: u32,
    /// What it took. The model that answered is in here.
    pub usage: Usage,
    /// Input tokens as the provider counts them toward its limits; cached ones may be missing here.
    pub counted_input: u64,
    /// Output tokens as the provider counts them toward its limits.
    pub counted_output: u64,
    /// What it cost in nano-dollars; `None` if a price is unknown.
    pub cost_nanos: Option<u64>,
    /// Input tokens it was expected to take, as reserved.
    pub reserved_input: u64,
    /// Output tokens it was expected to take, as reserved.
    pub reserved_output: u64,
    /// The meter that made it wait (`RPM`, `OTPM`, ...), if it waited.
    pub bound_by: Option<String>,
    /// The verdict on the refusal that the client saw, if any.
    pub verdict: Option<VerdictKind>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// `account/model`, where a fallback route led it away from the account and model that it named.
    #[serde(default)]
    pub served_by: Option<String>,
}
