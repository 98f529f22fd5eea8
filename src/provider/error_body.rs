//! Our own refusals in the shape of the provider's errors, so that SDKs understand them; marked as ours.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, UPGRADE};
use serde_json::{Value, json};

use crate::domain::{Api, Dialect, Dimension, LocalReason, LocalRefusal};

/// A whole answer that Tierline itself gives.
#[derive(Debug, Clone)]
pub struct LocalAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// All headers: `content-type`, `x-should-retry`, `x-tierline-refused-by: gateway`, `x-tierline-reason`, and
    /// `retry-after` with `retry-after-ms` where a time is known.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The answer to a request that the limiter refused.
///
/// A request that can never pass says so in the provider's own way, and `x-should-retry: false` stops the SDKs that would
/// retry a 429 all the same.
#[must_use]
pub fn local_refusal(dialect: Dialect, api: Api, refusal: &LocalRefusal) -> LocalAnswer {
    let shape = Shape::of(dialect, api);
    let (status, reason) = match refusal.reason {
        LocalReason::Deadline => (StatusCode::TOO_MANY_REQUESTS, "deadline"),
        // OpenAI answers 429 to a request larger than its bucket; Groq speaks the same wire and answers 413
        LocalReason::NeverFits if shape == Shape::OpenAi && dialect != Dialect::Groq => (StatusCode::TOO_MANY_REQUESTS, "never_fits"),
        LocalReason::NeverFits => (StatusCode::PAYLOAD_TOO_LARGE, "never_fits"),
        LocalReason::AccountStopped => (StatusCode::FORBIDDEN, "account_stopped"),
        LocalReason::OverBudget => (StatusCode::PAYMENT_REQUIRED, "over_budget"),
        LocalReason::BreakerOpen => (StatusCode::SERVICE_UNAVAILABLE, "breaker_open"),
        LocalReason::QueueFull => (StatusCode::TOO_MANY_REQUESTS, "queue_full"),
        LocalReason::KeysUnread => (StatusCode::SERVICE_UNAVAILABLE, "keys_unread"),
        LocalReason::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
    };
    let too_large = refusal.reason == LocalReason::NeverFits;
    // SDK users know this limit by these words
    let message = if too_large { format!("Request too large: {}", refusal.message) } else { refusal.message.clone() };
    let of_tokens = refusal.bucket.as_ref().is_none_or(|bucket| bucket.dimension != Dimension::Requests);
    let error = Error { status, message: &message, of_tokens, retry_after: refusal.retry_after };
    // a budget begins anew after hours or days, as the message says: no SDK should wait for it, or try again at once. Codex knows no
    // `x-should-retry` and waits for as long as a `retry-after` tells it (observed with 0.169, 2026-11)
    let worth_a_retry = refusal.retry_after.is_some() && refusal.reason != LocalReason::OverBudget;
    let mut answer = answer(shape, &error, reason, worth_a_retry);
    if let Some(wait) = refusal.retry_after.filter(|_| worth_a_retry) {
        // rounded up and at least one, so that nobody comes a moment too early
        let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1);
        answer.headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
        answer.headers.insert("retry-after-ms", HeaderValue::from(millis));
    }
    answer
}

/// The answer to a request that cannot be understood (400).
#[must_use]
pub fn bad_request(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    plain(dialect, api, StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The answer to a request with no credential, or the wrong one (401). Gemini's own answer would be a 400, which reads
/// like a broken request.
#[must_use]
pub fn unauthorized(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    plain(dialect, api, StatusCode::UNAUTHORIZED, "unauthorized", message)
}

/// The answer to a request that may not be made at all (403): a foreign origin, a wrong host.
#[must_use]
pub fn forbidden(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    plain(dialect, api, StatusCode::FORBIDDEN, "forbidden", message)
}

/// The answer to a path that leads nowhere (404).
#[must_use]
pub fn not_found(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    plain(dialect, api, StatusCode::NOT_FOUND, "not_found", message)
}

/// The answer to a WebSocket where HTTP has to be spoken (426). Codex takes it as the sign to go on with plain requests at once,
/// while after any other status it knocks six times more (observed with 0.169, 2026-11).
#[must_use]
pub fn http_required(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    let mut answer = plain(dialect, api, StatusCode::UPGRADE_REQUIRED, "http_required", message);
    answer.headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    answer
}

/// The answer when the provider could not be reached, or broke off before its head (502).
#[must_use]
pub fn bad_gateway(dialect: Dialect, api: Api, message: &str) -> LocalAnswer {
    plain(dialect, api, StatusCode::BAD_GATEWAY, "bad_gateway", message)
}

/// What to send when a `text/event-stream` broke off after its head, so that no client takes the torn text for a whole one.
///
/// Not for Gemini's stream without `alt=sse`: in a JSON list an event has no place.
#[must_use]
pub fn stream_error_event(dialect: Dialect, api: Api, message: &str) -> Bytes {
    let error = Error { status: StatusCode::BAD_GATEWAY, message, of_tokens: true, retry_after: None };
    let (event, data) = match (Shape::of(dialect, api), api) {
        (Shape::Anthropic, _) => ("event: error\n", error.body(Shape::Anthropic)),
        // the event of the specification has its fields at the top; SDKs look for `error`
        (Shape::OpenAi, Api::Responses) => {
            let mut data = json!({ "type": "error", "code": error.openai_code(), "message": message, "param": null, "sequence_number": 0 });
            data["error"] = error.openai();
            ("event: error\n", data)
        }
        (Shape::Interactions, _) => {
            let mut data = error.body(Shape::Interactions);
            data["event_type"] = json!("error");
            ("event: error\n", data)
        }
        (shape, _) => ("", error.body(shape)),
    };
    // the blank line first ends whatever the stream broke off in
    format!("\n\n{event}data: {data}\n\n").into()
}

/// How an error looks on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Anthropic,
    OpenAi,
    Gemini,
    Interactions,
}

impl Shape {
    /// By the wire, which the path decides, more than by the provider.
    fn of(dialect: Dialect, api: Api) -> Self {
        let openai_wire = matches!(api, Api::ChatCompletions | Api::Completions | Api::Responses | Api::Images | Api::Audio);
        match (dialect, api) {
            (_, Api::Messages) | (Dialect::DeepSeek, Api::CountTokens) => Self::Anthropic,
            (_, Api::Interactions) => Self::Interactions,
            (_, Api::GenerateContent) => Self::Gemini,
            (Dialect::Anthropic, _) if !openai_wire => Self::Anthropic,
            (Dialect::Gemini | Dialect::Vertex, _) if !openai_wire => Self::Gemini,
            _ => Self::OpenAi,
        }
    }
}

struct Error<'m> {
    status: StatusCode,
    message: &'m str,
    /// Whether a limit on tokens decided, rather than one on requests.
    of_tokens: bool,
    retry_after: Option<Duration>,
}

impl Error<'_> {
    fn body(&self, shape: Shape) -> Value {
        match shape {
            Shape::Anthropic => json!({ "type": "error", "error": { "type": self.anthropic_type(), "message": self.message } }),
            Shape::OpenAi => json!({ "error": self.openai() }),
            Shape::Gemini => json!({ "error": self.gemini() }),
            Shape::Interactions => json!({ "error": { "code": self.interactions_code(), "message": self.message } }),
        }
    }

    fn anthropic_type(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "invalid_request_error",
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            _ => "api_error",
        }
    }

    fn openai(&self) -> Value {
        let kind = match self.status.as_u16() {
            413 | 429 if self.of_tokens => "tokens",
            413 | 429 => "requests",
            402 => "insufficient_quota",
            503 => "service_unavailable_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        json!({ "message": self.message, "type": kind, "param": null, "code": self.openai_code() })
    }

    fn openai_code(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "invalid_request",
            401 => "invalid_api_key",
            402 => "insufficient_quota",
            403 => "permission_denied",
            404 => "not_found",
            413 | 429 => "rate_limit_exceeded",
            503 => "server_is_overloaded",
            _ => "server_error",
        }
    }

    fn gemini(&self) -> Value {
        let status = match self.status.as_u16() {
            400 | 413 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            402 | 429 => "RESOURCE_EXHAUSTED",
            _ => "UNAVAILABLE",
        };
        let mut error = json!({ "code": self.status.as_u16(), "message": self.message, "status": status });
        // Gemini's clients read the wait from here, not from a header
        if let Some(wait) = self.retry_after {
            let delay = format!("{}.{:09}s", wait.as_secs(), wait.subsec_nanos());
            error["details"] = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay }]);
        }
        error
    }

    fn interactions_code(&self) -> &'static str {
        match self.status.as_u16() {
            400 | 413 => "invalid_request",
            401 => "unauthenticated",
            403 => "permission_denied",
            404 => "not_found",
            402 => "insufficient_quota",
            429 => "rate_limit_exceeded",
            _ => "unavailable",
        }
    }
}

fn plain(dialect: Dialect, api: Api, status: StatusCode, reason: &'static str, message: &str) -> LocalAnswer {
    let error = Error { status, message, of_tokens: true, retry_after: None };
    answer(Shape::of(dialect, api), &error, reason, status.is_server_error())
}

fn answer(shape: Shape, error: &Error<'_>, reason: &'static str, should_retry: bool) -> LocalAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-should-retry", HeaderValue::from_static(if should_retry { "true" } else { "false" }));
    headers.insert("x-tierline-refused-by", HeaderValue::from_static("gateway"));
    headers.insert("x-tierline-reason", HeaderValue::from_static(reason));
    LocalAnswer { status: error.status, headers, body: error.body(shape).to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BucketKey, ModelClass, Period, Provider, Scope};

    fn refusal(reason: LocalReason, retry_after_millis: Option<u64>) -> LocalRefusal {
        let scope = Scope::account(Provider::OpenAi, "work");
        let bucket = BucketKey { scope, class: ModelClass::any(), dimension: Dimension::Tokens, period: Period::MINUTE };
        LocalRefusal {
            reason,
            bucket: Some(bucket),
            retry_after: retry_after_millis.map(Duration::from_millis),
            ready_at: None,
            message: "TPM is full".into(),
        }
    }

    fn json_of(body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn a_refusal_has_the_shape_of_its_wire() {
        let anthropic = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "TPM is full"}});
        let openai = json!({"error": {"message": "TPM is full", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}});
        let gemini = json!({"error": {"code": 429, "message": "TPM is full", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500000000s"}]}});
        let interactions = json!({"error": {"code": "rate_limit_exceeded", "message": "TPM is full"}});
        for (dialect, api, expected) in [
            (Dialect::Anthropic, Api::Messages, &anthropic),
            (Dialect::Anthropic, Api::CountTokens, &anthropic),
            (Dialect::Anthropic, Api::Models, &anthropic),
            (Dialect::Anthropic, Api::ChatCompletions, &openai),
            (Dialect::OpenAi, Api::Responses, &openai),
            (Dialect::OpenAi, Api::CountTokens, &openai),
            (Dialect::OpenAi, Api::Other, &openai),
            (Dialect::Gemini, Api::GenerateContent, &gemini),
            (Dialect::Gemini, Api::CountTokens, &gemini),
            (Dialect::Gemini, Api::ChatCompletions, &openai),
            (Dialect::Gemini, Api::Interactions, &interactions),
            (Dialect::Vertex, Api::GenerateContent, &gemini),
            (Dialect::DeepSeek, Api::ChatCompletions, &openai),
            (Dialect::DeepSeek, Api::Messages, &anthropic),
            (Dialect::OpenRouter, Api::Messages, &anthropic),
        ] {
            let answer = local_refusal(dialect, api, &refusal(LocalReason::Deadline, Some(1500)));
            assert_eq!(json_of(&answer.body), *expected, "{dialect:?} {api:?}");
        }
    }

    #[test]
    fn every_reason_has_its_status() {
        use LocalReason::{AccountStopped, BreakerOpen, Deadline, NeverFits, OverBudget, QueueFull, ShuttingDown};
        for (reason, word, openai, groq, anthropic, gemini) in [
            (Deadline, "deadline", 429, 429, 429, 429),
            (NeverFits, "never_fits", 429, 413, 413, 413),
            (AccountStopped, "account_stopped", 403, 403, 403, 403),
            (OverBudget, "over_budget", 402, 402, 402, 402),
            (BreakerOpen, "breaker_open", 503, 503, 503, 503),
            (QueueFull, "queue_full", 429, 429, 429, 429),
            (ShuttingDown, "shutting_down", 503, 503, 503, 503),
        ] {
            for (dialect, api, status) in [
                (Dialect::OpenAi, Api::ChatCompletions, openai),
                (Dialect::Groq, Api::ChatCompletions, groq),
                (Dialect::Anthropic, Api::Messages, anthropic),
                (Dialect::Gemini, Api::GenerateContent, gemini),
            ] {
                let answer = local_refusal(dialect, api, &refusal(reason, None));
                assert_eq!(answer.status, status, "{dialect:?} {reason:?}");
                assert_eq!(answer.headers["x-tierline-reason"], word);
                assert_eq!(answer.headers["x-tierline-refused-by"], "gateway");
                assert_eq!(answer.headers["content-type"], "application/json");
            }
        }
    }

    #[test]
    fn a_wait_is_rounded_up_and_never_is_said() {
        for (millis, secs_header, millis_header) in [(0, "1", "1"), (1, "1", "1"), (1000, "1", "1000"), (1001, "2", "1001")] {
            let answer = local_refusal(Dialect::OpenAi, Api::Responses, &refusal(LocalReason::QueueFull, Some(millis)));
            assert_eq!(answer.headers["retry-after"], secs_header, "{millis} ms");
            assert_eq!(answer.headers["retry-after-ms"], millis_header, "{millis} ms");
            assert_eq!(answer.headers["x-should-retry"], "true");
        }
        for (reason, millis) in [(LocalReason::OverBudget, Some(36_000_000)), (LocalReason::NeverFits, None)] {
            let answer = local_refusal(Dialect::OpenAi, Api::Responses, &refusal(reason, millis));
            assert_eq!(answer.headers["x-should-retry"], "false", "{reason:?}");
            assert!(!answer.headers.contains_key("retry-after") && !answer.headers.contains_key("retry-after-ms"), "{reason:?}");
        }
        let answer = local_refusal(Dialect::OpenAi, Api::Responses, &refusal(LocalReason::NeverFits, None));
        assert_eq!(json_of(&answer.body)["error"]["message"], "Request too large: TPM is full");
    }

    #[test]
    fn other_answers_are_errors_of_the_provider_too() {
        type Make = fn(Dialect, Api, &str) -> LocalAnswer;
        for (make, status, anthropic, gemini, openai, retry) in [
            (bad_request as Make, 400, "invalid_request_error", "INVALID_ARGUMENT", "invalid_request", "false"),
            (unauthorized as Make, 401, "authentication_error", "UNAUTHENTICATED", "invalid_api_key", "false"),
            (forbidden as Make, 403, "permission_error", "PERMISSION_DENIED", "permission_denied", "false"),
            (not_found as Make, 404, "not_found_error", "NOT_FOUND", "not_found", "false"),
            (bad_gateway as Make, 502, "api_error", "UNAVAILABLE", "server_error", "true"),
        ] {
            let message = "a \"quoted\"\nmessage";
            for (dialect, api, pointer, word) in [
                (Dialect::Anthropic, Api::Messages, "/error/type", anthropic),
                (Dialect::Gemini, Api::GenerateContent, "/error/status", gemini),
                (Dialect::OpenAi, Api::ChatCompletions, "/error/code", openai),
            ] {
                let answer = make(dialect, api, message);
                let body = json_of(&answer.body);
                assert_eq!(answer.status, status);
                assert_eq!(body.pointer(pointer).unwrap(), word, "{status} {dialect:?}");
                assert_eq!(body["error"]["message"], message);
                assert_eq!(answer.headers["x-should-retry"], retry);
            }
        }
    }

    #[test]
    fn a_broken_stream_ends_in_an_error_that_its_reader_sees() {
        for (dialect, api, event) in [
            (Dialect::Anthropic, Api::Messages, "event: error\ndata: {"),
            (Dialect::OpenAi, Api::ChatCompletions, "data: {"),
            (Dialect::OpenAi, Api::Responses, "event: error\ndata: {"),
            (Dialect::Gemini, Api::GenerateContent, "data: {"),
            (Dialect::Gemini, Api::Interactions, "event: error\ndata: {"),
        ] {
            let bytes = stream_error_event(dialect, api, "broke\noff");
            let text = std::str::from_utf8(&bytes).unwrap();
            assert!(text.starts_with(&format!("\n\n{event}")) && text.ends_with("}\n\n"), "{dialect:?} {api:?}: {text:?}");
            let data = text.trim().split("data: ").nth(1).unwrap();
            assert_eq!(json_of(data.as_bytes())["error"]["message"], "broke\noff", "{dialect:?} {api:?}");
        }
    }
}
