//! Which endpoints speak which wire format, where, and what they ignore of it: what a fallback needs to know.
//!
//! Nothing is translated. Facts are of 2026-11, from the providers' own pages unless a row says otherwise.

use crate::domain::{Api, Dialect};

/// The generating APIs that an endpoint speaks natively or by a path made for it.
#[must_use]
pub const fn spoken(dialect: Dialect) -> &'static [Api] {
    match dialect {
        Dialect::Anthropic => &[Api::Messages, Api::ChatCompletions],
        Dialect::OpenAi => &[Api::ChatCompletions, Api::Responses],
        Dialect::DeepSeek | Dialect::OpenRouter => &[Api::ChatCompletions, Api::Messages, Api::Responses],
        // the path is a project's own, or names a deployment instead of a model
        Dialect::Vertex | Dialect::AzureOpenAi => &[],
        Dialect::Gemini
        | Dialect::Groq
        | Dialect::Mistral
        | Dialect::XAi
        | Dialect::Together
        | Dialect::Fireworks
        | Dialect::Cerebras
        | Dialect::OpenAiCompatible => &[Api::ChatCompletions],
    }
}

/// The path of an API below an endpoint's base path; `None` if it does not speak it.
#[must_use]
pub fn path_of(dialect: Dialect, base_path: &str, api: Api) -> Option<String> {
    if !spoken(dialect).contains(&api) {
        return None;
    }
    let last = base_path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let versioned = last.strip_prefix('v').is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let version = if versioned { "" } else { "/v1" };
    let tail = match api {
        Api::Messages => "/messages",
        Api::ChatCompletions => "/chat/completions",
        _ => "/responses",
    };
    Some(match (dialect, api) {
        (Dialect::Gemini, _) => format!("/v1beta/openai{tail}"),
        (Dialect::DeepSeek, Api::Messages) => format!("/anthropic/v1{tail}"),
        (Dialect::DeepSeek, _) => tail.to_owned(),
        _ => format!("{version}{tail}"),
    })
}

/// What an endpoint ignores, or does otherwise than others, in an API that it speaks: a sentence each.
#[must_use]
pub const fn differences(dialect: Dialect, api: Api) -> &'static [&'static str] {
    match (dialect, api) {
        (Dialect::Anthropic, Api::ChatCompletions) => &[
            "Anthropic says of this path that it is not for production",
            "ignored: strict, response_format, reasoning_effort, service_tier, metadata, user, seed, logit_bias, logprobs, penalties, prediction, store, modalities, audio",
            "n must be 1; a temperature above 1 is taken as 1",
            "system and developer messages are joined and moved to the front",
            "no prompt caching; thinking is never returned; usage has no details",
        ],
        (Dialect::Gemini, Api::ChatCompletions) => &[
            "beta; errors come as a list",
            "what only Gemini has goes through extra_body; reasoning_effort becomes its thinking level",
            "no rate-limit headers: room is known only by our own count",
        ],
        (Dialect::DeepSeek, Api::Messages) => &[
            "ignored: anthropic-version, anthropic-beta (but for files), cache_control, container, mcp_servers, metadata other than user_id",
            "no rate-limit headers: room is known only by our own count",
        ],
        (Dialect::DeepSeek, _) => {
            &["thinking is on unless the request turns it off", "no rate-limit headers: room is known only by our own count"]
        }
        (Dialect::OpenRouter, Api::Responses) => {
            &["a context that is too long is a success with finish reason length", "no rate-limit headers on success"]
        }
        (Dialect::OpenRouter, _) => &["no rate-limit headers on success"],
        _ => &[],
    }
}

/// True of every fallback to another provider.
pub const OF_ALL: &str = "tokenizers differ: the same text is another number of tokens there, and another price";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Api::{ChatCompletions, GenerateContent, Messages, Responses};

    #[test]
    fn each_endpoint_has_its_own_place_for_a_wire() {
        for (dialect, base, api, expect) in [
            (Dialect::Anthropic, "", Messages, Some("/v1/messages")),
            (Dialect::Anthropic, "", ChatCompletions, Some("/v1/chat/completions")),
            (Dialect::Anthropic, "", Responses, None),
            (Dialect::OpenAi, "", Responses, Some("/v1/responses")),
            (Dialect::OpenAi, "", Messages, None),
            (Dialect::Gemini, "", ChatCompletions, Some("/v1beta/openai/chat/completions")),
            (Dialect::Gemini, "", GenerateContent, None),
            (Dialect::DeepSeek, "", Messages, Some("/anthropic/v1/messages")),
            (Dialect::DeepSeek, "", ChatCompletions, Some("/chat/completions")),
            (Dialect::OpenRouter, "/api/v1", Messages, Some("/messages")),
            (Dialect::OpenRouter, "/api", Messages, Some("/v1/messages")),
            (Dialect::Groq, "/openai/v1", ChatCompletions, Some("/chat/completions")),
            (Dialect::OpenAiCompatible, "", ChatCompletions, Some("/v1/chat/completions")),
            (Dialect::AzureOpenAi, "", ChatCompletions, None),
        ] {
            assert_eq!(path_of(dialect, base, api).as_deref(), expect, "{dialect:?} {base} {api:?}");
        }
    }
}
