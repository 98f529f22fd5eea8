//! Which API a path belongs to, and the model it names.

use http::Method;

use crate::domain::{Api, Dialect, ModelId};

/// What a path says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathFacts<'p> {
    pub(super) api: Api,
    /// Gemini's `models/{model}:method`, Azure's `deployments/{model}/...`.
    pub(super) model: Option<&'p str>,
    /// Gemini's `:streamGenerateContent`.
    pub(super) stream: bool,
}

/// Reads a provider's own path; the query may still be on it. Knows no host, so it serves custom endpoints as well.
///
/// Whatever is only asked for or deleted generates nothing: [`Api::Models`].
pub(super) fn path_facts<'p>(dialect: Dialect, method: &Method, path: &'p str) -> PathFacts<'p> {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let named = after_prefixes(&segments);
    let verbal = model_and_verb(path);
    if is_for_batches(verbal, named) {
        return PathFacts { api: Api::Batches, model: None, stream: false };
    }
    let writes = *method == Method::POST || *method == Method::PUT;
    if !writes {
        return PathFacts { api: Api::Models, model: None, stream: false };
    }
    if let Some((model, verb)) = verbal {
        return PathFacts { api: api_of_verb(verb), model: Some(model), stream: verb == "streamGenerateContent" };
    }
    match named {
        ["deployments", deployment, rest @ ..] => {
            let model = Some(*deployment).filter(|_| dialect == Dialect::AzureOpenAi);
            PathFacts { api: api_of(rest), model, stream: false }
        }
        rest => PathFacts { api: api_of(rest), model: None, stream: false },
    }
}

/// The path with another model in the place of the one that it names; `None` if it names none, or if the other's name may not
/// stand in a path as it is.
#[must_use]
pub fn path_with_model(path: &str, model: &ModelId) -> Option<String> {
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let (old, _) = model_and_verb(bare)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !model.as_str().bytes().all(fine) {
        return None;
    }
    let start = bare.rfind('/')? + 1;
    Some(format!("{}{model}{}", &path[..start], &path[start + old.len()..]))
}

/// `gemini-x` and `generateContent` of `.../models/gemini-x:generateContent`; some clients write the colon as `%3A`.
fn model_and_verb(path: &str) -> Option<(&str, &str)> {
    let (before, last) = path.rsplit_once('/')?;
    matches!(before.rsplit('/').next(), Some("models" | "tunedModels")).then_some(())?;
    last.split_once(':').or_else(|| last.split_once("%3A")).or_else(|| last.split_once("%3a"))
}

/// Batches under whatever API, and files. The model in Gemini's path is not asked for an answer now.
fn is_for_batches(verbal: Option<(&str, &str)>, named: &[&str]) -> bool {
    if let Some((_, verb)) = verbal {
        return matches!(verb, "batchGenerateContent" | "asyncBatchEmbedContent");
    }
    matches!(named, ["messages", "batches", ..] | ["batches" | "files", ..])
}

fn api_of_verb(verb: &str) -> Api {
    match verb {
        "generateContent" | "streamGenerateContent" => Api::GenerateContent,
        "countTokens" => Api::CountTokens,
        "embedContent" | "batchEmbedContents" | "embedText" => Api::Embeddings,
        _ => Api::Other,
    }
}

/// The segments after the last one that only says which version or which wire this is.
fn after_prefixes<'s, 'p>(segments: &'s [&'p str]) -> &'s [&'p str] {
    let start = segments.iter().rposition(|s| is_prefix(s)).map_or(0, |last| last + 1);
    segments.get(start..).unwrap_or_default()
}

fn is_prefix(segment: &str) -> bool {
    matches!(segment, "api" | "openai" | "openapi" | "anthropic" | "inference" | "beta")
        || segment.strip_prefix('v').is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

fn api_of(segments: &[&str]) -> Api {
    match segments {
        ["messages"] => Api::Messages,
        ["messages", "count_tokens"] | ["responses", "input_tokens"] => Api::CountTokens,
        ["responses"] | ["responses", "compact"] => Api::Responses,
        ["interactions"] => Api::Interactions,
        ["images", ..] => Api::Images,
        ["audio", ..] => Api::Audio,
        [.., "chat", "completions"] | ["agents", "completions"] => Api::ChatCompletions,
        ["completions" | "complete"] | ["fim", "completions"] => Api::Completions,
        [.., "embeddings"] => Api::Embeddings,
        _ => Api::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, api: Api, model: Option<&str>) {
        let dialect = if path.contains("deployments") { Dialect::AzureOpenAi } else { Dialect::OpenAiCompatible };
        let read = path_facts(dialect, &Method::POST, path);
        assert_eq!((read.api, read.model), (api, model), "{path}");
    }

    #[test]
    fn every_api_is_known_by_its_path_whatever_stands_in_front() {
        for prefix in
            ["", "/v1", "/v1beta", "/openai", "/openai/v1", "/v1beta/openai", "/anthropic/v1", "/api/v1", "/inference/v1", "/api/paas/v4"]
        {
            for (tail, api) in [
                ("/messages", Api::Messages),
                ("/messages?beta=true", Api::Messages),
                ("/messages/count_tokens?beta=true", Api::CountTokens),
                ("/messages/batches", Api::Batches),
                ("/chat/completions", Api::ChatCompletions),
                ("/chat/completions/", Api::ChatCompletions),
                ("/completions", Api::Completions),
                ("/responses", Api::Responses),
                ("/responses/compact", Api::Responses),
                ("/responses/input_tokens", Api::CountTokens),
                ("/responses/resp_1/cancel", Api::Other),
                ("/interactions", Api::Interactions),
                ("/embeddings", Api::Embeddings),
                ("/images/generations", Api::Images),
                ("/audio/transcriptions", Api::Audio),
                ("/threads/t_1/messages", Api::Other),
                ("/moderations", Api::Other),
                ("/batches", Api::Batches),
                ("/batches/b:cancel", Api::Batches),
                ("/files", Api::Batches),
            ] {
                check(&format!("{prefix}{tail}"), api, None);
            }
        }
    }

    #[test]
    fn gemini_and_azure_name_the_model_in_the_path() {
        for (path, api, model) in [
            ("/v1beta/models/gemini-3.8-flash:generateContent", Api::GenerateContent, "gemini-3.8-flash"),
            ("/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", Api::GenerateContent, "gemini-3.8-flash"),
            ("/v1beta/models/gemini-3.8-flash%3AcountTokens", Api::CountTokens, "gemini-3.8-flash"),
            ("/v1beta/tunedModels/mine:generateContent", Api::GenerateContent, "mine"),
            ("/v1beta/models/gemini-embedding-2:batchEmbedContents", Api::Embeddings, "gemini-embedding-2"),
            (
                "/v1/projects/p/locations/l/publishers/google/models/gemini-3.8-flash:generateContent",
                Api::GenerateContent,
                "gemini-3.8-flash",
            ),
            ("/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21", Api::ChatCompletions, "my-gpt"),
        ] {
            check(path, api, Some(model));
        }
        check("/v1/projects/p/locations/l/endpoints/openapi/chat/completions", Api::ChatCompletions, None);
    }

    #[test]
    fn only_gemini_streams_by_its_path() {
        let streams = |path| path_facts(Dialect::Gemini, &Method::POST, path).stream;
        assert!(streams("/v1beta/models/m:streamGenerateContent"));
        assert!(!streams("/v1beta/models/m:generateContent"));
    }

    #[test]
    fn what_is_only_looked_at_generates_nothing() {
        assert_eq!(path_facts(Dialect::OpenAi, &Method::GET, "/v1/files/f/content").api, Api::Batches);
        for path in ["/v1/models", "/v1/responses/resp_1", "/user/balance", "/v1beta/models/gemini-3.8-flash", "/api/hello"] {
            for method in [Method::GET, Method::HEAD, Method::DELETE] {
                assert_eq!(path_facts(Dialect::OpenAi, &method, path).api, Api::Models, "{method} {path}");
            }
        }
    }
}
