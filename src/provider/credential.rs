//! Where keys stand in a request: finding the client's, taking it out, and putting the stored one in.

use std::borrow::Cow;
use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use zeroize::Zeroizing;

use crate::domain::{Dialect, Secret};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Headers that hold a key and nothing else.
static KEY_HEADERS: [HeaderName; 3] = [X_API_KEY, X_GOOG_API_KEY, API_KEY];

/// Browsers cannot set headers on a WebSocket, so OpenAI takes the key as one of the protocols they may offer.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// Query fields that hold a key: Gemini's older way, Azure's for sockets, Google's for tokens.
const KEY_FIELDS: [&str; 3] = ["key", "api-key", "access_token"];

/// A key as a client presented it. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented<'r>(Cow<'r, [u8]>);

impl Presented<'_> {
    /// The key itself, to be compared in constant time and never kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(..)")
    }
}

/// Every key in a request: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`, `?key=`, and a WebSocket's protocol.
#[must_use]
pub fn presented<'r>(headers: &'r HeaderMap, query: Option<&'r str>) -> Vec<Presented<'r>> {
    let bearers = headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes()));
    let plain = KEY_HEADERS.iter().flat_map(|name| headers.get_all(name)).map(|value| value.as_bytes().trim_ascii());
    let fields = query.into_iter().flat_map(|query| query.split('&')).filter(|field| is_key_field(field)).map(|field| {
        let (_, value) = field.split_once('=').unwrap_or_default();
        percent_decoded(value)
    });
    let protocols = protocols(headers).filter_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL)).map(str::as_bytes);
    let keys = bearers.chain(plain).chain(protocols).map(Cow::Borrowed).chain(fields);
    keys.filter(|key| !key.is_empty()).map(Presented).collect()
}

/// Takes every credential out of the headers and the query. Order and spelling of everything else stay; a query of which
/// nothing is left is none.
#[must_use]
pub fn without_credentials(headers: &mut HeaderMap, query: Option<String>) -> Option<String> {
    strip(headers);
    let query = query?;
    if !query.split('&').any(is_key_field) {
        return Some(query);
    }
    let kept: Vec<&str> = query.split('&').filter(|field| !is_key_field(field)).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// Puts `secret` in the provider's own way, once, in place of any other credential. `path` is the path sent upstream.
///
/// | Provider | Header |
/// |---|---|
/// | Anthropic, and the Anthropic wire of DeepSeek and of unnamed others | `x-api-key` |
/// | Gemini | `x-goog-api-key` |
/// | Azure | `api-key` |
/// | all others, and the OpenAI wire of Anthropic and Gemini | `Authorization: Bearer` |
///
/// Gemini takes OpenAI's organisation and project headers for a second credential and answers 400 (reported 2026), so
/// they go as well.
pub fn authorize(dialect: Dialect, path: &str, headers: &mut HeaderMap, secret: &Secret) {
    strip(headers);
    if dialect == Dialect::Gemini {
        headers.remove("openai-organization");
        headers.remove("openai-project");
    }
    let name = header_of(dialect, path);
    let value = if name == AUTHORIZATION { ["Bearer ", secret.expose()].concat() } else { secret.expose().to_owned() };
    let value = Zeroizing::new(value);
    // a `Secret` is printable ASCII, which every header takes
    if let Ok(mut value) = HeaderValue::from_str(&value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// Which header holds the key; in `authorization` it is a bearer token.
fn header_of(dialect: Dialect, path: &str) -> HeaderName {
    let path = path.split('?').next().unwrap_or_default();
    let has = |segment: &str| path.split('/').any(|s| s == segment);
    match dialect {
        Dialect::Anthropic if !has("completions") => X_API_KEY,
        Dialect::Gemini if !has("openai") => X_GOOG_API_KEY,
        Dialect::DeepSeek if has("anthropic") => X_API_KEY,
        Dialect::OpenAiCompatible if has("messages") => X_API_KEY,
        Dialect::AzureOpenAi => API_KEY,
        _ => AUTHORIZATION,
    }
}

fn strip(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    for name in &KEY_HEADERS {
        headers.remove(name);
    }
    if protocols(headers).any(|protocol| protocol.starts_with(KEY_PROTOCOL)) {
        let kept: Vec<&str> = protocols(headers).filter(|protocol| !protocol.starts_with(KEY_PROTOCOL)).collect();
        match HeaderValue::from_str(&kept.join(", ")) {
            Ok(value) if !kept.is_empty() => drop(headers.insert(SEC_WEBSOCKET_PROTOCOL, value)),
            _ => drop(headers.remove(SEC_WEBSOCKET_PROTOCOL)),
        }
    }
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

fn is_key_field(field: &str) -> bool {
    let name = percent_decoded(field.split('=').next().unwrap_or_default());
    KEY_FIELDS.iter().any(|key| name.eq_ignore_ascii_case(key.as_bytes()))
}

fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let escaped = if *first == b'%' { rest.first_chunk().copied().and_then(hex_pair) } else { None };
        decoded.push(escaped.unwrap_or(*first));
        bytes = if escaped.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    Cow::Owned(decoded)
}

fn hex_pair(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "sk-stored";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn keys_are_found_wherever_clients_put_them() {
        for (pairs, query, expected) in [
            (&[("authorization", "Bearer a")][..], None, &["a"][..]),
            (&[("authorization", "bearer  a ")], None, &["a"]),
            (&[("authorization", "Basic a")], None, &[]),
            (&[("authorization", "Bearer ")], None, &[]),
            (&[("authorization", "Bearer")], None, &[]),
            (&[("x-api-key", "a"), ("x-api-key", "b")], None, &["a", "b"]),
            (&[("x-goog-api-key", "a"), ("api-key", "b"), ("authorization", "Bearer c")], None, &["c", "a", "b"]),
            (&[("sec-websocket-protocol", "realtime, openai-insecure-api-key.a, x")], None, &["a"]),
            (&[], Some("alt=sse&key=a%2Bb&key="), &["a+b"]),
            (&[], Some("k%65y=a&keys=b&monkey=c"), &["a"]),
            (&[], Some("key=%zz%4"), &["%zz%4"]),
            (&[], Some(""), &[]),
        ] {
            let headers = headers(pairs);
            let found = presented(&headers, query);
            let found: Vec<&str> = found.iter().map(|key| std::str::from_utf8(key.as_bytes()).unwrap()).collect();
            assert_eq!(found, expected, "{pairs:?} {query:?}");
        }
    }

    #[test]
    fn a_presented_key_does_not_print() {
        let headers = headers(&[("x-api-key", KEY)]);
        assert_eq!(format!("{:?}", presented(&headers, None)), "[Presented(..)]");
    }

    #[test]
    fn a_query_loses_its_keys_and_nothing_else() {
        for (query, expected) in [
            (None, None),
            (Some(""), Some("")),
            (Some("alt=sse"), Some("alt=sse")),
            (Some("key=a"), None),
            (Some("alt=sse&key=a"), Some("alt=sse")),
            (Some("key=a&b=%2f%2F+&c&&=&key=b"), Some("b=%2f%2F+&c&&=")),
            (Some("%6Bey=a&api-key=b&access_token=c&keyword=d"), Some("keyword=d")),
        ] {
            let left = without_credentials(&mut HeaderMap::new(), query.map(str::to_owned));
            assert_eq!(left.as_deref(), expected, "{query:?}");
        }
    }

    #[test]
    fn headers_lose_every_credential_and_nothing_else() {
        let mut left = headers(&[
            ("authorization", "Bearer a"),
            ("authorization", "Bearer b"),
            ("x-api-key", "a"),
            ("x-goog-api-key", "a"),
            ("api-key", "a"),
            ("sec-websocket-protocol", "realtime, openai-insecure-api-key.a,openai-beta.realtime-v1"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "x"),
            ("anthropic-beta", "y"),
        ]);
        let after = headers(&[
            ("sec-websocket-protocol", "realtime, openai-beta.realtime-v1"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "x"),
            ("anthropic-beta", "y"),
        ]);
        assert_eq!(without_credentials(&mut left, None), None);
        assert_eq!(left, after);
    }

    #[test]
    fn each_provider_gets_the_key_in_its_own_way_and_once() {
        let secret = Secret::from_pasted(KEY).unwrap();
        for (dialect, path, name) in [
            (Dialect::Anthropic, "/v1/messages", "x-api-key"),
            (Dialect::Anthropic, "/v1/models", "x-api-key"),
            (Dialect::Anthropic, "/v1/chat/completions", "authorization"),
            (Dialect::OpenAi, "/v1/responses", "authorization"),
            (Dialect::Gemini, "/v1beta/models/m:generateContent", "x-goog-api-key"),
            (Dialect::Gemini, "/v1beta/openai/chat/completions", "authorization"),
            (Dialect::DeepSeek, "/chat/completions", "authorization"),
            (Dialect::DeepSeek, "/anthropic/v1/messages", "x-api-key"),
            (Dialect::AzureOpenAi, "/openai/deployments/d/chat/completions?api-version=1", "api-key"),
            (Dialect::OpenRouter, "/api/v1/messages", "authorization"),
            (Dialect::OpenAiCompatible, "/v1/messages", "x-api-key"),
            (Dialect::Vertex, "/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "authorization"),
        ] {
            let mut headers = headers(&[("authorization", "Bearer local"), ("x-api-key", "local"), ("x-goog-api-key", "local")]);
            authorize(dialect, path, &mut headers, &secret);
            let value = if name == "authorization" { format!("Bearer {KEY}") } else { KEY.to_owned() };
            assert_eq!(headers.len(), 1, "{dialect:?} {path}");
            assert_eq!(headers[name], value, "{dialect:?} {path}");
            assert!(!format!("{headers:?}").contains(KEY), "{dialect:?} {path}");
        }
    }

    #[test]
    fn gemini_gets_no_headers_of_openai() {
        let mut headers = headers(&[("openai-organization", "org"), ("openai-project", "proj"), ("user-agent", "x")]);
        authorize(Dialect::Gemini, "/v1beta/openai/chat/completions", &mut headers, &Secret::from_pasted(KEY).unwrap());
        assert_eq!(headers.keys_len(), 2);
    }

    proptest! {
        #[test]
        fn no_key_survives(query in "(key=k|[a-z%0-9]{0,4}=?|&|KEY=k|api-key=k){0,9}") {
            let left = without_credentials(&mut HeaderMap::new(), Some(query.clone()));
            prop_assert!(presented(&HeaderMap::new(), left.as_deref()).is_empty());
            let fields = query.split('&').filter(|field| !is_key_field(field));
            prop_assert!(left.unwrap_or_default().split('&').eq(fields) || query.split('&').all(is_key_field));
        }
    }
}
