//! The composition root: builds the parts, connects them, starts their tasks, and stops them in order.
//!
//! It is the only place that knows all parts. What each of them does is not its business.

mod batches;
mod budgets;
mod charts;
mod collected;
mod control;
pub mod doctor;
mod estimate;
mod housekeeping;
pub mod explain;
mod fallbacks;
mod give_way;
mod lesson;
mod metrics;
mod models;
mod orders;
mod plans;
mod recorder;
pub mod registry;
mod reports;
mod watched;
mod way;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::batches::Batches;
use self::collected::Collected;
use self::give_way::GiveWay;
use self::metrics::Metrics;
use crate::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::{Clock, Event, ModelClass, Pool, Preferences, Problem, Provider};
use crate::gateway::{Gateway, Parts, Patience};
use crate::journal::{LiveView, Sink};
use crate::limiter::{Core, Limiter, Memory, Prices, Settings, Told};
use crate::probe::Prober;
use crate::store::{DataDir, InstanceLock, Reader, Store};
use crate::upstream::{HttpUpstream, Upstream};
use crate::vault::Vault;

pub use budgets::budgets_of;
pub use control::{Answer, Request, ask};
pub use estimate::Grounds;
pub use fallbacks::preview;
pub use lesson::{Lesson, teach};
pub use plans::{GIVEN, file_loads, plan, recorded_loads};
pub use registry::Registry;
pub use way::auto_way;

/// The setting that turns off, with the value `off`, the comments that keep waiting streams alive. Read at the start.
pub const KEEP_ALIVE: &str = "gateway.keep_alive";

/// The port at which clients look for the gateway.
pub const DEFAULT_PORT: u16 = 4140;

/// What an engine is started with.
pub struct Options {
    /// Where the files are.
    pub dir: DataDir,
    /// Where the keys are.
    pub vault: Vault,
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Whether simulated providers stand behind it.
    pub demo: bool,
    /// Called after each new view; must not block.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

/// A running engine.
pub struct Engine {
    url: Result<String, Problem>,
    views: Arc<watch::Sender<Arc<LiveView>>>,
    commands: mpsc::Sender<Command>,
    preferences: watch::Receiver<Preferences>,
    shows: watch::Sender<()>,
    registry: Registry,
    batches: Batches,
    collected: Collected,
    limiter: Limiter,
    store: Store,
    stop: watch::Sender<bool>,
    dir: PathBuf,
    serving: Option<JoinHandle<()>>,
    finish: oneshot::Sender<()>,
    recording: JoinHandle<()>,
    background: Vec<JoinHandle<()>>,
    give_way: GiveWay,
    _lock: InstanceLock,
}

impl Engine {
    /// Under this name the limiter's memory is kept.
    const MEMORY: &'static str = "limiter";
    /// How long the last events may take to be written down.
    const LAST_EVENTS: Duration = Duration::from_secs(2);

    /// Starts everything. Keys are read from the vault afterwards, so that a locked keyring holds nothing up.
    ///
    /// # Errors
    /// The data folder is in use by another Tierline, or cannot be used. That the gateway's port is taken is no error
    /// here: see [`url`](Self::url).
    pub async fn start(options: Options) -> Result<Self, Problem> {
        let Options { dir, vault, listen, clock, demo, wake } = options;
        let lock = give_way::lock(&dir).await?;
        let (store, notices) = Store::open(&dir, clock.as_ref())?;
        let reader = store.reader()?;
        let next_id = Arc::new(AtomicU64::new(reader.next_request_id()?));
        let stored = reader.setting(Preferences::SETTING)?.map(|text| Preferences::from_json(&text)).unwrap_or_default();
        let (chosen, preferences) = watch::channel(stored);
        let (shows, _) = watch::channel(());
        let (sink, events) = Sink::new();

        let limiter = limiter(&sink, &clock);
        recall(&limiter, &reader, clock.as_ref())?;
        limiter.with(|core, _| core.set_prices(prices(&clock)));

        let (routes, routes_seen) = watch::channel(Arc::default());
        let registry = Registry::new(store.clone(), vault, limiter.clone(), Arc::clone(&clock), routes);
        registry.reload().await?;
        for notice in notices {
            tracing::warn!("{notice}");
            sink.record(Event::Noticed(notice));
        }

        let metrics = Metrics::new(limiter.clone(), store.clone(), sink.clone());
        let upstream: Arc<dyn Upstream> = Arc::new(HttpUpstream::default());
        let parts = Parts {
            upstream: Arc::clone(&upstream),
            admission: Arc::new(limiter.clone()),
            sink: sink.clone(),
            clock: Arc::clone(&clock),
            routes: routes_seen,
            next_id: Arc::clone(&next_id),
            class_of: Box::new(|provider, model| Catalog::bundled().class_of(provider, model)),
            cost_nanos: {
                let prices = prices(&clock);
                Box::new(move |provider, model, usage| prices(provider, model, usage))
            },
            patience: match reader.setting(KEEP_ALIVE)?.as_deref() {
                Some("off") => Patience { comment: Patience::NEVER, ..Patience::default() },
                _ => Patience::default(),
            },
            metrics: {
                let metrics = metrics.clone();
                Box::new(move || metrics.page())
            },
        };
        let (stop, stopping) = watch::channel(false);
        let bound = Gateway::bind(parts, listen).await;
        let url = bound.as_ref().map(Gateway::url).map_err(Clone::clone);
        let serving = bound.ok().map(|gateway| {
            let mut stopping = stopping.clone();
            tokio::spawn(async move {
                let stopped = async move {
                    let _ = stopping.wait_for(|stop| *stop).await;
                };
                gateway.serve(stopped).await;
            })
        });

        let mut view = LiveView::new(clock.now().wall);
        view.gateway = url.clone().map_err(|problem| problem.to_string());
        view.demo = demo;
        let views = Arc::new(watch::Sender::new(Arc::new(view)));
        let collected = Collected::new(store.clone(), limiter.clone(), sink.clone(), next_id);
        let batches = Batches::new(dir.clone(), registry.clone(), collected.clone(), url.clone());
        let recorder = recorder::Recorder::new(
            store.clone(),
            limiter.clone(),
            registry.clone(),
            batches.clone(),
            sink.clone(),
            Arc::clone(&clock),
            metrics,
        );
        let (finish, finished) = oneshot::channel();
        let recording = tokio::spawn(recorder.run(events, Arc::clone(&views), wake, finished));

        let (commands, orders) = mpsc::channel(64);
        let give_way = GiveWay::default();
        let prober = Prober::new(upstream);
        let background = vec![
            tokio::spawn({
                let limiter = limiter.clone();
                async move { limiter.run().await }
            }),
            tokio::spawn(housekeeping::keep(registry.clone(), preferences.clone(), sink.clone())),
            tokio::spawn(orders::carry_out(orders, registry.clone(), batches.clone(), prober, sink.clone(), chosen)),
            tokio::spawn(control::listen(
                dir.path().to_owned(),
                registry.clone(),
                limiter.clone(),
                collected.clone(),
                give_way.clone(),
                url.clone().ok(),
                shows.clone(),
            )),
            tokio::spawn({
                let registry = registry.clone();
                async move { registry.unlock_keys().await }
            }),
            tokio::spawn({
                let collected = collected.clone();
                async move { collected.take_if_possible().await }
            }),
        ];
        Ok(Self {
            url,
            views,
            commands,
            preferences,
            shows,
            registry,
            batches,
            collected,
            limiter,
            store,
            stop,
            dir: dir.path().to_owned(),
            serving,
            finish,
            recording,
            background,
            give_way,
            _lock: lock,
        })
    }

    /// Where the gateway listens, or why it does not.
    pub fn url(&self) -> Result<&str, Problem> {
        self.url.as_deref().map_err(Clone::clone)
    }

    /// Waits until the keyring was asked for every key. Until then clients that show a stored key are strangers.
    pub async fn keys_read(&self) {
        let mut changes = self.registry.changes();
        while !self.registry.asked_for_all_keys() && changes.changed().await.is_ok() {}
    }

    /// Makes it give way to another process that wants to serve from the same data folder: done when one does, and then it
    /// is to be stopped.
    pub fn asked_to_give_way(&self) -> impl Future<Output = ()> + Send + 'static {
        let give_way = self.give_way.clone();
        async move { give_way.asked().await }
    }

    /// Always the newest view.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<LiveView>> {
        self.views.subscribe()
    }

    /// The same, for somebody who wants the view only now and then: while nobody holds one, no view is made of what only refills.
    pub fn views_later(&self) -> impl Fn() -> watch::Receiver<Arc<LiveView>> + Send + Sync + 'static {
        let views = Arc::clone(&self.views);
        move || views.subscribe()
    }

    /// Where orders go.
    #[must_use]
    pub fn commands(&self) -> mpsc::Sender<Command> {
        self.commands.clone()
    }

    /// Always the newest preferences.
    #[must_use]
    pub fn preferences(&self) -> watch::Receiver<Preferences> {
        self.preferences.clone()
    }

    /// Changes whenever another process of the user asks to see the window. While nobody holds this, that process is told that
    /// there is none.
    #[must_use]
    pub fn shows(&self) -> watch::Receiver<()> {
        self.shows.subscribe()
    }

    /// Accounts, tokens and limits.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes the rows that providers' batch APIs answered into the history, as far as that is possible now.
    pub async fn collect(&self) {
        self.collected.take_if_possible().await;
    }

    /// The history.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Stops: nobody is admitted any more, what runs may finish, everything is written.
    ///
    /// # Errors
    /// Not everything could be written.
    pub async fn stop(mut self) -> Result<(), Problem> {
        self.batches.pause_all();
        self.stop.send_replace(true);
        self.limiter.with(|core, _| core.close());
        if let Some(serving) = self.serving {
            let _ = serving.await;
        }
        self.batches.ended().await;
        self.background.iter().for_each(JoinHandle::abort);
        for task in self.background {
            // a step that had begun is finished before its socket goes
            let _ = task.await;
        }
        control::close(&self.dir);
        self.collected.take_if_possible().await;
        let _ = self.finish.send(());
        // a request that outlived the gateway's patience still holds its place in the channel
        if timeout(Self::LAST_EVENTS, &mut self.recording).await.is_err() {
            self.recording.abort();
        }
        save(&self.store, &self.limiter);
        let store = self.store;
        tokio::task::spawn_blocking(move || store.close())
            .await
            .unwrap_or_else(|error| Err(Problem::new("the history was not closed").because(error)))
    }
}

/// Tells the limiter what it knew when it was saved.
fn recall(limiter: &Limiter, reader: &Reader, clock: &dyn Clock) -> Result<(), Problem> {
    if let Some(learned) = reader.learned()?.into_iter().find(|learned| learned.key == Engine::MEMORY)
        && let Ok(memory) = serde_json::from_value::<Memory>(learned.value)
    {
        let ago = Duration::try_from(clock.now().wall.duration_since(learned.updated_at)).unwrap_or_default();
        limiter.with(|core, now| core.recall(memory, ago, now));
    }
    Ok(())
}

/// Writes down where the buckets stand and what was learned.
fn save(store: &Store, limiter: &Limiter) {
    let (now, memory, views) = limiter.with(|core, now| (now, core.remember(now), core.buckets(now)));
    if let Ok(value) = serde_json::to_value(memory) {
        let _ = store.write(crate::store::Write::Learned { key: Engine::MEMORY.to_owned(), value, at: now.wall });
    }
    let _ = store.write(crate::store::Write::Buckets { at: now.wall, views: Arc::new(views) });
}

/// What answers cost at the present prices.
fn prices(clock: &Arc<dyn Clock>) -> Prices {
    let clock = Arc::clone(clock);
    Arc::new(move |provider, model, usage| Catalog::bundled().cost_nanos(provider, usage, Some(model), clock.now().wall))
}

fn limiter(sink: &Sink, clock: &Arc<dyn Clock>) -> Limiter {
    let assumed = {
        let clock = Arc::clone(clock);
        move |provider: Provider, class: &ModelClass| {
            let today = today(clock.as_ref());
            match class.pool() {
                Pool::Standard => Catalog::bundled().default_limits(provider, class, today),
                Pool::LongContext => {
                    let long = Catalog::bundled().default_long_context(provider, &class.base(), today);
                    long.map(|long| long.limits).unwrap_or_default()
                }
                // nothing is published about them
                Pool::Fast | Pool::Priority | Pool::Project | Pool::Batch => Vec::new(),
            }
        }
    };
    let seed = clock.now().wall.as_nanosecond().unsigned_abs();
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let settings = Settings { seed: seed as u64, ..Settings::default() };
    let told = {
        let sink = sink.clone();
        move |told| {
            sink.record(match told {
                Told::Limit(change) => Event::LimitChanged(Arc::new(change)),
                Told::Notice(notice) => Event::Noticed(notice),
            });
        }
    };
    let mut core = Core::new(settings, Arc::new(assumed));
    let for_long = Arc::clone(clock);
    core.set_long_context(Arc::new(move |provider, class| {
        Catalog::bundled().default_long_context(provider, class, today(for_long.as_ref())).map(|long| long.above_tokens)
    }));
    Limiter::new(core, Arc::clone(clock), told)
}

fn today(clock: &dyn Clock) -> Date {
    jiff::tz::Offset::UTC.to_datetime(clock.now().wall).date()
}
