//! Runs a batch through the provider's batch API: submits its parts, looks after them, collects them, until every row has its answer.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::super::judge::{Answered, Next};
use super::super::keeper::Keeper;
use super::super::progress::Progress;
use super::super::run::{Ended, Job, Options};
use super::super::source::Source;
use super::super::{Gateways, Route};
use super::api::{Api, Errand, Fault, Standing};
use super::call::{Called, Line, Refusal, json};
use super::collect::Collector;
use super::ending::Ending;
use super::finish_hours;
use super::horizon::Horizon;
use super::pace::{Pace, Queue};
use super::pack::{Allowed, Packed, pack};
use super::submit::{Found, MOST_ANSWER, Submitted, find, submit, tidy};
use crate::domain::batch::{BatchRecord, BatchWish};
use crate::domain::{Clock, Problem, Tick};
use crate::store::{BatchPart, BatchRow, BatchStep};

/// How long what is being done may take to end when the batch pauses.
const GRACE: Duration = Duration::from_secs(5);
/// The longest nap: what others ask is heard in between.
const NAP: Duration = Duration::from_secs(1);
/// How often a part is looked for before it counts as never submitted.
const SEARCHES: u32 = 3;
/// How often in a row a part may fail to be read.
const MOST_FAILURES: u32 = 20;

/// Runs a batch to its end, or until something stops it; `stop` and `observer` as in [`run`](super::super::run()). What is
/// with the provider when it pauses stays there, and goes on there.
///
/// # Errors
/// The journal cannot be written, no gateway can be had, or the provider has no batch API.
pub async fn hand_over(job: Job, mut stop: watch::Receiver<u8>, observer: &mut dyn FnMut(&Progress)) -> Result<Ended, Problem> {
    let Job { record, book, input, reading, route, gateways, upstream, clock, options } = job;
    super::is_offered(route.dialect)?;
    let Some(api) = Api::of(route.dialect) else { return Err(Problem::new("the provider has no batch API")) };
    let keeper = Keeper::start(book, &record, Arc::clone(&clock))?;
    let line = Line::open(route.clone(), reading.base_has_version, Arc::clone(&gateways), upstream, Arc::clone(&clock)).await?;
    let began = clock.now().tick;
    let promise = finish_hours(route.dialect, clock.now().wall).map(Duration::from_hours);
    let told = Arc::new(Mutex::new(Told {
        progress: Progress { rows: record.rows, ..Progress::default() },
        horizon: Horizon::new((record.finished() > 0).then_some(record.created_at), promise),
    }));
    let mut desk = Desk {
        api,
        route,
        gateways,
        line,
        keeper: keeper.clone(),
        source: Source::new(input, reading),
        pace: Pace { fixed: options.poll },
        queue: Queue::new(began),
        open: Vec::new(),
        all_submitted: false,
        is_cancelled: false,
        cost_nanos: 0,
        recorded: None,
        told: Arc::clone(&told),
        options,
        clock: Arc::clone(&clock),
    };
    desk.recall().await?;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let show = |observer: &mut dyn FnMut(&Progress)| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { progress, horizon } = &mut *told;
        let now = clock.now();
        progress.elapsed_secs = now.tick.since(began).as_secs();
        horizon.tell(progress, now.wall);
        observer(progress);
    };
    let mut wants_cancel = false;
    let ended = 'run: loop {
        desk.is_cancelled |= wants_cancel;
        let mut step = pin!(desk.step());
        let turn = loop {
            tokio::select! {
                turn = &mut step => break turn?,
                Ok(_) = stop.wait_for(|asked| *asked > 0) => {
                    // what was begun is in the journal: it is found again if this is not enough
                    let _ = timeout(GRACE, &mut step).await;
                    break 'run Ended::Paused(Problem::new("interrupted").hint("run it again to go on"));
                }
                _ = ticks.tick() => {
                    show(observer);
                    let look = keeper.look().await?;
                    match (look.wish, look.trouble) {
                        (_, Some(trouble)) => break 'run Ended::Paused(trouble),
                        (Some(BatchWish::Pause), None) => {
                            let _ = timeout(GRACE, &mut step).await;
                            break 'run Ended::Paused(Problem::new("paused by the user"));
                        }
                        (Some(BatchWish::Cancel), None) => wants_cancel = true,
                        (None, None) => {}
                    }
                }
            }
        };
        match turn {
            Turn::Again => {}
            Turn::Over if wants_cancel => break Ended::Cancelled,
            Turn::Over => break Ended::Done,
            Turn::Stop(problem) => break Ended::Paused(problem),
        }
    };
    let finished = keeper.finish(ended == Ended::Cancelled).await;
    show(observer);
    match (ended, finished) {
        (Ended::Done, Err(trouble)) => Ok(Ended::Paused(trouble)),
        (Ended::Cancelled, Err(trouble)) => Err(trouble),
        (ended, _) => Ok(ended),
    }
}

/// What the observer hears.
struct Told {
    progress: Progress,
    horizon: Horizon,
}

/// Everything about one batch that is being handed over.
struct Desk {
    api: Api,
    route: Route,
    gateways: Arc<dyn Gateways>,
    line: Line,
    keeper: Keeper,
    source: Source,
    pace: Pace,
    queue: Queue,
    open: Vec<Open>,
    /// No planned row is left.
    all_submitted: bool,
    is_cancelled: bool,
    cost_nanos: u64,
    /// How many rows had their answer when the history was told last.
    recorded: Option<u64>,
    told: Arc<Mutex<Told>>,
    options: Options,
    clock: Arc<dyn Clock>,
}

/// A part that is not over.
struct Open {
    part: BatchPart,
    next: Tick,
    failures: u32,
    cancel_sent: bool,
    /// How many of its rows the provider has done, as far as it says.
    done: u64,
}

enum Turn {
    Again,
    Over,
    Stop(Problem),
}

impl Desk {
    /// Does the next thing that is due; sleeps a little if nothing is.
    async fn step(&mut self) -> Result<Turn, Problem> {
        let now = self.clock.now();
        if self.options.deadline.is_some_and(|deadline| now.wall >= deadline) && !self.is_cancelled {
            return Ok(Turn::Stop(Problem::new("the deadline has passed").hint("run it again with a later --deadline, or without one")));
        }
        let to_cancel = |open: &Open| self.is_cancelled && open.part.remote.is_some() && !open.cancel_sent;
        if let Some(at) = self.open.iter().position(|open| open.next <= now.tick || to_cancel(open)) {
            return match self.open[at].part.remote.clone() {
                None => self.search(at).await,
                Some(remote) if to_cancel(&self.open[at]) => self.cancel(at, &remote).await,
                Some(remote) => self.look(at, &remote).await,
            };
        }
        let submits = !self.is_cancelled && !self.all_submitted;
        if submits && self.queue.closed_until <= now.tick {
            return self.submit().await;
        }
        if !submits && self.open.is_empty() {
            return Ok(Turn::Over);
        }
        let due = self.open.iter().map(|open| open.next).chain(submits.then_some(self.queue.closed_until)).min();
        sleep(due.map_or(NAP, |due| due.since(now.tick)).clamp(Duration::from_millis(1), NAP)).await;
        Ok(Turn::Again)
    }

    /// The parts that the journal knows, each to be looked at now.
    async fn recall(&mut self) -> Result<(), Problem> {
        let now = self.clock.now().tick;
        let parts = self.keeper.with(|book, id, _| book.open_parts(id)).await?;
        self.open = parts.into_iter().map(|part| Open { part, next: now, failures: 0, cancel_sent: false, done: 0 }).collect();
        self.tell().await
    }

    fn ending(&self, sent_at: Timestamp) -> Ending<'_> {
        Ending { route: &self.route, source: &self.source, sent_at, now: self.clock.now().wall }
    }

    /// Brings the progress to what the journal knows, and the history to new answers.
    async fn tell(&mut self) -> Result<(), Problem> {
        let BatchRecord { answered, failed, cost_nanos, .. } = self.keeper.with(|book, id, _| book.batch(id)).await?;
        self.cost_nanos = cost_nanos;
        if self.recorded.replace(answered + failed) != Some(answered + failed) {
            self.gateways.answered().await;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { progress, horizon } = &mut *told;
        progress.answered = answered;
        progress.failed = failed;
        progress.cost_nanos = cost_nanos;
        progress.at_provider = self.open.len() as u64;
        progress.in_flight = self.open.iter().map(|open| open.part.rows).sum();
        let done = answered + failed + self.open.iter().map(|open| open.done).sum::<u64>();
        let newest = self.open.iter().map(|open| open.part.at).max();
        horizon.look(progress.rows, done, newest, self.all_submitted, self.clock.now().wall);
        Ok(())
    }

    async fn submit(&mut self) -> Result<Turn, Problem> {
        let now = self.clock.now();
        let at_risk: u64 = self.open.iter().map(|open| open.part.may_cost_nanos).sum();
        let by_user = self.options.max_cost_nanos.map(|most| most.saturating_sub(self.cost_nanos + at_risk));
        // the gateway cannot tell what a batch may cost, so that its budgets are held to here
        let room = self.gateways.room().await;
        let by_budget = room.and_then(|room| room.money(self.route.id)).map(|left| left.saturating_sub(at_risk));
        let cost_nanos = by_user.into_iter().chain(by_budget).min();
        let allowed = Allowed { rows: self.queue.rows, tokens: self.queue.tokens, cost_nanos };
        let parcel = match pack(self.api, &self.source, &self.keeper, allowed, now).await? {
            Packed::Parcel(parcel) => parcel,
            Packed::Nothing => {
                self.all_submitted = true;
                return Ok(Turn::Again);
            }
            Packed::TooDear if self.open.is_empty() && by_user != cost_nanos => {
                return Ok(Turn::Stop(
                    Problem::new("the next row could cost more than its budget has left")
                        .hint("raise it with `tierline budgets set`, or run it again when it begins anew"),
                ));
            }
            Packed::TooDear if self.open.is_empty() => {
                return Ok(Turn::Stop(
                    Problem::new("the next row could exceed the maximum cost").hint("run it again with a higher --max-cost"),
                ));
            }
            Packed::TooDear => {
                // what is with the provider may turn out cheaper than it could have been
                self.queue.closed_until = now.tick + self.pace.again(0);
                return Ok(Turn::Again);
            }
        };
        let (planned, single) = (parcel.part.clone(), parcel.single.clone());
        let part = self.keeper.with(move |book, id, now| book.plan_part(id, &planned, now)).await?;
        let (number, rows) = (part.part, part.rows);
        let submitted = submit(self.api, &mut self.line, *parcel).await?;
        let now = self.clock.now().tick;
        let mut open = Open { part, next: now + self.pace.next(Duration::ZERO), failures: 0, cancel_sent: false, done: 0 };
        match submitted {
            Submitted::As(remote) => {
                let name = remote.clone();
                self.keeper.with(move |book, id, _| book.part_submitted(id, number, &name)).await?;
                open.part.remote = Some(remote);
                self.open.push(open);
                self.queue.took();
            }
            Submitted::Unsure => self.open.push(open),
            Submitted::Not(refusal) => {
                self.keeper.with(move |book, id, _| book.part_withdrawn(id, number)).await?;
                return self.refused(*refusal, rows, single).await;
            }
        }
        self.tell().await?;
        Ok(Turn::Again)
    }

    /// A part was not taken: for lack of room, or for what is in it.
    async fn refused(&mut self, refusal: Refusal, rows: u64, single: Option<BatchRow>) -> Result<Turn, Problem> {
        let now = self.clock.now().tick;
        let Refusal { status, headers, body, next, reason } = refusal;
        match (next, single) {
            (Next::Stop(problem), _) => Ok(Turn::Stop(problem)),
            (Next::Again(..), _) => {
                if self.open.is_empty() {
                    // nothing of ours fills the queue: perhaps it holds less than this
                    self.queue.was_too_much(rows);
                }
                if self.queue.was_full(None, self.pace, now) || !self.open.is_empty() {
                    return Ok(Turn::Again);
                }
                Ok(Turn::Stop(Problem::new("the provider takes no batch").because(reason).hint("run it again later")))
            }
            (Next::Done, Some(row)) => {
                let mut answered = status.map_or_else(Answered::default, |status| Answered::head(status, &headers));
                answered.body = body;
                answered.error = Some(json!({ "kind": "request", "reason": reason }));
                self.keeper
                    .step(BatchStep::Ended(self.ending(self.clock.now().wall).of(&BatchRow { sends: row.sends + 1, ..row }, &answered)))
                    .await?;
                self.queue.took();
                self.tell().await?;
                Ok(Turn::Again)
            }
            (Next::Done, None) => {
                // one row may spoil it, or it is too large: half of it says more
                self.queue.was_too_much(rows);
                Ok(Turn::Again)
            }
        }
    }

    /// Finds out whether the provider has a part.
    async fn search(&mut self, at: usize) -> Result<Turn, Problem> {
        let known = self.keeper.with(|book, _, _| book.known_remotes()).await?;
        let part = &self.open[at].part;
        let number = part.part;
        let found = find(self.api, &mut self.line, part, |id| known.contains(id) || part.not_ours.iter().any(|other| other == id)).await?;
        let now = self.clock.now().tick;
        let open = &mut self.open[at];
        open.next = now + self.pace.again(open.failures);
        open.failures += 1;
        match found {
            Found::As(remote) => {
                let name = remote.clone();
                self.keeper.with(move |book, id, _| book.part_submitted(id, number, &name)).await?;
                open.part.remote = Some(remote);
                (open.failures, open.next) = (0, now);
                Ok(Turn::Again)
            }
            Found::Nothing if open.failures >= SEARCHES => {
                self.keeper.with(move |book, id, _| book.part_withdrawn(id, number)).await?;
                self.close(at).await
            }
            Found::Nothing => Ok(Turn::Again),
            Found::Unknown => Ok(self.gave_up(at, "its list cannot be read")),
            Found::Stop(problem) => Ok(Turn::Stop(problem)),
        }
    }

    async fn look(&mut self, at: usize, remote: &str) -> Result<Turn, Problem> {
        let called = self.line.call(&self.api.look(remote)).await?;
        let standing = match called {
            Called::Took(response) => json(response, if self.api.has_lines() { MOST_ANSWER } else { 8 * MOST_ANSWER })
                .await
                .ok()
                .and_then(|(_, answer)| Some((self.api.standing(remote, &answer)?, self.api.tidy(&answer)))),
            Called::Refused(Refusal { next: Next::Stop(problem), .. }) => return Ok(Turn::Stop(problem)),
            Called::Refused(Refusal { status: Some(status), .. }) if status == http::StatusCode::NOT_FOUND => {
                tracing::warn!(batch = remote, "the provider does not know this batch any more; its rows go again");
                return self.over(at).await;
            }
            Called::Refused(_) | Called::Unsure(_) => None,
        };
        let now = self.clock.now();
        let open = &mut self.open[at];
        match standing {
            None => {
                open.failures += 1;
                open.next = now.tick + self.pace.again(open.failures);
                Ok(self.gave_up(at, "its state cannot be read"))
            }
            Some((Standing::Working(done), _)) => {
                let age = now.wall.duration_since(open.part.at).unsigned_abs();
                open.failures = 0;
                open.done = done.unwrap_or(open.done);
                open.next = now.tick + self.pace.next(age);
                self.tell().await?;
                Ok(Turn::Again)
            }
            Some((Standing::Over(paths), uploaded)) => {
                let number = open.part.part;
                let turn = self.collect(at, &paths).await?;
                self.tidy(number, uploaded).await?;
                Ok(turn)
            }
            Some((Standing::Failed(faults), uploaded)) => {
                let number = open.part.part;
                let turn = self.failed(at, &faults).await?;
                self.tidy(number, uploaded).await?;
                Ok(turn)
            }
        }
    }

    /// Once nothing of a part is needed any more, its requests need not stay with the provider.
    async fn tidy(&mut self, number: u64, uploaded: Option<Errand>) -> Result<(), Problem> {
        if self.open.iter().any(|open| open.part.part == number) {
            return Ok(());
        }
        tidy(&mut self.line, uploaded).await
    }

    async fn collect(&mut self, at: usize, paths: &[String]) -> Result<Turn, Problem> {
        let part = self.open[at].part.clone();
        let number = part.part;
        let rows = self.keeper.with(move |book, id, _| book.part_rows(id, number)).await?;
        let rows: BTreeMap<u64, BatchRow> = rows.into_iter().map(|row| (row.row, row)).collect();
        let now = self.clock.now();
        let ending = Ending { route: &self.route, source: &self.source, sent_at: part.at, now: now.wall };
        let collector = Collector { api: self.api, part: &part, rows: &rows, keeper: &self.keeper, ending };
        let collected = collector.collect(&mut self.line, paths).await?;
        self.tell().await?;
        if collected.is_not_ours {
            let remote = part.remote.unwrap_or_default();
            let name = remote.clone();
            self.keeper.with(move |book, id, _| book.part_is_not(id, number, &name)).await?;
            let open = &mut self.open[at];
            open.part.not_ours.push(remote);
            open.part.remote = None;
            (open.failures, open.next) = (0, now.tick);
            return Ok(Turn::Again);
        }
        if let Some(reason) = collected.broke {
            let open = &mut self.open[at];
            open.failures += 1;
            open.next = now.tick + self.pace.again(open.failures);
            return Ok(self.gave_up(at, &reason));
        }
        let turn = self.over(at).await?;
        Ok(collected.stop.map_or(turn, Turn::Stop))
    }

    /// None of a part was run. Rows that are named as the cause end with it; the others go again.
    async fn failed(&mut self, at: usize, faults: &[Fault]) -> Result<Turn, Problem> {
        let part = self.open[at].part.clone();
        let now = self.clock.now().tick;
        let reason = faults.first().map_or("no reason was given", |fault| &fault.message).to_owned();
        if let Some(full) = faults.iter().find(|fault| fault.is_queue_full) {
            let number = part.part;
            self.keeper.with(move |book, id, _| book.part_withdrawn(id, number)).await?;
            if self.open.len() == 1 {
                // nothing else of ours fills the queue: this is too large for it, whatever we count
                self.queue.was_too_much(part.rows);
            }
            let goes_on = self.queue.was_full(full.queue, self.pace, now);
            let closed_until = self.queue.closed_until;
            let turn = self.close(at).await?;
            self.queue.closed_until = closed_until;
            let stop = || Problem::new("the provider's queue stays full").because(reason).hint("run it again later");
            return Ok(if goes_on { turn } else { Turn::Stop(stop()) });
        }
        let number = part.part;
        let rows = self.keeper.with(move |book, id, _| book.part_rows(id, number)).await?;
        let ending = self.ending(part.at);
        let named = faults.iter().filter_map(|fault| {
            let row = if rows.len() == 1 { rows.first() } else { rows.get(usize::try_from(fault.line?.checked_sub(1)?).ok()?) }?;
            let error = json!({ "kind": "request", "reason": fault.message });
            Some(BatchStep::Ended(ending.of(row, &Answered { error: Some(error), ..Answered::default() })))
        });
        let named: Vec<BatchStep> = named.collect();
        if named.is_empty() {
            if rows.len() < 2 {
                return Ok(Turn::Stop(Problem::new("the provider failed a batch").because(reason)));
            }
            self.queue.was_too_much(part.rows);
        }
        self.keeper.steps(named).await?;
        self.over(at).await
    }

    async fn cancel(&mut self, at: usize, remote: &str) -> Result<Turn, Problem> {
        let called = self.line.call(&self.api.cancel(remote)).await?;
        let open = &mut self.open[at];
        open.next = self.clock.now().tick;
        // one that has ended meanwhile refuses, and is then found to have ended
        open.cancel_sent = true;
        if let Called::Unsure(_) = called {
            open.failures += 1;
            open.cancel_sent = open.failures >= MOST_FAILURES;
        }
        Ok(Turn::Again)
    }

    /// A part is over: what has no answer goes again.
    async fn over(&mut self, at: usize) -> Result<Turn, Problem> {
        let number = self.open[at].part.part;
        self.keeper.with(move |book, id, _| book.part_over(id, number)).await?;
        self.close(at).await
    }

    /// A part is no more, and may have left rows behind.
    async fn close(&mut self, at: usize) -> Result<Turn, Problem> {
        self.open.remove(at);
        self.all_submitted = false;
        self.queue.has_room(self.clock.now().tick);
        self.tell().await?;
        Ok(Turn::Again)
    }

    fn gave_up(&self, at: usize, why: &str) -> Turn {
        let Open { part, failures, .. } = &self.open[at];
        if *failures < MOST_FAILURES {
            return Turn::Again;
        }
        let name = part.remote.as_ref().unwrap_or(&part.tag);
        Turn::Stop(Problem::new(format!("batch {name} at the provider cannot be followed")).because(why).hint("run it again later"))
    }
}
