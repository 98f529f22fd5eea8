//! Carries out what the window orders, one task for each order that may take a while.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::batches::Batches;
use super::fallbacks::offers;
use super::registry::Registry;
use super::{charts, explain, models, plans, reports};
use crate::batch::input::{InputFile, Reading};
use crate::catalog::Catalog;
use crate::desktop::autostart;
use crate::domain::command::{Command, ProbeReport, Progress};
use crate::domain::plan::{Load, LoadSource};
use crate::domain::{AccountId, Event, ModelClass, Notice, Preferences, Problem, RequestId, Severity};
use crate::journal::Sink;
use crate::probe::{Budget, Prober, cost_nanos};
use crate::provider;
use crate::store::{Reader, export};

/// Runs until nobody can order any more.
pub(super) async fn carry_out(
    mut orders: mpsc::Receiver<Command>,
    registry: Registry,
    batches: Batches,
    prober: Prober,
    sink: Sink,
    preferences: watch::Sender<Preferences>,
) {
    while let Some(order) = orders.recv().await {
        tokio::spawn(one(order, registry.clone(), batches.clone(), prober.clone(), sink.clone(), preferences.clone()));
    }
}

async fn one(order: Command, registry: Registry, batches: Batches, prober: Prober, sink: Sink, preferences: watch::Sender<Preferences>) {
    match order {
        Command::AddAccount(new, reply) => reply.send(registry.add(new).await),
        Command::MoveAccount(moved, reply) => reply.send(registry.relocate(moved).await),
        Command::RemoveAccount(id, reply) => reply.send(registry.remove(id).await),
        Command::ImportEnv(variables, reply) => reply.send(registry.import(&variables).await),
        Command::NewToken(client, reply) => reply.send(registry.new_token(&client).await),
        Command::RevokeToken(client, reply) => reply.send(registry.revoke_token(&client).await),
        Command::SetLimit(limit, reply) => reply.send(registry.set_limit(limit).await),
        Command::SetBudget(budget, reply) => reply.send(registry.set_budget(budget).await),
        Command::RemoveBudget(account, period, reply) => reply.send(registry.remove_budget(account, period).await),
        Command::RouteOffers(from, reply) => reply.send(Ok(offers(&from, &registry.known().accounts, registry.clock().now().wall))),
        Command::AddRoute(route, reply) => reply.send(registry.add_fallback(route).await),
        Command::RemoveRoute(route, reply) => reply.send(registry.remove_fallback(route).await),
        Command::SetAlias(alias, reply) => reply.send(registry.set_alias(alias).await),
        Command::RemoveAlias(account, from, reply) => reply.send(registry.remove_alias(account, from).await),
        Command::Probe(id, reply) => reply.send(probe(id, &registry, &prober, &sink).await),
        Command::TryNow(id, reply) => reply.send(registry.limiter().with(|core, now| core.try_now(Some(id), now))),
        Command::TestKey(id, reply) => reply.send(test(id, &registry, &prober).await),
        Command::Series(query, reply) => reply.send(read(&registry, move |reader| charts::series(reader, &query)).await),
        Command::Requests(query, reply) => reply.send(read(&registry, move |reader| reader.requests(&query)).await),
        Command::Story(query, reply) => {
            let store = registry.store().clone();
            let story = read(&registry, move |reader| {
                store.flush()?; // what has just happened may still be on its way to the disk
                reader.story(&query)
            });
            reply.send(story.await);
        }
        Command::Export(order, reply) => reply.send(read(&registry, move |reader| export::write_file(reader, &order)).await),
        Command::WriteChart(order, reply) => reply.send(read(&registry, move |reader| charts::write(reader, &order)).await),
        Command::Reports(reply) => {
            let (accounts, now) = (registry.known().accounts, registry.clock().now().wall);
            reply.send(read(&registry, move |reader| reports::sums(reader, &accounts, now)).await);
        }
        Command::Models(reply) => {
            let now = registry.clock().now().wall;
            reply.send(aside("read the catalogue", move || Ok(models::models(Catalog::bundled(), now))).await);
        }
        Command::ScanModels(dir, progress, reply) => {
            let now = registry.clock().now().wall;
            reply.send(aside("scan the folder", move || models::scan(Catalog::bundled(), &dir, now, &progress)).await);
        }
        Command::Loads(source, progress, reply) => reply.send(loads(source, progress, &registry).await),
        Command::Plan(query, reply) => reply.send(plans::plan(&query, registry.clock().now().wall)),
        Command::CheckBatch(order, progress, reply) => {
            reply.send(aside("check the batch", move || batches.check(&order, &progress)).await);
        }
        Command::StartBatch(order, progress, reply) => reply.send(batches.start(order, progress).await),
        Command::ResumeBatch(id, options, reply) => reply.send(batches.resume(id, options).await),
        Command::StopBatch(id, wish, reply) => reply.send(batches.wish(id, wish).await),
        Command::Explain(pasted, reply) => reply.send(explain::explain(&pasted, registry.clock().now().wall)),
        Command::SetPreferences(chosen) => {
            store_setting(&registry, &sink, Preferences::SETTING, &chosen.to_json());
            preferences.send_replace(chosen);
        }
        Command::StartAtLogin(on, reply) => reply.send(start_at_login(on)),
        Command::Quit => {} // the window's own: whoever opened it hears of it first
        Command::SaveSetting(key, value) => store_setting(&registry, &sink, &key, &value),
    }
}

async fn loads(source: LoadSource, progress: Progress, registry: &Registry) -> Result<Vec<Load>, Problem> {
    match source {
        LoadSource::History(since) => read(registry, move |reader| plans::recorded_loads(reader, since)).await,
        LoadSource::File(path, id) => {
            let (account, now) = (registry.account(id)?, registry.clock().now().wall);
            let load = move || {
                let input = InputFile::open(&path)?;
                let columns = if input.is_csv() { Some(input.columns()?) } else { None };
                let reading = Reading { columns, ..Reading::of(&account) };
                plans::file_loads(&input, account.provider, &reading, &progress, now)
            };
            aside("read the file", load).await
        }
    }
}

fn store_setting(registry: &Registry, sink: &Sink, key: &str, value: &str) {
    if let Err(problem) = registry.store().set_setting(key, value) {
        sink.record(noticed("settings", Severity::Warning, &problem, registry));
    }
}

/// A problem for which nobody waits.
pub(super) fn noticed(key: &str, severity: Severity, problem: &Problem, registry: &Registry) -> Event {
    Event::Noticed(Notice { key: key.into(), at: registry.clock().now().wall, severity, text: problem.to_string(), hint: None })
}

fn start_at_login(on: Option<bool>) -> Result<bool, Problem> {
    if let Some(on) = on {
        autostart::set(on)?;
    }
    autostart::is_on()
}

/// Reads the history on a thread that may block.
async fn read<T: Send + 'static>(
    registry: &Registry,
    f: impl FnOnce(&Reader) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let reader = registry.reader()?;
    aside("read the history", move || f(&reader)).await
}

/// Does something on a thread that may block.
pub(super) async fn aside<T: Send + 'static>(doing: &str, f: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(f).await.unwrap_or_else(|error| Err(Problem::new(format!("it failed to {doing}")).because(error)))
}

async fn test(id: AccountId, registry: &Registry, prober: &Prober) -> Result<ProbeReport, Problem> {
    let (account, key) = registry.with_key(id)?;
    let probed = prober.test(&account, &key, registry.clock()).await?;
    // what such an answer says of limits is not what requests of models have
    Ok(ProbeReport { unknown: Vec::new(), ..probed.report })
}

async fn probe(id: AccountId, registry: &Registry, prober: &Prober, sink: &Sink) -> Result<ProbeReport, Problem> {
    let (account, key) = registry.with_key(id)?;
    let now = registry.clock().now().wall;
    let mut budget = Budget::load(&registry.reader()?, now)?;
    budget.spend(cost_nanos(&account, &provider::probe_plan(account.dialect(), None), now))?;
    budget.save(registry.store())?;
    let probed = prober.probe(&account, &key, None, registry.clock()).await?;
    let class = probed.model.as_ref().map_or_else(ModelClass::any, |model| Catalog::bundled().class_of(account.provider, model));
    registry.limiter().with(|core, now| core.teach(id, &class, &probed.snapshot, probed.sent_at, now));
    sink.record(Event::ModelsEnd(account.provider, probed.ends.into()));
    // a probe is no request of the user's: it has no number
    sink.record(Event::Answered { id: RequestId(0), account: id, class, snapshot: Arc::new(probed.snapshot) });
    Ok(probed.report)
}
