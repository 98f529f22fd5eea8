//! Anthropic's Message Batches.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::provider::Failure;
use super::super::state::Shared;
use super::super::wire::Wire;
use super::job::{Fate, Job, Phase, Row};
use super::{answered, bad};

const MOST_REQUESTS: usize = 100_000;

pub(super) fn read(shared: &Shared, body: &Value) -> Result<Job, Failure> {
    let requests = body.get("requests").and_then(Value::as_array).ok_or_else(|| bad("requests: Field required"))?;
    if requests.is_empty() {
        return Err(bad("requests: at least one request is required"));
    }
    if requests.len() > MOST_REQUESTS {
        return Err(Failure::TooLarge);
    }
    let mut seen = BTreeSet::new();
    let (mut rows, mut tokens) = (Vec::with_capacity(requests.len()), 0);
    for (at, request) in requests.iter().enumerate() {
        let id = request.get("custom_id").and_then(Value::as_str).unwrap_or_default();
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !fits {
            return Err(bad(&format!("requests.{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")));
        }
        if !seen.insert(id) {
            return Err(bad(&format!("requests.{at}.custom_id: duplicate custom_id")));
        }
        let (status, mut answer, input) = answered(shared, Wire::Messages, None, request.get("params").unwrap_or(&Value::Null));
        if let Some(usage) = answer.get_mut("usage") {
            usage["service_tier"] = json!("batch");
        }
        tokens += input;
        rows.push(Row { custom_id: json!(id), status, body: answer, expires: expires(shared) });
    }
    Ok(Job::new(shared.rng.id("msgbatch_01", 22), shared.clock.now(), rows, tokens))
}

pub(super) fn expires(shared: &Shared) -> bool {
    u64::from(shared.config.batches.expired_percent) > shared.rng.below(100)
}

/// All counts but `processing` stay at zero until the batch has ended.
pub(super) fn written(shared: &Shared, job: &Job) -> Value {
    let (rules, now) = (&shared.config.batches, shared.clock.now());
    let over = job.is_over(rules, now);
    let fates = if over { job.fates(rules, now) } else { Vec::new() };
    let count = |wanted: Fate| fates.iter().filter(|fate| **fate == wanted).count();
    let well = fates.iter().zip(&job.rows).filter(|(fate, row)| **fate == Fate::Answered && row.is_well()).count();
    let status = match job.phase(rules, now) {
        Phase::Cancelling => "canceling",
        _ if over => "ended",
        _ => "in_progress",
    };
    let created = shared.clock.wall(job.created);
    json!({
        "id": job.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": if over { 0 } else { job.rows.len() },
            "succeeded": well,
            "errored": count(Fate::Answered) - well,
            "canceled": count(Fate::Cancelled),
            "expired": count(Fate::Expired),
        },
        "created_at": created.to_string(),
        "expires_at": created.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(created).to_string(),
        "ended_at": over.then(|| shared.clock.wall(now).to_string()),
        "results_url": over.then(|| format!("https://api.anthropic.com/v1/messages/batches/{}/results", job.id)),
    })
}

/// A line for each request, in no order.
pub(super) fn results(shared: &Shared, job: &Job) -> String {
    let fates = job.fates(&shared.config.batches, shared.clock.now());
    let mut lines: Vec<Value> = job
        .rows
        .iter()
        .zip(fates)
        .map(|(row, fate)| {
            let result = match fate {
                Fate::Answered if row.is_well() => json!({"type": "succeeded", "message": row.body}),
                Fate::Answered => json!({"type": "errored", "error": row.body}),
                Fate::Expired => json!({"type": "expired"}),
                Fate::Cancelled => json!({"type": "canceled"}),
            };
            json!({"custom_id": row.custom_id, "result": result})
        })
        .collect();
    shared.rng.shuffle(&mut lines);
    jsonl(&lines)
}

/// A line for each value.
pub(super) fn jsonl(lines: &[Value]) -> String {
    lines.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

pub(super) fn list(batches: &[Value], last: Option<&str>, more: bool) -> Value {
    json!({"first_id": batches.first().map(|batch| batch["id"].clone()), "data": batches, "has_more": more, "last_id": last})
}
