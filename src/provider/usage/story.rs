//! What the pieces of one answer add up to: counts, the model, an error, whether the end was reached.

use std::borrow::Cow;

use super::counts::{Counts, Tokens};
use super::fault::Fault;
use super::framing::Piece;
use crate::domain::{Api, Certainty, Dialect, ModelEnd, ModelId, Usage};
use crate::provider::ends;
use crate::provider::json::{self, text};

/// How deep an answer may stand in what is sent: in `response` or `message`, and `x_groq` beside it.
const NESTED: u8 = 2;

/// The story so far.
#[derive(Debug)]
pub(super) struct Story {
    api: Api,
    /// `input_tokens` leave out what was cached: Anthropic's reading.
    exclusive: bool,
    usage: Usage,
    tokens: Tokens,
    fault: Option<Fault>,
    end: Option<ModelEnd>,
    listed: Vec<ModelEnd>,
    finished: bool,
    lost: bool,
}

/// What an object says of itself.
#[derive(Default)]
struct Said<'b> {
    kind: Cow<'b, str>,
    event_type: Cow<'b, str>,
    object: Cow<'b, str>,
    data: &'b [u8],
    model_status: &'b [u8],
    has_error: bool,
    is_whole: bool,
}

impl Default for Story {
    fn default() -> Self {
        Self::new(Dialect::OpenAiCompatible, Api::Other)
    }
}

impl Story {
    pub(super) fn new(dialect: Dialect, api: Api) -> Self {
        Self {
            api,
            exclusive: api == Api::Messages || (dialect == Dialect::Anthropic && api != Api::ChatCompletions),
            usage: Usage::default(),
            tokens: Tokens::default(),
            fault: None,
            end: None,
            listed: Vec::new(),
            finished: false,
            lost: false,
        }
    }

    /// What the headers said; the answer may say it again.
    pub(super) fn with_tier(mut self, tier: Option<&str>) -> Self {
        self.usage.service_tier = tier.map(str::to_owned);
        self
    }

    pub(super) const fn api(&self) -> Api {
        self.api
    }

    pub(super) fn take(&mut self, piece: Piece<'_>) {
        if matches!(self.api, Api::Models | Api::CountTokens) {
            // nothing was generated, and an old answer that is looked at again must not be counted again
            match piece {
                Piece::Whole(json) => {
                    self.finished = json::is_whole(json);
                    if self.api == Api::Models {
                        self.listed = ends::listed_ends(json);
                    }
                }
                Piece::Lost => self.lost = true,
                Piece::Event(_) => {}
            }
            return;
        }
        match piece {
            Piece::Lost => self.lost = true,
            Piece::Whole(json) => self.finished |= self.read(json),
            Piece::Event(data) if data.trim_ascii() == b"[DONE]" => self.finished = true,
            Piece::Event(data) => drop(self.read(data)),
        }
    }

    pub(super) const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(super) const fn end(&self) -> Option<&ModelEnd> {
        self.end.as_ref()
    }

    pub(super) fn listed_ends(&self) -> &[ModelEnd] {
        &self.listed
    }

    pub(super) const fn finished(&self) -> bool {
        self.finished
    }

    /// Whether something of it was too long to be kept.
    pub(super) const fn lost(&self) -> bool {
        self.lost
    }

    /// The last word. `complete` says that the body ended as HTTP has it, which proves little for a stream whose counts
    /// grow, and enough for chat completions, whose counts come once and last.
    pub(super) fn finish(&mut self, complete: bool) -> Usage {
        if matches!(self.api, Api::Models | Api::CountTokens | Api::Batches) {
            self.usage.certainty = Certainty::Exact; // nothing was generated
        } else if !self.tokens.is_silent() {
            let once = matches!(self.api, Api::ChatCompletions | Api::Completions);
            let whole = self.finished || (complete && once);
            self.usage.certainty = if whole && !self.lost { Certainty::Exact } else { Certainty::AtLeast };
        }
        std::mem::take(&mut self.usage)
    }

    /// Reads an object; whether it was whole.
    fn read(&mut self, json: &[u8]) -> bool {
        let said = self.read_object(json, NESTED);
        let kind = if said.kind.is_empty() { said.event_type } else { said.kind };
        self.finished |= matches!(&*kind, "message_stop" | "response.completed" | "response.incomplete" | "response.failed")
            || kind.starts_with("interaction.complete")
            || matches!(&*kind, "transcript.text.done" | "speech.audio.done")
            || is_image_event(&kind);
        self.usage.images += u64::from(is_image_event(&kind));
        // an error without a wrapping: the event `error` of the Responses, Mistral's bodies
        if !said.has_error && (kind == "error" || said.object == "error") {
            self.fail(json);
        }
        if self.api == Api::Images && kind.is_empty() {
            self.usage.images += json::items(said.data).count() as u64;
        }
        if !self.tokens.is_silent() {
            self.usage.certainty = Certainty::AtLeast;
        }
        said.is_whole
    }

    /// Reads the fields of an answer, of an event, or of what an event is about: Anthropic's `message_start` starts a
    /// `message`, OpenAI's Responses and Gemini's Interactions name theirs, Groq puts its own part into `x_groq`.
    fn read_object<'b>(&mut self, json: &'b [u8], nested: u8) -> Said<'b> {
        let mut said = Said::default();
        let Some(mut fields) = json::fields(json) else { return said };
        for (name, value) in fields.by_ref() {
            match name {
                b"type" => said.kind = text(value),
                b"event_type" => said.event_type = text(value),
                b"object" => said.object = text(value),
                b"data" => said.data = value,
                b"model" | b"modelVersion" => self.model(&text(value)),
                b"modelStatus" => said.model_status = value,
                b"service_tier" => self.tier(&text(value)),
                b"usage" | b"usageMetadata" => {
                    if let Some(counts) = Counts::of(value) {
                        self.count(&counts);
                    }
                }
                b"message" | b"response" | b"interaction" | b"x_groq" if nested > 0 => {
                    self.read_object(value, nested - 1);
                }
                b"error" => {
                    said.has_error = value != b"null";
                    self.fail(value);
                }
                // OpenRouter puts an error into a choice
                b"choices" => json::items(value).filter_map(|choice| json::field(choice, b"error")).for_each(|error| self.fail(error)),
                b"candidates" => json::items(value).for_each(|candidate| self.candidate(candidate)),
                b"promptFeedback" => self.finished |= json::field(value, b"blockReason").is_some_and(is_said),
                b"output" => {
                    let kinds = json::items(value).filter_map(|item| json::field(item, b"type"));
                    self.usage.images += kinds.filter(|kind| *kind == b"\"image_generation_call\"").count() as u64;
                }
                _ => {}
            }
        }
        said.is_whole = fields.is_whole();
        if let (None, Some(model), false) = (&self.end, &self.usage.model, said.model_status.is_empty()) {
            let said = |name: &[u8]| text(json::field(said.model_status, name).unwrap_or_default());
            self.end = ends::of_status(model, &said(b"modelStage"), &said(b"retirementTime"));
        }
        said
    }

    fn model(&mut self, model: &str) {
        if !model.is_empty() && self.usage.model.as_ref().is_none_or(|known| known.as_str() != model) {
            self.usage.model = Some(ModelId::new(model));
        }
    }

    fn fail(&mut self, error: &[u8]) {
        if self.fault.is_none() {
            self.fault = serde_json::from_slice(error).ok().as_ref().and_then(Fault::of);
        }
    }

    fn candidate(&mut self, candidate: &[u8]) {
        self.finished |= json::field(candidate, b"finishReason").is_some_and(is_said);
        let parts = json::field(candidate, b"content").and_then(|content| json::field(content, b"parts")).unwrap_or_default();
        let mimes = json::items(parts).filter_map(|part| json::field(json::field(part, b"inlineData")?, b"mimeType"));
        self.usage.images += mimes.filter(|mime| text(mime).starts_with("image/")).count() as u64;
    }

    fn count(&mut self, counts: &Counts<'_>) {
        self.tokens.update(counts.tokens(self.exclusive));
        self.tier(&counts.text("service_tier"));
        // Anthropic's fast traffic has limits and prices of its own
        if counts.text("speed") == "fast" {
            self.tier("fast");
        }
        let Tokens { input, cache_read, cache_write, cache_write_long, tool_input, output, reasoning } = self.tokens;
        self.usage.input = input.unwrap_or(0);
        self.usage.cache_read = cache_read.unwrap_or(0);
        self.usage.cache_write = cache_write.unwrap_or(0);
        self.usage.cache_write_long = cache_write_long.unwrap_or(0);
        self.usage.tool_input = tool_input.unwrap_or(0);
        self.usage.output = output.unwrap_or(0);
        self.usage.reasoning = reasoning.unwrap_or(0);
    }

    fn tier(&mut self, tier: &str) {
        if !tier.is_empty() && self.usage.service_tier.as_deref() != Some(tier) {
            self.usage.service_tier = Some(tier.to_owned());
        }
    }
}

fn is_image_event(kind: &str) -> bool {
    matches!(kind, "image_generation.completed" | "image_edit.completed")
}

/// Whether a value is a text that says something.
fn is_said(value: &[u8]) -> bool {
    !text(value).is_empty()
}
