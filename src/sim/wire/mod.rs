//! The forms in which requests are read and answers written, one file for each API.

mod chat;
mod embeddings;
mod generate;
mod messages;
mod responses;

use serde_json::{Value, json};

use super::answer::{Answer, End, InputUsage};
use super::ask::{Ask, BadAsk, Framing};
use super::config::SimProvider;
use super::script::{self, Script};

/// An API's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Messages,
    /// Anthropic's count_tokens.
    CountTokens,
    Chat,
    Responses,
    /// OpenAI's count of a response's input.
    InputTokens,
    Embeddings,
    Generate,
    /// Gemini's countTokens.
    GenerateCount,
    /// Gemini's embedContent.
    Embed,
    /// Gemini's batchEmbedContents.
    EmbedBatch,
}

impl Wire {
    /// Reads a body. Gemini's model and framing stand in the path.
    pub(super) fn read(self, provider: SimProvider, body: &Value, model: Option<&str>, framing: Framing) -> Result<Ask, BadAsk> {
        if !body.is_object() {
            return Err(BadAsk::new("the request body is not a JSON object"));
        }
        match self {
            Self::Messages => messages::read(body),
            Self::CountTokens => messages::read_count(body),
            Self::Chat => chat::read(provider, body),
            Self::Responses | Self::InputTokens => responses::read(body),
            Self::Embeddings => embeddings::read(body),
            Self::Generate | Self::GenerateCount => generate::read(body, model.unwrap_or_default(), framing),
            Self::Embed | Self::EmbedBatch => embeddings::read_gemini(body, model.unwrap_or_default()),
        }
    }

    /// The answer as one document.
    pub(super) fn whole(self, provider: SimProvider, ask: &Ask, answer: &Answer) -> Value {
        match self {
            Self::Messages => messages::whole(answer),
            Self::CountTokens => json!({"input_tokens": ask.prompt_tokens}),
            Self::Chat => chat::whole(provider, answer),
            Self::Responses => responses::whole(ask, answer),
            Self::InputTokens => json!({"object": "response.input_tokens", "input_tokens": ask.prompt_tokens}),
            Self::Embeddings => embeddings::whole(ask, answer),
            Self::Generate => generate::whole(answer),
            Self::GenerateCount => json!({
                "totalTokens": ask.prompt_tokens,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": ask.prompt_tokens}],
            }),
            Self::Embed => json!({"embedding": embeddings::gemini_vector(ask.vectors)}),
            Self::EmbedBatch => {
                json!({"embeddings": (0..ask.vectors.count).map(|_| embeddings::gemini_vector(ask.vectors)).collect::<Vec<_>>()})
            }
        }
    }

    /// The answer as a stream, if this API has one.
    pub(super) fn script(self, provider: SimProvider, ask: &Ask, answer: &Answer) -> Option<Script> {
        match self {
            Self::Messages => Some(messages::script(answer)),
            Self::Chat => Some(chat::script(provider, ask, answer)),
            Self::Responses => Some(responses::script(ask, answer)),
            Self::Generate => Some(generate::script(ask, answer)),
            Self::CountTokens | Self::InputTokens | Self::Embeddings | Self::GenerateCount | Self::Embed | Self::EmbedBatch => None,
        }
    }

    /// What a stream says when the provider fails in the middle of it.
    pub(super) fn error_event(self, framing: Framing, answer: &Answer) -> String {
        match self {
            Self::Messages => {
                script::event("error", json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
            }
            Self::Responses => responses::failed(answer),
            Self::Generate if framing == Framing::JsonArray => {
                format!(",\r\n{}]", json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": generate::OVERLOADED}}))
            }
            Self::Generate => script::data(json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": generate::OVERLOADED}})),
            _ => script::data(json!({"error": {
                "message": "The server had an error while processing your request. Sorry about that!",
                "type": "server_error", "param": null, "code": "server_error",
            }})),
        }
    }

    /// Whether answers of this kind hold output tokens.
    pub(super) const fn generates(self) -> bool {
        matches!(self, Self::Messages | Self::Chat | Self::Responses | Self::Generate)
    }

    /// Whether it counts a prompt and costs nothing.
    pub(super) const fn only_counts(self) -> bool {
        matches!(self, Self::CountTokens | Self::InputTokens | Self::GenerateCount)
    }
}

/// What a model list shows of one model.
pub(super) fn model_entry(provider: SimProvider, id: &str) -> Value {
    match provider {
        SimProvider::Anthropic => json!({
            "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z",
            "max_input_tokens": 1_000_000, "max_tokens": 128_000,
        }),
        SimProvider::OpenAi => json!({"id": id, "object": "model", "created": 1_767_225_600, "owned_by": "openai", "shutdown_date": null}),
        SimProvider::DeepSeek => json!({"id": id, "object": "model", "owned_by": "deepseek"}),
        SimProvider::Gemini => json!({
            "name": format!("models/{id}"), "version": "001", "displayName": id, "description": "simulated",
            "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens", "batchEmbedContents"],
        }),
    }
}

/// A list of models.
pub(super) fn model_list(provider: SimProvider, ids: &[&str]) -> Value {
    let entries: Vec<Value> = ids.iter().map(|id| model_entry(provider, id)).collect();
    match provider {
        SimProvider::Anthropic => json!({"data": entries, "has_more": false, "first_id": ids.first(), "last_id": ids.last()}),
        SimProvider::OpenAi | SimProvider::DeepSeek => json!({"object": "list", "data": entries}),
        SimProvider::Gemini => json!({"models": entries}),
    }
}
