//! The closed list of orders that the window gives to the engine, and the slots in which answers come back.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use jiff::Timestamp;

use super::batch::{BatchCheck, BatchId, BatchOptions, BatchOrder, BatchWish};
use super::fallback::FallbackView;
use super::plan::{Load, LoadSource, PlanQuery, PlanView};
use super::query::{ExportOrder, Requests, RequestsQuery, Series, SeriesQuery, Story, StoryQuery};
use super::view::{ModelsView, ScanReport};
use super::{
    AccountId, Alias, Budget, Dialect, Dimension, Fallback, Fingerprint, ModelId, Period, Preferences, Problem, Provider, ReportSum,
    Secret, Verdict,
};

/// An order from the window.
#[derive(Debug)]
pub enum Command {
    /// Store an account and its key.
    AddAccount(NewAccount, Reply<Result<(), Problem>>),
    /// Let an account go somewhere else, with the key for that place.
    MoveAccount(MovedAccount, Reply<Result<(), Problem>>),
    /// Forget an account and delete its key.
    RemoveAccount(AccountId, Reply<Result<(), Problem>>),
    /// Store the keys found in these environment variables.
    ImportEnv(Vec<String>, Reply<Result<(), Problem>>),
    /// Make a local token for a client. It is shown once.
    NewToken(String, Reply<Result<Secret, Problem>>),
    /// Make a client's token useless.
    RevokeToken(String, Reply<Result<(), Problem>>),
    /// Set or clear one of the user's own ceilings.
    SetLimit(UserLimit, Reply<Result<(), Problem>>),
    /// Set what an account, or all of them, may spend. How budgets stand is in the view.
    SetBudget(Budget, Reply<Result<(), Problem>>),
    /// Take away the budget of an account (of all of them, if `None`) for a period.
    RemoveBudget(Option<AccountId>, Period, Reply<Result<(), Problem>>),
    /// Say which accounts could serve a model's requests as they are, and what each would do differently. The model's name there is
    /// still to be chosen: the routes in the answer keep the name.
    RouteOffers(ModelId, Reply<Result<Vec<FallbackView>, Problem>>),
    /// Switch a fallback route on.
    AddRoute(Fallback, Reply<Result<(), Problem>>),
    /// Switch a fallback route off.
    RemoveRoute(Fallback, Reply<Result<(), Problem>>),
    /// Let a model's name stand for another in an account's requests.
    SetAlias(Alias, Reply<Result<(), Problem>>),
    /// Let an account's requests name what they name again.
    RemoveAlias(AccountId, ModelId, Reply<Result<(), Problem>>),
    /// Ask the provider for the account's limits now.
    Probe(AccountId, Reply<Result<ProbeReport, Problem>>),
    /// Let the next request of the account try at once what keeps failing or was stopped; answers with what that is, a line each.
    TryNow(AccountId, Reply<Vec<String>>),
    /// Ask the provider whether the account's key works; costs nothing.
    TestKey(AccountId, Reply<Result<ProbeReport, Problem>>),
    /// Read a chart's points.
    Series(SeriesQuery, Reply<Result<Series, Problem>>),
    /// Read a page of finished requests.
    Requests(RequestsQuery, Reply<Result<Requests, Problem>>),
    /// Read the whole story of one request.
    Story(StoryQuery, Reply<Result<Story, Problem>>),
    /// Write an export; answers with the number of rows.
    Export(ExportOrder, Reply<Result<u64, Problem>>),
    /// Write a chart into a file; answers with the number of its steps.
    WriteChart(ChartOrder, Reply<Result<u64, Problem>>),
    /// Read what was imported of providers' usage reports, in sum.
    Reports(Reply<Result<Vec<ReportSum>, Problem>>),
    /// Read the catalogue's models.
    Models(Reply<Result<ModelsView, Problem>>),
    /// Find retired and retiring model names in the files of a folder.
    ScanModels(PathBuf, Progress, Reply<Result<ScanReport, Problem>>),
    /// Read what load was recorded, or stands in a file: one for each model.
    Loads(LoadSource, Progress, Reply<Result<Vec<Load>, Problem>>),
    /// Hold a load against what tiers allow.
    Plan(PlanQuery, Reply<Result<PlanView, Problem>>),
    /// Read a batch's file and say what is in it and what it would take. Nothing is sent.
    CheckBatch(BatchOrder, Progress, Reply<Result<BatchCheck, Problem>>),
    /// Run a file of requests; answers once its rows are being sent.
    StartBatch(BatchOrder, Progress, Reply<Result<BatchId, Problem>>),
    /// Go on with a batch that was paused or interrupted.
    ResumeBatch(BatchId, BatchOptions, Reply<Result<(), Problem>>),
    /// Pause or cancel a batch.
    StopBatch(BatchId, BatchWish, Reply<Result<(), Problem>>),
    /// Say what a provider's error means.
    Explain(PastedError, Reply<Result<Verdict, Problem>>),
    /// Take these preferences from now on. Nobody waits for it; if they cannot be stored, that is a notice.
    SetPreferences(Preferences),
    /// Start at login from now on or no more, or only ask whether that is so. Answers with how it is then.
    StartAtLogin(Option<bool>, Reply<Result<bool, Problem>>),
    /// End the program, also if the gateway would go on without a window.
    Quit,
    /// Remember a setting under a name. Nobody waits for it; one that cannot be stored is a notice.
    SaveSetting(String, String),
}

/// An account to be stored.
#[derive(Debug)]
pub struct NewAccount {
    /// Whose API.
    pub provider: Provider,
    /// The user's name for it.
    pub label: String,
    /// Where it lives, if not at the provider's usual address.
    pub base_url: Option<String>,
    /// The key.
    pub key: Secret,
}

/// Where an account goes from now on.
#[derive(Debug)]
pub struct MovedAccount {
    /// Which account.
    pub id: AccountId,
    /// Its new base URL.
    pub base_url: String,
    /// The key for it. A key that is stored is bound to the place that it was stored for.
    pub key: Secret,
}

/// A chart to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartOrder {
    /// What it shows.
    pub query: SeriesQuery,
    /// As a picture, or its numbers as CSV.
    pub picture: Option<Picture>,
    /// Where to.
    pub path: PathBuf,
}

/// A picture as it stood on the screen.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Four bytes a pixel: red, green, blue, opacity.
    pub rgba: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

/// A provider's error as a person copied it from somewhere. Its texts may hold anything: they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PastedError {
    /// Whose error.
    pub provider: Dialect,
    /// HTTP status.
    pub status: u16,
    /// Headers, `name: value` a line; other lines are passed over.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl fmt::Debug for PastedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastedError").field("provider", &self.provider).field("status", &self.status).finish_non_exhaustive()
    }
}

/// One of the user's own ceilings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLimit {
    /// For which account.
    pub account: AccountId,
    /// For which class of models; all of them if `None`.
    pub class: Option<super::ModelClass>,
    /// Of what.
    pub dimension: Dimension,
    /// Over how long.
    pub period: Period,
    /// How much; `None` takes the ceiling away.
    pub capacity: Option<u64>,
}

/// What a probe learned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProbeReport {
    /// The account's label.
    pub account: String,
    /// When.
    pub at: Timestamp,
    /// The request that was made, without its key.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// What it cost in nano-dollars, as far as is known.
    pub cost_nanos: Option<u64>,
    /// What was learned, a sentence each, with where from.
    pub learned: Vec<String>,
    /// What this provider does not tell.
    pub unknown: Vec<String>,
}

/// A key found in the environment: its name and fingerprint, never its value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FoundKey {
    /// The variable.
    pub variable: String,
    /// Whose key it is, by the variable's name.
    pub provider: Provider,
    /// A short name for the key.
    pub fingerprint: Fingerprint,
    /// Whether an account with this key exists already.
    pub known: bool,
}

/// How far long work has come, and the wish to stop it: one end for who works, one for who watches.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicBool)>);

impl Progress {
    /// So much is done now. `false` once the work is to stop.
    #[must_use]
    pub fn advance(&self, done: u64) -> bool {
        self.0.0.store(done, Ordering::Relaxed);
        !self.0.1.load(Ordering::Relaxed)
    }

    /// How much is done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Asks the work to stop.
    pub fn stop(&self) {
        self.0.1.store(true, Ordering::Relaxed);
    }
}

/// Where an answer goes. Dropping it unanswered tells the asker that none will come.
pub struct Reply<T>(mpsc::SyncSender<T>, Option<Box<dyn Fn() + Send>>);

/// Where the asker looks for the answer, once a frame.
#[derive(Debug)]
pub struct Pending<T>(mpsc::Receiver<T>);

/// What a [`Pending`] holds now.
#[derive(Debug, PartialEq, Eq)]
pub enum Poll<T> {
    /// Not answered yet.
    Waiting,
    /// The answer. It comes once.
    Ready(T),
    /// No answer will come.
    Gone,
}

impl<T> Reply<T> {
    /// A slot and the place to look at. `wake` is called after the answer was put in.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + 'static) -> (Self, Pending<T>) {
        let (tx, rx) = mpsc::sync_channel(1);
        (Self(tx, Some(Box::new(wake))), Pending(rx))
    }

    /// Puts the answer in.
    pub fn send(self, answer: T) {
        // the asker may have closed its panel: then nobody wants the answer
        let _ = self.0.try_send(answer);
        if let Some(wake) = &self.1 {
            wake();
        }
    }
}

impl<T> Pending<T> {
    /// Looks once, without waiting.
    #[must_use]
    pub fn poll(&self) -> Poll<T> {
        match self.0.try_recv() {
            Ok(answer) => Poll::Ready(answer),
            Err(mpsc::TryRecvError::Empty) => Poll::Waiting,
            Err(mpsc::TryRecvError::Disconnected) => Poll::Gone,
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}
