//! The counts in which answers say what they took: one reading for all, since no two APIs use a field for two things.

use std::borrow::Cow;

use crate::provider::json;
use crate::provider::lenient::Scalar;

/// The fields of one `usage`.
#[derive(Debug)]
pub(super) struct Counts<'b>(Vec<(&'b [u8], &'b [u8])>);

/// Counts in classes that do not overlap; `None` where the answer is silent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) input: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
    pub(super) cache_write_long: Option<u64>,
    pub(super) tool_input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) reasoning: Option<u64>,
}

impl<'b> Counts<'b> {
    /// `None` for anything but an object.
    pub(super) fn of(usage: &'b [u8]) -> Option<Self> {
        json::fields(usage).map(|fields| Self(fields.collect()))
    }

    /// The text of a field; empty if there is none.
    pub(super) fn text(&self, name: &str) -> Cow<'b, str> {
        self.value(name).map(json::text).unwrap_or_default()
    }

    /// Reads the counts by the names they have. `exclusive` tells Anthropic's `input_tokens`, which leave cached ones out,
    /// from OpenAI's, which include them.
    pub(super) fn tokens(&self, exclusive: bool) -> Tokens {
        let has = |name| self.count(name).is_some();
        if has("promptTokenCount") || has("candidatesTokenCount") || has("thoughtsTokenCount") {
            self.gemini([
                "promptTokenCount",
                "cachedContentTokenCount",
                "candidatesTokenCount",
                "thoughtsTokenCount",
                "toolUsePromptTokenCount",
            ])
        } else if has("total_input_tokens") || has("total_output_tokens") {
            // Gemini's Interactions
            self.gemini([
                "total_input_tokens",
                "total_cached_tokens",
                "total_output_tokens",
                "total_thought_tokens",
                "total_tool_use_tokens",
            ])
        } else if has("prompt_tokens") {
            // chat completions and embeddings
            self.openai(["prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"])
        } else if exclusive || has("cache_read_input_tokens") {
            self.anthropic()
        } else if self.value("input_token_details").is_some() {
            // OpenAI's realtime sessions and transcriptions
            self.openai(["input_tokens", "output_tokens", "input_token_details", "output_token_details"])
        } else {
            // OpenAI's Responses, images and audio
            self.openai(["input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"])
        }
    }

    fn anthropic(&self) -> Tokens {
        let short = self.inner("cache_creation", "ephemeral_5m_input_tokens");
        let long = self.inner("cache_creation", "ephemeral_1h_input_tokens");
        Tokens {
            input: self.count("input_tokens"),
            cache_read: self.count("cache_read_input_tokens"),
            cache_write: self.count("cache_creation_input_tokens").or_else(|| Some(short? + long.unwrap_or(0))),
            cache_write_long: long,
            tool_input: None,
            output: self.count("output_tokens"),
            reasoning: self.inner("output_tokens_details", "thinking_tokens"),
        }
    }

    /// A total that is more than its parts holds output that nobody itemised: some leave thinking out of the completion.
    fn openai(&self, [prompt, completion, inside, outside]: [&str; 4]) -> Tokens {
        let completion = self.count(completion);
        let Some(prompt) = self.count(prompt) else { return Tokens { output: completion, ..Tokens::default() } };
        let cache_read = self.inner(inside, "cached_tokens").or_else(|| self.count("prompt_cache_hit_tokens"));
        let cache_write = self.inner(inside, "cache_write_tokens");
        let total_output = self.count("total_tokens").map(|total| total.saturating_sub(prompt));
        let hidden = total_output.map(|total| total.saturating_sub(completion.unwrap_or(0))).filter(|hidden| *hidden > 0);
        Tokens {
            input: Some(prompt.saturating_sub(cache_read.unwrap_or(0) + cache_write.unwrap_or(0))),
            cache_read,
            cache_write,
            output: completion.max(total_output),
            reasoning: self.inner(outside, "reasoning_tokens").max(hidden),
            ..Tokens::default()
        }
    }

    /// The prompt includes what was cached; thoughts and what tools fed back stand beside the rest.
    fn gemini(&self, names: [&str; 5]) -> Tokens {
        let [prompt, cached, candidates, thoughts, tools] = names.map(|name| self.count(name));
        Tokens {
            input: prompt.map(|prompt| prompt.saturating_sub(cached.unwrap_or(0)) + tools.unwrap_or(0)),
            cache_read: cached,
            tool_input: tools,
            output: candidates.map(|visible| visible + thoughts.unwrap_or(0)).or(thoughts),
            reasoning: thoughts,
            ..Tokens::default()
        }
    }

    fn count(&self, name: &str) -> Option<u64> {
        count(self.value(name)?)
    }

    fn inner(&self, name: &str, inner: &str) -> Option<u64> {
        count(json::field(self.value(name)?, inner.as_bytes())?)
    }

    /// Of a name that stands twice, the last value: counts grow.
    fn value(&self, name: &str) -> Option<&'b [u8]> {
        self.0.iter().rev().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| *value)
    }
}

/// A count of something: not negative, not absurd.
pub(super) fn count(value: &[u8]) -> Option<u64> {
    if !value.first()?.is_ascii_digit() {
        return None;
    }
    serde_json::from_slice::<Scalar>(value).ok()?.count()
}

impl Tokens {
    /// What the later word says; counts of a stream are cumulative.
    pub(super) fn update(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.cache_read = later.cache_read.or(self.cache_read);
        self.cache_write = later.cache_write.or(self.cache_write);
        self.cache_write_long = later.cache_write_long.or(self.cache_write_long);
        self.tool_input = later.tool_input.or(self.tool_input);
        self.output = later.output.or(self.output);
        self.reasoning = later.reasoning.or(self.reasoning);
    }

    pub(super) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}
