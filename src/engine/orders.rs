//! Carries out what the window orders, one task for each order that may take a while.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::registry::Registry;
use super::{explain, models};
use crate::catalog::Catalog;
use crate::domain::command::{Command, ProbeReport};
use crate::domain::{AccountId, Event, ModelClass, Notice, Problem, RequestId, Severity};
use crate::journal::Sink;
use crate::probe::{Budget, Prober, cost_nanos};
use crate::provider;
use crate::store::{Reader, export};

/// Runs until nobody can order any more.
pub(super) async fn carry_out(mut orders: mpsc::Receiver<Command>, registry: Registry, prober: Prober, sink: Sink) {
    while let Some(order) = orders.recv().await {
        tokio::spawn(one(order, registry.clone(), prober.clone(), sink.clone()));
    }
}

async fn one(order: Command, registry: Registry, prober: Prober, sink: Sink) {
    match order {
        Command::AddAccount(new, reply) => reply.send(registry.add(new).await),
        Command::RemoveAccount(id, reply) => reply.send(registry.remove(id).await),
        Command::ImportEnv(variables, reply) => reply.send(registry.import(&variables).await),
        Command::NewToken(client, reply) => reply.send(registry.new_token(&client).await),
        Command::RevokeToken(client, reply) => reply.send(registry.revoke_token(&client).await),
        Command::SetLimit(limit, reply) => reply.send(registry.set_limit(limit).await),
        Command::Probe(id, reply) => reply.send(probe(id, &registry, &prober, &sink).await),
        Command::TryNow(id, reply) => reply.send(registry.limiter().with(|core, now| core.try_now(Some(id), now))),
        Command::Series(query, reply) => reply.send(read(&registry, move |reader| reader.series(&query)).await),
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
        Command::Models(reply) => {
            let now = registry.clock().now().wall;
            reply.send(aside("read the catalogue", move || Ok(models::models(Catalog::bundled(), now))).await);
        }
        Command::ScanModels(dir, progress, reply) => {
            let now = registry.clock().now().wall;
            reply.send(aside("scan the folder", move || models::scan(Catalog::bundled(), &dir, now, &progress)).await);
        }
        Command::Explain(pasted, reply) => reply.send(explain::explain(&pasted, registry.clock().now().wall)),
        Command::SaveSetting(key, value) => {
            if let Err(problem) = registry.store().set_setting(&key, &value) {
                let at = registry.clock().now().wall;
                let notice = Notice { key: "settings".into(), at, severity: Severity::Warning, text: problem.to_string(), hint: None };
                sink.record(Event::Noticed(notice));
            }
        }
    }
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
async fn aside<T: Send + 'static>(doing: &str, f: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(f).await.unwrap_or_else(|error| Err(Problem::new(format!("it failed to {doing}")).because(error)))
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
