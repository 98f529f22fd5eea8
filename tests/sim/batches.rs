//! The batch endpoints: creation, states, results in no order, expiry, cancellation, queues that are full.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tierline::sim::{Batches, SimConfig, SimHandle, SimProvider};

use crate::client::{Answer, KEY, chat, client, config, generate, message, post, send, start, with};

async fn get(sim: &SimHandle, path: &str) -> Answer {
    let get = client().get(format!("{}{path}", sim.url()));
    send(if path.contains("v1beta") { get.header("x-goog-api-key", KEY) } else { get.bearer_auth(KEY) }).await
}

async fn sim(provider: SimProvider, batches: Batches) -> SimHandle {
    start(SimConfig { batches, ..config(provider) }).await
}

fn requests(count: usize) -> Value {
    let params = |n: usize| if n == 1 { json!({"model": "claude-sonnet-5-5"}) } else { message("hello") };
    json!({"requests": (0..count).map(|n| json!({"custom_id": format!("r{n}"), "params": params(n)})).collect::<Vec<_>>()})
}

/// Uploads lines for chat completions and makes a batch of them.
async fn openai_batch(sim: &SimHandle, lines: &[Value]) -> Value {
    let text = lines.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n");
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"in.jsonl\"\r\n\r\n{text}\r\n--x--\r\n"
    );
    let upload = client().post(format!("{}/v1/files", sim.url())).bearer_auth(KEY);
    let file = send(upload.header("content-type", "multipart/form-data; boundary=x").body(form)).await.json();
    assert_eq!(file["purpose"], "batch", "{file}");
    let body = json!({
        "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"tag": "t"},
    });
    post(sim, "/v1/batches", &body).await.json()
}

fn line(id: &str, body: &Value) -> Value {
    json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body})
}

#[tokio::test]
async fn anthropics_results_hold_every_request_once() {
    let sim = sim(SimProvider::Anthropic, Batches::default()).await;
    let created = post(&sim, "/v1/messages/batches", &requests(40)).await.json();
    let path = format!("/v1/messages/batches/{}", created["id"].as_str().unwrap());
    let batch = get(&sim, &path).await.json();
    assert_eq!((&batch["processing_status"], &batch["request_counts"]["succeeded"]), (&json!("ended"), &json!(39)));
    let results = get(&sim, &format!("{path}/results")).await;
    let results: Vec<Value> = results.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = results.iter().map(|result| result["custom_id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 40);
    assert!(!ids.is_sorted_by_key(|id| id[1..].parse::<u32>().unwrap()), "not in order: {ids:?}");
    let wrong = results.iter().find(|result| result["custom_id"] == "r1").unwrap();
    assert_eq!(wrong["result"]["error"]["error"]["type"], "invalid_request_error", "{wrong}");
    let good = results.iter().find(|result| result["custom_id"] == "r2").unwrap();
    assert_eq!(good["result"]["message"]["usage"]["service_tier"], "batch", "{good}");
    assert_eq!((sim.stats().batches, sim.stats().batch_rows, sim.stats().requests), (1, 40, 0));
}

#[tokio::test]
async fn a_bad_or_doubled_custom_id_is_refused() {
    let sim = sim(SimProvider::Anthropic, Batches::default()).await;
    for ids in [["a", "a"], ["a", "b c"]] {
        let body = json!({"requests": ids.map(|id| json!({"custom_id": id, "params": message("x")}))});
        assert_eq!(post(&sim, "/v1/messages/batches", &body).await.status, 400, "{ids:?}");
    }
}

#[tokio::test]
async fn openai_has_a_file_for_answers_and_one_for_errors() {
    let sim = sim(SimProvider::OpenAi, Batches::default()).await;
    let lines = [line("a", &chat("hello")), line("b", &json!({"model": "gpt-5.1"})), line("c", &chat("hello"))];
    let batch = openai_batch(&sim, &lines).await;
    assert_eq!((&batch["status"], &batch["request_counts"]["failed"]), (&json!("completed"), &json!(1)));
    let answers = get(&sim, &format!("/v1/files/{}/content", batch["output_file_id"].as_str().unwrap())).await;
    assert_eq!(answers.text.lines().count(), 2);
    let errors = get(&sim, &format!("/v1/files/{}/content", batch["error_file_id"].as_str().unwrap())).await.json();
    assert_eq!((&errors["custom_id"], &errors["response"]["status_code"]), (&json!("b"), &json!(400)));
    let listed = get(&sim, "/v1/batches?limit=1").await.json();
    assert_eq!(listed["data"][0]["metadata"]["tag"], "t");
}

#[tokio::test]
async fn openai_fails_what_it_cannot_validate_or_queue() {
    let queue = Batches { queue: Some(1_000), take_ms: 60_000, ..Batches::default() };
    let long = chat(&"abcd".repeat(800));
    for (rules, lines, code) in [
        (Batches::default(), vec![line("a", &chat("x")), line("a", &chat("x"))], "duplicate_custom_id"),
        (Batches::default(), vec![line("a", &chat("x")), line("b", &with(chat("x"), "model", "gpt-6-sol"))], "mismatched_model"),
        (queue, vec![line("a", &long), line("b", &long)], "token_limit_exceeded"),
    ] {
        let sim = sim(SimProvider::OpenAi, Batches { take_ms: 0, ..rules }).await;
        let batch = openai_batch(&sim, &lines).await;
        assert_eq!((&batch["status"], &batch["errors"]["data"][0]["code"]), (&json!("failed"), &json!(code)), "{batch}");
    }
}

#[tokio::test]
async fn gemini_answers_in_order_with_the_metadata() {
    let sim = sim(SimProvider::Gemini, Batches::default()).await;
    let requests: Vec<Value> = (0..3).map(|n| json!({"request": generate("hello"), "metadata": {"key": n.to_string()}})).collect();
    let body = json!({"batch": {"display_name": "night", "input_config": {"requests": {"requests": requests}}}});
    let created = post(&sim, "/v1beta/models/gemini-3.8-flash:batchGenerateContent", &body).await.json();
    let operation = get(&sim, &format!("/v1beta/{}", created["name"].as_str().unwrap())).await.json();
    assert_eq!((&operation["done"], &operation["metadata"]["state"]), (&json!(true), &json!("BATCH_STATE_SUCCEEDED")));
    let answers = operation.pointer("/response/inlinedResponses/inlinedResponses").unwrap().as_array().unwrap();
    let keys: Vec<&Value> = answers.iter().map(|answer| &answer["metadata"]["key"]).collect();
    assert_eq!(keys, ["0", "1", "2"]);
    assert_eq!(get(&sim, "/v1beta/batches").await.json()["operations"][0]["metadata"]["displayName"], "night");
}

#[tokio::test]
async fn a_batch_can_be_cancelled_expire_and_fill_the_queue() {
    let slow = Batches { take_ms: 3_600_000, queue: Some(10), ..Batches::default() };
    let sim = sim(SimProvider::Anthropic, slow).await;
    let created = post(&sim, "/v1/messages/batches", &requests(10)).await.json();
    assert_eq!(created["processing_status"], "in_progress");
    assert_eq!(post(&sim, "/v1/messages/batches", &requests(1)).await.status, 429, "the queue is full");
    let path = format!("/v1/messages/batches/{}", created["id"].as_str().unwrap());
    assert_eq!(get(&sim, &format!("{path}/results")).await.status, 400, "it has not ended");
    post(&sim, &format!("{path}/cancel"), &Value::Null).await;
    let ended = async {
        loop {
            let batch = get(&sim, &path).await.json();
            if batch["processing_status"] == "ended" {
                return batch;
            }
        }
    };
    assert_eq!(ended.await["request_counts"]["canceled"], 10);

    let sim = start(SimConfig { batches: Batches { window_ms: Some(0), ..slow }, ..config(SimProvider::Anthropic) }).await;
    let created = post(&sim, "/v1/messages/batches", &requests(10)).await.json();
    assert_eq!((&created["processing_status"], &created["request_counts"]["expired"]), (&json!("ended"), &json!(10)));
}
