//! The one immutable value that the window draws: what is going on now.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::command::FoundKey;
use crate::domain::event::Arrival;
use crate::domain::view::{BucketView, WaitingView};
use crate::domain::{Account, ClientName, Event, Notice, RequestRecord, Scope};

/// Everything the window shows without asking the database.
#[derive(Debug, Clone)]
pub struct LiveView {
    /// When this view was made.
    pub at: Timestamp,
    /// Where the gateway listens, or why it does not.
    pub gateway: Result<String, String>,
    /// Whether the simulated providers stand behind it.
    pub demo: bool,
    /// Where keys are kept, or why they cannot be.
    pub vault: Result<String, String>,
    /// Every account.
    pub accounts: Arc<Vec<AccountView>>,
    /// Every local token's client name and when it was made.
    pub tokens: Arc<Vec<(ClientName, Timestamp)>>,
    /// Keys in the environment that could be imported.
    pub found_keys: Arc<Vec<FoundKey>>,
    /// Every bucket, grouped by scope and class.
    pub buckets: Arc<Vec<BucketView>>,
    /// The queue, next to go first.
    pub waiting: Arc<Vec<WaitingView>>,
    /// Requests that were sent and are not over, oldest first.
    pub running: Vec<RunningView>,
    /// Requests that are over, newest first, at most [`LiveView::RECENT`].
    pub recent: VecDeque<Arc<RequestRecord>>,
    /// What the user should know, worst first.
    pub notices: Vec<Notice>,
    /// Since the start of the app.
    pub totals: Totals,
}

/// An account with what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// The stored account.
    pub account: Account,
    /// Whose buckets it draws on.
    pub scope: Scope,
    /// Labels of other accounts that draw on the same buckets.
    pub shares_with: Vec<String>,
    /// Why nothing is sent with it now (no credit, key refused, key missing), if so.
    pub stopped: Option<String>,
    /// The tier that its limits match, if they match one.
    pub tier: Option<String>,
}

/// A request that was sent and is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningView {
    /// The request.
    pub arrival: Arc<Arrival>,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// How often it was sent.
    pub attempt: u32,
    /// How long it waited for room, in milliseconds.
    pub waited_millis: u64,
    /// Whether the head of the answer has arrived.
    pub answering: bool,
}

/// Counts since the start of the app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that ended.
    pub finished: u64,
    /// Of these, answered well.
    pub ok: u64,
    /// Attempts that the provider refused for a limit.
    pub upstream_refusals: u64,
    /// Requests that Tierline refused.
    pub local_refusals: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Milliseconds spent waiting for room, over all requests.
    pub waited_millis: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Nano-dollars, as far as prices are known.
    pub cost_nanos: u64,
    /// Events that could not be recorded.
    pub lost_events: u64,
}

impl LiveView {
    /// How many finished requests it holds.
    pub const RECENT: usize = 500;

    /// A view in which nothing has happened yet.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            gateway: Err("starting".into()),
            demo: false,
            vault: Err("starting".into()),
            accounts: Arc::default(),
            tokens: Arc::default(),
            found_keys: Arc::default(),
            buckets: Arc::default(),
            waiting: Arc::default(),
            running: Vec::new(),
            recent: VecDeque::new(),
            notices: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Takes in one event.
    pub fn apply(&mut self, _event: &Event) {}
}
