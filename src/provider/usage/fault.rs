//! An error inside an answer that began with status 200: which status it would have had.

use http::StatusCode;
use serde_json::{Value, json};

/// Longest error that is kept, as JSON.
const MAX_BODY: usize = 64 * 1024;

/// The error in the shape of an error body of its own.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Fault {
    /// Reads an `error`; `None` for null and other words for "no error".
    pub(super) fn of(error: &Value) -> Option<Self> {
        let error = match error {
            Value::Object(fields) if !fields.is_empty() => error.clone(),
            Value::String(message) if !message.is_empty() => json!({ "message": message }),
            _ => return None,
        };
        let status = status_of(&error);
        let mut body = json!({ "type": "error", "error": error }).to_string().into_bytes();
        if body.len() > MAX_BODY {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let message: String = message.chars().take(4096).collect();
            body = json!({ "type": "error", "error": { "message": message } }).to_string().into_bytes();
        }
        Some(Self { status, body })
    }
}

/// The status that the error names by number, else by word. A bad request is believed last: DeepSeek's `code` and the
/// `type` of Anthropic's OpenAI-compatible path say `invalid_request_error` whatever happened.
fn status_of(error: &Value) -> StatusCode {
    let fields = ["http_status", "code", "status", "type"].map(|name| error.get(name).unwrap_or(&Value::Null));
    let metadata = error.pointer("/metadata/error_type").or_else(|| error.get("error_type")).unwrap_or(&Value::Null);
    let named = fields.into_iter().chain([metadata]).find_map(by_number);
    let told: Vec<u16> = fields.into_iter().chain([metadata]).filter_map(|field| by_word(field.as_str()?)).collect();
    let status = named.or_else(|| told.iter().copied().find(|status| *status != 400)).or_else(|| told.first().copied()).unwrap_or(500);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn by_number(field: &Value) -> Option<u16> {
    let number = field.as_u64().or_else(|| field.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

fn by_word(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_request_error"
        | "invalid_request"
        | "invalid_prompt"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "failed_precondition" => 400,
        "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => 401,
        "billing_error" | "payment_required" => 402,
        "permission_error" | "permission_denied" | "PERMISSION_DENIED" => 403,
        "not_found_error" | "not_found" | "model_not_found" | "NOT_FOUND" => 404,
        "request_too_large" => 413,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limited"
        | "too_many_requests"
        | "too_many_requests_error"
        | "tokens"
        | "requests"
        | "slow_down"
        | "resource_unavailable"
        | "insufficient_quota"
        | "credit_balance_exhausted"
        | "organization_spend_limit_exceeded"
        | "project_spend_limit_exceeded"
        | "organization_usage_limit_exceeded"
        | "billing_hard_limit_reached"
        | "RESOURCE_EXHAUSTED" => 429,
        "api_error" | "server_error" | "server" | "INTERNAL" => 500,
        "provider_unavailable" => 502,
        "server_is_overloaded" | "service_unavailable_error" | "provider_overloaded" | "UNAVAILABLE" => 503,
        "timeout_error" | "timeout" | "DEADLINE_EXCEEDED" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_what_the_error_would_have_had() {
        for (error, status) in [
            (json!({"type": "overloaded_error", "message": "Overloaded"}), 529),
            (json!({"code": 429, "status": "RESOURCE_EXHAUSTED"}), 429),
            (json!({"code": "429", "type": "x"}), 429),
            (json!({"code": 503, "status": "UNAVAILABLE"}), 503),
            (json!({"code": "rate_limit_exceeded", "message": "m"}), 429),
            (json!({"code": "too_many_requests"}), 429),
            (json!({"code": "invalid_request_error", "type": "rate_limit_error"}), 429),
            (json!({"code": "rate_limit_error", "type": "invalid_request_error"}), 429),
            (json!({"code": "server_error"}), 500),
            (json!({"code": 502, "metadata": {"error_type": "provider_unavailable"}}), 502),
            (json!({"http_status": 503, "error_type": "temporarily_unavailable"}), 503),
            (json!({"metadata": {"error_type": "payment_required"}}), 402),
            (json!({"type": "invalid_request_error"}), 400),
            (json!({"code": 1300, "message": "who knows"}), 500),
            (json!("in words only"), 500),
        ] {
            assert_eq!(Fault::of(&error).unwrap().status, status, "{error}");
        }
        for none in [json!(null), json!(false), json!({}), json!(""), json!([])] {
            assert!(Fault::of(&none).is_none(), "{none}");
        }
    }

    #[test]
    fn an_endless_error_is_cut() {
        let fault = Fault::of(&json!({"type": "overloaded_error", "message": "é".repeat(1 << 20)})).unwrap();
        assert_eq!(fault.status, 529);
        assert!(fault.body.len() < MAX_BODY);
    }
}
