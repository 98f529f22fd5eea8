//! Whether a request shows a key that is accepted. Keys are compared and forgotten.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::config::{SimConfig, SimProvider};
use super::provider::Failure;

/// Looks where this provider's clients put their key: two headers, or for Gemini two headers and the query, exactly one of them.
pub(super) fn check(config: &SimConfig, headers: &HeaderMap, query: Option<&str>) -> Result<(), Failure> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let shown = match config.provider {
        SimProvider::Anthropic => header("x-api-key").or_else(bearer),
        SimProvider::OpenAi => bearer(),
        SimProvider::DeepSeek => bearer().or_else(|| header("x-api-key")),
        SimProvider::Gemini => {
            let in_query = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")));
            let mut shown = [header("x-goog-api-key"), in_query, bearer()].into_iter().flatten();
            let first = shown.next();
            if shown.next().is_some() {
                return Err(Failure::ManyKeys);
            }
            first
        }
    };
    let accepted = |key: &str| if config.keys.is_empty() { !key.is_empty() } else { config.keys.iter().any(|known| known.is(key)) };
    if shown.is_some_and(accepted) { Ok(()) } else { Err(Failure::BadKey) }
}
