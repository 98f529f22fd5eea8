//! Refusals in forms that are known but not recorded whole: the message tables of the providers, and wrappings seen in the wild.
//!
//! A case is `dialect status | body | verdict dimension window limit used requested retry_after_ms scope whose`; `-` is null.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

mod shapes;
mod tables;

/// 04:00 in California.
const AT: &str = "2026-11-24T12:00:00Z";

fn explain(dialect: Dialect, status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Verdict> {
    verdict(dialect, StatusCode::from_u16(status).unwrap(), headers, body, AT.parse().unwrap())
}

fn line(verdict: Option<&Verdict>) -> String {
    let Some(verdict) = verdict else { return "none".into() };
    let json = verdict.json();
    let field = |key: &str| match &json[key] {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    ["verdict", "dimension", "window", "limit", "used", "requested", "retry_after_ms", "scope", "whose"].map(field).join(" ")
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())).collect()
}

fn check_with(dialect: Dialect, status: u16, pairs: &[(&str, &str)], body: &str, expect: &str) {
    let found = explain(dialect, status, &headers(pairs), body.as_bytes());
    let reason = found.as_ref().map_or("", |verdict| &verdict.reason);
    assert_eq!(line(found.as_ref()), expect, "{dialect:?} {status} {pairs:?}\n{body}\n{reason}");
}

fn check(dialect: Dialect, status: u16, body: &str, expect: &str) {
    check_with(dialect, status, &[], body, expect);
}

/// OpenAI's error around a message and a code.
fn openai_error(message: &str, kind: &str, code: &str) -> String {
    serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}

#[test]
fn wrappers_and_strangers() {
    for (status, body, expect) in [
        (200, "{\"choices\":[{\"message\":{\"content\":\"an error failed\"}}],\"error\":null}", "none"),
        (200, "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"error\\\": 429}\"}}]}\n\ndata: [DONE]\n\n", "none"),
        (200, "plain text about an error", "none"),
        (200, "", "none"),
        (304, "", "none"),
        (429, "", "wait - - - - - - - account"),
        (429, "Too Many Requests", "wait - - - - - - - account"),
        (429, "\u{0}\u{1}{[\"", "wait - - - - - - - account"),
        (500, "", "overload - - - - - - - provider"),
        (502, "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body></body></html>", "overload - - - - - - - provider"),
        (520, "<html><head><title>520: Web server is returning an unknown error</title></head></html>", "overload - - - - - - - provider"),
        (429, "<html><title>You are being rate limited</title></html>", "wait - - - - - - - provider"),
        (403, "<html><title>Attention Required! | Cloudflare</title></html>", "key - - - - - - - provider"),
        (401, "{}", "key - - - - - - - account"),
        (402, "{}", "money - - - - - - - account"),
        (403, "{\"error\":{\"message\":\"Your input was flagged by moderation\"}}", "request - - - - - - - account"),
        (404, "{\"error\":\"model 'llama9' not found\"}", "model - - - - - - - account"),
        (404, "{\"error\":\"no such route\"}", "request - - - - - - - account"),
        (413, "payload too large", "never - - - - - - - account"),
        (418, "{\"error\":\"teapot\"}", "request - - - - - - - account"),
        (429, "{\"error\":\"60 requests per minute exceeded\"}", "wait requests minute 60 - - - - account"),
        (
            429,
            "{\"success\":false,\"error\":{\"message\":\"azure-openai error: The system is currently experiencing high demand and cannot process your request. Please retry after 20 seconds.\",\"code\":\"RATE_LIMITED\"},\"status\":429}",
            "overload - - - - - 20000 - provider",
        ),
        (
            429,
            "{'error': {'message': \"litellm.RateLimitError: AzureException RateLimitError - Error code: 429 - {'error': {'code': '429', 'message': 'Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 86400 seconds.'}}\\nReceived Model Group=x\", 'type': 'throttling_error', 'param': None, 'code': '429'}}",
            "wait tokens - - - - 86400000 - account",
        ),
        (
            429,
            "API error occurred: Status 429 Body \n{\"object\":\"error\",\"message\":\"Rate limit exceeded\",\"type\":\"rate_limited\",\"param\":null,\"code\":\"1300\"}",
            "wait - - - - - - - account",
        ),
        (
            429,
            "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This request would exceed your organization's rate limit of 30,000 input tokens per mi",
            "wait - - - - - - organization account",
        ),
    ] {
        check(Dialect::OpenAiCompatible, status, body, expect);
    }
}

#[test]
fn our_own_refusals_are_known() {
    for (status, pairs, expect) in [
        (429, vec![("retry-after", "3")], "wait - - - - - 3000 - gateway"),
        (429, vec![], "never - - - - - - - gateway"),
        (503, vec![("retry-after", "1")], "wait - - - - - 1000 - gateway"),
        (401, vec![], "key - - - - - - - gateway"),
    ] {
        let mut pairs = pairs;
        pairs.push(("x-tierline-refused-by", "gateway"));
        check_with(
            Dialect::OpenAi,
            status,
            &pairs,
            &openai_error("the wait would outlast the deadline", "x", "rate_limit_exceeded"),
            expect,
        );
    }
}

#[test]
fn no_reason_shows_a_key() {
    for message in
        ["Incorrect API key provided: sk-proj-abcdef123456.", "Bad key AIzaSyA1234567890, sorry", "(sk-ant-api03-xyz) is over its limit"]
    {
        for status in [400, 401, 403, 404, 429, 500] {
            let found = explain(Dialect::OpenAiCompatible, status, &HeaderMap::new(), openai_error(message, "x", "y").as_bytes()).unwrap();
            let shown = format!("{} {}", found.reason, found.advice);
            assert!(!["abcdef", "AIzaSy", "api03"].iter().any(|part| shown.contains(part)), "{shown}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(dialect in 0_usize..Dialect::ALL.len(), status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..400)) {
        let found = explain(Dialect::ALL[dialect], status, &HeaderMap::new(), &body);
        prop_assert!(status < 400 || found.is_some());
    }

    /// Pieces of real errors in any order: nearer to what breaks parsers than noise.
    #[test]
    fn no_shuffled_error_makes_it_panic(
        dialect in 0_usize..Dialect::ALL.len(),
        status in prop::sample::select(vec![200_u16, 400, 402, 413, 429, 503]),
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\n", "data: ", "\"error\"", "\"message\"", "\"details\"", "\"violations\"",
            "\"quotaId\"", "PerDay-FreeTier", "\"retryDelay\"", "42s", "limit: ", "0", "99999999999999999999", "requested ~", "12,903",
            " tokens per minute ", "(actual/limit): ", "1/0", "quota exceeded for metric: ", "violations {", "retry_delay { seconds: ",
            "try again in ", "regain access on ", "2026-13-45", "number of ", " has exceeded your ", "é", "\u{1F600}", "and limit '",
        ]), 0..40),
    ) {
        let found = explain(Dialect::ALL[dialect], status, &HeaderMap::new(), pieces.concat().as_bytes());
        if let Some(verdict) = found {
            // a message is quoted in part, so a reason stays short whatever came
            prop_assert!(verdict.reason.len() < 2_000 && verdict.advice.len() < 2_000);
        }
    }
}

#[test]
fn a_large_body_is_cut_and_read_in_bounded_time() {
    let huge = format!("{{\"error\":{{\"message\":\"{}\",\"code\":429}}}}", "x".repeat(3_000_000));
    let found = explain(Dialect::OpenAi, 429, &HeaderMap::new(), huge.as_bytes()).unwrap();
    assert!(found.reason.len() < 2_000);
    for nested in ["{\"error\":", "[", "{\"message\":\"{", "violations {", "data: {\"error\":{\"message\":\"", "per minute "] {
        let found = explain(Dialect::Gemini, 429, &HeaderMap::new(), nested.repeat(100_000).as_bytes());
        assert!(found.is_some(), "{nested}");
    }
}
