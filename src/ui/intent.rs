//! What a panel wants done. Panels answer with intents and never act; [`App`](super::App) turns them into commands.

use std::path::PathBuf;

use crate::domain::batch::{BatchId, BatchOrder, BatchWish};
use crate::domain::command::{ChartOrder, MovedAccount, NewAccount, PastedError, UserLimit};
use crate::domain::plan::{LoadSource, PlanQuery};
use crate::domain::query::{ExportOrder, RequestsQuery, SeriesQuery, StoryQuery};
use crate::domain::{AccountId, Alias, BucketKey, Budget, Dialect, Fallback, ModelId, Period, Preferences, RequestId};

use super::panels::planner::Seed;
use super::state::{Density, PanelId, ThemeChoice};

/// One wish.
#[derive(Debug)]
pub enum Intent {
    /// Bring a panel to the front.
    Go(PanelId),
    /// Show the history of one bucket.
    ShowBucket(BucketKey),
    /// Show a model in the catalogue.
    ShowModel(String),
    /// Show one request in the traffic panel.
    ShowRequest(RequestId),
    /// Write into the filter of the traffic panel; these words stand in it then.
    FilterTraffic(Option<String>),
    /// Open the dialog with the user's own limits of an account.
    ShowLimits(AccountId),
    /// Open the dialog that writes the history into a file.
    OpenExport,
    /// Open the folder scan.
    OpenScan,
    /// Choose the colours.
    SetTheme(ThemeChoice),
    /// Choose the height of table lines.
    SetDensity(Density),
    /// Take these preferences.
    Prefer(Preferences),
    /// Start at login or no more, or only ask.
    StartAtLogin(Option<bool>),
    /// End the program.
    Quit,
    /// Open the dialog that explains an error.
    OpenExplain,
    /// Say what an error means.
    Explain(PastedError),
    /// Open the form for a key that is typed in.
    EnterKey,
    /// Store the keys in these environment variables.
    ImportKeys(Vec<String>),
    /// Store an account.
    AddAccount(NewAccount),
    /// Let an account go somewhere else.
    MoveAccount(MovedAccount),
    /// Forget an account and its key.
    RemoveAccount(AccountId),
    /// Ask a provider whether a key works.
    TestKey(AccountId),
    /// Let the account's next request try at once what keeps failing.
    TryNow(AccountId),
    /// Ask a provider for its limits.
    Probe(AccountId),
    /// Set or clear a ceiling of the user's own.
    SetLimit(UserLimit),
    /// Show budgets, limits, routes and names.
    OpenRules,
    /// Set what may be spent.
    SetBudget(Budget),
    /// Take a budget away.
    RemoveBudget(Option<AccountId>, Period),
    /// Ask which accounts could serve a model's requests.
    AskForRoutes(ModelId),
    /// Switch a fallback route on.
    AddRoute(Fallback),
    /// Switch a fallback route off.
    RemoveRoute(Fallback),
    /// Let a model's name stand for another.
    SetAlias(Alias),
    /// Let requests name what they name again.
    RemoveAlias(AccountId, ModelId),
    /// Make a local token.
    NewToken(String),
    /// Make a local token useless.
    RevokeToken(String),
    /// Read a chart.
    LoadSeries(SeriesQuery),
    /// Read the whole story of a request.
    LoadStory(StoryQuery),
    /// Read a page of older requests.
    LoadRequests(RequestsQuery),
    /// Write a file.
    Export(ExportOrder),
    /// Write the chart into a file.
    WriteChart(ChartOrder),
    /// Read what was imported of usage reports.
    LoadReports,
    /// Read the catalogue.
    LoadModels,
    /// Plan a load with this model.
    PlanModel(Dialect, String),
    /// Read the catalogue for the planner's choice of a model.
    LoadPlannerModels,
    /// Read what load was recorded, or stands in a file.
    LoadLoads(LoadSource),
    /// Hold a load against what tiers allow.
    Plan(PlanQuery),
    /// Open the form for a new batch.
    OpenNewBatch,
    /// Read a batch's file and say what is in it.
    CheckBatch(BatchOrder),
    /// Run a file of requests.
    StartBatch(BatchOrder),
    /// Go on with a batch.
    ResumeBatch(BatchId),
    /// Pause or cancel a batch.
    StopBatch(BatchId, BatchWish),
    /// Begin a batch with what was planned.
    SeedBatch(Seed),
    /// Look for names of models that end in a folder.
    ScanModels(PathBuf),
}
