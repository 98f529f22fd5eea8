//! OpenAI's batches: an uploaded file of lines for one endpoint and one model, one file with answers and one with errors.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::super::input::Row;
use super::super::input::json::fields;
use super::api::{Errand, Fault, Listed, Outcome, Standing, Target, What, post};

/// What batches can be for (the provider's documentation, 2026).
const ENDPOINTS: [&str; 4] = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"];
/// Under which name our tag stands in a batch's metadata.
const TAG: &str = "tierline";

pub(super) fn target(row: &Row) -> Result<Target, String> {
    let endpoint = if row.path.starts_with("/v1/") { row.path.clone() } else { format!("/v1{}", row.path) };
    if !ENDPOINTS.contains(&endpoint.as_str()) {
        return Err(format!("OpenAI's batches are for {}, not for {endpoint}", ENDPOINTS.join(", ")));
    }
    let model = row.facts.model.as_ref().map_or_else(String::new, |model| model.as_str().to_owned());
    Ok(Target { endpoint, model })
}

pub(super) fn add(text: &mut Vec<u8>, target: &Target, id: &str, body: &[u8]) {
    text.extend_from_slice(format!(r#"{{"custom_id":"{id}","method":"POST","url":"{}","body":"#, target.endpoint).as_bytes());
    text.extend_from_slice(body);
    text.extend_from_slice(b"}\n");
}

pub(super) fn upload(tag: &str, text: &[u8]) -> Errand {
    // the tag is random: no row can hold it by accident
    let boundary = format!("tierline-{tag}");
    let mut body = Vec::with_capacity(text.len() + 512);
    body.extend_from_slice(
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{boundary}\r\nContent-Disposition: \
             form-data; name=\"file\"; filename=\"{tag}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(text);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Errand {
        method: Method::POST,
        path: "/v1/files".into(),
        content_type: format!("multipart/form-data; boundary={boundary}"),
        body: body.into(),
    }
}

pub(super) fn create(target: &Target, tag: &str, uploaded: &[u8]) -> Result<Errand, String> {
    let file: Value = serde_json::from_slice(uploaded).unwrap_or_default();
    let file = file.get("id").and_then(Value::as_str).ok_or("the answer to an upload names no file")?;
    let body = json!({
        "input_file_id": file, "endpoint": target.endpoint, "completion_window": "24h", "metadata": { TAG: tag },
    });
    Ok(post("/v1/batches", body.to_string().into()))
}

/// The end of a file that was uploaded for a batch.
pub(super) fn delete(file: &Value) -> Option<Errand> {
    let path = format!("/v1/files/{}", file.as_str()?);
    Some(Errand { method: Method::DELETE, path, content_type: String::new(), body: Bytes::new() })
}

pub(super) fn standing(batch: &Value) -> Option<Standing> {
    let file = |name: &str| batch.get(name).and_then(Value::as_str).map(|id| format!("/v1/files/{id}/content"));
    Some(match batch.get("status")?.as_str()? {
        "completed" | "expired" | "cancelled" => Standing::Over(["output_file_id", "error_file_id"].into_iter().filter_map(file).collect()),
        "failed" => Standing::Failed(faults(batch)),
        _ => {
            let count = |name: &str| batch.get("request_counts")?.get(name)?.as_u64();
            Standing::Working(count("completed").map(|done| done + count("failed").unwrap_or(0)))
        }
    })
}

fn faults(batch: &Value) -> Vec<Fault> {
    let all = batch.pointer("/errors/data").and_then(Value::as_array);
    let faults = all.into_iter().flatten().map(|error| {
        let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason was given").to_owned();
        let full = error.get("code").and_then(Value::as_str) == Some("token_limit_exceeded");
        Fault { is_queue_full: full, queue: limit_in(&message).filter(|_| full), line: error.get("line").and_then(Value::as_u64), message }
    });
    faults.collect()
}

/// The number in "Limit: 2,000,000 enqueued tokens" (recorded).
fn limit_in(message: &str) -> Option<u64> {
    let (_, after) = message.split_once("Limit: ")?;
    let digits: String = after.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

pub(super) fn listed(batch: &Value) -> Option<Listed> {
    Some(Listed {
        id: batch.get("id")?.as_str()?.to_owned(),
        tag: batch.get("metadata").and_then(|metadata| metadata.get(TAG)?.as_str()).map(str::to_owned),
        rows: batch.pointer("/request_counts/total").and_then(Value::as_u64),
        created: batch.get("created_at")?.as_i64()?,
    })
}

pub(super) fn line(line: &[u8]) -> Result<Outcome, String> {
    let outer = fields(line)?;
    let raw = |name: &str| outer.iter().find(|(field, _)| field == name).map(|(_, value)| *value).filter(|value| *value != b"null");
    let id = raw("custom_id").and_then(|id| serde_json::from_slice(id).ok());
    let Some(response) = raw("response") else {
        let error: Value = raw("error").and_then(|error| serde_json::from_slice(error).ok()).unwrap_or_default();
        let why = error.get("message").and_then(Value::as_str).unwrap_or("it was not run, and no reason was given");
        return Ok(Outcome { id, what: What::Unreached(why.to_owned()) });
    };
    let response = fields(response)?;
    let part = |name: &str| response.iter().find(|(field, _)| field == name).map(|(_, value)| *value);
    let status = part("status_code").and_then(|status| serde_json::from_slice(status).ok()).ok_or("a response without a status")?;
    let request_id = part("request_id").and_then(|id| serde_json::from_slice(id).ok());
    Ok(Outcome { id, what: What::Answer { status, request_id, body: Bytes::copy_from_slice(part("body").unwrap_or_default()) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_how_much_it_holds() {
        let message = "Enqueued token limit reached for gpt-4o-mini in organization org-AAA. Limit: 2,000,000 enqueued tokens. Please try \
                       again once some in_progress batches have been completed.";
        let batch = json!({"status": "failed", "errors": {"data": [{"code": "token_limit_exceeded", "message": message, "line": null}]}});
        let fault = Fault { is_queue_full: true, queue: Some(2_000_000), line: None, message: message.to_owned() };
        assert_eq!(standing(&batch), Some(Standing::Failed(vec![fault])));
    }

    #[test]
    fn lines_of_both_files_are_read() {
        for (text, expect) in [
            (
                r#"{"id":"b","custom_id":"a","response":{"status_code":200,"request_id":"req_1","body":{"x": 1}},"error":null}"#,
                What::Answer { status: 200, request_id: Some("req_1".into()), body: Bytes::from_static(b"{\"x\": 1}") },
            ),
            (
                r#"{"id":"b","custom_id":"a","response":null,"error":{"code":"batch_expired","message":"too late"}}"#,
                What::Unreached("too late".into()),
            ),
        ] {
            assert_eq!(line(text.as_bytes()), Ok(Outcome { id: Some("a".into()), what: expect }), "{text}");
        }
    }

    #[test]
    fn only_what_the_batch_api_serves_is_taken() {
        let row = |path: &str| Row {
            custom_id: "a".into(),
            path: path.into(),
            body: Vec::new(),
            facts: crate::domain::RequestFacts::opaque(crate::domain::Api::Other, 0),
        };
        assert_eq!(target(&row("/responses")).unwrap().endpoint, "/v1/responses");
        assert!(target(&row("/v1/images/generations")).unwrap_err().contains("not for /v1/images/generations"));
    }
}
