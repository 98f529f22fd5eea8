//! DeepSeek's refusals, whose code says nothing, and the names its models answer to.

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::super::meters::Dim;
use super::super::wire::Wire;
use super::{Failure, Refused, Shared, put};

const FLASH: &str = "deepseek-flash";
const PRO: &str = "deepseek-v4-pro";

pub(super) fn identity(shared: &Shared) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, "x-ds-trace-id", shared.rng.hex());
    headers
}

/// Two models, two retired names that still work, and on the messages path any Claude.
pub(super) fn answering_model(wire: Wire, model: &str) -> Result<String, Failure> {
    let answering = match model {
        PRO => PRO,
        FLASH | "deepseek-v4-flash" | "deepseek-v4-flash-vision-exp" => FLASH,
        claude if wire == Wire::Messages && claude.starts_with("claude-opus") => PRO,
        claude if wire == Wire::Messages && claude.starts_with("claude") => FLASH,
        _ => return Err(Failure::NoSuchModel(model.to_owned())),
    };
    Ok(answering.to_owned())
}

/// The code is always the same; the status and the message tell. No retry-after.
pub(super) fn refuse(shared: &Shared, model: &str, failure: &Failure) -> Refused {
    let invalid = "invalid_request_error";
    let (status, kind, message) = match failure {
        Failure::BadKey | Failure::ManyKeys => {
            (401, "authentication_error", "Authentication Fails, Your api key: **** is invalid".to_owned())
        }
        Failure::BadRequest(bad) => (400, invalid, bad.message.clone()),
        Failure::NoSuchPath => (404, invalid, "Not Found".to_owned()),
        Failure::NoSuchModel(model) => {
            (400, invalid, format!("The supported API model names are {PRO} or {FLASH}, but you passed {model}."))
        }
        Failure::TooLarge => (413, invalid, "Request Entity Too Large".to_owned()),
        Failure::Limited(refusal) if refusal.dim == Dim::Concurrency => (429, "rate_limit_error", crowded(refusal.used + 1, refusal.limit)),
        // limits that DeepSeek does not have: the simulation enforces them if it is told to
        Failure::Limited(refusal) => (429, "rate_limit_error", format!("Too many requests ({}) for {model}.", refusal.dim.name())),
        Failure::Unexplained => (429, "rate_limit_error", crowded(6, 5)),
        Failure::Overloaded => (503, "service_unavailable_error", "Service is too busy, please retry later.".to_owned()),
        Failure::Internal => (500, "server_error", "Internal server error".to_owned()),
        Failure::NoCredit => (402, "unknown_error", "Insufficient Balance".to_owned()),
    };
    Refused {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers: identity(shared),
        body: json!({"error": {"message": message, "type": kind, "param": null, "code": invalid}}),
    }
}

fn crowded(current: u64, limit: u64) -> String {
    format!(
        "Too many requests. Your current concurrency is {current}, which exceeds your concurrency limit of {limit} based on your remaining \
         balance. Please top up your balance to restore your concurrency."
    )
}
