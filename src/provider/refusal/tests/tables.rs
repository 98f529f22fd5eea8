//! The message tables of the providers, one table a test.

use super::*;

fn anthropic_error(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_x"}).to_string()
}

#[test]
fn anthropic_by_its_message_table() {
    let over = |what: &str| {
        format!(
            "This request would exceed your organization's rate limit of {what} (org: 0-0, model: claude-opus-4-6). \
             For details, refer to: https://docs.claude.com/en/api/rate-limits."
        )
    };
    for (status, kind, message, expect) in [
        (
            429,
            "rate_limit_error",
            over("30,000 input tokens per minute").as_str(),
            "wait input_tokens minute 30000 - - - organization account",
        ),
        (429, "rate_limit_error", &over("8,000 output tokens per minute"), "wait output_tokens minute 8000 - - - organization account"),
        (429, "rate_limit_error", &over("50 requests per minute"), "wait requests minute 50 - - - organization account"),
        (
            429,
            "rate_limit_error",
            "This request would exceed the rate limit for your organization (a22cf6e6-a940-4fff-8c4c-1580816ac7be) of 1,000,000 input tokens per minute.",
            "wait input_tokens minute 1000000 - - - organization account",
        ),
        (
            429,
            "rate_limit_error",
            "This request would exceed your workspace's rate limit of 1,000 requests per minute.",
            "wait requests minute 1000 - - - workspace account",
        ),
        (
            429,
            "rate_limit_error",
            "This request would exceed your organization's maximum usage increase rate for input tokens per minute (org: 0, model: x). \
             Your current limit is 58,276 input tokens per minute, and will increase to 68,276 at the next minute boundary.",
            "wait input_tokens minute 58276 - - 60000 organization account",
        ),
        (
            429,
            "rate_limit_error",
            "Number of request tokens has exceeded your per-minute rate limit (https://docs.anthropic.com/claude/reference/rate-limits); see the response headers.",
            "wait tokens minute - - - - - account",
        ),
        (429, "rate_limit_error", "Number of requests has exceeded your daily rate limit", "wait requests day - - - - - account"),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            "money - - - - - 561600000 organization account",
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified workspace API usage limits. You will regain access on 2026-10-01 at 00:00 UTC.",
            "money - - - - - - workspace account",
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            "money - - - - - - - account",
        ),
        (402, "billing_error", "Payment failed", "money - - - - - - - account"),
        (401, "authentication_error", "invalid x-api-key", "key - - - - - - - account"),
        (403, "permission_error", "Your API key does not have permission to use the specified resource.", "key - - - - - - - account"),
        (404, "not_found_error", "model: claude-3-opus-20240229", "model - - - - - - - account"),
        (404, "not_found_error", "Not found", "request - - - - - - - account"),
        (413, "request_too_large", "Request exceeds the maximum size", "never - - - - - - - account"),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "request - - - - - - - account"),
        (400, "invalid_request_error", "max_tokens: field required", "request - - - - - - - account"),
        (500, "api_error", "Internal server error", "overload - - - - - - - provider"),
        (504, "timeout_error", "Request timed out", "overload - - - - - - - provider"),
        (529, "overloaded_error", "Overloaded", "overload - - - - - - - provider"),
    ] {
        check(Dialect::Anthropic, status, &anthropic_error(kind, message), expect);
    }
    // the tier's cap says when it ends; where it does not, it is the first of the month
    let cap = |text: &str| {
        serde_json::json!({"type": "error", "error": {"type": "rate_limit_error", "message": text, "details": {"error_code": "enforced_spend_limit_reached"}}}).to_string()
    };
    let until_december = "money - - - - - 561600000 organization account";
    check(
        Dialect::Anthropic,
        429,
        &cap("You have reached your API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."),
        until_december,
    );
    check(Dialect::Anthropic, 429, &cap("You have reached your API usage limits."), until_december);
    check_with(
        Dialect::Anthropic,
        429,
        &[("retry-after", "27"), ("anthropic-ratelimit-input-tokens-limit", "30000"), ("anthropic-ratelimit-input-tokens-remaining", "0")],
        &anthropic_error("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
        "wait input_tokens minute 30000 30000 - 27000 account account",
    );
    check(
        Dialect::Anthropic,
        200,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25}}}\n\n\
         event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        "overload - - - - - - - provider",
    );
}

#[test]
fn openai_by_its_message_table() {
    let reached = |what: &str| {
        format!(
            "Rate limit reached for gpt-5.1 in organization org-AAA on {what}. Visit https://platform.openai.com/account/rate-limits to learn more."
        )
    };
    for (status, message, kind, code, expect) in [
        (
            429,
            reached("tokens per min (TPM): Limit 30000, Used 22999, Requested 12528. Please try again in 11.054s").as_str(),
            "tokens",
            "rate_limit_exceeded",
            "wait tokens minute 30000 22999 12528 11054 organization account",
        ),
        (
            429,
            &reached("requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s"),
            "requests",
            "rate_limit_exceeded",
            "wait requests minute 3 3 1 20000 organization account",
        ),
        (
            429,
            &reached("requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s"),
            "requests",
            "rate_limit_exceeded",
            "wait requests day 200 200 1 432000 organization account",
        ),
        (
            429,
            &reached("tokens per day (TPD): Limit 100000, Used 99336, Requested 1234. Please try again in 8m12.48s"),
            "tokens",
            "rate_limit_exceeded",
            "wait tokens day 100000 99336 1234 492480 organization account",
        ),
        (
            429,
            &reached("seconds of audio per hour (ASPH): Limit 7200, Used 7100, Requested 200. Please try again in 50s"),
            "audio",
            "rate_limit_exceeded",
            "wait audio_seconds hour 7200 7100 200 50000 organization account",
        ),
        (
            429,
            &reached("input-images per min: Limit 5, Used 5, Requested 1. Please try again in 12s"),
            "input-images",
            "rate_limit_exceeded",
            "wait images minute 5 5 1 12000 organization account",
        ),
        (
            429,
            "Rate limit reached for default-gpt-3.5-turbo in organization org-x on requests per min. Limit: 10000 / min. Please try again in 6ms. Contact us",
            "requests",
            "rate_limit_exceeded",
            "wait requests minute 10000 - - 6 organization account",
        ),
        (
            429,
            "Rate limit reached for x in organization org-x on tokens per min. Limit: 90000 / min. Current: 88457 / min. Contact us",
            "tokens",
            "",
            "wait tokens minute 90000 88457 - - organization account",
        ),
        (
            429,
            "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 30062. The input or output tokens must be reduced in order to run successfully.",
            "tokens",
            "rate_limit_exceeded",
            "never tokens minute 30000 - 30062 - organization account",
        ),
        (429, "Slow down", "requests", "slow_down", "wait - - - - - - - account"),
        (429, "Resource unavailable", "flex", "resource_unavailable", "overload - - - - - - - provider"),
        (429, "You exceeded your current quota, please check your plan", "x", "y", "money - - - - - - - account"),
        (429, "x", "x", "credit_balance_exhausted", "money - - - - - - - account"),
        (429, "x", "x", "organization_spend_limit_exceeded", "money - - - - - - organization account"),
        (429, "x", "x", "project_spend_limit_exceeded", "money - - - - - - project account"),
        (429, "x", "x", "organization_usage_limit_exceeded", "money - - - - - - organization account"),
        (400, "x", "x", "billing_hard_limit_reached", "money - - - - - - organization account"),
        (
            429,
            "Enqueued token limit reached for gpt-4o in organization org-x. Limit: 90,000 enqueued tokens. Please try again once some in_progress batches have been completed.",
            "x",
            "token_limit_exceeded",
            "wait tokens - 90000 - - - organization account",
        ),
        (500, "The server had an error", "server_error", "server_error", "overload - - - - - - - provider"),
        (503, "Overloaded", "service_unavailable_error", "server_is_overloaded", "overload - - - - - - - provider"),
        (401, "Incorrect API key provided: sk-abcd***wxyz.", "invalid_request_error", "invalid_api_key", "key - - - - - - - account"),
        (404, "The model `gpt-4-32k` has been deprecated", "invalid_request_error", "model_not_found", "model - - - - - - - account"),
        (
            403,
            "Project `proj_x` does not have access to model `gpt-6`",
            "invalid_request_error",
            "model_not_found",
            "model - - - - - - - account",
        ),
        (
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            "x",
            "unsupported_parameter",
            "request - - - - - - - account",
        ),
        (400, "This model's maximum context length is 8192 tokens.", "x", "context_length_exceeded", "request - - - - - - - account"),
    ] {
        check(Dialect::OpenAi, status, &openai_error(message, kind, code), expect);
    }
    let sample = openai_error(
        &reached("tokens per min (TPM): Limit 30000, Used 22999, Requested 12528. Please try again in 11.054s"),
        "tokens",
        "x",
    );
    let header_first = "wait tokens minute 30000 22999 12528 12000 organization account";
    check_with(Dialect::OpenAi, 429, &[("retry-after", "12")], &sample, header_first);
    check(
        Dialect::OpenAi,
        200,
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Rate limit reached for gpt-5.5 in organization org-x on tokens per min (TPM): Limit 500000, Used 500000, Requested 1000. Please try again in 120ms.\"}}}\n\n",
        "wait tokens minute 500000 500000 1000 120 organization account",
    );
}

#[test]
fn gemini_by_its_decision_table() {
    let body = |details: &str, message: &str| {
        format!("{{\"error\":{{\"code\":429,\"message\":\"{message}\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{details}]}}}}")
    };
    let violation = |id: &str, value: &str| {
        format!(
            "{{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{{\"quotaMetric\":\"generativelanguage.googleapis.com/generate_content_free_tier_requests\",\"quotaId\":\"{id}\"{value}}}]}}"
        )
    };
    let retry = ",{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"42s\"}";
    let minute = violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", ",\"quotaValue\":\"10\"") + retry;
    let day = violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", ",\"quotaValue\":\"20\"") + retry;
    let closed = violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "") + retry;
    let input_day = violation("GenerateContentInputTokensPerModelPerDay", ",\"quotaValue\":\"5000000\"") + retry;
    for (details, expect) in [
        (minute.clone(), "wait requests minute 10 - - 43000 project account"),
        (day.clone(), "wait requests day 20 - - 72000000 project account"),
        (closed.clone(), "never requests minute 0 - - - project account"),
        (input_day, "wait input_tokens day 5000000 - - 72000000 project account"),
        // several at once: the day outweighs the minute, zero outweighs both
        (format!("{minute},{day}"), "wait requests day 20 - - 72000000 project account"),
        (format!("{day},{closed}"), "never requests minute 0 - - - project account"),
    ] {
        check(Dialect::Gemini, 429, &body(&details, "You exceeded your current quota."), expect);
    }
    // keys with spaces, stray commas, and the message's number where the violation has none
    check(
        Dialect::Gemini,
        429,
        "{\"error\":{\"code\":429,,\"message\":\"Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20\", ,\"details\":[{\" @type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\" quotaMetric\":\"generativelanguage.googleapis.com/generate_content_free_tier_requests\",\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\",},]}]}}",
        "wait requests day 20 - - 72000000 project account",
    );
    // the text form of Google's Python SDK, and the one of its JavaScript SDK
    check(
        Dialect::Gemini,
        429,
        "429 You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: gemini-2.5-flash\nPlease retry in 51.6s. [links {\n  description: \"Learn more\"\n  url: \"https://ai.google.dev/gemini-api/docs/rate-limits\"\n}\n, violations {\n  quota_metric: \"generativelanguage.googleapis.com/generate_content_free_tier_requests\"\n  quota_id: \"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"\n  quota_dimensions {\n    key: \"model\"\n    value: \"gemini-2.5-flash\"\n  }\n  quota_value: 20\n}\n, retry_delay {\n  seconds: 51\n}\n]",
        "wait requests day 20 - - 72000000 project account",
    );
    check(
        Dialect::Gemini,
        429,
        &format!(
            "[GoogleGenerativeAI Error]: Error fetching from https://generativelanguage.googleapis.com/v1beta: [429 Too Many Requests] You exceeded your current quota. [{minute}]"
        ),
        "wait requests minute 10 - - 43000 project account",
    );
    check(
        Dialect::Gemini,
        429,
        "429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'You exceeded your current quota.', 'status': 'RESOURCE_EXHAUSTED', 'details': [{'@type': 'type.googleapis.com/google.rpc.QuotaFailure', 'violations': [{'quotaMetric': 'x/generate_content_paid_tier_input_token_count', 'quotaId': 'GenerateContentPaidTierInputTokensPerModelPerMinute', 'quotaValue': '3000000'}]}, {'@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': '7s'}]}}",
        "wait input_tokens minute 3000000 - - 8000 project account",
    );
    for (status, text, expect) in [
        (
            429,
            "[{\"error\":{\"code\":429,\"message\":\"You have exhausted your capacity on this model. Your quota will reset after 0s.\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"RATE_LIMIT_EXCEEDED\",\"domain\":\"cloudcode-pa.googleapis.com\"},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"0.539477544s\"}]}}]",
            "wait - - - - - 539 - account",
        ),
        (
            429,
            "[{\"error\":{\"code\":429,\"message\":\"No capacity available for model gemini-3.1-pro-preview on the server\",\"errors\":[{\"message\":\"No capacity available\",\"domain\":\"global\",\"reason\":\"rateLimitExceeded\"}],\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"MODEL_CAPACITY_EXHAUSTED\"}]}}]",
            "overload - - - - - - - provider",
        ),
        (
            429,
            "{\"error\":{\"code\":429,\"message\":\"Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com'.\",\"details\":[{\"reason\":\"RATE_LIMIT_EXCEEDED\",\"metadata\":{\"quota_limit\":\"Gemini25ProRequestsPerDayPerUserPerTier\",\"quota_metric\":\"cloudcode-pa.googleapis.com/gemini_2_5_pro_requests\"}},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"3600s\"}]}}",
            "wait requests day - - - 3600000 account account",
        ),
        (
            429,
            "{\"error\":{\"code\":429,\"message\":\"Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region' of service 'generativelanguage.googleapis.com' for consumer 'project_number:1'.\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"RATE_LIMIT_EXCEEDED\",\"metadata\":{\"quota_limit\":\"GenerateContentRequestsPerMinutePerProjectPerRegion\",\"quota_limit_value\":\"60\",\"quota_metric\":\"generativelanguage.googleapis.com/generate_content_requests\"}}]}}",
            "wait requests minute 60 - - - project account",
        ),
        (429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Rate limit exceeded\"}}", "wait - - - - - - - account"),
        (402, "{\"error\":{\"code\":\"payment_required\",\"message\":\"Billing\"}}", "money - - - - - - - account"),
        (
            429,
            "{\"error\":{\"code\":429,\"message\":\"Your prepayment credits are depleted.\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
            "money - - - - - - - account",
        ),
        (
            503,
            "{\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again later.\",\"status\":\"UNAVAILABLE\"}}",
            "overload - - - - - - - provider",
        ),
        (
            504,
            "{\"error\":{\"code\":504,\"message\":\"Deadline expired\",\"status\":\"DEADLINE_EXCEEDED\"}}",
            "overload - - - - - - - provider",
        ),
        (
            404,
            "{\"error\":{\"code\":404,\"message\":\"models/gemini-2.0-flash is not found for API version v1beta\",\"status\":\"NOT_FOUND\"}}",
            "model - - - - - - - account",
        ),
        (
            403,
            "{\"error\":{\"code\":403,\"message\":\"Your API key was reported as leaked.\",\"status\":\"PERMISSION_DENIED\"}}",
            "key - - - - - - - account",
        ),
        (
            400,
            "{\"error\":{\"code\":400,\"message\":\"Multiple authentication credentials received. Please pass only one.\",\"status\":\"INVALID_ARGUMENT\"}}",
            "key - - - - - - - account",
        ),
        (
            400,
            "{\"error\":{\"code\":400,\"message\":\"Invalid JSON payload\",\"status\":\"INVALID_ARGUMENT\"}}",
            "request - - - - - - - account",
        ),
        (
            499,
            "{\"error\":{\"code\":499,\"message\":\"The operation was cancelled.\",\"status\":\"CANCELLED\"}}",
            "request - - - - - - - account",
        ),
        (
            200,
            "{\"event_type\":\"error\",\"error\":{\"code\":\"too_many_requests\",\"message\":\"Please retry in 2s.\"}}",
            "wait - - - - - 2000 - account",
        ),
        (
            200,
            "data: {\"candidates\":[]}\n\n{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"overloaded\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n",
            "overload - - - - - - - provider",
        ),
    ] {
        check(Dialect::Gemini, status, text, expect);
    }
    check(
        Dialect::Vertex,
        429,
        "{\"error\":{\"code\":429,\"message\":\"Quota exceeded for aiplatform.googleapis.com/generate_content_requests_per_minute_per_project_per_base_model with base model: gemini-1.5-pro.\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
        "wait requests minute - - - - project account",
    );
    check(
        Dialect::Vertex,
        429,
        "{\"error\":{\"code\":429,\"message\":\"Resource exhausted, please try again later.\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
        "overload - - - - - - - provider",
    );
}

#[test]
fn the_others_by_what_is_known_of_them() {
    for (dialect, status, body, expect) in [
        (Dialect::DeepSeek, 402, openai_error("Insufficient Balance", "unknown_error", "invalid_request_error"), "money - - - - - - - account"),
        (
            Dialect::DeepSeek,
            400,
            openai_error("The supported API model names are deepseek-flash or deepseek-v4-pro, but you passed deepseek-reasoner.", "invalid_request_error", "invalid_request_error"),
            "model - - - - - - - account",
        ),
        (
            Dialect::DeepSeek,
            429,
            openai_error("Too many requests. Your current concurrency is 8, which exceeds your concurrency limit of 7 based on your remaining balance.", "rate_limit_error", "invalid_request_error"),
            "wait concurrent at_once 7 8 - - account account",
        ),
        (Dialect::DeepSeek, 422, openai_error("Invalid parameters", "x", "invalid_request_error"), "request - - - - - - - account"),
        (Dialect::DeepSeek, 503, openai_error("Server overloaded", "x", "invalid_request_error"), "overload - - - - - - - provider"),
        (
            Dialect::Groq,
            429,
            openai_error("Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99336, Requested 1234. Please try again in 8m12.48s.", "tokens", "rate_limit_exceeded"),
            "wait tokens day 100000 99336 1234 492480 organization account",
        ),
        (Dialect::Groq, 498, openai_error("Flex tier capacity exceeded", "x", "capacity_exceeded"), "overload - - - - - - - provider"),
        (Dialect::Groq, 400, openai_error("The model `gemma-7b-it` has been decommissioned and is no longer supported.", "invalid_request_error", "model_decommissioned"), "model - - - - - - - account"),
        (
            Dialect::OpenRouter,
            429,
            "{\"error\":{\"message\":\"Provider returned error\",\"code\":429,\"metadata\":{\"raw\":\"z-ai/glm-5.3-flash is temporarily rate-limited upstream. Please retry shortly\",\"provider_name\":\"BaseTen\",\"limit_source\":\"upstream_provider_shared_pool\"}}}".into(),
            "overload - - - - - - - provider",
        ),
        (
            Dialect::OpenRouter,
            402,
            "{\"error\":{\"code\":402,\"message\":\"In-flight budget exhausted\",\"metadata\":{\"error_type\":\"payment_required\",\"limit_source\":\"openrouter_in_flight_budget\"}}}".into(),
            "wait money - - - - - account account",
        ),
        (
            Dialect::OpenRouter,
            402,
            "{\"error\":{\"code\":402,\"message\":\"This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 3500.\"}}".into(),
            "money - - - - - - - account",
        ),
        (
            Dialect::OpenRouter,
            403,
            "{\"error\":{\"code\":403,\"message\":\"Key limit exceeded\",\"metadata\":{\"limit_source\":\"openrouter_key_limit\",\"resets_at\":\"2026-11-25T00:00:00Z\"}}}".into(),
            "money - - - - - 43200000 - account",
        ),
        (
            Dialect::OpenRouter,
            503,
            "{\"error\":{\"message\":\"No capacity\",\"http_status\":503,\"error_type\":\"provider_overloaded\"},\"availability\":{\"code\":\"temporarily_unavailable\",\"retryable\":true,\"retry_after\":20}}".into(),
            "overload - - - - - 20000 - provider",
        ),
        (Dialect::OpenRouter, 404, "{\"error\":{\"message\":\"No endpoints found for foo/bar.\",\"code\":404}}".into(), "model - - - - - - - account"),
        (
            Dialect::AzureOpenAi,
            429,
            "{\"error\":{\"code\":\"429\",\"message\":\"Requests to the Embeddings_Create Operation under Azure OpenAI API version 2023-07-01-preview have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds.\"}}".into(),
            "wait requests - - - - 9000 - account",
        ),
        (
            Dialect::AzureOpenAi,
            429,
            "{\"error\":{\"code\":\"RateLimitReached\",\"message\":\"Your requests to gpt-4o for gpt-4o in East US have exceeded the token rate limit for your current AIServices S0 pricing tier. Please retry after 27 seconds.\"}}".into(),
            "wait tokens - - - - 27000 - account",
        ),
        (Dialect::AzureOpenAi, 404, "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"The API deployment for this resource does not exist.\"}}".into(), "model - - - - - - - account"),
        (Dialect::AzureOpenAi, 401, "{\"statusCode\":401,\"message\":\"Access denied due to invalid subscription key\"}".into(), "key - - - - - - - account"),
        (Dialect::AzureOpenAi, 429, "{\"statusCode\": 429, \"message\": \"Rate limit is exceeded. Try again in 7 seconds.\"}".into(), "wait - - - - - 7000 - account"),
        (
            Dialect::Mistral,
            429,
            "{\"object\":\"error\",\"message\":\"Service tier capacity exceeded for this model.\",\"type\":\"service_tier_capacity_exceeded\",\"param\":null,\"code\":\"3505\",\"raw_status_code\":429}".into(),
            "overload - - - - - - - provider",
        ),
        (Dialect::Mistral, 429, "{\"object\":\"error\",\"message\":\"Rate limit exceeded\",\"type\":\"rate_limited\",\"code\":\"1300\",\"raw_status_code\":429}".into(), "wait - - - - - - - account"),
        (Dialect::Mistral, 429, "{\"message\":\"Requests rate limit exceeded\"}".into(), "wait requests - - - - - - account"),
        (Dialect::Mistral, 401, "{\"detail\":\"Unauthorized\"}".into(), "key - - - - - - - account"),
        (Dialect::Mistral, 400, "{\"object\":\"error\",\"message\":\"Invalid model: foo\",\"type\":\"invalid_model\",\"code\":\"1500\"}".into(), "model - - - - - - - account"),
        (
            Dialect::XAi,
            429,
            "{\"code\":\"Some resource has been exhausted\",\"error\":\"Too many tokens for team 0-0 and model grok-4-0709. Your team's rate limit is — Tokens per Minute (actual/limit): 65605/16000. You can view your team rate limits at https://console.x.ai.\"}".into(),
            "wait tokens minute 16000 65605 - - - account",
        ),
        (
            Dialect::XAi,
            429,
            "Too many requests for team 0 and model grok-3. Your team's rate limit is — Requests per Second (actual/limit): 2/5, Requests per Minute (actual/limit): 61/60".into(),
            "wait requests minute 60 61 - - - account",
        ),
        (Dialect::XAi, 403, "{\"code\":\"permission-denied\",\"error\":\"Your team 0 has either used all available credits or reached its monthly spending limit.\"}".into(), "money - - - - - - - account"),
        (Dialect::XAi, 400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"Incorrect API key provided: xai-abc***d.\"}".into(), "key - - - - - - - account"),
        (Dialect::XAi, 404, "{\"code\":\"Some requested entity was not found\",\"error\":\"The model grok-1 does not exist or your team does not have access to it.\"}".into(), "model - - - - - - - account"),
        (Dialect::Cerebras, 429, "{\"message\":\"Tokens per day limit exceeded - too many tokens processed.\",\"type\":\"too_many_tokens_error\",\"param\":\"quota\",\"code\":\"token_quota_exceeded\"}".into(), "wait tokens day - - - - - account"),
        (Dialect::Cerebras, 429, "{\"message\":\"We're experiencing high traffic right now! Please try again soon.\",\"type\":\"too_many_requests_error\",\"param\":\"queue\",\"code\":\"queue_exceeded\"}".into(), "overload - - - - - - - provider"),
        (Dialect::Together, 429, "{\"error\":{\"message\":\"Rate limited\",\"type\":\"rate_limit\",\"error_type\":\"dynamic_token_limited\"}}".into(), "wait tokens - - - - - - account"),
        (Dialect::Fireworks, 412, "{\"error\":\"Account x is suspended, possibly due to reaching the monthly spending limit\"}".into(), "money - - - - - - - account"),
    ] {
        check(dialect, status, &body, expect);
        // a custom endpoint may be anyone's: what the sentence tells must not depend on the dialect
        if dialect != Dialect::AzureOpenAi {
            check(Dialect::OpenAiCompatible, status, &body, expect);
        }
    }
    check_with(
        Dialect::Cerebras,
        429,
        &[
            ("x-ratelimit-limit-requests-minute", "5"),
            ("x-ratelimit-remaining-requests-minute", "0"),
            ("x-ratelimit-reset-requests-minute", "11.5"),
        ],
        "{\"message\":\"Requests per minute limit exceeded - too many requests sent.\",\"code\":\"request_quota_exceeded\"}",
        "wait requests minute 5 5 - 11500 - account",
    );
    check_with(
        Dialect::OpenRouter,
        429,
        &[("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795521630000")],
        "{\"error\":{\"message\":\"Rate limit exceeded: free-models-per-min. \",\"code\":429}}",
        "wait requests minute 20 20 - 30000 account account",
    );
}
