//! Shapes that go with no one provider's table: odd numbers and blanks, what stands in front, what only headers say.

use super::*;

/// Numbers parted by blanks that do not break, doubled blanks, fractions that could be thousands: read right, or not at all.
#[test]
fn numbers_and_blanks_of_any_language_are_read_right_or_not_at_all() {
    for (dialect, message, expect) in [
        (
            Dialect::OpenAi,
            "Rate\u{a0}limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30\u{202f}000, Used 22\u{202f}999, Requested 12\u{202f}528. Please try again in 11.054\u{a0}s.",
            "wait tokens minute 30000 22999 12528 11054 organization account",
        ),
        (
            Dialect::OpenAi,
            "Rate limit  reached for gpt-5 in\torganization org-1 on tokens\tper  min (TPM): Limit 30,000, Used 1, Requested 2. Please  try again  in 20s.",
            "wait tokens minute 30000 1 2 20000 organization account",
        ),
        (
            Dialect::OpenAi,
            "Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30.000, Used 1. Please try again in 20s.",
            "wait tokens minute - 1 - 20000 organization account",
        ),
        (
            Dialect::Anthropic,
            "This request would\u{a0}exceed your organization\u{2019}s rate limit of 30\u{a0}000 input tokens per minute.",
            "wait input_tokens minute 30000 - - - organization account",
        ),
        (
            Dialect::Anthropic,
            "This request would exceed your organization's rate limit of 100,000 fast mode input tokens per minute (org: 1).",
            "wait input_tokens minute 100000 - - - organization account",
        ),
        (Dialect::OpenAiCompatible, "Limited to 0,6 queries per minute", "wait requests minute - - - - - account"),
        (Dialect::OpenAiCompatible, "Too fast on gpt-4 tokens per min", "wait tokens minute - - - - - account"),
        (
            Dialect::OpenAiCompatible,
            "Crossed TPM / RPM limit. current rpm: 3, rpm limit: 2, current tpm: 100, tpm limit: 1000",
            "wait - - - - - - - account",
        ),
        (Dialect::XAi, "Tokens per Minute (actual/limit): 16,605/16,000", "wait tokens minute 16000 16605 - - - account"),
        (
            Dialect::OpenAi,
            "Rate limit exceeded for images per minute in organization org-1. Limit: 5/1min. Current: 6/1min.",
            "wait images minute 5 6 - - organization account",
        ),
        (
            Dialect::OpenAi,
            "Rate limit reached for whisper-1 in organization org-1 on audio megabytes per min: Limit 25, Used 25, Requested 3. Please try again in 6s.",
            "wait - minute 25 25 3 6000 organization account",
        ),
        (
            Dialect::OpenAiCompatible,
            "Rate limit reached. You reached the limit of 300 requests per hour",
            "wait requests hour 300 - - - - account",
        ),
        (Dialect::OpenAiCompatible, "Too many concurrent requests", "wait concurrent at_once - - - - - account"),
        (
            Dialect::OpenAiCompatible,
            "request reached organization max concurrency: 3, please try again after 1 seconds",
            "wait concurrent at_once 3 - - 1000 - account",
        ),
        (Dialect::OpenAiCompatible, "Too many tokens, please wait before trying again.", "wait tokens - - - - - - account"),
    ] {
        check(dialect, 429, &openai_error(message, "x", "y"), expect);
    }
}

#[test]
fn what_stands_in_front_of_a_provider_is_told_from_it() {
    for (dialect, status, body, expect) in [
        (Dialect::OpenAi, 413, "<html>\r\n<head><title>413 Request Entity Too Large</title></head></html>", "never - - - - - - - provider"),
        (
            Dialect::OpenAi,
            503,
            "{\"error\":{\"message\":\"Slow down\",\"type\":\"service_unavailable_error\",\"code\":\"slow_down\"}}",
            "wait - - - - - - - account",
        ),
        (
            Dialect::AzureOpenAi,
            403,
            "{\"statusCode\":403,\"message\":\"Out of call volume quota. Quota will be replenished in 1.12:30:45.\"}",
            "wait requests - - - - 131445000 - account",
        ),
        (
            Dialect::AzureOpenAi,
            429,
            "{\"statusCode\":429,\"message\":\"Token limit is exceeded. Try again in 27 seconds.\"}",
            "wait tokens - - - - 27000 - account",
        ),
        (
            Dialect::XAi,
            429,
            "{\"error\":\"Your newly created team doesn't have any credits or licenses yet.\"}",
            "money - - - - - - - account",
        ),
        (
            Dialect::XAi,
            429,
            "{\"error\":\"The model is at capacity and currently cannot serve this request.\"}",
            "overload - - - - - - - provider",
        ),
        (Dialect::XAi, 403, "{\"error\":\"Content violates usage guidelines.\"}", "request - - - - - - - account"),
        (
            Dialect::OpenRouter,
            403,
            "{\"error\":{\"message\":\"Key limit exceeded (total limit).\",\"code\":403}}",
            "money - - - - - - - account",
        ),
        (
            Dialect::OpenRouter,
            429,
            "{\"error\":{\"message\":\"Rate limit exceeded: limit_rpm/x. High demand for x - limited to 20 requests per minute.\",\"code\":429,\"metadata\":{\"headers\":{\"X-RateLimit-Limit\":\"20\",\"X-RateLimit-Remaining\":\"0\",\"X-RateLimit-Reset\":\"1795521630000\"}}}}",
            "wait requests minute 20 20 - 30000 - account",
        ),
    ] {
        check(dialect, status, body, expect);
    }
}

#[test]
fn a_wait_is_found_wherever_a_body_puts_it() {
    for (body, millis) in [
        (r#"{"error":{"message":"slow","retry_after_ms":1200}}"#, "1200"),
        (r#"{"error":{"message":"slow","retryAfter":12}}"#, "12000"),
        (r#"{"message":"slow","retry_after":0.35}"#, "350"),
        (r#"{"detail":"Request was throttled. Expected available in 12 seconds."}"#, "12000"),
        (r#"{"error":"Your limit resets at 2026-11-25T00:00:00Z."}"#, "43200000"),
        (r#"{"error":"Your limit resets at 2099-01-01T00:00:00Z."}"#, "-"),
        (r#"{"error":"not available in your region"}"#, "-"),
    ] {
        check(Dialect::OpenAiCompatible, 429, body, &format!("wait - - - - - {millis} - account"));
    }
    let day = r#"{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429}}"#;
    let pairs = [("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795525200000")];
    check_with(Dialect::OpenRouter, 429, &pairs, day, "wait requests day 50 50 - 3600000 account account");
    check(Dialect::OpenRouter, 429, day, "wait requests day - - - 43200000 account account");
    check(Dialect::Cerebras, 429, r#"{"message":"Slow down","code":"token_quota_exceeded"}"#, "wait tokens - - - - - - account");
}

#[test]
fn headers_tell_what_a_body_leaves_open() {
    let said_little = "{\"error\":{\"message\":\"Rate limit exceeded\"}}";
    for (dialect, pairs, expect) in [
        (
            Dialect::Fireworks,
            vec![
                ("x-ratelimit-over-limit", "yes"),
                ("x-ratelimit-limit-tokens-prompt", "60000"),
                ("x-ratelimit-remaining-tokens-prompt", "0"),
                ("x-ratelimit-limit-tokens-cache-adjusted-prompt", "15000"),
                ("x-ratelimit-remaining-tokens-cache-adjusted-prompt", "200"),
            ],
            "wait input_tokens second 60000 60000 - - - account",
        ),
        (Dialect::Together, vec![("x-ratelimit-reset", "3")], "wait - - - - - - - account"),
        (
            Dialect::Mistral,
            vec![
                ("x-ratelimit-limit-tokens-minute", "500000"),
                ("x-ratelimit-remaining-tokens-minute", "0"),
                ("x-ratelimit-tokens-query-cost", "6000"),
            ],
            "wait tokens minute 500000 500000 6000 - - account",
        ),
        (
            Dialect::Anthropic,
            vec![
                ("anthropic-ratelimit-output-tokens-limit", "8000"),
                ("anthropic-ratelimit-output-tokens-remaining", "0"),
                ("anthropic-ratelimit-output-tokens-reset", "2099-11-24T12:00:20Z"),
            ],
            "wait output_tokens minute 8000 8000 - - - account",
        ),
        (
            Dialect::OpenAi,
            vec![("date", "Tue, 24 Nov 2026 12:00:00 GMT"), ("retry-after", "Tue, 24 Nov 2026 12:00:20 GMT")],
            "wait - - - - - 20000 - account",
        ),
        (
            Dialect::AzureOpenAi,
            vec![("x-ratelimit-remaining-tokens", "-1"), ("retry-after", "2"), ("retry-after-ms", "1843")],
            "wait - - - - - 1843 - account",
        ),
    ] {
        check_with(dialect, 429, &pairs, said_little, expect);
    }
    let dynamic = "{\"error\":{\"message\":\"x\",\"error_type\":\"dynamic_request_limited\"}}";
    check_with(Dialect::Together, 429, &[("x-ratelimit-reset", "3")], dynamic, "wait requests - - - - 3000 - account");
    let found = explain(Dialect::Groq, 429, &headers(&[("x-ratelimit-limit-tokens", "18000"), ("x-ratelimit-remaining-tokens", "0")]), b"")
        .unwrap();
    assert_eq!(found.reason, "the limit of tokens a minute (TPM) is 18000, and 18000 are used, as the headers show");
}

#[test]
fn a_refused_key_is_named_by_the_providers_word_and_never_quoted() {
    for (dialect, status, kind, code, reason) in [
        (
            Dialect::DeepSeek,
            401,
            "authentication_error",
            "invalid_request_error",
            "the key is missing, wrong or revoked (authentication_error)",
        ),
        (Dialect::OpenAi, 401, "invalid_request_error", "invalid_api_key", "the key is missing, wrong or revoked (invalid_api_key)"),
        (Dialect::OpenAi, 401, "x", "y", "the key is missing, wrong or revoked"),
    ] {
        let body = openai_error("Authentication Fails, Your api key: ****0000 is invalid", kind, code);
        assert_eq!(explain(dialect, status, &HeaderMap::new(), body.as_bytes()).unwrap().reason, reason);
    }
}
