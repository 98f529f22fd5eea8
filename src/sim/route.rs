//! What a method and a path ask for, provider by provider.

use http::Method;

use super::ask::Framing;
use super::batch::{self, Errand};
use super::config::SimProvider;
use super::wire::Wire;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// A call of a model. Gemini names the model and the framing in the path.
    Call {
        wire: Wire,
        model: Option<&'a str>,
        framing: Framing,
    },
    /// Something about batches.
    Batches(Errand<'a>),
    /// The list of models, in this provider's or (`true`) in OpenAI's form.
    Models(bool),
    /// One model.
    Model(&'a str),
    /// DeepSeek's balance.
    Balance,
    /// Whether anybody is there.
    Alive,
    /// What the simulation has seen.
    Stats,
    Unknown,
}

/// Where the stats are.
pub(super) const STATS_PATH: &str = "/__sim/stats";

pub(super) fn find<'a>(provider: SimProvider, method: &Method, path: &'a str, query: Option<&str>) -> Route<'a> {
    let reads = method == Method::GET || method == Method::HEAD;
    if reads && path == STATS_PATH {
        return Route::Stats;
    }
    if let Some(errand) = batch::errand(provider, method, path) {
        return Route::Batches(errand);
    }
    if reads {
        return read(provider, path);
    }
    if method != Method::POST {
        return Route::Unknown;
    }
    let call = |wire| Route::Call { wire, model: None, framing: Framing::Whole };
    match (provider, path) {
        (SimProvider::Anthropic, "/v1/messages") | (SimProvider::DeepSeek, "/anthropic/v1/messages") => call(Wire::Messages),
        (SimProvider::Anthropic, "/v1/messages/count_tokens") => call(Wire::CountTokens),
        (SimProvider::Anthropic | SimProvider::OpenAi, "/v1/chat/completions")
        | (SimProvider::Gemini, "/v1beta/openai/chat/completions")
        | (SimProvider::DeepSeek, "/chat/completions" | "/v1/chat/completions" | "/beta/chat/completions") => call(Wire::Chat),
        (SimProvider::OpenAi, "/v1/responses") | (SimProvider::DeepSeek, "/responses" | "/v1/responses") => call(Wire::Responses),
        (SimProvider::OpenAi, "/v1/responses/input_tokens") => call(Wire::InputTokens),
        (SimProvider::OpenAi, "/v1/embeddings") | (SimProvider::Gemini, "/v1beta/openai/embeddings") => call(Wire::Embeddings),
        (SimProvider::Gemini, _) => gemini_call(path, query),
        _ => Route::Unknown,
    }
}

fn read(provider: SimProvider, path: &str) -> Route<'_> {
    match (provider, path) {
        (SimProvider::Anthropic | SimProvider::OpenAi, "/v1/models")
        | (SimProvider::Gemini, "/v1beta/models" | "/v1/models")
        | (SimProvider::DeepSeek, "/models" | "/v1/models") => Route::Models(false),
        (SimProvider::Gemini, "/v1beta/openai/models") => Route::Models(true),
        (SimProvider::DeepSeek, "/user/balance") => Route::Balance,
        (_, "/") | (SimProvider::Anthropic, "/api/hello") => Route::Alive,
        _ => {
            ["/v1beta/models/", "/v1/models/"].into_iter().find_map(|prefix| path.strip_prefix(prefix)).map_or(Route::Unknown, Route::Model)
        }
    }
}

/// `/v1beta/models/{model}:{verb}`.
fn gemini_call<'a>(path: &'a str, query: Option<&str>) -> Route<'a> {
    let call = ["/v1beta/models/", "/v1/models/"].into_iter().find_map(|prefix| path.strip_prefix(prefix));
    let Some((model, verb)) = call.and_then(|call| call.split_once(':')).filter(|(model, _)| !model.is_empty()) else {
        return Route::Unknown;
    };
    let sse = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let (wire, framing) = match verb {
        "generateContent" => (Wire::Generate, Framing::Whole),
        "streamGenerateContent" => (Wire::Generate, if sse { Framing::Sse } else { Framing::JsonArray }),
        "countTokens" => (Wire::GenerateCount, Framing::Whole),
        "embedContent" => (Wire::Embed, Framing::Whole),
        "batchEmbedContents" => (Wire::EmbedBatch, Framing::Whole),
        _ => return Route::Unknown,
    };
    Route::Call { wire, model: Some(model), framing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SimProvider::{Anthropic, DeepSeek, Gemini, OpenAi};

    #[test]
    fn paths_lead_where_each_provider_has_them() {
        let call = |wire| Route::Call { wire, model: None, framing: Framing::Whole };
        let gemini = |framing| Route::Call { wire: Wire::Generate, model: Some("g"), framing };
        for (provider, method, path, query, route) in [
            (Anthropic, Method::POST, "/v1/messages", Some("beta=true"), call(Wire::Messages)),
            (OpenAi, Method::POST, "/v1/messages", None, Route::Unknown),
            (DeepSeek, Method::POST, "/chat/completions", None, call(Wire::Chat)),
            (DeepSeek, Method::POST, "/anthropic/v1/messages", None, call(Wire::Messages)),
            (Gemini, Method::POST, "/v1beta/models/g:generateContent", None, gemini(Framing::Whole)),
            (Gemini, Method::POST, "/v1beta/models/g:streamGenerateContent", Some("key=x&alt=sse"), gemini(Framing::Sse)),
            (Gemini, Method::POST, "/v1beta/models/g:streamGenerateContent", None, gemini(Framing::JsonArray)),
            (Gemini, Method::POST, "/v1beta/models/g:dance", None, Route::Unknown),
            (Gemini, Method::GET, "/v1beta/models/g", None, Route::Model("g")),
            (Anthropic, Method::HEAD, "/api/hello", None, Route::Alive),
            (DeepSeek, Method::GET, "/user/balance", None, Route::Balance),
            (Anthropic, Method::POST, "/v1/messages/batches", None, Route::Batches(Errand::Create(None))),
            (Anthropic, Method::GET, "/v1/messages/batches/b/results", None, Route::Batches(Errand::Results("b"))),
            (OpenAi, Method::POST, "/v1/batches/b/cancel", None, Route::Batches(Errand::Cancel("b"))),
            (OpenAi, Method::GET, "/v1/files/f/content", None, Route::Batches(Errand::Content("f"))),
            (OpenAi, Method::DELETE, "/v1/files/f", None, Route::Batches(Errand::Delete("f"))),
            (Gemini, Method::POST, "/v1beta/models/g:batchGenerateContent", None, Route::Batches(Errand::Create(Some("g")))),
            (Gemini, Method::POST, "/v1beta/batches/b:cancel", None, Route::Batches(Errand::Cancel("b"))),
            (Gemini, Method::GET, "/v1beta/batches", Some("pageSize=5"), Route::Batches(Errand::List)),
            (DeepSeek, Method::POST, "/v1/batches", None, Route::Unknown),
            (OpenAi, Method::GET, STATS_PATH, None, Route::Stats),
            (OpenAi, Method::DELETE, "/v1/models", None, Route::Unknown),
        ] {
            assert_eq!(find(provider, &method, path, query), route, "{provider:?} {method} {path}");
        }
    }
}
