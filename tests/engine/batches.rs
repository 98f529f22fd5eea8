//! Batches that the window orders: checked, run through the engine's own gateway, paused and cancelled.

use std::path::PathBuf;

use serde_json::{Value, json};
use tierline::domain::batch::{BatchId, BatchOptions, BatchOrder, BatchRunner, BatchState, BatchVia, BatchView, BatchWish};
use tierline::domain::command::{Command, Progress};
use tierline::domain::plan::LoadSource;
use tierline::domain::{AccountId, ModelId};
use tierline::engine::Engine;
use tierline::sim::{Batches, Latency, OutputLength, Sim, SimConfig, SimHandle};
use tierline::store::DataDir;

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
        via: Some(BatchVia::Gateway),
        as_they_come: false,
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

async fn batch_sim(take_ms: u64) -> SimHandle {
    let output = OutputLength { tokens: 5, spread_percent: 0, ..OutputLength::default() };
    let batches = Batches { take_ms, ..Batches::default() };
    Sim::start(SimConfig { batches, output, keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_and_cost_send_a_file_through_the_providers_batch_api() {
    let sim = batch_sim(200).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let auto = BatchOrder { via: None, ..of(file(&temp, 30, false), false) };
    let check = order(&engine, |reply| Command::CheckBatch(auto.clone(), Progress::default(), reply)).await.unwrap();
    assert_eq!(check.via, BatchVia::ProviderBatch);
    assert!(check.why.as_ref().is_some_and(|why| why.contains("because there is no deadline: within 24 h for $")), "{:?}", check.why);
    let at_limits = BatchOrder { via: Some(BatchVia::Gateway), ..auto.clone() };
    let full = order(&engine, |reply| Command::CheckBatch(at_limits, Progress::default(), reply)).await.unwrap().estimate;
    assert_eq!(check.estimate.cost_nanos.map(|half| half * 2), full.cost_nanos);
    let soon = engine.views().borrow().at + std::time::Duration::from_secs(3_600);
    let hurried = BatchOrder { options: BatchOptions { deadline: Some(soon), ..BatchOptions::default() }, ..auto.clone() };
    let check = order(&engine, |reply| Command::CheckBatch(hurried, Progress::default(), reply)).await.unwrap();
    assert_eq!(check.via, BatchVia::Gateway, "{:?}", check.why);

    let poll = Some(std::time::Duration::from_millis(100));
    let handed_over = BatchOrder { via: Some(BatchVia::ProviderBatch), options: BatchOptions { poll, ..BatchOptions::default() }, ..auto };
    let id = order(&engine, |reply| Command::StartBatch(handed_over, Progress::default(), reply)).await.unwrap();
    let done = in_state(&engine, id, BatchState::Done).await.record;
    assert_eq!((done.via, done.answered, done.failed), (BatchVia::ProviderBatch, 30, 0));
    assert_eq!((sim.stats().batches, sim.stats().batch_rows, sim.stats().requests), (1, 30, 0));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_with_the_provider_is_cancelled_there_also_when_nobody_runs_it() {
    let sim = batch_sim(600_000).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let poll = Some(std::time::Duration::from_millis(100));
    let options = BatchOptions { poll, ..BatchOptions::default() };
    let handed_over = BatchOrder { via: Some(BatchVia::ProviderBatch), options, ..of(file(&temp, 10, false), false) };
    let id = order(&engine, |reply| Command::StartBatch(handed_over, Progress::default(), reply)).await.unwrap();
    seen(&engine, "a batch at the provider", |view| {
        view.batches.iter().any(|batch| batch.progress.as_ref().is_some_and(|progress| progress.at_provider == 1))
    })
    .await;
    order(&engine, |reply| Command::StopBatch(id, BatchWish::Pause, reply)).await.unwrap();
    in_state(&engine, id, BatchState::Paused).await;
    order(&engine, |reply| Command::StopBatch(id, BatchWish::Cancel, reply)).await.unwrap();
    in_state(&engine, id, BatchState::Cancelled).await;
    let url = format!("{}/v1/messages/batches", sim.url());
    let text = reqwest::Client::new().get(url).header("x-api-key", KEY).send().await.unwrap().text().await.unwrap();
    let listed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed["data"][0]["processing_status"], "ended", "{listed}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_another_process_runs_is_seen_with_its_owner() {
    let sim = slow_sim(1).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let id = order(&engine, |reply| Command::StartBatch(of(file(&temp, 3, false), false), Progress::default(), reply)).await.unwrap();
    in_state(&engine, id, BatchState::Done).await;
    // a claim and a state as `tierline batch run` leaves them while it runs
    let dir = DataDir::open(Some(&temp.path().join("data"))).unwrap();
    let _claim = dir.claim_batch(id).unwrap().unwrap();
    std::fs::write(temp.path().join("data").join(format!("batch-{}.lock", id.0)), "4711\n").unwrap();
    let book = tierline::store::BatchBook::open(&dir).unwrap();
    let now = tierline::domain::Now { tick: tierline::domain::Tick::ZERO, wall: engine.views().borrow().at };
    book.set_state(id, BatchState::Running, None, now).unwrap();
    // whatever is ordered of the engine makes it look
    order(&engine, |reply| Command::NewToken("else".into(), reply)).await.unwrap();
    let view =
        seen(&engine, "the owner", |view| view.batches.iter().any(|batch| batch.runner == BatchRunner::Elsewhere(Some(4_711)))).await;
    let progress = view.batches[0].progress.clone().unwrap();
    assert_eq!((progress.rows, progress.answered), (3, 3));
    let refused = order(&engine, |reply| Command::ResumeBatch(id, BatchOptions::default(), reply)).await.unwrap_err();
    assert!(refused.to_string().contains("is being run by another process"), "{refused}");
    engine.stop().await.unwrap();
}
