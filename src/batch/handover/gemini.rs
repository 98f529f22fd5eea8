//! Gemini's batches of inline requests for one model: an operation whose end carries the answers in the order of the requests.
//!
//! States and shapes as in the API's reference (2026); answers have been seen without the metadata of their requests, so
//! that their place has to tell.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::input::Row;
use super::super::input::json::{fields, items};
use super::api::{Fault, Listed, Outcome, Standing, Target, What};

pub(super) fn target(row: &Row) -> Result<Target, String> {
    let model = row.path.strip_prefix("/v1beta/models/").and_then(|call| call.strip_suffix(":generateContent"));
    let model = model.ok_or_else(|| format!("Gemini's batches hold generateContent requests only, not {}", row.path))?;
    Ok(Target { endpoint: "generateContent".into(), model: model.to_owned() })
}

pub(super) fn open(tag: &str) -> Vec<u8> {
    format!(r#"{{"batch":{{"display_name":"{tag}","input_config":{{"requests":{{"requests":["#).into_bytes()
}

pub(super) fn add(text: &mut Vec<u8>, is_first: bool, id: &str, body: &[u8]) {
    if !is_first {
        text.push(b',');
    }
    text.extend_from_slice(br#"{"request":"#);
    text.extend_from_slice(body);
    text.extend_from_slice(format!(r#","metadata":{{"key":"{id}"}}}}"#).as_bytes());
}

pub(super) fn standing(id: &str, operation: &Value) -> Option<Standing> {
    let metadata = operation.get("metadata");
    let state = metadata.and_then(|metadata| metadata.get("state")?.as_str()).unwrap_or_default();
    let count = |name: &str| metadata?.get("batchStats")?.get(name)?.as_str()?.parse::<u64>().ok();
    Some(match state.rsplit("STATE_").next()? {
        "SUCCEEDED" => Standing::Over(vec![format!("/v1beta/{id}")]),
        // neither has results to be fetched
        "CANCELLED" | "EXPIRED" => Standing::Over(Vec::new()),
        "FAILED" => {
            let message = operation.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason was given").to_owned();
            Standing::Failed(vec![Fault { is_queue_full: false, queue: None, line: None, message }])
        }
        _ => Standing::Working(count("requestCount").zip(count("pendingRequestCount")).map(|(all, pending)| all.saturating_sub(pending))),
    })
}

pub(super) fn listed(operation: &Value) -> Option<Listed> {
    let metadata = operation.get("metadata")?;
    Some(Listed {
        id: operation.get("name")?.as_str()?.to_owned(),
        tag: metadata.get("displayName").and_then(Value::as_str).map(str::to_owned),
        rows: None,
        created: metadata.get("createTime")?.as_str()?.parse::<Timestamp>().ok()?.as_second(),
    })
}

/// The results in an operation that has ended.
pub(super) fn results(operation: &[u8]) -> Result<Vec<Outcome>, String> {
    let mut at = operation;
    for name in ["response", "inlinedResponses", "inlinedResponses"] {
        let found = fields(at)?.into_iter().find(|(field, _)| field == name);
        at = found.map(|(_, value)| value).ok_or_else(|| format!("the batch has ended without {name}"))?;
    }
    items(at)?.into_iter().map(result).collect()
}

fn result(item: &[u8]) -> Result<Outcome, String> {
    let parts = fields(item)?;
    let raw = |name: &str| parts.iter().find(|(field, _)| field == name).map(|(_, value)| *value);
    let value = |name: &str| raw(name).and_then(|value| serde_json::from_slice::<Value>(value).ok()).unwrap_or_default();
    let id = value("metadata").get("key").and_then(Value::as_str).map(str::to_owned);
    if let Some(body) = raw("response") {
        return Ok(Outcome { id, what: What::Answer { status: 200, request_id: None, body: Bytes::copy_from_slice(body) } });
    }
    let error = value("error");
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason was given");
    // google.rpc.Code, and the status that goes with each
    let (status, name) = match error.get("code").and_then(Value::as_u64).unwrap_or(2) {
        1 | 4 => return Ok(Outcome { id, what: What::Unreached(message.to_owned()) }),
        3 | 9 | 11 => (400, "INVALID_ARGUMENT"),
        5 => (404, "NOT_FOUND"),
        7 => (403, "PERMISSION_DENIED"),
        8 => (429, "RESOURCE_EXHAUSTED"),
        14 => (503, "UNAVAILABLE"),
        16 => (401, "UNAUTHENTICATED"),
        _ => (500, "INTERNAL"),
    };
    let body = json!({"error": {"code": status, "message": message, "status": name}}).to_string();
    Ok(Outcome { id, what: What::Answer { status, request_id: None, body: body.into() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_their_bytes_and_their_place() {
        let operation = br#"{"name":"batches/1","done":true,"response":{"inlinedResponses":{"inlinedResponses":[
            {"response":{"a": 1.50}}, {"error":{"code":13,"message":"oh"},"metadata":{"key":"k"}}, {"error":{"code":4,"message":"late"}}]}}}"#;
        let found = results(operation).unwrap();
        assert_eq!(found[0].what, What::Answer { status: 200, request_id: None, body: Bytes::from_static(b"{\"a\": 1.50}") });
        assert_eq!(found[1].id.as_deref(), Some("k"));
        assert!(matches!(found[1].what, What::Answer { status: 500, .. }));
        assert_eq!(found[2].what, What::Unreached("late".into()));
    }
}
