//! Takes every event once: writes it down, folds it into the live view, and publishes a view when there is something new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::batches::Batches;
use super::metrics::Metrics;
use super::registry::{Registry, found_keys};
use crate::catalog::{Catalog, Traffic};
use crate::domain::batch::BatchRunner;
use crate::domain::dimension::Meter;
use crate::domain::view::{BucketView, ProbeOffer};
use crate::domain::{
    Account, AccountId, BucketKey, Clock, Dialect, Event, Limit, ModelClass, ModelEnd, ModelId, Notice, Pool, Provider, Refill,
    RequestRecord, Scope, Severity,
};
use crate::journal::live::{AccountView, NextTier};
use crate::journal::{LiveView, Sink, Trend};
use crate::limiter::Limiter;
use crate::limiter::bucket::is_measured;
use crate::probe::cost_nanos;
use crate::provider::{self, ProbePlan};
use crate::store::{Store, Write};

/// The one reader of the event channel.
pub(super) struct Recorder {
    store: Store,
    limiter: Limiter,
    registry: Registry,
    batches: Batches,
    sink: Sink,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    view: LiveView,
    /// How often each model was named lately.
    named: BTreeMap<(Dialect, ModelId), Named>,
    /// What the providers' own lists say about the end of models, and of how many requests a notice has told.
    ends: BTreeMap<(Dialect, ModelId), (ModelEnd, u64)>,
}

impl Recorder {
    /// Views follow each other no faster than this.
    const FRAME: Duration = Duration::from_millis(50);
    /// While buckets refill and somebody looks, the view is made anew this often.
    const REFILL: Duration = Duration::from_secs(1);
    /// Events are taken in batches, gathered for this long.
    const GATHER: Duration = Duration::from_millis(20);
    const BATCH: usize = 2_048;
    /// Buckets and what was learned are saved no oftener than this.
    const SAVE: Duration = Duration::from_secs(5);
    /// No provider lists as many models.
    const MOST_ENDS: usize = 50_000;

    pub(super) fn new(
        store: Store,
        limiter: Limiter,
        registry: Registry,
        batches: Batches,
        sink: Sink,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let view = LiveView::new(clock.now().wall);
        Self { store, limiter, registry, batches, sink, clock, metrics, view, named: BTreeMap::new(), ends: BTreeMap::new() }
    }

    /// Runs until it is told to finish and has taken every event that was handed over until then.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        views: Arc<watch::Sender<Arc<LiveView>>>,
        wake: impl Fn(),
        mut finish: oneshot::Receiver<()>,
    ) {
        self.view = LiveView::clone(&views.borrow());
        self.recall_models();
        let mut changes = self.registry.changes();
        let store = self.store.clone();
        let mut taken = Vec::with_capacity(Self::BATCH);
        let mut next_frame: Option<Instant> = Some(Instant::now());
        let mut next_save: Option<Instant> = None;
        let mut finishing = false;
        loop {
            let due = next_frame.into_iter().chain(next_save).min();
            tokio::select! {
                count = events.recv_many(&mut taken, Self::BATCH) => {
                    if count == 0 {
                        break;
                    }
                    taken.drain(..).for_each(|event| self.take(&event));
                    // one wake-up for many events: a busy gateway must not wake this task for each
                    sleep(Self::GATHER).await;
                    next_frame.get_or_insert_with(|| Instant::now() + Self::FRAME);
                    next_save.get_or_insert_with(|| Instant::now() + Self::SAVE);
                }
                () = at(due) => {
                    let now = Instant::now();
                    if next_frame.is_some_and(|at| at <= now) {
                        let moving = self.refresh();
                        views.send_replace(Arc::new(self.view.clone()));
                        wake();
                        let watched = views.receiver_count() > 0;
                        next_frame = (moving && watched).then(|| now + Self::REFILL);
                    }
                    if next_save.is_some_and(|at| at <= now) {
                        super::save(&self.store, &self.limiter);
                        next_save = None;
                    }
                }
                Ok(()) = changes.changed() => next_frame = Some(Instant::now()),
                () = store.changed() => next_frame = Some(Instant::now()),
                _ = &mut finish, if !finishing => {
                    finishing = true;
                    events.close();
                }
            }
        }
    }

    fn take(&mut self, event: &Event) {
        if let Some(write) = Write::of(event) {
            // what is lost is counted by the store and shown
            let _ = self.store.write(write);
        }
        if let Event::Finished(record) = event {
            let _ = self.store.write(Write::TokenUsed { client: record.client.clone(), at: record.finished_at });
        }
        if let Event::Finished(record) | Event::Collected(record) = event {
            if let Some(model) = &record.model_asked {
                let named = self.named.entry((record.provider.into(), model.clone())).or_insert(Named { requests: 0, days: 1, told: 0 });
                named.requests += 1;
            }
            self.note_rerouting(record);
        }
        if let Event::ModelsEnd(provider, ends) = event {
            for end in ends.iter().take(Self::MOST_ENDS.saturating_sub(self.ends.len())) {
                let known = self.ends.entry(((*provider).into(), end.model.clone())).or_insert_with(|| (end.clone(), 0));
                if known.0 != *end {
                    *known = (end.clone(), 0);
                }
            }
        }
        if let Event::LimitChanged(_) = event {
            // the answer that told the limit may also have told whose it is
            let (buckets, scopes) = self.limiter.with(|core, now| (core.buckets(now), core.accounts()));
            self.view.accounts = Arc::new(account_views(&self.registry.known(), &scopes, &buckets, self.clock.as_ref()));
        }
        self.metrics.apply(event);
        self.view.apply(event);
    }

    /// Brings everything in the view that is no event up to date. Whether it will change by itself.
    fn refresh(&mut self) -> bool {
        let now = self.clock.now();
        let (buckets, waiting, queued, scopes, budgets) =
            self.limiter.with(|core, now| (core.buckets(now), core.queue(now), core.counts().0, core.accounts(), core.budgets(now)));
        let known = self.registry.known();
        let moving = !waiting.is_empty() || buckets.iter().any(|bucket| bucket.full_at.is_some() && bucket.refill == Refill::Continuous);
        self.view.at = now.wall;
        self.view.accounts = Arc::new(account_views(&known, &scopes, &buckets, self.clock.as_ref()));
        self.view.tokens = Arc::new(known.tokens.iter().map(|token| (token.client.clone(), token.created_at)).collect());
        self.view.rules = Arc::clone(&known.rules);
        self.view.found_keys = Arc::new(found_keys(&known.accounts));
        self.view.vault = match known.vault {
            Some(Ok(place)) => Ok(place),
            Some(Err(problem)) => Err(problem.to_string()),
            None => Err("asking the keyring".into()),
        };
        self.view.trends = Arc::new(trends(&self.view.trends, &buckets, now.wall));
        self.view.buckets = Arc::new(buckets);
        self.view.waiting = Arc::new(waiting);
        self.view.queued = queued;
        self.view.batches = Arc::new(self.batches.views());
        self.view.budgets = Arc::new(budgets);
        self.view.totals.lost_events = self.sink.lost() + self.store.health().dropped;
        self.note_store();
        self.warn_of_retirements();
        self.warn_of_listed_ends();
        moving || self.view.batches.iter().any(|batch| matches!(batch.runner, BatchRunner::Elsewhere(_)))
    }

    fn note_store(&mut self) {
        let text = self.store.health().unrecorded().unwrap_or_default();
        if text.is_empty() && !self.view.notices.iter().any(|notice| notice.key == "store") {
            return;
        }
        let hint = Some("free some disk space, or check the data folder".to_owned());
        self.view.notice(Notice { key: "store".into(), at: self.view.at, severity: Severity::Error, text, hint });
    }

    /// What was named in the last week, before this start.
    fn recall_models(&mut self) {
        let now = self.clock.now().wall;
        let week_ago = now.saturating_sub(Duration::from_secs(7 * 86_400)).unwrap_or(now);
        let Ok(used) = self.registry.reader().and_then(|reader| reader.models_used(week_ago)) else { return };
        for model in used {
            let named = self.named.entry((model.provider.into(), model.model)).or_insert(Named { requests: 0, days: 7, told: 0 });
            named.requests += model.requests;
        }
    }

    /// A custom endpoint may call its models what it likes; the providers' own names are compared.
    fn note_rerouting(&mut self, record: &RequestRecord) {
        let (Some(asked), Some(served)) = (&record.model_asked, &record.usage.model) else { return };
        if record.provider == Provider::Custom || self.registry.has_alias(record.account, asked) {
            return;
        }
        if let Some(text) = Catalog::bundled().rerouting_warning(record.provider, asked, served, record.finished_at) {
            let key = format!("rerouted/{asked}");
            self.view.notice(Notice { key, at: record.finished_at, severity: Severity::Warning, text, hint: None });
        }
    }

    /// What the traffic says about models that end, where it has gone on since it was said last.
    fn warn_of_retirements(&mut self) {
        let at = self.clock.now().wall;
        for ((dialect, model), named) in self.named.iter_mut().filter(|(_, named)| named.told < named.requests) {
            named.told = named.requests;
            let traffic = Traffic { model: model.clone(), requests: named.requests, days: named.days };
            match Catalog::bundled().retirement_warning(*dialect, &traffic, at) {
                Some(text) => {
                    self.view.notice(Notice { key: format!("retirement/{model}"), at, severity: Severity::Warning, text, hint: None });
                }
                // a model that does not end is not looked up again
                None => named.told = u64::MAX,
            }
        }
    }

    /// What providers' lists say about models that the traffic names, where it has gone on since it was said last.
    fn warn_of_listed_ends(&mut self) {
        for (key, named) in &self.named {
            let Some((end, told)) = self.ends.get_mut(key).filter(|(_, told)| named.requests > *told) else { continue };
            let (dialect, model) = key;
            *told = named.requests;
            let text = format!("{} says that {end}; requests of the last 7 days that name it: {}", dialect.name(), named.requests);
            let hint = Some("see `tierline models` for what replaces it".to_owned());
            self.view.notice(Notice { key: format!("model-end/{model}"), at: self.view.at, severity: Severity::Warning, text, hint });
        }
    }
}

/// How often a model was named.
struct Named {
    requests: u64,
    /// In how many days.
    days: u32,
    /// Of these requests, how many the notice tells of.
    told: u64,
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn probe_offer(account: &Account, clock: &dyn Clock) -> ProbeOffer {
    let (dialect, now) = (account.dialect(), clock.now().wall);
    let plans: Vec<ProbePlan> = provider::probe_check(dialect).into_iter().chain([provider::probe_plan(dialect, None)]).collect();
    let cost = |plan: &ProbePlan| if plan.free { Some(0) } else { cost_nanos(account, plan, now) };
    ProbeOffer {
        cost_nanos: plans.iter().map(cost).sum(),
        what: plans.iter().map(|plan| format!("{} {}: {}; {}", plan.method, plan.path, plan.what, plan.cost_note)).collect(),
    }
}

fn account_views(
    known: &super::registry::Known,
    scopes: &[(AccountId, Scope, Option<String>)],
    buckets: &[BucketView],
    clock: &dyn Clock,
) -> Vec<AccountView> {
    let by_id: BTreeMap<AccountId, (&Scope, Option<&String>)> =
        scopes.iter().map(|(id, scope, stop)| (*id, (scope, stop.as_ref()))).collect();
    let today = jiff::tz::Offset::UTC.to_datetime(clock.now().wall).date();
    known
        .accounts
        .iter()
        .map(|account| {
            let (scope, stopped) = by_id.get(&account.id).map_or((None, None), |(scope, stopped)| (Some(*scope), *stopped));
            let scope = scope.cloned().unwrap_or_else(|| Scope::account(account.provider, &account.label));
            let shares_with = known
                .accounts
                .iter()
                .filter(|other| other.id != account.id && by_id.get(&other.id).is_some_and(|(other, _)| **other == scope))
                .map(|other| other.label.clone())
                .collect();
            let observed: Vec<(ModelClass, Limit)> = buckets
                .iter()
                .filter(|bucket| bucket.key.scope == scope && bucket.key.class.pool() == Pool::Standard && is_measured(bucket.source))
                .map(|bucket| (bucket.key.class.clone(), bucket.limit()))
                .collect();
            let found = Catalog::bundled().tier_matching(account.dialect(), &observed, today);
            let tier = found.as_ref().map(|found| {
                let until = if found.superseded { ", of the scheme before" } else { "" };
                format!("{}{until}", found.tier.title)
            });
            let next_tier = found.and_then(|found| found.next).map(next_tier);
            let missing = known.missing_keys.get(&account.id).map(ToString::to_string);
            AccountView {
                account: account.clone(),
                scope,
                shares_with,
                stopped: stopped.cloned().or(missing),
                tier,
                next_tier,
                probe: probe_offer(account, clock),
            }
        })
        .collect()
}

fn next_tier(next: crate::catalog::NextTier) -> NextTier {
    let gives = next.gives.iter().flat_map(|(class, limits)| {
        limits.iter().map(move |limit| format!("{} of {class}: {}", Meter(limit.dimension, limit.window.period), limit.capacity))
    });
    NextTier { title: next.tier.title, takes: next.tier.qualifies, gives: gives.collect() }
}

/// What was seen before, and what is seen now. Buckets that are gone are forgotten.
fn trends(before: &BTreeMap<BucketKey, Trend>, buckets: &[BucketView], at: jiff::Timestamp) -> BTreeMap<BucketKey, Trend> {
    let with_look = |bucket: &BucketView| {
        let mut trend = before.get(&bucket.key).cloned().unwrap_or_default();
        trend.note(at, bucket.share_used());
        (bucket.key.clone(), trend)
    };
    buckets.iter().map(with_look).collect()
}
