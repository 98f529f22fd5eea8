//! The counts in which answers say what they took: one reading for all, since no two APIs use a field for two things.

use serde::Deserialize;

use crate::provider::lenient::{Object, Scalar};

/// Every count that any provider writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    // Anthropic, and OpenAI's Responses, images and audio
    input_tokens: Scalar,
    output_tokens: Scalar,
    cache_read_input_tokens: Scalar,
    cache_creation_input_tokens: Scalar,
    cache_creation: Object<CacheCreation>,
    input_tokens_details: Object<Details>,
    output_tokens_details: Object<Details>,
    pub(super) service_tier: Scalar,
    pub(super) speed: Scalar,
    // chat completions and embeddings
    prompt_tokens: Scalar,
    completion_tokens: Scalar,
    total_tokens: Scalar,
    prompt_tokens_details: Object<Details>,
    completion_tokens_details: Object<Details>,
    prompt_cache_hit_tokens: Scalar,
    // Gemini
    #[serde(rename = "promptTokenCount")]
    prompt_token_count: Scalar,
    #[serde(rename = "cachedContentTokenCount")]
    cached_content_token_count: Scalar,
    #[serde(rename = "candidatesTokenCount")]
    candidates_token_count: Scalar,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts_token_count: Scalar,
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use_prompt_token_count: Scalar,
    // Gemini's Interactions
    total_input_tokens: Scalar,
    total_output_tokens: Scalar,
    total_thought_tokens: Scalar,
    total_cached_tokens: Scalar,
    total_tool_use_tokens: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Scalar,
    ephemeral_1h_input_tokens: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(rename = "cached_tokens")]
    cached: Scalar,
    #[serde(rename = "cache_write_tokens")]
    cache_write: Scalar,
    #[serde(rename = "reasoning_tokens")]
    reasoning: Scalar,
    #[serde(rename = "thinking_tokens")]
    thinking: Scalar,
}

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

impl Counts {
    /// Reads the counts by the names they have. `exclusive` tells Anthropic's `input_tokens`, which leave cached ones out,
    /// from OpenAI's, which include them.
    pub(super) fn tokens(&self, exclusive: bool) -> Tokens {
        if self.prompt_token_count.count().or(self.candidates_token_count.count()).or(self.thoughts_token_count.count()).is_some() {
            gemini(
                &self.prompt_token_count,
                &self.cached_content_token_count,
                &self.candidates_token_count,
                &self.thoughts_token_count,
                &self.tool_use_prompt_token_count,
            )
        } else if self.total_input_tokens.count().or(self.total_output_tokens.count()).is_some() {
            gemini(
                &self.total_input_tokens,
                &self.total_cached_tokens,
                &self.total_output_tokens,
                &self.total_thought_tokens,
                &self.total_tool_use_tokens,
            )
        } else if self.prompt_tokens.count().is_some() {
            self.openai(&self.prompt_tokens, &self.completion_tokens, &self.prompt_tokens_details, &self.completion_tokens_details)
        } else if exclusive || self.cache_read_input_tokens.count().is_some() {
            self.anthropic()
        } else {
            self.openai(&self.input_tokens, &self.output_tokens, &self.input_tokens_details, &self.output_tokens_details)
        }
    }

    fn anthropic(&self) -> Tokens {
        let lifetimes = self.cache_creation.0.as_ref();
        let short = lifetimes.and_then(|by| by.ephemeral_5m_input_tokens.count());
        let long = lifetimes.and_then(|by| by.ephemeral_1h_input_tokens.count());
        Tokens {
            input: self.input_tokens.count(),
            cache_read: self.cache_read_input_tokens.count(),
            cache_write: self.cache_creation_input_tokens.count().or_else(|| Some(short? + long.unwrap_or(0))),
            cache_write_long: long,
            tool_input: None,
            output: self.output_tokens.count(),
            reasoning: self.output_tokens_details.0.as_ref().and_then(|details| details.thinking.count()),
        }
    }

    /// A total that is more than its parts holds output that nobody itemised: some leave thinking out of the completion.
    fn openai(&self, prompt: &Scalar, completion: &Scalar, inside: &Object<Details>, outside: &Object<Details>) -> Tokens {
        let Some(prompt) = prompt.count() else { return Tokens { output: completion.count(), ..Tokens::default() } };
        let inside = inside.0.as_ref();
        let cache_read = inside.and_then(|details| details.cached.count()).or(self.prompt_cache_hit_tokens.count());
        let cache_write = inside.and_then(|details| details.cache_write.count());
        let total_output = self.total_tokens.count().map(|total| total.saturating_sub(prompt));
        let itemised = outside.0.as_ref().and_then(|details| details.reasoning.count());
        let hidden = total_output.map(|total| total.saturating_sub(completion.count().unwrap_or(0))).filter(|hidden| *hidden > 0);
        Tokens {
            input: Some(prompt.saturating_sub(cache_read.unwrap_or(0) + cache_write.unwrap_or(0))),
            cache_read,
            cache_write,
            output: completion.count().max(total_output),
            reasoning: itemised.max(hidden),
            ..Tokens::default()
        }
    }
}

/// The prompt includes what was cached; thoughts and what tools fed back stand beside the rest.
fn gemini(prompt: &Scalar, cached: &Scalar, candidates: &Scalar, thoughts: &Scalar, tools: &Scalar) -> Tokens {
    let (cached, thoughts, tools) = (cached.count(), thoughts.count(), tools.count());
    Tokens {
        input: prompt.count().map(|prompt| prompt.saturating_sub(cached.unwrap_or(0)) + tools.unwrap_or(0)),
        cache_read: cached,
        tool_input: tools,
        output: candidates.count().map(|visible| visible + thoughts.unwrap_or(0)).or(thoughts),
        reasoning: thoughts,
        ..Tokens::default()
    }
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
