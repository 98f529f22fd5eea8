//! Batches that the window orders: checked, run through the engine's own gateway, paused and cancelled.

use std::path::PathBuf;

use serde_json::{Value, json};
use tierline::domain::batch::{BatchId, BatchOptions, BatchOrder, BatchState, BatchView, BatchWish};
use tierline::domain::command::{Command, Progress};
use tierline::domain::plan::LoadSource;
use tierline::domain::{AccountId, ModelId};
use tierline::engine::Engine;
use tierline::sim::{Latency, Sim, SimConfig, SimHandle};

use super::{ANYWHERE, KEY, at, order, seen};

async fn slow_sim(first_byte_ms: u64) -> SimHandle {
    let latency = Latency { first_byte_ms, ..Latency::default() };
    Sim::start(SimConfig { latency, keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap()
}

/// A file of so many rows, and one line that is no row.
fn file(folder: &tempfile::TempDir, rows: usize, bad: bool) -> PathBuf {
    let row = |n| {
        let params = json!({ "model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{ "role": "user", "content": "how far did the fox run?" }] });
        json!({ "custom_id": format!("r{n}"), "params": params }).to_string() + "\n"
    };
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, (0..rows).map(row).collect::<String>() + if bad { "{no row\n" } else { "" }).unwrap();
    path
}

fn of(input: PathBuf, skip_invalid: bool) -> BatchOrder {
    BatchOrder {
        input,
        account: AccountId(1),
        model: None,
        template: None,
        max_output: None,
        output: None,
        skip_invalid,
        options: BatchOptions::default(),
    }
}

async fn in_state(engine: &Engine, id: BatchId, state: BatchState) -> BatchView {
    let is_it = |view: &BatchView| {
        view.record.id == id && view.record.state == state && (view.progress.is_some() == (state == BatchState::Running))
    };
    let view = seen(engine, state.name(), |view| view.batches.iter().any(is_it)).await;
    view.batches.iter().find(|view| view.record.id == id).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_checked_run_and_held_against_its_plan() {
    let sim = slow_sim(1).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let path = file(&temp, 40, true);
    let check = order(&engine, |reply| Command::CheckBatch(of(path.clone(), false), Progress::default(), reply)).await.unwrap();
    assert_eq!((check.rows, check.bad, check.bad_rows[0].line), (40, 1, 41));
    assert_eq!(check.models, [(ModelId::new("claude-haiku-4-5"), 40)]);
    assert!(check.estimate.cost_nanos.is_some_and(|nanos| nanos > 0) && check.estimate.expected_secs.is_some(), "{:?}", check.estimate);
    assert_eq!(sim.stats().requests, 0, "nothing is sent by a check");

    let refused = order(&engine, |reply| Command::StartBatch(of(path.clone(), false), Progress::default(), reply)).await.unwrap_err();
    assert_eq!(refused.to_string(), "1 of 41 rows cannot be sent");
    let id = order(&engine, |reply| Command::StartBatch(of(path, true), Progress::default(), reply)).await.unwrap();
    let done = in_state(&engine, id, BatchState::Done).await.record;
    assert_eq!((done.answered, done.failed, done.written, done.estimate), (40, 0, 40, Some(check.estimate)));
    assert_eq!(sim.stats().requests, 40);
    let answers = std::fs::read_to_string(temp.path().join("rows.out.jsonl")).unwrap();
    let ids: Vec<String> =
        answers.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["custom_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..40).map(|n| format!("r{n}")).collect::<Vec<_>>());

    // its rows are recorded as any others, so that they can be planned with
    engine.store().flush().unwrap();
    let since = engine.views().borrow().at - std::time::Duration::from_secs(3_600);
    let loads = order(&engine, |reply| Command::Loads(LoadSource::History(since), Progress::default(), reply)).await.unwrap();
    assert_eq!(loads.iter().map(|load| load.model.as_str()).collect::<Vec<_>>(), ["claude-haiku-4-5"]);
    let view = seen(&engine, "the batch's token to be gone", |view| view.tokens.is_empty()).await;
    assert!(view.recent.iter().all(|record| record.client.as_str() == format!("batch-{}", id.0)));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_paused_goes_on_and_is_cancelled() {
    let sim = slow_sim(150).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let slowly =
        BatchOrder { options: BatchOptions { concurrency: Some(1), ..BatchOptions::default() }, ..of(file(&temp, 200, false), false) };
    let id = order(&engine, |reply| Command::StartBatch(slowly, Progress::default(), reply)).await.unwrap();
    in_state(&engine, id, BatchState::Running).await;
    order(&engine, |reply| Command::StopBatch(id, BatchWish::Pause, reply)).await.unwrap();
    let paused = in_state(&engine, id, BatchState::Paused).await.record;
    assert_eq!(paused.reason.as_deref(), Some("paused by the user"));
    assert!(paused.finished() < 200);

    order(&engine, |reply| Command::ResumeBatch(id, BatchOptions { concurrency: Some(1), ..BatchOptions::default() }, reply))
        .await
        .unwrap();
    in_state(&engine, id, BatchState::Running).await;
    let twice = order(&engine, |reply| Command::ResumeBatch(id, BatchOptions::default(), reply)).await.unwrap_err();
    assert!(twice.to_string().contains("is being run by another process"), "{twice}");
    order(&engine, |reply| Command::StopBatch(id, BatchWish::Cancel, reply)).await.unwrap();
    let cancelled = in_state(&engine, id, BatchState::Cancelled).await.record;
    let answers = std::fs::read_to_string(temp.path().join("rows.out.jsonl")).unwrap();
    assert_eq!(answers.lines().count() as u64, cancelled.finished(), "the answers that there are are kept");
    let over = order(&engine, |reply| Command::StopBatch(id, BatchWish::Pause, reply)).await.unwrap_err();
    assert!(over.to_string().contains("is cancelled already"), "{over}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_outlives_the_engine_that_ran_it() {
    let sim = slow_sim(100).await;
    let (temp, vault, engine) = at(&sim.url()).await;
    let id = order(&engine, |reply| Command::StartBatch(of(file(&temp, 60, false), false), Progress::default(), reply)).await.unwrap();
    in_state(&engine, id, BatchState::Running).await;
    engine.stop().await.unwrap();

    let engine = super::engine(&temp.path().join("data"), vault, ANYWHERE).await.unwrap();
    engine.keys_read().await;
    in_state(&engine, id, BatchState::Paused).await;
    order(&engine, |reply| Command::ResumeBatch(id, BatchOptions::default(), reply)).await.unwrap();
    let done = in_state(&engine, id, BatchState::Done).await.record;
    assert_eq!((done.answered, done.failed), (60, 0));
    engine.stop().await.unwrap();
}
