//! Gemini's headers, of which there are hardly any, and its refusals, in which everything stands in the body.

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::clock::{MINUTE, SECOND};
use super::super::meters::{Dim, Refusal};
use super::super::wire::Wire;
use super::{Failure, Refused, Shared, put};

const DOCS: &str = "https://ai.google.dev/gemini-api/docs/rate-limits";

pub(super) fn identity(took_ms: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, "x-gemini-service-tier", "standard");
    put(&mut headers, "server-timing", format_args!("gfet4t7; dur={took_ms}"));
    headers
}

pub(super) fn refuse(shared: &Shared, wire: Option<Wire>, model: &str, failure: &Failure) -> Refused {
    let mut details = None;
    let (code, status, message) = match failure {
        Failure::BadKey => {
            let message = "API key not valid. Please pass a valid API key.";
            details = Some(json!([
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
                 "metadata": {"service": "generativelanguage.googleapis.com"}},
                {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message},
            ]));
            (400, "INVALID_ARGUMENT", message.to_owned())
        }
        Failure::ManyKeys => {
            (400, "INVALID_ARGUMENT", "Multiple authentication credentials received. Please pass only one.".to_owned())
        }
        Failure::BadRequest(bad) => (400, "INVALID_ARGUMENT", bad.message.clone()),
        Failure::NoSuchPath => (404, "NOT_FOUND", "Requested entity was not found.".to_owned()),
        Failure::NoSuchModel(model) => {
            (404, "NOT_FOUND", format!("models/{model} is not found for API version v1beta, or is not supported for generateContent."))
        }
        Failure::TooLarge => (400, "INVALID_ARGUMENT", "Request payload size exceeds the limit.".to_owned()),
        Failure::Limited(refusal) => match limited(shared, model, refusal) {
            Some((message, list)) => {
                details = Some(list);
                (429, "RESOURCE_EXHAUSTED", message)
            }
            None => (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).".to_owned()),
        },
        Failure::Unexplained => (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).".to_owned()),
        Failure::Overloaded => (
            503,
            "UNAVAILABLE",
            "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.".to_owned(),
        ),
        Failure::Internal => (500, "INTERNAL", "An internal error has occurred.".to_owned()),
        Failure::NoCredit => (
            402,
            "RESOURCE_EXHAUSTED",
            "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and billing. \
             Learn more at https://ai.google.dev/gemini-api/docs/billing#prepay."
                .to_owned(),
        ),
    };
    let mut error = json!({"error": {"code": code, "message": message, "status": status}});
    if let Some(details) = details {
        error["error"]["details"] = details;
    }
    // the OpenAI-compatible path wraps it in a list (recorded)
    let body = if matches!(wire, Some(Wire::Chat | Wire::Embeddings)) { json!([error]) } else { error };
    let mut headers = HeaderMap::new();
    if matches!(failure, Failure::Limited(_)) {
        put(&mut headers, "x-gemini-service-tier", "standard");
    }
    Refused { status: StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, body }
}

/// The message and the details, if Gemini knows this kind of limit. Several limits are named together. A daily limit
/// offers a delay of less than a minute that helps nobody, and so does a request that can never fit (both recorded).
fn limited(shared: &Shared, model: &str, refusal: &Refusal) -> Option<(String, Value)> {
    let named: Vec<(Quota, u64)> =
        refusal.all.iter().filter_map(|(dim, limit)| Some((quota(*dim, shared.config.paid_tier)?, *limit))).collect();
    if named.is_empty() {
        return None;
    }
    let daily = refusal.all.iter().any(|(dim, _)| dim.is_daily());
    let wait = if daily {
        23 * SECOND + shared.rng.below(28 * SECOND)
    } else if refusal.never {
        shared.rng.below(MINUTE)
    } else {
        refusal.wait
    };
    let metrics: Vec<String> = named
        .iter()
        .map(|(quota, limit)| format!("\n* Quota exceeded for metric: {}, limit: {limit}, model: {model}", quota.metric))
        .collect();
    let metrics = metrics.concat();
    let delay = if wait < SECOND {
        format!("{}.{:06}ms", wait / 1_000_000, wait % 1_000_000)
    } else {
        format!("{}.{:09}s", wait / SECOND, wait % SECOND)
    };
    let message = format!(
        "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: {DOCS}. To \
         monitor your current usage, head to: https://ai.dev/rate-limit. {metrics}\nPlease retry in {delay}."
    );
    let violation = |(quota, limit): &(Quota, u64)| {
        let mut violation = json!({
            "quotaMetric": quota.metric, "quotaId": quota.id, "quotaDimensions": {"location": "global", "model": model},
        });
        if *limit > 0 {
            violation["quotaValue"] = limit.to_string().into(); // zero is left out, as protobuf does
        }
        violation
    };
    let details = json!([
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "Learn more about Gemini API quotas", "url": DOCS}]},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": named.iter().map(violation).collect::<Vec<_>>()},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{}s", wait / SECOND)},
    ]);
    Some((message, details))
}

/// The names of one quota.
struct Quota {
    metric: &'static str,
    id: &'static str,
}

/// The recorded names; those of the paid requests per minute are inferred from the daily ones.
const fn quota(dim: Dim, paid: bool) -> Option<Quota> {
    const FREE_REQUESTS: &str = "generativelanguage.googleapis.com/generate_content_free_tier_requests";
    const FREE_TOKENS: &str = "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count";
    const PAID_TOKENS: &str = "generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count";
    let (metric, id) = match (dim, paid) {
        (Dim::Rpm, false) => (FREE_REQUESTS, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
        (Dim::Rpd, false) => (FREE_REQUESTS, "GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
        (Dim::Itpm, false) => (FREE_TOKENS, "GenerateContentInputTokensPerModelPerMinute-FreeTier"),
        (Dim::Tpd, false) => (FREE_TOKENS, "GenerateContentInputTokensPerModelPerDay-FreeTier"),
        (Dim::Rpm, true) => {
            ("generativelanguage.googleapis.com/generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel")
        }
        (Dim::Rpd, true) => {
            ("generativelanguage.googleapis.com/generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel")
        }
        (Dim::Itpm, true) => (PAID_TOKENS, "GenerateContentPaidTierInputTokensPerModelPerMinute"),
        (Dim::Tpd, true) => (PAID_TOKENS, "GenerateContentInputTokensPerModelPerDay"),
        (Dim::Otpm | Dim::Tpm | Dim::Concurrency, _) => return None,
    };
    Some(Quota { metric, id })
}
