//! Batches that run in this process, beside the gateway and through it: checked, started, paused, cancelled, and told in the view.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::collected::Collected;
use super::estimate::Grounds;
use super::registry::Registry;
use super::watched::Watched;
use crate::batch::input::{Checks, InputFile, Reading, Scan, scan};
use crate::batch::{self, Gateways, Looking, Opening, Outcome, Planning, Room, Stored, Telling, Way, is_offered};
use crate::catalog::Catalog;
use crate::domain::batch::{
    BatchCheck, BatchId, BatchOptions, BatchOrder, BatchProgress, BatchRecord, BatchRunner, BatchState, BatchVia, BatchView, BatchWish,
};
use crate::domain::command::Progress;
use crate::domain::{Account, Problem, Tick};
use crate::store::{BatchBook, DataDir};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Batches(Arc<Inner>);

struct Inner {
    dir: DataDir,
    registry: Registry,
    collected: Collected,
    /// The gateway's URL, or why there is none.
    url: Result<String, Problem>,
    state: Mutex<State>,
    /// How many batches run here.
    running: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    runs: BTreeMap<BatchId, Run>,
    /// Those that others run.
    watched: Watched,
    /// As read from the journal last, and when: at which time, after how many changes.
    listed: Vec<BatchRecord>,
    read_at: Option<(Tick, u64)>,
}

struct Run {
    stop: watch::Sender<u8>,
    progress: BatchProgress,
}

/// What other processes do to batches is read this often, while something moves.
const REREAD: Duration = Duration::from_secs(2);
/// How long rows that are on their way may take when the engine stops, after the gateway has drained.
const LANDING: Duration = Duration::from_secs(2);

impl Batches {
    pub(super) fn new(dir: DataDir, registry: Registry, collected: Collected, url: Result<String, Problem>) -> Self {
        Self(Arc::new(Inner { dir, registry, collected, url, state: Mutex::default(), running: watch::Sender::new(0) }))
    }

    /// Every batch, newest first.
    pub(super) fn views(&self) -> Vec<BatchView> {
        let now = self.0.registry.clock().now();
        // whoever else begins a batch makes a token for it, which is a change
        let changes = *self.0.registry.changes().borrow();
        let due = self.lock().read_at.is_none_or(|(at, before)| before != changes || now.tick.since(at) >= REREAD);
        if due && let Ok(listed) = self.0.registry.reader().and_then(|reader| reader.batches()) {
            let mut state = self.lock();
            let State { runs, watched, .. } = &mut *state;
            watched.look(&self.0.dir, &listed, |id| runs.contains_key(&id), now);
            (state.listed, state.read_at) = (listed, Some((now.tick, changes)));
        }
        let state = self.lock();
        let view = |record: &BatchRecord| {
            let (runner, progress) = match (state.runs.get(&record.id), state.watched.get(record.id)) {
                (Some(run), _) => (BatchRunner::Here, Some(run.progress.clone())),
                (None, Some((process, _))) if process == Some(std::process::id()) => (BatchRunner::Here, None),
                (None, Some((process, progress))) => (BatchRunner::Elsewhere(process), Some(progress.clone())),
                (None, None) => (BatchRunner::Nobody, None),
            };
            BatchView { record: record.clone(), runner, progress }
        };
        state.listed.iter().map(view).collect()
    }

    /// Reads a file and says what is in it and what it would take. Nothing is written, nothing is sent. Blocks.
    pub(super) fn check(&self, order: &BatchOrder, progress: &Progress) -> Result<BatchCheck, Problem> {
        let account = self.0.registry.account(order.account)?;
        let input = InputFile::open(&order.input)?;
        let stored = stored(order);
        let unfinished = BatchBook::open(&self.0.dir)?.unfinished(input.path())?.filter(|record| record.state != BatchState::Planning);
        let output = match &unfinished {
            Some(record) => record.output.clone(),
            None => batch::output(order.output.as_deref(), input.path())?,
        };
        let (via, why) = match (&unfinished, order.via) {
            (Some(record), _) => (record.via, None),
            (None, Some(via)) => (via, None),
            (None, None) => {
                let way = super::auto_way(&account, &stored, &input, order.options.deadline, &self.grounds()?)?;
                (way.via, Some(way.why))
            }
        };
        if via == BatchVia::ProviderBatch {
            is_offered(account.dialect())?;
        }
        let reading = stored.reading(&account, via, &input)?;
        let mut bad_rows = Vec::new();
        let going_on = &mut |planned: batch::input::Planned| {
            if progress.advance(planned.row + 1) { Ok(()) } else { Err(Problem::new("stopped before the end of the file")) }
        };
        let scan = scan(&input, &self.checks(&account, &reading, via), going_on, &mut |bad| {
            if bad_rows.len() < BatchCheck::LISTED {
                bad_rows.push(bad);
            }
        })?;
        Ok(BatchCheck {
            rows: scan.rows,
            bad: scan.bad,
            bad_rows,
            models: scan.models.iter().map(|(model, tally)| (model.clone(), tally.rows)).collect(),
            estimate: self.grounds()?.estimate(&account, &scan, via),
            warnings: scan.warnings,
            output,
            via,
            why,
            unfinished: unfinished.map(|record| record.id),
        })
    }

    /// Plans a file and runs it; goes on with the batch of this file that is not over.
    pub(super) async fn start(&self, order: BatchOrder, progress: Progress) -> Result<BatchId, Problem> {
        let options = order.options.clone();
        let this = self.clone();
        let record = super::orders::aside("plan the batch", move || this.plan(&order, &progress)).await?;
        self.run(record, options, None).await
    }

    /// Goes on with a batch that is paused, or whose process ended.
    pub(super) async fn resume(&self, id: BatchId, options: BatchOptions) -> Result<(), Problem> {
        let dir = self.0.dir.clone();
        let record = super::orders::aside("read the batch", move || BatchBook::open(&dir)?.batch(id)).await?;
        if !record.state.is_open() {
            return Err(Problem::new(format!("batch {} is {}", id.0, record.state.name())).hint("run its file again for a new batch"));
        }
        self.run(record, options, None).await.map(drop)
    }

    /// Pauses or cancels a batch, whoever runs it.
    pub(super) async fn wish(&self, id: BatchId, wish: BatchWish) -> Result<(), Problem> {
        let (dir, clock) = (self.0.dir.clone(), Arc::clone(self.0.registry.clock()));
        let asked = super::orders::aside("ask it of the batch", move || {
            let book = BatchBook::open(&dir)?;
            let record = book.batch(id)?;
            if !record.state.is_open() {
                return Err(Problem::new(format!("batch {} is {} already", id.0, record.state.name())));
            }
            let at_provider = !book.open_parts(id)?.is_empty();
            match (dir.claim_batch(id)?, wish) {
                (None, wish) => book.wish(id, wish)?,
                (Some(_claim), BatchWish::Pause) => book.set_state(id, BatchState::Paused, Some("paused by the user"), clock.now())?,
                (Some(claim), BatchWish::Cancel) => return Ok(Some((claim, record, at_provider))),
            }
            Ok(None)
        });
        if let Some((claim, record, at_provider)) = asked.await? {
            if at_provider {
                // the provider has to be told, and what it answered by then is fetched
                drop(claim);
                return self.run(record, BatchOptions::default(), Some(wish)).await.map(drop);
            }
            batch::cancel(&self.0.dir, &record, Arc::clone(self.0.registry.clock())).await?;
            claim.retire();
        }
        self.changed();
        Ok(())
    }

    /// Asks every batch to pause, and lets what is on its way land.
    pub(super) fn pause_all(&self) {
        self.lock().runs.values().for_each(|run| run.stop.send_modify(|asked| *asked += 1));
    }

    /// Waits until no batch runs here any more; what does not land in time is given up and sent again with the next run.
    pub(super) async fn ended(&self) {
        let mut running = self.0.running.subscribe();
        let all = running.wait_for(|running| *running == 0);
        if timeout(LANDING, all).await.is_err() {
            self.pause_all();
            // a run that was asked twice gives up what is on its way
            let _ = timeout(LANDING, self.0.running.subscribe().wait_for(|running| *running == 0)).await;
        }
    }

    fn plan(&self, order: &BatchOrder, progress: &Progress) -> Result<BatchRecord, Problem> {
        let account = self.0.registry.account(order.account)?;
        let input = InputFile::open(&order.input)?;
        let mut book = BatchBook::open(&self.0.dir)?;
        match book.unfinished(input.path())? {
            Some(record) if record.state == BatchState::Planning => batch::forget(&self.0.dir, &book, &record)?,
            Some(record) if record.account == account.label => return Ok(record),
            Some(record) => {
                return Err(Problem::new(format!("batch {} of this file is not finished, with account {}", record.id.0, record.account))
                    .hint("cancel it first, or choose that account"));
            }
            None => {}
        }
        let stored = stored(order);
        let via = order.via.unwrap_or_default();
        if via == BatchVia::ProviderBatch {
            is_offered(account.dialect())?;
        }
        let reading = stored.reading(&account, via, &input)?;
        let checks = self.checks(&account, &reading, via);
        let grounds = self.grounds()?;
        let estimate = &|scan: &Scan| grounds.estimate(&account, scan, via);
        let output = batch::output(order.output.as_deref(), input.path())?;
        let (ordered, skip_invalid) = (!order.as_they_come, order.skip_invalid);
        let planning = Planning { account: &account, stored, via, ordered, output, skip_invalid, estimate };
        let clock = self.0.registry.clock();
        match batch::plan(&mut book, &input, &checks, planning, clock.as_ref(), &mut |rows| progress.advance(rows), &mut |_| ())? {
            Outcome::Planned(record, _) => Ok(*record),
            Outcome::Refused(scan) => Err(Problem { hint: None, ..batch::refused(&scan) }),
        }
    }

    /// `wish` is what the run is told before it begins.
    async fn run(&self, record: BatchRecord, options: BatchOptions, wish: Option<BatchWish>) -> Result<BatchId, Problem> {
        self.0.url.clone()?;
        let id = record.id;
        let account = self.account(&record)?;
        let gateways = Arc::new(OwnGateway { batches: self.clone(), client: batch::client(id.0) });
        let claiming = {
            let (dir, gateways, clock) = (self.0.dir.clone(), gateways.clone(), Arc::clone(self.0.registry.clock()));
            move || {
                let taken = batch::claim(&dir, &record, &account, gateways, &clock, options)?;
                wish.map_or(Ok(()), |wish| BatchBook::open(&dir)?.wish(id, wish))?;
                Ok(taken)
            }
        };
        let (claimed, job, _in_flight) = super::orders::aside("take the batch", claiming).await?;
        let (stop, stopping) = watch::channel(0_u8);
        let progress =
            BatchProgress { rows: job.record.rows, answered: job.record.answered, failed: job.record.failed, ..BatchProgress::default() };
        self.lock().runs.insert(id, Run { stop, progress });
        self.0.running.send_modify(|running| *running += 1);
        let (this, tasks) = (self.clone(), tokio::runtime::Handle::current());
        // on a thread of its own: what it tells of its progress is no future's business
        let started = thread::Builder::new().name(format!("batch-{}", id.0)).spawn(move || {
            let ended = tasks.block_on(async {
                let ended = batch::go(job, stopping, &mut |progress| this.seen(id, progress)).await;
                let _ = this.0.registry.revoke_token(&gateways.client).await; // one that is gone is fine
                ended
            });
            if let Err(problem) = claimed.settle(&ended) {
                tracing::warn!(%problem, "how a batch ended could not be written down");
            }
            this.over(id);
        });
        if let Err(error) = started {
            self.over(id);
            return Err(Problem::new("could not start the thread that runs the batch").because(error));
        }
        self.changed();
        Ok(id)
    }

    fn account(&self, record: &BatchRecord) -> Result<Account, Problem> {
        let accounts = self.0.registry.known().accounts;
        accounts.iter().find(|account| account.label == record.account).cloned().ok_or_else(|| {
            Problem::new(format!("the account {} is not there any more", record.account)).hint("add it again, or cancel the batch")
        })
    }

    fn checks<'a>(&self, account: &Account, reading: &'a Reading, via: BatchVia) -> Checks<'a> {
        let (now, views) = self.0.registry.limiter().with(|core, now| (now, core.buckets(now)));
        // the limits of the minute are not those of the batch API
        let rooms = if via == BatchVia::Gateway { batch::rooms(views, &account.label) } else { Vec::new() };
        Checks { reading, catalog: Catalog::bundled(), now: now.wall, rooms }
    }

    fn grounds(&self) -> Result<Grounds, Problem> {
        let registry = &self.0.registry;
        let (now, buckets) = registry.limiter().with(|core, now| (now, core.buckets(now)));
        Grounds::new(&registry.reader()?, buckets, now.wall)
    }

    fn seen(&self, id: BatchId, progress: &BatchProgress) {
        if let Some(run) = self.lock().runs.get_mut(&id) {
            run.progress = progress.clone();
        }
        self.changed();
    }

    fn over(&self, id: BatchId) {
        self.lock().runs.remove(&id);
        self.0.running.send_modify(|running| *running -= 1);
        self.changed();
    }

    /// The next view reads the journal again.
    fn changed(&self) {
        self.lock().read_at = None;
        self.0.registry.changed();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stored(order: &BatchOrder) -> Stored {
    let model = order.model.as_ref().map(ToString::to_string);
    Stored { model, template: order.template.clone(), max_output: order.max_output, ..Stored::default() }
}

/// The gateway of this very engine, with a token for each opening.
struct OwnGateway {
    batches: Batches,
    client: String,
}

impl Gateways for OwnGateway {
    fn open(&self) -> Opening<'_> {
        Box::pin(async {
            let registry = &self.batches.0.registry;
            // one of an earlier run is worth nothing any more, because nobody knows it
            let _ = registry.revoke_token(&self.client).await;
            Ok(Way { url: self.batches.0.url.clone()?, token: registry.new_token(&self.client).await? })
        })
    }

    fn room(&self) -> Looking<'_> {
        let limiter = self.batches.0.registry.limiter();
        let (buckets, budgets, queued) = limiter.with(|core, now| (core.buckets(now), core.budgets(now), core.queued()));
        Box::pin(ready(Some(Room::of(buckets, budgets, &queued, &self.client))))
    }

    fn answered(&self) -> Telling<'_> {
        Box::pin(self.batches.0.collected.take_if_possible())
    }
}
