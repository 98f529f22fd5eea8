//! Runs a batch: rows in flight, rows that go again, and everything that can make it stop.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::forecast::{Answer, Forecast, Left};
use super::input::{InputFile, Reading, Row};
use super::judge::{Answered, Next};
use super::keeper::Keeper;
use super::line::line;
use super::progress::Progress;
use super::send::{Sender, Sent};
use super::source::Source;
use super::window::Window;
use super::{Gateways, Looking, Room, Route};
use crate::catalog::Catalog;
pub use crate::domain::batch::BatchOptions as Options;
use crate::domain::batch::{BatchRecord, BatchState, BatchWish};
use crate::domain::{Clock, Problem, RequestFacts, Tick};
use crate::provider::counted;
use crate::store::{BatchBook, BatchEnd, BatchRow, BatchStep};
use crate::upstream::Upstream;

/// A planned batch, with everything it takes to run it.
pub struct Job {
    /// The batch.
    pub record: BatchRecord,
    /// Its journal.
    pub book: BatchBook,
    /// Its rows.
    pub input: InputFile,
    /// How they are read.
    pub reading: Reading,
    /// Where they go.
    pub route: Route,
    /// Through what.
    pub gateways: Arc<dyn Gateways>,
    /// What sends them to the gateway.
    pub upstream: Arc<dyn Upstream>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the user wants of this run.
    pub options: Options,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every row has its line.
    Done,
    /// Paused, for this reason.
    Paused(Problem),
    /// Cancelled by the user.
    Cancelled,
}

/// As many rows as ever are on their way at once.
const MOST_IN_FLIGHT: usize = 512;
/// No more than so many bytes of rows, unless one alone is longer: on its way each is in memory several times.
const MOST_BYTES: u64 = 12 << 20;
/// How many planned rows are read from the journal at a time.
const FEED: u32 = 1_024;
/// How long rows that are on their way may take to end when the batch pauses. Nobody waits longer for a pause; what is given
/// up is in the journal as sent.
const GRACE: Duration = Duration::from_secs(5);
/// The longest pause between tries that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many seconds a gateway that went away is waited for.
const GATEWAY_SECS: u32 = 60;

/// Runs a batch to its end, or until something stops it. Each number in `stop` above zero is a request to pause; at two,
/// what is on its way is given up as well. `observer` hears how it goes about once a second.
///
/// # Errors
/// The journal cannot be written, or no gateway can be had. The batch is as it was; run it again.
pub async fn run(job: Job, mut stop: watch::Receiver<u8>, observer: &mut dyn FnMut(&Progress)) -> Result<Ended, Problem> {
    let Job { record, book, input, reading, route, gateways, upstream, clock, options } = job;
    let keeper = Keeper::start(book, &record, Arc::clone(&clock))?;
    let shared = Arc::new(Shared { keeper: keeper.clone(), source: Source::new(input, reading), clock: Arc::clone(&clock) });
    let window = options.concurrency.map_or_else(|| Window::adaptive(MOST_IN_FLIGHT), Window::fixed);
    let began = clock.now().tick;
    let bytes_left = keeper.with(|book, id, _| book.bytes_left(id)).await?;
    let mut state = Running {
        progress: Progress {
            rows: record.rows,
            answered: record.answered,
            failed: record.failed,
            cost_nanos: record.cost_nanos,
            ..Progress::default()
        },
        forecast: Forecast::new(began, record.finished(), bytes_left),
        bytes_left,
        waiting: 0,
        with_room: 0,
        on_their_way: 0,
        flights: 0,
        window,
        feed: VecDeque::new(),
        fed_up_to: None,
        all_fed: false,
        again: BTreeMap::new(),
        tries: BTreeMap::new(),
        tasks: JoinSet::new(),
        out: BTreeMap::new(),
        dearest: 0,
        options,
        shared,
    };
    let make_sender = |way: &super::Way| Sender::new(Arc::clone(&upstream), Arc::clone(&clock), &route, way);
    let mut sender = make_sender(&gateways.open().await?)?;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looking: Option<Looking<'_>> = None;
    let ended = loop {
        if let Some(reason) = state.fill(&sender).await? {
            break Ended::Paused(reason);
        }
        if state.is_over() {
            break Ended::Done;
        }
        let next_again = state.again.keys().next().map(|(at, _)| at.since(clock.now().tick));
        tokio::select! {
            Some(done) = state.tasks.join_next() => match state.landed(done, &clock)? {
                Landed::Stop(problem) => break Ended::Paused(problem),
                // of the rows that found it gone the first one gets another
                Landed::NoGateway(generation) if generation == sender.generation() => {
                    sender = make_sender(&reopen(gateways.as_ref()).await?)?.after(generation);
                }
                Landed::Well | Landed::NoGateway(_) => {}
            },
            () = sleep(next_again.unwrap_or(Duration::MAX)), if next_again.is_some() => {}
            Ok(_) = stop.wait_for(|asked| *asked > 0) => break Ended::Paused(Problem::new("interrupted").hint("run it again to go on")),
            // a gateway that is slow to tell holds nothing up
            room = looked(&mut looking) => if let Some(mut room) = room {
                room.buckets.retain(|bucket| bucket.accounts.contains(&route.account));
                state.look(&room, &clock);
            },
            _ = ticks.tick() => {
                if looking.is_none() {
                    state.on_their_way = state.tasks.len();
                    looking = Some(gateways.room());
                }
                observer(&state.seen(&clock));
                let look = keeper.look().await?;
                match (look.wish, look.trouble) {
                    (_, Some(trouble)) => break Ended::Paused(trouble),
                    (Some(BatchWish::Pause), None) => break Ended::Paused(Problem::new("paused by the user")),
                    (Some(BatchWish::Cancel), None) => break Ended::Cancelled,
                    (None, None) => {}
                }
            }
        }
    };
    if !state.tasks.is_empty() {
        observer(&Progress { pausing_secs: Some(GRACE.as_secs()), ..state.seen(&clock) });
    }
    state.land(&mut stop, &clock).await;
    let finished = keeper.finish(ended == Ended::Cancelled).await;
    observer(&state.seen(&clock));
    match (ended, finished) {
        (Ended::Done, Err(trouble)) => Ok(Ended::Paused(trouble)),
        (Ended::Cancelled, Err(trouble)) => Err(trouble),
        (ended, _) => Ok(ended),
    }
}

/// What a look that was begun tells.
async fn looked(looking: &mut Option<Looking<'_>>) -> Option<Room> {
    match looking {
        Some(look) => {
            let room = look.await;
            *looking = None;
            room
        }
        None => pending().await,
    }
}

/// A gateway that has gone comes back, or another takes its place once the data folder is free.
pub(super) async fn reopen(gateways: &dyn Gateways) -> Result<super::Way, Problem> {
    let mut tries = 0;
    loop {
        sleep(Duration::from_secs(1)).await;
        tries += 1;
        match gateways.open().await {
            Ok(way) => return Ok(way),
            Err(problem) if tries >= GATEWAY_SECS => return Err(problem),
            Err(_) => {}
        }
    }
}

impl Ended {
    /// The state in which the batch is afterwards, and why.
    #[must_use]
    pub fn state(&self) -> (BatchState, Option<String>) {
        match self {
            Self::Done => (BatchState::Done, None),
            Self::Paused(reason) => (BatchState::Paused, Some(reason.to_string())),
            Self::Cancelled => (BatchState::Cancelled, None),
        }
    }
}

/// What every row's task works with.
struct Shared {
    keeper: Keeper,
    source: Source,
    clock: Arc<dyn Clock>,
}

struct Running {
    progress: Progress,
    forecast: Forecast,
    /// The size of the rows without an answer.
    bytes_left: u64,
    /// How many rows waited for room when the limiter was last looked at, and how many had theirs.
    waiting: u64,
    with_room: u64,
    /// How many rows were on their way when the last look began: of those that came since it tells nothing.
    on_their_way: usize,
    /// How many flights have begun.
    flights: u64,
    window: Window,
    feed: VecDeque<BatchRow>,
    fed_up_to: Option<u64>,
    all_fed: bool,
    /// Rows that go again, by when.
    again: BTreeMap<(Tick, u64), BatchRow>,
    tries: BTreeMap<u64, u32>,
    tasks: JoinSet<Result<Flown, Problem>>,
    /// The rows on their way.
    out: BTreeMap<u64, Out>,
    dearest: u64,
    options: Options,
    shared: Arc<Shared>,
}

/// A row on its way.
struct Out {
    may_cost: u64,
    bytes: u64,
}

/// A row whose task has ended.
struct Flown {
    /// Which flight it was, from 0.
    flight: u64,
    row: BatchRow,
    what: Flight,
    /// What it took, if it was answered well.
    answer: Option<Answer>,
}

enum Flight {
    Over(Box<Answered>),
    Again { after: Duration, answered: Box<Answered> },
    Stop(Problem),
    NoGateway(u32),
}

enum Landed {
    Well,
    Stop(Problem),
    NoGateway(u32),
}

impl Running {
    /// Sends rows until the window is full. A reason, if no more may go for the user's sake.
    async fn fill(&mut self, sender: &Sender) -> Result<Option<Problem>, Problem> {
        while self.tasks.len() < self.window.size() {
            let now = self.shared.clock.now();
            if self.options.deadline.is_some_and(|deadline| now.wall >= deadline) {
                return Ok(Some(Problem::new("the deadline has passed").hint("run it again with a later --deadline, or without one")));
            }
            let Some(row) = self.next(now.tick).await? else { return Ok(None) };
            let bytes = self.out.values().map(|out| out.bytes).sum::<u64>() + row.length;
            if bytes > MOST_BYTES && !self.tasks.is_empty() {
                self.feed.push_front(row);
                return Ok(None);
            }
            let request = match self.shared.source.read(&row) {
                Ok(request) => request,
                Err(problem) => return Ok(Some(problem)),
            };
            let may_cost = self.may_cost(&request.facts);
            let so_far = self.progress.cost_nanos + self.out.values().map(|out| out.may_cost).sum::<u64>();
            if self.options.max_cost_nanos.is_some_and(|most| so_far.saturating_add(may_cost) > most) {
                self.feed.push_front(row);
                if self.tasks.is_empty() {
                    let reason = Problem::new("the next row could exceed the maximum cost").hint("run it again with a higher --max-cost");
                    return Ok(Some(reason));
                }
                // what is on its way may turn out cheaper than it could have been
                return Ok(None);
            }
            self.out.insert(row.row, Out { may_cost, bytes: row.length });
            let tries = self.tries.get(&row.row).copied().unwrap_or(0);
            let flight = self.flights;
            self.flights += 1;
            self.tasks.spawn(fly(Arc::clone(&self.shared), sender.clone(), flight, row, request, tries));
        }
        Ok(None)
    }

    /// The next row to be sent: first those that go again, then the planned ones; of the last ones the longest first.
    async fn next(&mut self, now: Tick) -> Result<Option<BatchRow>, Problem> {
        if let Some(due) = self.again.first_entry()
            && due.key().0 <= now
        {
            return Ok(Some(due.remove()));
        }
        if self.feed.is_empty() && !self.all_fed {
            let rows = self.shared.keeper.rows(self.fed_up_to, FEED).await?;
            self.fed_up_to = rows.last().map(|row| row.row).or(self.fed_up_to);
            self.all_fed = rows.len() < FEED as usize;
            self.feed = rows.into();
            if self.all_fed {
                // a long row that goes last would be waited for alone
                let last = self.feed.len().saturating_sub(MOST_IN_FLIGHT);
                self.feed.make_contiguous()[last..].sort_by_key(|row| std::cmp::Reverse(row.length.max(1).ilog2()));
            }
        }
        Ok(self.feed.pop_front())
    }

    fn is_over(&self) -> bool {
        self.tasks.is_empty() && self.again.is_empty() && self.feed.is_empty() && self.all_fed
    }

    /// What a row may cost by its size; if it sets no maximum for its answer, no less than the dearest so far.
    fn may_cost(&self, facts: &RequestFacts) -> u64 {
        if self.options.max_cost_nanos.is_none() {
            return 0;
        }
        let by_size = self.shared.source.may_cost(facts, None, self.shared.clock.now().wall);
        if facts.max_output.is_some() { by_size } else { by_size.max(self.dearest) }
    }

    fn landed(&mut self, done: Result<Result<Flown, Problem>, tokio::task::JoinError>, clock: &Arc<dyn Clock>) -> Result<Landed, Problem> {
        let Flown { flight, row, what, answer } = done.map_err(|error| Problem::new("a row's task ended early").because(error))??;
        self.forecast.ended(flight, answer);
        self.out.remove(&row.row);
        let now = clock.now().tick;
        match what {
            Flight::Over(answered) => {
                self.tries.remove(&row.row);
                self.note(&answered);
                self.bytes_left = self.bytes_left.saturating_sub(row.length);
                if answered.is_well() {
                    self.progress.answered += 1;
                } else {
                    self.progress.failed += 1;
                }
                let cost = answered.cost_nanos.unwrap_or(0);
                self.progress.cost_nanos += cost;
                self.dearest = self.dearest.max(cost);
                Ok(Landed::Well)
            }
            Flight::Again { after, answered } => {
                self.note(&answered);
                *self.tries.entry(row.row).or_default() += 1;
                self.again.insert((now + after, row.row), BatchRow { sends: row.sends + 1, ..row });
                Ok(Landed::Well)
            }
            Flight::Stop(problem) => Ok(Landed::Stop(problem)),
            Flight::NoGateway(generation) => {
                self.again.insert((now, row.row), row);
                Ok(Landed::NoGateway(generation))
            }
        }
    }

    fn note(&mut self, answered: &Answered) {
        self.window.answered(Duration::from_millis(answered.wait_millis));
        if answered.bound_by.is_some() {
            self.progress.bound_by.clone_from(&answered.bound_by);
        }
    }

    /// Lets what is on its way end, for a while; what does not is given up, and is sent again with the next run.
    async fn land(&mut self, stop: &mut watch::Receiver<u8>, clock: &Arc<dyn Clock>) {
        let all = async {
            while let Some(done) = self.tasks.join_next().await {
                // the batch is stopping already: what else goes wrong comes up again with the next run
                let _ = self.landed(done, clock);
            }
        };
        tokio::select! {
            _ = timeout(GRACE, all) => {}
            Ok(_) = stop.wait_for(|asked| *asked > 1) => {}
        }
        self.tasks.shutdown().await;
    }

    fn look(&mut self, room: &Room, clock: &Arc<dyn Clock>) {
        self.waiting = room.waiting;
        self.with_room = (self.on_their_way.min(self.tasks.len()) as u64).saturating_sub(room.waiting);
        self.window.looked(self.on_their_way, usize::try_from(room.waiting).unwrap_or(usize::MAX));
        self.forecast.look(clock.now().tick, self.left(), &room.buckets);
    }

    fn left(&self) -> Left {
        let rows = self.progress.rows.saturating_sub(self.progress.answered + self.progress.failed);
        Left { rows, bytes: self.bytes_left, with_room: self.with_room }
    }

    fn seen(&mut self, clock: &Arc<dyn Clock>) -> Progress {
        let now = clock.now().tick;
        let left = self.left();
        let is_steady = self.waiting > 0 || !self.window.may_grow();
        let progress = &mut self.progress;
        progress.in_flight = self.tasks.len() as u64;
        progress.again = self.again.len() as u64;
        progress.rows_per_min = self.forecast.rate(now, progress.answered + progress.failed, left.bytes);
        progress.eta_secs = self.forecast.eta_secs(now, left, is_steady);
        progress.elapsed_secs = self.forecast.elapsed(now).as_secs();
        progress.clone()
    }
}

/// One row's whole flight: marked as sent, sent, judged, and its end in the journal.
async fn fly(shared: Arc<Shared>, sender: Sender, flight: u64, row: BatchRow, request: Row, tries: u32) -> Result<Flown, Problem> {
    shared.keeper.step(BatchStep::Sent { row: row.row }).await?;
    let (model, dialect, sent_at) = (request.facts.model.clone(), shared.source.reading.dialect, shared.clock.now().tick);
    let what = match sender.send(request).await {
        Sent::NoGateway => Flight::NoGateway(sender.generation()),
        Sent::Answered(_, Next::Stop(problem)) => Flight::Stop(problem),
        Sent::Answered(answered, Next::Again(after, most)) if tries + 1 < most => {
            // each failure in a row doubles the pause, up to a point; a longer one was asked for
            Flight::Again { after: (after * 2_u32.pow(tries.min(4))).min(after.max(LONGEST_PAUSE)), answered }
        }
        Sent::Answered(answered, _) => Flight::Over(answered),
    };
    let took = shared.clock.now().tick.since(sent_at);
    let answer = match (&what, model) {
        (Flight::Over(answered), Some(model)) if answered.is_well() => Some(Answer {
            class: Catalog::bundled().class_of(dialect, &model),
            bytes: row.length,
            counted: counted(dialect, Some(&model), &answered.usage),
            took: took.saturating_sub(Duration::from_millis(answered.wait_millis)),
        }),
        _ => None,
    };
    let step = match &what {
        Flight::Over(answered) => BatchStep::Ended(BatchEnd {
            row: row.row,
            well: answered.is_well(),
            line: line(&row.custom_id, row.line, row.sends + 1, answered),
            cost_nanos: answered.cost_nanos,
            input_tokens: answered.usage.total_input(),
            output_tokens: answered.usage.output,
            record: None,
        }),
        Flight::Again { .. } | Flight::Stop(_) | Flight::NoGateway(_) => BatchStep::Back { row: row.row },
    };
    shared.keeper.step(step).await?;
    Ok(Flown { flight, row, what, answer })
}
