//! The engine with all its real parts in one process: orders go in, views come out, and what was learned outlives it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "support/ask.rs"]
mod ask;
#[expect(dead_code, reason = "shared with tests that script more")]
#[path = "support/scripted.rs"]
mod scripted;

#[path = "engine/batches.rs"]
mod batches;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ask::{message, post, post_with};
use scripted::Scripted;
use serde_json::json;
use tempfile::TempDir;
use tierline::clock::SystemClock;
use tierline::domain::command::{Command, NewAccount, Pending, Poll, Reply, UserLimit};
use tierline::domain::query::{ExportFormat, ExportOrder, ExportWhat};
use tierline::domain::{AccountId, Dimension, LimitSource, Outcome, Period, Problem, Provider, Secret};
use tierline::engine::{Engine, Options};
use tierline::journal::LiveView;
use tierline::sim::{Limits, Sim, SimConfig, SimHandle};
use tierline::store::DataDir;
use tierline::vault::Vault;

const KEY: &str = "sk-ant-test-ab12cd34";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn engine(folder: &Path, vault: Vault, listen: SocketAddr) -> Result<Engine, Problem> {
    let dir = DataDir::open(Some(folder))?;
    Engine::start(Options { dir, vault, listen, clock: Arc::new(SystemClock::new()), demo: false, wake: Box::new(|| ()) }).await
}

/// An engine with an account `work` at this address.
async fn at(address: &str) -> (TempDir, Vault, Engine) {
    let (temp, vault) = (tempfile::tempdir().unwrap(), Vault::memory());
    let engine = engine(&temp.path().join("data"), vault.clone(), ANYWHERE).await.unwrap();
    order(&engine, |reply| Command::AddAccount(account(address), reply)).await.unwrap();
    (temp, vault, engine)
}

fn account(address: &str) -> NewAccount {
    let key = Secret::from_pasted(KEY).unwrap();
    NewAccount { provider: Provider::Anthropic, label: "work".into(), base_url: Some(address.into()), key }
}

async fn sim(rpm: u64) -> SimHandle {
    let limits = Limits { rpm: Some(rpm), ..Limits::default() };
    Sim::start(SimConfig { limits, keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap()
}

/// Gives an order as the window does, and waits for its answer.
async fn order<T>(engine: &Engine, command: impl FnOnce(Reply<T>) -> Command) -> T {
    let (reply, pending): (Reply<T>, Pending<T>) = Reply::new(|| ());
    engine.commands().try_send(command(reply)).unwrap();
    for _ in 0..2_000 {
        match pending.poll() {
            Poll::Ready(answer) => return answer,
            Poll::Gone => panic!("no answer will come"),
            Poll::Waiting => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("waited 20 s for an answer");
}

/// Waits for a view like this.
async fn seen(engine: &Engine, what: &str, is_it: impl Fn(&LiveView) -> bool) -> Arc<LiveView> {
    let mut views = engine.views();
    let found = tokio::time::timeout(Duration::from_secs(20), views.wait_for(|view| is_it(view))).await;
    Arc::clone(&found.unwrap_or_else(|_| panic!("waited 20 s for {what}")).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_shows_in_the_view_and_in_the_history() {
    let sim = sim(50).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let token = order(&engine, |reply| Command::NewToken("notebook".into(), reply)).await.unwrap();
    let url = format!("{}/anthropic/v1/messages", engine.url().unwrap());
    assert_eq!(post(&url, token.expose(), message()).await.status, 200);

    let view = seen(&engine, "the end of the request", |view| view.totals.finished == 1 && !view.buckets.is_empty()).await;
    let record = &view.recent[0];
    assert_eq!((record.client.as_str(), record.account_label.as_str(), record.outcome), ("notebook", "work", Outcome::Ok));
    assert_eq!(view.totals.output_tokens, record.usage.output);
    assert!(view.running.is_empty() && view.waiting.is_empty());
    let rpm = view.buckets.iter().find(|bucket| bucket.meter == "RPM").unwrap();
    assert_eq!((rpm.capacity, rpm.source, rpm.accounts.as_slice()), (50, LimitSource::Header, &["work".to_owned()][..]));
    assert_eq!(view.accounts[0].stopped, None);

    engine.store().flush().unwrap();
    let path = temp.path().join("requests.json");
    let export = ExportOrder { what: ExportWhat::Requests, from: None, to: None, format: ExportFormat::Json, path: path.clone() };
    assert_eq!(order(&engine, |reply| Command::Export(export, reply)).await, Ok(1));
    let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(rows[0]["output_tokens"], json!(record.usage.output));

    order(&engine, |reply| Command::RevokeToken("notebook".into(), reply)).await.unwrap();
    assert_eq!(post(&url, token.expose(), message()).await.status, 401);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_carried_out_are_answered_with_advice() {
    let (_temp, _, engine) = at("http://127.0.0.1:9").await;
    let again = order(&engine, |reply| Command::AddAccount(account("http://127.0.0.1:9"), reply)).await.unwrap_err();
    assert!(again.to_string().contains("choose another label"), "{again}");
    let public = order(&engine, |reply| Command::AddAccount(account("http://example.com"), reply)).await.unwrap_err();
    assert!(public.to_string().contains("is not https"), "{public}");
    let gone = order(&engine, |reply| Command::RemoveAccount(AccountId(99), reply)).await.unwrap_err();
    assert!(gone.to_string().contains("not there any more"), "{gone}");
    let nobody = order(&engine, |reply| Command::RevokeToken("nobody".into(), reply)).await.unwrap_err();
    assert!(nobody.to_string().contains("no client is called"), "{nobody}");
    let probe = order(&engine, |reply| Command::Probe(AccountId(1), reply)).await.unwrap_err();
    assert!(probe.to_string().contains("does not answer"), "{probe}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_leaves_everything_else_running() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let temp = tempfile::tempdir().unwrap();
    let engine = engine(&temp.path().join("data"), Vault::memory(), taken.local_addr().unwrap()).await.unwrap();
    assert!(engine.url().unwrap_err().to_string().contains("is in use"));
    let view = seen(&engine, "the reason", |view| view.gateway.is_err()).await;
    assert!(view.gateway.as_ref().unwrap_err().contains("--listen 127.0.0.1:0"), "{:?}", view.gateway);
    order(&engine, |reply| Command::AddAccount(account("http://127.0.0.1:9"), reply)).await.unwrap();
    seen(&engine, "the account", |view| view.accounts.len() == 1).await;
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_has_one_engine_until_it_stops() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("data");
    let first = engine(&folder, Vault::memory(), ANYWHERE).await.unwrap();
    let problem = engine(&folder, Vault::memory(), ANYWHERE).await.err().unwrap();
    assert!(problem.summary.contains(&format!("process {}", std::process::id())), "{problem}");
    first.stop().await.unwrap();
    engine(&folder, Vault::memory(), ANYWHERE).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_headers_and_ending_models_become_notices() {
    let answer = "HTTP/1.1 200 OK\r\nanthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-limit: 60\r\n\
                  anthropic-ratelimit-requests-remaining: 49\r\ncontent-length: 2\r\n\r\n{}";
    let upstream = Scripted::always(answer).await;
    let (_temp, _, engine) = at(&format!("http://{}", upstream.addr)).await;
    let body = json!({ "model": "claude-opus-4-20250514", "max_tokens": 5, "messages": [] }).to_string();
    assert_eq!(post(&format!("{}/anthropic/v1/messages", engine.url().unwrap()), KEY, body).await.status, 200);
    let view = seen(&engine, "both notices", |view| view.notices.len() >= 2).await;
    let notice = |key: &str| view.notices.iter().find(|notice| notice.key == key).unwrap_or_else(|| panic!("{:?}", view.notices));
    let odd = notice("header/anthropic-ratelimit-requests-limit");
    assert!(odd.text.contains("sent more than once"), "{odd:?}");
    assert!(notice("retirement/claude-opus-4-20250514").text.contains("claude-opus-4-20250514"));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_and_set_outlives_the_engine() {
    let sim = sim(40).await;
    let (temp, vault, first) = at(&sim.url()).await;
    let url = format!("{}/anthropic/v1/messages", first.url().unwrap());
    for _ in 0..4 {
        assert_eq!(post(&url, KEY, message()).await.status, 200);
    }
    let limit = UserLimit { account: AccountId(1), class: None, dimension: Dimension::Tokens, period: Period::DAY, capacity: Some(9_000) };
    order(&first, |reply| Command::SetLimit(limit, reply)).await.unwrap();
    first.commands().try_send(Command::SaveSetting("panel".into(), "history".into())).unwrap();
    seen(&first, "what was asked", |view| view.totals.finished == 4).await;
    first.stop().await.unwrap();

    let second = engine(&temp.path().join("data"), vault, ANYWHERE).await.unwrap();
    assert_eq!(second.store().reader().unwrap().setting("panel").unwrap().as_deref(), Some("history"));
    let view = seen(&second, "the buckets", |view| view.buckets.iter().any(|bucket| bucket.meter == "RPM")).await;
    let bucket = |meter: &str| view.buckets.iter().find(|bucket| bucket.meter == meter).unwrap_or_else(|| panic!("{:?}", view.buckets));
    assert_eq!((bucket("RPM").capacity, bucket("RPM").source), (40, LimitSource::Header));
    assert!(bucket("RPM").used >= 1, "a restart fills nothing up: {:?}", bucket("RPM"));
    assert_eq!((bucket("TPD").capacity, bucket("TPD").source), (9_000, LimitSource::User));
    let url = format!("{}/anthropic/v1/messages", second.url().unwrap());
    assert_eq!(post(&url, KEY, message()).await.status, 200);
    let view = seen(&second, "the fifth request", |view| view.totals.finished == 1).await;
    assert_eq!(view.recent[0].id.0, 5, "numbers go on");
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_that_ended_before_the_stop_is_written() {
    let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let (temp, _, engine) = at(&format!("http://{}", upstream.addr)).await;
    let url = format!("{}/anthropic/v1/messages", engine.url().unwrap());
    let asked = (0..10).map(|_| post_with(&url, KEY, &[("x-tierline-priority", "batch")], message()));
    assert!(futures_util::future::join_all(asked).await.iter().all(|reply| reply.status == 200));
    engine.stop().await.unwrap();
    let dir = DataDir::open(Some(&temp.path().join("data"))).unwrap();
    let (store, _) = tierline::store::Store::open(&dir, &SystemClock::new()).unwrap();
    assert_eq!(store.reader().unwrap().next_request_id().unwrap(), 11);
}
