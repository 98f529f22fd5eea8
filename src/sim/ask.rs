//! What a simulated provider needs to know of a request's body, whatever API it is written for.

use serde_json::Value;

use super::answer::InputUsage;
use super::prompt::{CacheMark, Prompt};
use super::tool::ToolCall;

/// How the answer is to be framed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// One JSON document.
    #[default]
    Whole,
    /// Server-sent events.
    Sse,
    /// One JSON array, sent in pieces (Gemini).
    JsonArray,
}

/// A request, read.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) framing: Framing,
    /// OpenAI's `stream_options.include_usage`.
    pub(super) include_usage: bool,
    pub(super) max_tokens: Option<u64>,
    /// How many answers at once.
    pub(super) choices: u64,
    pub(super) prompt_tokens: u64,
    pub(super) prompt_chars: u64,
    pub(super) cache_marks: Vec<CacheMark>,
    pub(super) tool: Option<ToolCall>,
    /// How long the answer is to be, if the request says so.
    pub(super) output_hint: Option<u64>,
    pub(super) vectors: Vectors,
}

/// What an embeddings request wants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Vectors {
    pub(super) count: usize,
    pub(super) dimensions: usize,
    pub(super) base64: bool,
}

/// Why a body cannot be answered.
#[derive(Debug, Default)]
pub(super) struct BadAsk {
    pub(super) message: String,
    pub(super) param: Option<&'static str>,
    pub(super) code: Option<&'static str>,
    /// The model, if the body is refused only after the limiter saw it: such a refusal takes one request and one token.
    pub(super) metered: Option<String>,
}

impl BadAsk {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    pub(super) fn param(message: impl Into<String>, param: &'static str) -> Self {
        Self { param: Some(param), ..Self::new(message) }
    }
}

impl Ask {
    /// An ask for one answer to this prompt.
    pub(super) fn new(model: String, prompt: Prompt) -> Self {
        Self {
            model,
            choices: 1,
            prompt_tokens: prompt.tokens(),
            prompt_chars: prompt.chars(),
            cache_marks: prompt.into_marks(),
            ..Self::default()
        }
    }

    /// Its input where no cache plays a part.
    pub(super) fn plain_input(&self) -> InputUsage {
        InputUsage { plain: self.prompt_tokens, ..InputUsage::default() }
    }
}

/// The text at `key`, or nothing.
pub(super) fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

/// Whether `key` says true.
pub(super) fn flag(body: &Value, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool) == Some(true)
}

/// The number in `out=120`, wherever that stands in `text`, or the whole of `text` if it is a number.
pub(super) fn output_hint(text: Option<&str>) -> Option<u64> {
    let text = text?;
    let digits = text.split_once("out=").map_or(text, |(_, after)| after);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end < digits.len() && !text.contains("out=") { None } else { digits.get(..end)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_a_number_or_follows_its_name() {
        for (text, hint) in [
            ("120", Some(120)),
            ("out=7", Some(7)),
            ("user-1;out=20;x", Some(20)),
            ("user-1", None),
            ("7up", None),
            ("out=", None),
            ("", None),
        ] {
            assert_eq!(output_hint(Some(text)), hint, "{text:?}");
        }
    }
}
