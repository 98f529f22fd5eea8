//! OpenAI's headers and refusals.

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::ask::BadAsk;
use super::super::meters::{Dim, Levels, Refusal};
use super::{Failure, Refused, Shared, go_duration, put, retry_after};

pub(super) fn identity(shared: &Shared, took_ms: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, "x-request-id", format_args!("req_{}", shared.rng.hex()));
    put(&mut headers, "openai-organization", &shared.organization);
    if let Some(project) = &shared.config.identity.project {
        put(&mut headers, "openai-project", project);
    }
    put(&mut headers, "openai-processing-ms", took_ms);
    put(&mut headers, "openai-version", "2020-10-01");
    headers
}

/// `x-ratelimit-*`. Requests show the minute or the day, whichever has fewer left, and the name does not say which. What
/// is left is floored and the reset keeps the fraction.
pub(super) fn limits(levels: &Levels) -> HeaderMap {
    let fewer = |dims: [Dim; 2]| dims.into_iter().filter_map(|dim| levels.of(dim)).min_by_key(|level| level.remaining);
    let mut headers = HeaderMap::new();
    let requests = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
    let tokens = ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
    for (level, [limit, remaining, reset]) in [(fewer([Dim::Rpm, Dim::Rpd]), requests), (fewer([Dim::Tpm, Dim::Tpd]), tokens)] {
        if let Some(level) = level {
            put(&mut headers, limit, level.limit);
            put(&mut headers, remaining, level.remaining);
            put(&mut headers, reset, go_duration(level.full_in / 1_000_000));
        }
    }
    headers
}

pub(super) fn refuse(shared: &Shared, model: &str, failure: &Failure) -> Refused {
    let invalid = "invalid_request_error";
    let (status, body) = match failure {
        Failure::BadKey | Failure::ManyKeys => {
            let message = "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.";
            (401, error(message, invalid, None, Some("invalid_api_key")))
        }
        Failure::BadRequest(BadAsk { message, param, code, .. }) => (400, error(message, invalid, *param, *code)),
        Failure::NoSuchPath => (404, error("Unknown request URL. Please check the URL for typos.", invalid, None, Some("unknown_url"))),
        Failure::NoSuchModel(model) => {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            (404, error(&message, invalid, None, Some("model_not_found")))
        }
        Failure::TooLarge => (413, error("The request body is too large.", invalid, None, None)),
        Failure::Limited(refusal) => {
            let kind = if matches!(refusal.dim, Dim::Rpm | Dim::Rpd | Dim::Concurrency) { "requests" } else { "tokens" };
            (429, error(&limited(shared, model, refusal), kind, None, Some("rate_limit_exceeded")))
        }
        Failure::Unexplained => (429, error("Rate limit reached for requests", "requests", None, Some("rate_limit_exceeded"))),
        Failure::Overloaded => {
            let message = "The server is currently overloaded with other requests. Sorry about that!";
            (503, error(message, "service_unavailable_error", None, Some("server_is_overloaded")))
        }
        Failure::Internal => {
            let message = "The server had an error while processing your request. Sorry about that!";
            (500, error(message, "server_error", None, Some("server_error")))
        }
        Failure::NoCredit => {
            let message = "You exceeded your current quota, please check your plan and billing details. For more information on this \
                           error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";
            (429, error(message, "insufficient_quota", None, Some("insufficient_quota")))
        }
    };
    let mut headers = HeaderMap::new();
    put(&mut headers, "x-request-id", format_args!("req_{}", shared.rng.hex()));
    match failure {
        // waiting does not help a request that is too large
        Failure::Limited(refusal) if !refusal.never => put(&mut headers, "retry-after", retry_after(refusal.wait)),
        Failure::Unexplained => put(&mut headers, "retry-after", 1),
        _ => {}
    }
    Refused { status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, body }
}

fn error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}

fn limited(shared: &Shared, model: &str, refusal: &Refusal) -> String {
    let Refusal { limit, used, requested, .. } = *refusal;
    let what = match refusal.dim {
        Dim::Rpm => "requests per min (RPM)",
        Dim::Rpd => "requests per day (RPD)",
        Dim::Tpd => "tokens per day (TPD)",
        Dim::Itpm | Dim::Otpm | Dim::Tpm => "tokens per min (TPM)",
        Dim::Concurrency => "concurrent requests",
    };
    let organization = &shared.organization;
    let more = "Visit https://platform.openai.com/account/rate-limits to learn more.";
    if refusal.never {
        return format!(
            "Request too large for {model} in organization {organization} on {what}: Limit {limit}, Requested {requested}. The input or \
             output tokens must be reduced in order to run successfully. {more}"
        );
    }
    let wait = go_duration(refusal.wait.div_ceil(1_000_000).max(1));
    format!(
        "Rate limit reached for {model} in organization {organization} on {what}: Limit {limit}, Used {used}, Requested {requested}. \
         Please try again in {wait}. {more}"
    )
}
