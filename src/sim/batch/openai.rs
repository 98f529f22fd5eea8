//! OpenAI's batches: an uploaded file of lines, and files with the answers and the errors.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::provider::Failure;
use super::super::state::Shared;
use super::super::wire::Wire;
use super::anthropic::{expires, jsonl};
use super::job::{Fate, Job, Phase, Row};
use super::upload::Upload;
use super::{answered, bad};

const MOST_REQUESTS: usize = 50_000;
const OUTPUT: &str = "file-output-";
const ERRORS: &str = "file-errors-";

pub(super) fn file(shared: &Shared, id: &str, upload: &Upload) -> Value {
    json!({
        "id": id, "object": "file", "bytes": upload.bytes.len(), "created_at": shared.clock.wall(shared.clock.now()).as_second(),
        "filename": upload.name, "purpose": "batch", "status": "processed",
    })
}

pub(super) fn read(shared: &Shared, body: &Value) -> Result<Job, Failure> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("completion_window") != "24h" {
        return Err(bad("Invalid 'completion_window': expected '24h'."));
    }
    let endpoint = text("endpoint");
    let wire = match endpoint {
        "/v1/chat/completions" => Wire::Chat,
        "/v1/responses" => Wire::Responses,
        "/v1/embeddings" => Wire::Embeddings,
        _ => return Err(bad("Invalid 'endpoint'.")),
    };
    let input = text("input_file_id");
    let file = shared.batches.files().get(input).cloned().ok_or_else(|| bad("Invalid 'input_file_id': no such file."))?;
    let mut rows = Vec::new();
    let (mut tokens, mut problem) = (0, None);
    let (mut ids, mut models) = (BTreeSet::new(), BTreeSet::new());
    for (at, line) in file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let mut fail = |code: &str, message: &str| {
            problem.get_or_insert_with(|| json!({"code": code, "message": message, "line": at + 1, "param": null}));
        };
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            fail("invalid_json_line", "This line is not parseable as valid JSON.");
            continue;
        };
        let request = line.get("body").unwrap_or(&Value::Null);
        models.insert(request.get("model").and_then(Value::as_str).unwrap_or_default().to_owned());
        if line.get("url").and_then(Value::as_str) != Some(endpoint) {
            fail("invalid_url", "The URL provided for this request does not match the batch endpoint.");
        }
        if !ids.insert(line["custom_id"].to_string()) {
            fail("duplicate_custom_id", "The custom_id for this request is a duplicate of another request.");
        }
        if models.len() > 1 {
            fail(
                "mismatched_model",
                "The provided model does not match the rest of the batch. Each batch must contain requests for a single model.",
            );
        }
        let (status, body, input) = answered(shared, wire, None, request);
        tokens += input;
        rows.push(Row { custom_id: line["custom_id"].clone(), status, body, expires: expires(shared) });
    }
    if rows.is_empty() {
        problem = Some(json!({"code": "empty_file", "message": "The input file is empty.", "line": null, "param": null}));
    } else if rows.len() > MOST_REQUESTS {
        problem =
            Some(json!({"code": "too_many_tasks", "message": "The batch has more than 50000 requests.", "line": null, "param": null}));
    }
    let mut job = Job::new(shared.rng.id("batch_", 32), shared.clock.now(), rows, tokens);
    endpoint.clone_into(&mut job.target);
    input.clone_into(&mut job.input_file);
    job.name = body.get("metadata").cloned().unwrap_or_default();
    job.failed = problem;
    Ok(job)
}

/// What a batch fails with for which the queue has no room (recorded).
pub(super) fn queue_full(shared: &Shared, job: &Job) -> Value {
    let limit = shared.config.batches.queue.unwrap_or(0);
    let model = job.rows.first().and_then(|row| row.body.get("model")?.as_str()).unwrap_or("the model").to_owned();
    let message = format!(
        "Enqueued token limit reached for {model} in organization {}. Limit: {limit} enqueued tokens. Please try again once some \
         in_progress batches have been completed.",
        shared.organization
    );
    json!({"code": "token_limit_exceeded", "message": message, "line": null, "param": null})
}

pub(super) fn written(shared: &Shared, job: &Job) -> Value {
    let (rules, now) = (&shared.config.batches, shared.clock.now());
    let status = match job.phase(rules, now) {
        Phase::Validating => "validating",
        Phase::Running => "in_progress",
        Phase::Finalizing => "finalizing",
        Phase::Cancelling => "cancelling",
        Phase::Completed => "completed",
        Phase::Expired => "expired",
        Phase::Cancelled => "cancelled",
        Phase::Failed => "failed",
    };
    let reached = job.rows.iter().take(job.reached(rules, now));
    let well = reached.clone().filter(|row| row.is_well() && !row.expires).count();
    let has_files = job.is_over(rules, now) && job.failed.is_none();
    let errors = has_files && well < job.rows.len();
    json!({
        "id": job.id, "object": "batch", "endpoint": job.target, "input_file_id": job.input_file, "completion_window": "24h",
        "status": status,
        "errors": (status == "failed").then(|| json!({"object": "list", "data": [job.failed]})),
        "output_file_id": (has_files && well > 0).then(|| format!("{OUTPUT}{}", job.id)),
        "error_file_id": errors.then(|| format!("{ERRORS}{}", job.id)),
        "created_at": shared.clock.wall(job.created).as_second(),
        "request_counts": {"total": job.rows.len(), "completed": well, "failed": reached.count() - well},
        "metadata": job.name,
    })
}

pub(super) fn list(batches: &[Value], last: Option<&str>, more: bool) -> Value {
    json!({"object": "list", "first_id": batches.first().map(|batch| batch["id"].clone()), "data": batches, "last_id": last, "has_more": more})
}

pub(super) fn deleted(id: &str) -> Value {
    json!({"id": id, "object": "file", "deleted": true})
}

/// A file's content: as it was uploaded, or a batch's lines, in no order.
pub(super) fn content(shared: &Shared, id: &str) -> Result<String, Failure> {
    let (batch, wants_errors) = match (id.strip_prefix(OUTPUT), id.strip_prefix(ERRORS)) {
        (Some(batch), _) => (batch, false),
        (None, Some(batch)) => (batch, true),
        (None, None) => {
            let file = shared.batches.files().get(id).cloned().ok_or(Failure::NoSuchPath)?;
            return Ok(String::from_utf8_lossy(&file).into_owned());
        }
    };
    let job = super::found(shared, batch)?;
    let fates = job.fates(&shared.config.batches, shared.clock.now());
    let lines = job.rows.iter().zip(fates).filter(|(row, fate)| (*fate != Fate::Answered || !row.is_well()) == wants_errors);
    let mut lines: Vec<Value> = lines
        .map(|(row, fate)| {
            let (response, error) = match fate {
                Fate::Answered => {
                    (json!({"status_code": row.status, "request_id": format!("req_{}", shared.rng.hex()), "body": row.body}), Value::Null)
                }
                Fate::Expired => {
                    let message = "This request could not be executed before the completion window expired.";
                    (Value::Null, json!({"code": "batch_expired", "message": message}))
                }
                Fate::Cancelled => {
                    let message = "This request could not be executed before the batch was cancelled.";
                    (Value::Null, json!({"code": "batch_cancelled", "message": message}))
                }
            };
            json!({"id": shared.rng.id("batch_req_", 24), "custom_id": row.custom_id, "response": response, "error": error})
        })
        .collect();
    shared.rng.shuffle(&mut lines);
    Ok(jsonl(&lines))
}
