//! Anthropic's headers and refusals, on its own API and on the OpenAI-compatible path.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::clock::Clock;
use super::super::meters::{Dim, Level, Levels, Refusal};
use super::super::wire::Wire;
use super::{Failure, Refused, Shared, go_duration, put, retry_after};

const ADVICE: &str = "You can see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, \
                      or try again later.";

pub(super) fn identity(shared: &Shared, wire: Wire) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, "request-id", shared.rng.id("req_01", 22));
    put(&mut headers, "anthropic-organization-id", &shared.organization);
    if let Some(workspace) = &shared.config.identity.workspace {
        put(&mut headers, "anthropic-workspace-id", workspace);
    }
    if wire == Wire::Chat {
        put(&mut headers, "openai-version", "2020-10-01");
    }
    headers
}

/// `anthropic-ratelimit-*`. Tokens left are rounded to the nearest thousand; resets are the time of full replenishment in
/// whole seconds. The pair without `input` or `output` is the sum of both, unless tokens have a limit of their own.
pub(super) fn limits(clock: Clock, levels: &Levels) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut show = |level: Option<Level>, [limit, remaining, reset]: [&'static str; 3], round: bool| {
        if let Some(level) = level {
            put(&mut headers, limit, level.limit);
            put(&mut headers, remaining, if round { (level.remaining + 500) / 1_000 * 1_000 } else { level.remaining });
            put(&mut headers, reset, whole_seconds(clock.wall(levels.at + level.full_in)));
        }
    };
    let (input, output) = (levels.of(Dim::Itpm), levels.of(Dim::Otpm));
    let requests = ["anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"];
    show(levels.of(Dim::Rpm), requests, false);
    let names =
        ["anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"];
    show(input, names, true);
    let names = [
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ];
    show(output, names, true);
    let names = ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"];
    show(total(levels), names, true);
    headers
}

/// The path's documented header names. The form of its resets is not documented; OpenAI's is used, as the names are OpenAI's.
pub(super) fn compatible_limits(levels: &Levels) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let requests = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
    let tokens = ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
    for (level, [limit, remaining, reset]) in [(levels.of(Dim::Rpm), requests), (total(levels), tokens)] {
        if let Some(level) = level {
            put(&mut headers, limit, level.limit);
            put(&mut headers, remaining, level.remaining);
            put(&mut headers, reset, go_duration(level.full_in / 1_000_000));
        }
    }
    headers
}

/// The tokens' own limit, else input and output together. The reset does not follow the output.
fn total(levels: &Levels) -> Option<Level> {
    let sum = || match (levels.of(Dim::Itpm), levels.of(Dim::Otpm)) {
        (Some(input), Some(output)) => {
            Some(Level { limit: input.limit + output.limit, remaining: input.remaining + output.remaining, full_in: input.full_in })
        }
        (one, other) => one.or(other),
    };
    levels.of(Dim::Tpm).or_else(sum)
}

fn whole_seconds(wall: Timestamp) -> Timestamp {
    Timestamp::from_second(wall.as_second()).unwrap_or(wall)
}

pub(super) fn refuse(shared: &Shared, wire: Option<Wire>, model: &str, failure: &Failure) -> Refused {
    let compatible = wire == Some(Wire::Chat);
    let (status, kind, message) = match failure {
        Failure::BadKey | Failure::ManyKeys => (401, "authentication_error", "invalid x-api-key".to_owned()),
        Failure::BadRequest(bad) => (400, "invalid_request_error", bad.message.clone()),
        Failure::NoSuchPath => (404, "not_found_error", "Not Found".to_owned()),
        Failure::NoSuchModel(model) => (404, "not_found_error", format!("model: {model}")),
        Failure::TooLarge => (413, "request_too_large", "Request exceeds the maximum size".to_owned()),
        Failure::Limited(refusal) => (429, "rate_limit_error", limited(shared, model, refusal, compatible)),
        Failure::Unexplained => {
            (429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later.".to_owned())
        }
        Failure::Overloaded => (529, "overloaded_error", "Overloaded".to_owned()),
        Failure::Internal => (500, "api_error", "Internal server error".to_owned()),
        Failure::NoCredit => (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
                .to_owned(),
        ),
    };
    let request_id = shared.rng.id("req_01", 22);
    let mut headers = HeaderMap::new();
    put(&mut headers, "request-id", &request_id);
    if !matches!(failure, Failure::BadKey) {
        put(&mut headers, "anthropic-organization-id", &shared.organization);
    }
    match failure {
        Failure::Limited(refusal) => put(&mut headers, "retry-after", retry_after(refusal.wait)),
        Failure::Unexplained => put(&mut headers, "retry-after", 1),
        _ => {}
    }
    Refused { status: status_of(status), headers, body: body(compatible, kind, &message, &request_id) }
}

fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// On the compatible path the type is misleading and the code tells (recorded).
fn body(compatible: bool, kind: &str, message: &str, request_id: &str) -> Value {
    if compatible {
        json!({"error": {"code": kind, "message": message, "type": "invalid_request_error", "param": null}})
    } else {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})
    }
}

fn limited(shared: &Shared, model: &str, refusal: &Refusal, compatible: bool) -> String {
    let what = match refusal.dim {
        Dim::Rpm => "requests per minute",
        Dim::Rpd => "requests per day",
        Dim::Itpm => "input tokens per minute",
        Dim::Otpm => "output tokens per minute",
        Dim::Tpm => "tokens per minute",
        Dim::Tpd => "tokens per day",
        Dim::Concurrency => {
            return "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales at \
                    https://www.anthropic.com/contact-sales to discuss your options for a rate limit increase."
                .to_owned();
        }
    };
    let limit = with_commas(refusal.limit);
    if compatible {
        return format!(
            "This request would exceed the rate limit for your organization of {limit} {what}. For details, refer to: \
             https://docs.anthropic.com/en/api/rate-limits. {ADVICE} You may also contact sales at https://www.anthropic.com/contact-sales \
             to discuss your options for a rate limit increase."
        );
    }
    format!(
        "This request would exceed your organization's rate limit of {limit} {what} (org: {}, model: {model}). For details, refer to: \
         https://docs.claude.com/en/api/rate-limits. {ADVICE} You may also contact sales at https://claude.com/contact-sales to discuss your \
         options for a rate limit increase.",
        shared.organization
    )
}

/// `30,000`.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(50, "50"), (999, "999"), (8_000, "8,000"), (30_000, "30,000"), (10_000_000, "10,000,000")] {
            assert_eq!(with_commas(number), text);
        }
    }
}
