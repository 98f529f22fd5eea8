//! Anthropic's Message Batches: requests inline, results a line each in any order, no name of ours on a batch.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::input::Row;
use super::super::input::json::fields;
use super::api::{Listed, Outcome, Standing, Target, What};

pub(super) fn target(row: &Row) -> Result<Target, String> {
    if row.path != "/v1/messages" && row.path != "/messages" {
        return Err(format!("Anthropic's batches hold requests to /v1/messages only, not to {}: write it in Anthropic's form", row.path));
    }
    Ok(Target { endpoint: "/v1/messages".into(), model: String::new() })
}

pub(super) fn open() -> Vec<u8> {
    br#"{"requests":["#.to_vec()
}

pub(super) fn add(text: &mut Vec<u8>, is_first: bool, id: &str, body: &[u8]) {
    if !is_first {
        text.push(b',');
    }
    text.extend_from_slice(format!(r#"{{"custom_id":"{id}","params":"#).as_bytes());
    text.extend_from_slice(body);
    text.push(b'}');
}

pub(super) fn standing(id: &str, batch: &Value) -> Option<Standing> {
    Some(match batch.get("processing_status")?.as_str()? {
        "ended" => Standing::Over(vec![format!("/v1/messages/batches/{id}/results")]),
        // the counts stay at zero until it has ended
        _ => Standing::Working(None),
    })
}

pub(super) fn listed(batch: &Value) -> Option<Listed> {
    let counts = batch.get("request_counts").and_then(Value::as_object);
    Some(Listed {
        id: batch.get("id")?.as_str()?.to_owned(),
        tag: None,
        rows: counts.map(|counts| counts.values().filter_map(Value::as_u64).sum()),
        created: batch.get("created_at")?.as_str()?.parse::<Timestamp>().ok()?.as_second(),
    })
}

pub(super) fn line(line: &[u8]) -> Result<Outcome, String> {
    let outer = fields(line)?;
    let find = |fields: &[(String, &[u8])], name: &str| {
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| Bytes::copy_from_slice(value))
    };
    let id = find(&outer, "custom_id").and_then(|id| serde_json::from_slice(&id).ok());
    let result = find(&outer, "result").ok_or("a result line without a result")?;
    let result = fields(&result)?;
    let kind: String = find(&result, "type").and_then(|kind| serde_json::from_slice(&kind).ok()).unwrap_or_default();
    let what = match kind.as_str() {
        "succeeded" => What::Answer { status: 200, request_id: None, body: find(&result, "message").unwrap_or_default() },
        "errored" => {
            let body = find(&result, "error").unwrap_or_default();
            What::Answer { status: status_of(&body), request_id: None, body: whole(body) }
        }
        "expired" => What::Unreached("it was not reached within the batch's time".into()),
        "canceled" => What::Unreached("the batch was cancelled before it was reached".into()),
        other => return Err(format!("a result of an unknown type {other:?}")),
    };
    Ok(Outcome { id, what })
}

/// The status that the same error has as an answer of its own.
fn status_of(error: &[u8]) -> u16 {
    let error: Value = serde_json::from_slice(error).unwrap_or_default();
    let kind = error.pointer("/error/type").or_else(|| error.get("type")).and_then(Value::as_str);
    match kind.unwrap_or_default() {
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        "api_error" => 500,
        _ => 400,
    }
}

/// An error as it is in an answer, whether it came wrapped or bare.
fn whole(error: Bytes) -> Bytes {
    match serde_json::from_slice::<Value>(&error) {
        Ok(bare) if bare.get("error").is_none() => json!({"type": "error", "error": bare}).to_string().into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_apart() {
        let check = |text: &str, status: Option<u16>| {
            let outcome = line(text.as_bytes()).unwrap();
            assert_eq!(outcome.id.as_deref(), Some("a"), "{text}");
            let found = match outcome.what {
                What::Answer { status, .. } => Some(status),
                What::Unreached(_) => None,
            };
            assert_eq!(found, status, "{text}");
        };
        check(r#"{"custom_id":"a","result":{"type":"succeeded","message":{"id":"msg_1"}}}"#, Some(200));
        check(
            r#"{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"x"}}}}"#,
            Some(400),
        );
        check(r#"{"custom_id":"a","result":{"type":"errored","error":{"type":"overloaded_error","message":"x"}}}"#, Some(529));
        check(r#"{"custom_id":"a","result":{"type":"expired"}}"#, None);
        check(r#"{"result":{"type":"canceled"},"custom_id":"a"}"#, None);
        assert!(line(br#"{"custom_id":"a"}"#).is_err());
    }
}
