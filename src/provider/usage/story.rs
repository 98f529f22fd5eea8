//! What the pieces of one answer add up to: counts, the model, an error, whether the end was reached.

use memchr::memchr2_iter;
use memchr::memmem::Finder;

use super::answer::{Answer, Counts, Tokens};
use super::fault::Fault;
use super::framing::Piece;
use crate::domain::{Api, Certainty, Dialect, ModelEnd, ModelId, Usage};
use crate::provider::ends;
use crate::provider::lenient::Scalar;

/// How many events at the start of a stream are read in any case: the model is in the first, if it is in any.
const ALWAYS_READ: u8 = 3;

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
    read: u8,
    output_bytes: u64,
    /// An event without any of these says nothing new.
    telling: Vec<Finder<'static>>,
    /// The keys of generated text.
    texts: Vec<Finder<'static>>,
}

impl Default for Story {
    fn default() -> Self {
        Self::new(Dialect::OpenAiCompatible, Api::Other)
    }
}

impl Story {
    pub(super) fn new(dialect: Dialect, api: Api) -> Self {
        let (telling, texts): (&[&'static str], &[&'static str]) = match api {
            Api::Messages => (&["\"usage\"", "\"error\"", "message_stop"], &["\"text\"", "\"thinking\"", "\"partial_json\""]),
            Api::ChatCompletions => {
                (&["\"usage\"", "\"error\""], &["\"content\"", "\"reasoning_content\"", "\"reasoning\"", "\"arguments\""])
            }
            Api::Completions => (&["\"usage\"", "\"error\""], &["\"text\""]),
            Api::Responses => (&["\"usage\"", "\"error\""], &["\"delta\""]),
            Api::GenerateContent => (&["\"usageMetadata\"", "\"error\"", "Reason\"", "\"inlineData\""], &["\"text\""]),
            Api::Interactions => (&["\"usage\"", "\"error\"", "interaction.complete"], &["\"text\"", "\"arguments\""]),
            _ => (&["\"usage", "\"error\"", "message_stop", ".done\"", ".completed\""], &[]),
        };
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
            read: 0,
            output_bytes: 0,
            telling: telling.iter().map(Finder::new).collect(),
            texts: texts.iter().map(Finder::new).collect(),
        }
    }

    /// What the headers said; the answer may say it again.
    pub(super) fn with_tier(mut self, tier: Option<&str>) -> Self {
        self.usage.service_tier = tier.map(str::to_owned);
        self
    }

    pub(super) fn take(&mut self, piece: Piece<'_>) {
        if self.api == Api::Models {
            // nothing was generated, and an old answer that is looked at again must not be counted again
            if let Piece::Whole(json) = piece {
                self.listed = ends::listed_ends(json);
            }
            return;
        }
        match piece {
            Piece::Lost => self.lost = true,
            Piece::Whole(json) => {
                self.read(json);
                self.finished = true;
            }
            Piece::Event(data) if data.trim_ascii() == b"[DONE]" => self.finished = true,
            Piece::Event(data) => {
                self.count_text(data);
                if self.read < ALWAYS_READ || self.is_telling(data) {
                    self.read = self.read.saturating_add(1);
                    self.read(data);
                }
            }
        }
    }

    pub(super) const fn usage(&self) -> &Usage {
        &self.usage
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

    pub(super) const fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// The last word. `complete` says that the body ended as HTTP has it, which proves little for a stream whose counts
    /// grow, and enough for chat completions, whose counts come once and last.
    pub(super) fn finish(&mut self, complete: bool) -> Usage {
        if matches!(self.api, Api::Models | Api::CountTokens) {
            self.usage.certainty = Certainty::Exact; // nothing was generated
        } else if !self.tokens.is_silent() {
            let once = matches!(self.api, Api::ChatCompletions | Api::Completions);
            let whole = self.finished || (complete && once);
            self.usage.certainty = if whole && !self.lost { Certainty::Exact } else { Certainty::AtLeast };
        }
        std::mem::take(&mut self.usage)
    }

    fn is_telling(&self, data: &[u8]) -> bool {
        self.telling.iter().any(|finder| {
            // chat completions write `"usage":null` into every chunk but the last
            let null_says_nothing = self.api == Api::ChatCompletions && finder.needle() == b"\"usage\"";
            let says_null = |at: usize| value_at(data, at + finder.needle().len()).is_some_and(|value| value.starts_with(b"null"));
            finder.find_iter(data).any(|at| !(null_says_nothing && says_null(at)))
        })
    }

    /// Adds the bytes of the generated text in a delta, escapes and all; padding such as `obfuscation` is not text.
    fn count_text(&mut self, data: &[u8]) {
        for finder in &self.texts {
            let values = finder.find_iter(data).filter_map(|at| value_at(data, at + finder.needle().len()));
            self.output_bytes += values.filter_map(string_len).sum::<u64>();
        }
    }

    fn read(&mut self, json: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Answer>(json) else { return };
        self.read_answer(&answer);
        let kind = answer.kind.as_text();
        let kind = if kind.is_empty() { answer.event_type.as_text() } else { kind };
        self.finished |= matches!(kind, "message_stop" | "response.completed" | "response.incomplete" | "response.failed")
            || kind.starts_with("interaction.complete")
            || matches!(kind, "transcript.text.done" | "speech.audio.done")
            || is_image_event(kind);
        self.usage.images += u64::from(is_image_event(kind));
        // an error without a wrapping: the event `error` of the Responses, Mistral's bodies
        if self.fault.is_none() && answer.error.is_null() && (kind == "error" || answer.object.as_text() == "error") {
            self.fault = serde_json::from_slice(json).ok().as_ref().and_then(Fault::of);
        }
        if self.api == Api::Images && kind.is_empty() {
            self.usage.images += answer.data.0.len() as u64;
        }
        if !self.tokens.is_silent() {
            self.usage.certainty = Certainty::AtLeast;
        }
    }

    fn read_answer(&mut self, answer: &Answer) {
        for part in
            [&answer.message, &answer.response, &answer.interaction, &answer.x_groq].into_iter().filter_map(|part| part.0.as_deref())
        {
            self.read_answer(part);
        }
        for model in [&answer.model, &answer.model_version].map(Scalar::as_text) {
            if !model.is_empty() && self.usage.model.as_ref().is_none_or(|known| known.as_str() != model) {
                self.usage.model = Some(ModelId::new(model));
            }
        }
        if let (None, Some(status), Some(model)) = (&self.end, &answer.model_status.0, &self.usage.model) {
            self.end = ends::of_status(model, status.stage.as_text(), status.retirement_time.as_text());
        }
        self.tier(answer.service_tier.as_text());
        for counts in [&answer.usage, &answer.usage_metadata].into_iter().filter_map(|counts| counts.0.as_ref()) {
            self.count(counts);
        }
        let errors = std::iter::once(&answer.error).chain(answer.choices.0.iter().map(|choice| &choice.error));
        if self.fault.is_none() {
            self.fault = errors.into_iter().find_map(Fault::of);
        }
        for candidate in &answer.candidates.0 {
            self.finished |= !candidate.finish_reason.as_text().is_empty();
            let parts = candidate.content.0.as_ref().map(|content| content.parts.0.as_slice()).unwrap_or_default();
            let is_image = |mime: &str| mime.starts_with("image/");
            let images = parts.iter().filter_map(|part| part.inline_data.0.as_ref()).filter(|data| is_image(data.mime_type.as_text()));
            self.usage.images += images.count() as u64;
        }
        self.finished |= answer.prompt_feedback.0.as_ref().is_some_and(|feedback| !feedback.block_reason.as_text().is_empty());
        let made = answer.output.0.iter().filter(|item| item.kind.as_text() == "image_generation_call");
        self.usage.images += made.count() as u64;
    }

    fn count(&mut self, counts: &Counts) {
        self.tokens.update(counts.tokens(self.exclusive));
        self.tier(counts.service_tier.as_text());
        // Anthropic's fast traffic has limits and prices of its own
        if counts.speed.as_text() == "fast" {
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

/// What follows the colon after a key that ends at `end`.
fn value_at(data: &[u8], end: usize) -> Option<&[u8]> {
    Some(data.get(end..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

/// The length of the JSON string that `value` begins with, as it stands between its quotes.
fn string_len(value: &[u8]) -> Option<u64> {
    let text = value.strip_prefix(b"\"")?;
    let mut skip = None;
    for at in memchr2_iter(b'"', b'\\', text) {
        if skip == Some(at) {
            continue;
        }
        if text.get(at) == Some(&b'"') {
            return Some(at as u64);
        }
        skip = Some(at + 1);
    }
    None
}
