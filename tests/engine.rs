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
use scripted::{Scripted, Step};
use serde_json::json;
use tempfile::TempDir;
use tierline::clock::SystemClock;
use tierline::domain::command::{Command, MovedAccount, NewAccount, Pending, Poll, Reply, UserLimit};
use tierline::domain::query::{ExportFormat, ExportOrder, ExportWhat};
use tierline::domain::{AccountId, Alias, Budget, Dimension, Fallback, LimitSource, ModelId, Outcome, Period, Problem, Provider, Secret};
use tierline::engine::{Answer, Engine, Options, Request, ask};
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
    of(Provider::Anthropic, address).await
}

/// The same for an account of this provider.
async fn of(provider: Provider, address: &str) -> (TempDir, Vault, Engine) {
    let (temp, vault) = (tempfile::tempdir().unwrap(), Vault::memory());
    let engine = engine(&temp.path().join("data"), vault.clone(), ANYWHERE).await.unwrap();
    order(&engine, |reply| Command::AddAccount(NewAccount { provider, ..account(address) }, reply)).await.unwrap();
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

/// A provider that answers every path with its body.
async fn answering(answers: &'static [(&'static str, &'static str)]) -> Scripted {
    Scripted::start(move |_, seen| {
        let body = answers.iter().find(|(path, _)| seen.line().contains(path)).map_or("{}", |(_, body)| body);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        vec![Step::Send(format!("{head}{body}").into_bytes())]
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_models_tells_the_end_of_those_that_are_used() {
    let upstream = answering(&[
        ("GET /v1/models", r#"{"object":"list","data":[{"id":"gpt-made-up","shutdown_date":"2027-03-01"},{"id":"gpt-unused","shutdown_date":"2027-03-02"}]}"#),
        ("POST", r#"{"model":"gpt-made-up","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#),
    ])
    .await;
    let (_temp, _, engine) = of(Provider::OpenAi, &format!("http://{}", upstream.addr)).await;
    let url = format!("{}/openai/v1", engine.url().unwrap());
    let listed = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{url}/models")).bearer_auth(KEY).send().await.unwrap();
    assert!(listed.text().await.unwrap().contains("gpt-unused"), "the list passes as it is");
    let body = json!({ "model": "gpt-made-up", "messages": [] }).to_string();
    assert_eq!(post(&format!("{url}/chat/completions"), KEY, body).await.status, 200);
    let view = seen(&engine, "the notice", |view| view.notices.iter().any(|notice| notice.key == "model-end/gpt-made-up")).await;
    let texts: Vec<&str> =
        view.notices.iter().filter(|notice| notice.key.starts_with("model-end/")).map(|notice| notice.text.as_str()).collect();
    assert_eq!(texts, ["openai says that `gpt-made-up` ends 2027-03-01 (shutdown_date); requests of the last 7 days that name it: 1"]);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_by_another_model_and_one_that_names_its_own_end_are_noticed() {
    let upstream = answering(&[
        (
            "gemini-made-up:generateContent",
            r#"{"candidates":[{"finishReason":"STOP"}],"modelVersion":"gemini-made-up","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1},"modelStatus":{"modelStage":"DEPRECATED","retirementTime":"2027-01-15T00:00:00Z"}}"#,
        ),
        (
            "gemini-other:generateContent",
            r#"{"candidates":[{"finishReason":"STOP"}],"modelVersion":"gemini-new","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}"#,
        ),
    ])
    .await;
    let (_temp, _, engine) = of(Provider::Gemini, &format!("http://{}", upstream.addr)).await;
    for model in ["gemini-made-up", "gemini-other"] {
        let url = format!("{}/gemini/v1beta/models/{model}:generateContent", engine.url().unwrap());
        assert_eq!(post(&url, KEY, json!({ "contents": [] }).to_string()).await.status, 200);
    }
    let view = seen(&engine, "both notices", |view| view.notices.len() >= 2).await;
    let mut notices: Vec<(&str, &str)> = view.notices.iter().map(|notice| (notice.key.as_str(), notice.text.as_str())).collect();
    notices.sort_unstable();
    assert_eq!(
        notices,
        [
            ("model-end/gemini-made-up", "gemini says that `gemini-made-up` ends 2027-01-15 (modelStatus DEPRECATED)"),
            ("rerouted/gemini-other", "requests for `gemini-other` are answered by `gemini-new`, at its price and with its behaviour"),
        ]
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_or_gone_stops_no_request_and_is_said() {
    let sim = sim(1_000).await;
    let (temp, _, engine) = at(&sim.url()).await;
    let token = order(&engine, |reply| Command::NewToken("notebook".into(), reply)).await.unwrap();
    let url = format!("{}/anthropic/v1/messages", engine.url().unwrap());
    let told = |view: &LiveView| view.notices.iter().find(|notice| notice.key == "store").map(|notice| notice.text.clone());
    let says = async |words: &str| {
        assert_eq!(post(&url, token.expose(), message()).await.status, 200);
        seen(&engine, words, |view| told(view).is_some_and(|text| text.contains(words))).await
    };
    let well = async || {
        assert_eq!(post(&url, token.expose(), message()).await.status, 200);
        seen(&engine, "an end of it", |view| told(view).is_none()).await
    };

    let database = temp.path().join("data/tierline.db");
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let view = says("the history is not being written").await;
    assert!(told(&view).unwrap().contains("requests go on"), "{:?}", told(&view));
    let folder = temp.path().join("data");
    let status = tokio::task::spawn_blocking(move || ask(&folder, &Request::Status)).await.unwrap();
    let Some(Answer::Status { unrecorded: Some(why), .. }) = status else { panic!("{status:?}") };
    assert!(why.contains("database is locked"), "{why}");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    well().await;

    let aside = temp.path().join("aside.db");
    std::fs::rename(&database, &aside).unwrap();
    says("was moved or deleted").await;
    std::fs::rename(&aside, &database).unwrap();
    well().await;
    assert_eq!(engine.store().health().dropped, 0);
    engine.stop().await.unwrap();
    let rows: u64 = rusqlite::Connection::open(&database)
        .unwrap()
        .query_row("SELECT count(*) FROM requests", [], |row| row.get(0).map(|n: i64| n.unsigned_abs()))
        .unwrap();
    assert_eq!(rows, 4, "what waited for the disk was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_not_follow_a_base_url_that_was_changed() {
    let (sim, stranger) = (sim(50).await, Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await);
    let (temp, vault, one) = at(&sim.url()).await;
    let token = order(&one, |reply| Command::NewToken("notebook".into(), reply)).await.unwrap();
    one.stop().await.unwrap();
    let folder = temp.path().join("data");
    let db = rusqlite::Connection::open(folder.join("tierline.db")).unwrap();
    assert_eq!(db.execute("UPDATE accounts SET base_url = ?", [format!("http://{}", stranger.addr)]).unwrap(), 1);
    drop(db);

    let two = engine(&folder, vault, ANYWHERE).await.unwrap();
    two.keys_read().await;
    let url = format!("{}/anthropic/v1/messages", two.url().unwrap());
    for key in [token.expose(), KEY] {
        let reply = post(&url, key, message()).await;
        assert!(matches!(reply.status, 401 | 403), "{} {}", reply.status, reply.text);
    }
    assert_eq!(stranger.seen().len(), 0, "nothing was sent there");
    let view = seen(&two, "the reason", |view| view.accounts.iter().any(|account| account.stopped.is_some())).await;
    assert!(view.accounts[0].stopped.as_ref().unwrap().contains("was stored for another base URL"), "{:?}", view.accounts[0].stopped);
    two.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_in_use_does_not_follow_either_and_one_that_is_given_again_goes_along() {
    let (sim, stranger) = (sim(50).await, Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await);
    let (temp, _vault, engine) = at(&sim.url()).await;
    let token = order(&engine, |reply| Command::NewToken("notebook".into(), reply)).await.unwrap();
    let url = format!("{}/anthropic/v1/messages", engine.url().unwrap());
    assert_eq!(post(&url, token.expose(), message()).await.status, 200);
    let folder = temp.path().join("data");
    let db = rusqlite::Connection::open(folder.join("tierline.db")).unwrap();
    assert_eq!(db.execute("UPDATE accounts SET base_url = ?", [format!("http://{}", stranger.addr)]).unwrap(), 1);
    drop(db);
    let asked = tokio::task::spawn_blocking(move || ask(&folder, &Request::Reload)).await.unwrap();
    assert_eq!(asked, Some(Answer::Done));
    for key in [token.expose(), KEY] {
        let reply = post(&url, key, message()).await;
        assert!(matches!(reply.status, 401 | 403), "{} {}", reply.status, reply.text);
    }
    assert_eq!(stranger.seen().len(), 0, "nothing was sent there");

    let other = Secret::from_pasted("sk-ant-test-other").unwrap();
    let moved = |base_url: String| MovedAccount { id: AccountId(1), base_url, key: other.clone() };
    let refused = order(&engine, |reply| Command::MoveAccount(moved("http://example.com".into()), reply)).await.unwrap_err();
    assert!(refused.to_string().contains("is not https"), "{refused}");
    order(&engine, |reply| Command::MoveAccount(moved(format!("http://{}", stranger.addr)), reply)).await.unwrap();
    assert_eq!(post(&url, token.expose(), message()).await.status, 200);
    assert_eq!(stranger.seen()[0].header("x-api-key"), Some("sk-ant-test-other"));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_comes_to_the_front_when_it_is_asked_for() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    let engine = engine(&path, Vault::memory(), ANYWHERE).await.unwrap();
    let mut shows = engine.shows();
    // the socket is there a moment after the start
    let answer = tokio::task::spawn_blocking(move || {
        (0..2_000).find_map(|_| {
            ask(&path, &Request::Show).or_else(|| {
                std::thread::sleep(Duration::from_millis(10));
                None
            })
        })
    });
    assert_eq!(answer.await.unwrap(), Some(Answer::Done));
    shows.changed().await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_that_is_set_is_in_the_view_whoever_set_it() {
    let (temp, _, engine) = at("http://127.0.0.1:9").await;
    let other = NewAccount { provider: Provider::DeepSeek, label: "ds".into(), ..account("http://127.0.0.1:9") };
    order(&engine, |reply| Command::AddAccount(other, reply)).await.unwrap();
    let from = ModelId::new("claude-sonnet-5-5");
    let offers = order(&engine, |reply| Command::RouteOffers(from.clone(), reply)).await.unwrap();
    assert_eq!(offers.iter().map(|offer| offer.label.as_str()).collect::<Vec<_>>(), ["work", "ds"]);
    assert!(offers[1].differences.iter().any(|text| text.contains("ignored: anthropic-version")), "{:?}", offers[1].differences);
    let nobody = order(&engine, |reply| Command::RouteOffers(ModelId::new("gpt-6-sol"), reply)).await.unwrap();
    assert!(nobody.iter().all(|offer| !offer.apis.contains(&tierline::domain::Api::Messages)), "{nobody:?}");

    let route = Fallback { to: ModelId::new("deepseek-flash"), ..offers[1].route.clone() };
    order(&engine, |reply| Command::AddRoute(route.clone(), reply)).await.unwrap();
    let alias = Alias { account: AccountId(1), from: ModelId::new("old"), to: from, set: serde_json::Map::new(), until: None };
    order(&engine, |reply| Command::SetAlias(alias.clone(), reply)).await.unwrap();
    let budget = Budget { account: None, period: Period::DAY, nanos: 5_000_000_000, zone: "UTC".into() };
    order(&engine, |reply| Command::SetBudget(budget.clone(), reply)).await.unwrap();
    let limit = UserLimit { account: AccountId(1), class: None, dimension: Dimension::Requests, period: Period::MINUTE, capacity: Some(7) };
    order(&engine, |reply| Command::SetLimit(limit.clone(), reply)).await.unwrap();
    let view = seen(&engine, "the rules", |view| {
        let rules = &view.rules;
        rules.routes.iter().any(|view| view.route == route) && rules.aliases == [alias.clone()] && rules.limits.len() == 1
    })
    .await;
    assert_eq!((view.rules.limits[0].limit.clone(), view.budgets[0].budget.clone()), (limit, budget));

    // as the command line does it: into the database, and the one that serves is told
    let dir = temp.path().join("data");
    let (store, _) = tierline::store::Store::open(&DataDir::open(Some(&dir)).unwrap(), &SystemClock::new()).unwrap();
    store.remove_fallbacks(route.from.clone(), None).unwrap();
    store.remove_budget(None, Period::DAY).unwrap();
    assert_eq!(tokio::task::spawn_blocking(move || ask(&dir, &Request::Reload)).await.unwrap(), Some(Answer::Done));
    seen(&engine, "what is gone to be gone", |view| view.rules.routes.is_empty() && view.budgets.is_empty()).await;
    order(&engine, |reply| Command::RemoveAlias(AccountId(1), ModelId::new("old"), reply)).await.unwrap();
    seen(&engine, "the name to be gone", |view| view.rules.aliases.is_empty()).await;
    engine.stop().await.unwrap();
}
