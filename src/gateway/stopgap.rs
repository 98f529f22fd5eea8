//! Stands in for parts of `provider` that are not there yet; goes away when they are.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;

use crate::domain::{Api, Dialect, RequestFacts, Secret, Verdict, VerdictKind, Whose};
use crate::provider::{self, LocalAnswer};

const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

/// What can be told of a request; whether it asks for a stream, while nothing better is known.
pub(super) fn request_facts(dialect: Dialect, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> RequestFacts {
    let mut facts = provider::request_facts(dialect, method, path, headers, body);
    facts.stream |= body.starts_with(b"{\"stream\":true");
    facts
}

/// The credentials a client may have sent.
pub(super) fn presented(headers: &HeaderMap, query: Option<&str>) -> Vec<String> {
    let in_headers = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name)).filter_map(|v| v.to_str().ok());
    let in_query = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("key="));
    in_headers.chain(in_query).map(|v| v.strip_prefix("Bearer ").unwrap_or(v).to_owned()).filter(|v| !v.is_empty()).collect()
}

/// Takes every credential out of the headers; answers with the query without one.
pub(super) fn without_credentials(headers: &mut HeaderMap, query: Option<&str>) -> Option<String> {
    for name in KEY_HEADERS {
        headers.remove(name);
    }
    let query = query?;
    if !query.split('&').any(|pair| pair.starts_with("key=")) {
        return Some(query.to_owned());
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("key=")).collect();
    if kept.is_empty() { None } else { Some(kept.join("&")) }
}

/// Puts the account's key where this dialect wants it.
pub(super) fn authorize(dialect: Dialect, path: &str, headers: &mut HeaderMap, key: &Secret) {
    let (name, text) = match dialect {
        Dialect::Anthropic if path.starts_with("/v1/chat/") => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        Dialect::Anthropic => (http::HeaderName::from_static("x-api-key"), key.expose().to_owned()),
        Dialect::Gemini if !path.contains("/openai/") => (http::HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
        Dialect::AzureOpenAi => (http::HeaderName::from_static("api-key"), key.expose().to_owned()),
        _ => (AUTHORIZATION, format!("Bearer {}", key.expose())),
    };
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

fn answer(status: StatusCode, message: &str) -> LocalAnswer {
    let body = serde_json::json!({ "type": "error", "error": { "type": "tierline", "message": message } });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    LocalAnswer { status, headers, body: Bytes::from(body.to_string()) }
}

/// The provider could not be reached, or answered nonsense.
pub(super) fn bad_gateway(_dialect: Dialect, _api: Api, message: &str) -> LocalAnswer {
    answer(StatusCode::BAD_GATEWAY, message)
}

/// The request cannot be understood.
pub(super) fn bad_request(_dialect: Dialect, _api: Api, message: &str) -> LocalAnswer {
    answer(StatusCode::BAD_REQUEST, message)
}

/// There is no such account.
pub(super) fn not_found(_dialect: Dialect, _api: Api, message: &str) -> LocalAnswer {
    answer(StatusCode::NOT_FOUND, message)
}

/// This caller may not do that.
pub(super) fn forbidden(_dialect: Dialect, _api: Api, message: &str) -> LocalAnswer {
    answer(StatusCode::FORBIDDEN, message)
}

/// An error as the last event of a stream.
pub(super) fn stream_error_event(dialect: Dialect, _api: Api, message: &str) -> Bytes {
    let event = if dialect == Dialect::Anthropic { "event: error\n" } else { "" };
    let data = serde_json::json!({ "type": "error", "error": { "type": "api_error", "message": message } });
    Bytes::from(format!("{event}data: {data}\n\n"))
}

/// What an answer means; by its status alone while nothing better is known.
pub(super) fn verdict(dialect: Dialect, status: StatusCode, headers: &HeaderMap, body: &[u8], at: Timestamp) -> Option<Verdict> {
    provider::verdict(dialect, status, headers, body, at).or_else(|| {
        let (kind, whose) = match status.as_u16() {
            429 => (VerdictKind::Wait, Whose::Account),
            402 => (VerdictKind::Money, Whose::Account),
            503 | 529 => (VerdictKind::Overload, Whose::Provider),
            _ => return None,
        };
        Some(Verdict {
            kind,
            dimension: None,
            period: None,
            limit: None,
            used: None,
            requested: None,
            retry_after: None,
            scope: None,
            whose,
            reason: format!("the provider answered {status}"),
            advice: String::new(),
        })
    })
}
