//! Gemini's batches of inline requests: an operation whose end carries the answers, in the order of the requests.

use serde_json::{Value, json};

use super::super::provider::Failure;
use super::super::state::Shared;
use super::super::wire::Wire;
use super::anthropic::expires;
use super::job::{Fate, Job, Phase, Row};
use super::{answered, bad};

const PACKAGE: &str = "type.googleapis.com/google.ai.generativelanguage.v1main";

pub(super) fn read(shared: &Shared, model: &str, body: &Value) -> Result<Job, Failure> {
    let batch = body.get("batch").ok_or_else(|| bad("Invalid value at 'batch'"))?;
    let either = |value: &'_ Value, names: [&str; 2]| names.iter().find_map(|name| value.get(name)).cloned().unwrap_or_default();
    let input = either(batch, ["inputConfig", "input_config"]);
    let requests = input.get("requests").and_then(|requests| requests.get("requests")?.as_array().cloned()).unwrap_or_default();
    if requests.is_empty() {
        return Err(bad("batch.input_config: at least one request is required"));
    }
    let mut tokens = 0;
    let rows = requests.iter().map(|request| {
        let (status, body, input) = answered(shared, Wire::Generate, Some(model), request.get("request").unwrap_or(&Value::Null));
        tokens += input;
        Row { custom_id: request.get("metadata").cloned().unwrap_or_default(), status, body, expires: expires(shared) }
    });
    let rows = rows.collect();
    let mut job = Job::new(shared.rng.id("", 24).to_lowercase(), shared.clock.now(), rows, tokens);
    model.clone_into(&mut job.target);
    job.name = either(batch, ["displayName", "display_name"]);
    Ok(job)
}

/// A batch that was cancelled, or expired, has no answers at all.
pub(super) fn written(shared: &Shared, job: &Job) -> Value {
    let (rules, now) = (&shared.config.batches, shared.clock.now());
    let phase = job.phase(rules, now);
    let state = match phase {
        Phase::Validating => "BATCH_STATE_PENDING",
        Phase::Running | Phase::Finalizing | Phase::Cancelling => "BATCH_STATE_RUNNING",
        Phase::Completed => "BATCH_STATE_SUCCEEDED",
        Phase::Expired => "BATCH_STATE_EXPIRED",
        Phase::Cancelled => "BATCH_STATE_CANCELLED",
        Phase::Failed => "BATCH_STATE_FAILED",
    };
    let name = format!("batches/{}", job.id);
    let reached = job.reached(rules, now);
    let mut operation = json!({
        "name": name,
        "metadata": {
            "@type": format!("{PACKAGE}.GenerateContentBatch"),
            "model": format!("models/{}", job.target),
            "displayName": job.name,
            "createTime": shared.clock.wall(job.created).to_string(),
            "state": state,
            "name": name,
            "batchStats": {"requestCount": job.rows.len().to_string(), "pendingRequestCount": (job.rows.len() - reached).to_string()},
        },
    });
    if job.is_over(rules, now) {
        operation["done"] = json!(true);
    }
    match phase {
        Phase::Completed => {
            let fates = job.fates(rules, now);
            let answers: Vec<Value> = job.rows.iter().zip(fates).map(|(row, fate)| inlined(row, fate)).collect();
            operation["response"] =
                json!({"@type": format!("{PACKAGE}.GenerateContentBatchOutput"), "inlinedResponses": {"inlinedResponses": answers}});
        }
        Phase::Cancelled => operation["error"] = json!({"code": 1, "message": "The operation was cancelled."}),
        Phase::Expired => operation["error"] = json!({"code": 4, "message": "The batch has expired."}),
        _ => {}
    }
    operation
}

fn inlined(row: &Row, fate: Fate) -> Value {
    let mut answer = match fate {
        Fate::Answered if row.is_well() => json!({"response": row.body}),
        Fate::Answered => {
            let message = row.body.pointer("/error/message").cloned().unwrap_or_default();
            json!({"error": {"code": if row.status >= 500 { 13 } else { 3 }, "message": message}})
        }
        Fate::Expired | Fate::Cancelled => json!({"error": {"code": 4, "message": "Deadline expired before operation could complete."}}),
    };
    if !row.custom_id.is_null() {
        answer["metadata"] = row.custom_id.clone();
    }
    answer
}

pub(super) fn list(operations: Vec<Value>, next: Option<&str>) -> Value {
    // a list shows no answers
    let bare = operations.into_iter().map(|mut operation| {
        operation.as_object_mut().map(|fields| fields.remove("response"));
        operation
    });
    let mut list = json!({"operations": bare.collect::<Vec<_>>()});
    if let Some(next) = next {
        list["nextPageToken"] = json!(next);
    }
    list
}
