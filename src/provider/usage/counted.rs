//! What a usage counts toward the provider's limits, which is not what it costs.

use crate::domain::{Cost, Dialect, Dimension, ModelId, Usage};

/// What `usage` counts toward the provider's limits, one request included.
///
/// | Provider | Input | Tokens |
/// |---|---|---|
/// | Anthropic | all but cache reads; Haiku 3.5 counts those too (rate-limits page, 2026-09) | input and output |
/// | Groq | all but cached ones | input and output |
/// | Gemini, Vertex | all | input only: TPM is a limit on input (rate-limits page, 2026) |
/// | all others | all, cached ones included | input and output |
#[must_use]
pub fn counted(dialect: Dialect, model: Option<&ModelId>, usage: &Usage) -> Cost {
    let model = model.or(usage.model.as_ref()).map(ModelId::as_str).unwrap_or_default();
    let cached_count = match dialect {
        Dialect::Anthropic => model.starts_with("claude-3-5-haiku"),
        Dialect::Groq => false,
        _ => true,
    };
    let uncached = usage.input.saturating_add(usage.cache_write);
    let input = if cached_count { uncached.saturating_add(usage.cache_read) } else { uncached };
    let tokens = match dialect {
        Dialect::Gemini | Dialect::Vertex => input,
        _ => input.saturating_add(usage.output),
    };
    Cost::request()
        .with(Dimension::InputTokens, input)
        .with(Dimension::OutputTokens, usage.output)
        .with(Dimension::Tokens, tokens)
        .with(Dimension::Images, usage.images)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[input, output, tokens]` of an answer with 100 fresh, 1000 cached and 10 written input tokens and 7 of output.
    fn check(dialect: Dialect, model: &str, expected: [u64; 3]) {
        let usage = Usage { input: 100, cache_read: 1000, cache_write: 10, output: 7, reasoning: 5, images: 2, ..Usage::default() };
        let cost = counted(dialect, Some(&ModelId::new(model)), &usage);
        let read = [Dimension::InputTokens, Dimension::OutputTokens, Dimension::Tokens].map(|dimension| cost[dimension]);
        assert_eq!(read, expected, "{dialect:?} {model}");
        assert_eq!((cost[Dimension::Requests], cost[Dimension::Concurrent], cost[Dimension::Images]), (1, 1, 2));
    }

    #[test]
    fn anthropic_does_not_count_cache_reads() {
        check(Dialect::Anthropic, "claude-opus-5", [110, 7, 117]);
    }

    #[test]
    fn anthropic_haiku_3_5_counts_cache_reads() {
        check(Dialect::Anthropic, "claude-3-5-haiku-20241022", [1110, 7, 1117]);
        let usage = Usage { cache_read: 9, model: Some(ModelId::new("claude-3-5-haiku-latest")), ..Usage::default() };
        assert_eq!(counted(Dialect::Anthropic, None, &usage)[Dimension::InputTokens], 9);
    }

    #[test]
    fn openai_counts_cached_tokens() {
        for dialect in [Dialect::OpenAi, Dialect::AzureOpenAi, Dialect::OpenAiCompatible, Dialect::DeepSeek, Dialect::Cerebras] {
            check(dialect, "gpt-6-luna", [1110, 7, 1117]);
        }
    }

    #[test]
    fn groq_does_not_count_cached_tokens() {
        check(Dialect::Groq, "llama-3.3-70b-versatile", [110, 7, 117]);
    }

    #[test]
    fn gemini_counts_only_input_toward_tpm() {
        check(Dialect::Gemini, "gemini-3.8-flash", [1110, 7, 1110]);
        check(Dialect::Vertex, "gemini-3.8-flash", [1110, 7, 1110]);
    }

    #[test]
    fn an_unknown_usage_is_still_a_request() {
        assert_eq!(counted(Dialect::OpenAi, None, &Usage::default()), Cost::request());
    }

    #[test]
    fn absurd_counts_do_not_overflow() {
        let usage = Usage { input: u64::MAX, cache_read: u64::MAX, cache_write: u64::MAX, output: u64::MAX, ..Usage::default() };
        assert_eq!(counted(Dialect::OpenAi, None, &usage)[Dimension::Tokens], u64::MAX);
    }
}
