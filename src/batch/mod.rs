//! Files of requests, run at the edge of the limits, yielding to everything interactive, and surviving any end of the process.
//!
//! ```text
//! input (scan: every line checked first) -> journal (planned)
//!   -> run: window -> journal (sent, on the disk) -> gateway of this data folder -> judge -> journal (answer and usage, at once)
//!   -> keeper: the lines in input order -> output
//! ```
//!
//! **Rows always go through a gateway of this data folder**, in its batch lane, with a token of their own. When one
//! serves already, it is that one; when none does, the command starts an engine on a free port and uses its gateway just the
//! same. So there is one limiter for everybody who shares the account (two would each believe to have the whole limit),
//! one way for a request to go, and every row stands in the history like any other request. Who brings the gateway is
//! not this folder's business: it asks [`Gateways`], again when one has gone.
//!
//! **The journal** has three states for a row that is not over: planned, sent, answered. There is no state between the
//! intent to send and the sending, because nothing could be told from it: after a crash either may have happened. A row is
//! marked as sent before its first byte leaves; what is marked so when the process ends is sent again, and told.

mod claim;
mod forecast;
pub mod handover;
pub mod input;
mod judge;
mod keeper;
mod line;
mod plan;
pub mod progress;
pub mod run;
mod send;
mod source;
pub mod window;

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::Pin;

use crate::domain::budget::BudgetView;
use crate::domain::view::BucketView;
use crate::domain::{AccountId, ClientName, Dialect, Problem, Provider, Secret};

pub use claim::{Claimed, cancel, claim, client, go};
pub use handover::{finish_hours, hand_over, is_offered};
pub use keeper::{create_output, write_rest};
pub use plan::{Outcome, Planning, Stored, forget, output, plan, refused, rooms};
pub use progress::Progress;
pub use run::{Ended, Job, Options, run};
pub use send::TIMING;

/// A gateway that serves this data folder, and a token for it.
#[derive(Debug)]
pub struct Way {
    /// Its URL, without a path.
    pub url: String,
    /// The batch's own token.
    pub token: Secret,
}

/// The way, or why there is none.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Way, Problem>> + Send + 'a>>;

/// How the limiter stands.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// Every bucket.
    pub buckets: Vec<BucketView>,
    /// Every budget.
    pub budgets: Vec<BudgetView>,
    /// How many rows of the batch wait for room.
    pub waiting: u64,
}

impl Room {
    /// As it is for the batch that stands in the queue under this name.
    #[must_use]
    pub fn of(buckets: Vec<BucketView>, budgets: Vec<BudgetView>, queued: &BTreeMap<ClientName, u64>, client: &str) -> Self {
        Self { buckets, budgets, waiting: queued.get(&ClientName::new(client)).copied().unwrap_or(0) }
    }

    /// What budgets leave for an account, in nano-dollars; `None` if none concerns it.
    fn money(&self, account: AccountId) -> Option<u64> {
        let concerns = |view: &&BudgetView| view.budget.account.is_none_or(|own| own == account);
        let left = |view: &BudgetView| view.budget.nanos.saturating_sub(view.spent.nanos.saturating_add(view.held_nanos));
        self.budgets.iter().filter(concerns).map(left).min()
    }
}

/// A look at the limiter.
pub type Looking<'a> = Pin<Box<dyn Future<Output = Option<Room>> + Send + 'a>>;

/// Telling whoever serves.
pub type Telling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Somebody who finds a gateway, or starts one.
pub trait Gateways: Send + Sync {
    /// The gateway to use from now on. Asked again when the last one has gone.
    fn open(&self) -> Opening<'_>;

    /// How the limiter behind it stands; `None` if that cannot be told.
    fn room(&self) -> Looking<'_> {
        Box::pin(ready(None))
    }

    /// Rows that the provider's batch API answered stand in the journal: whoever serves takes them into the history, now or at
    /// its next start.
    fn answered(&self) -> Telling<'_> {
        Box::pin(ready(()))
    }
}

/// Where a batch's rows go.
#[derive(Debug, Clone)]
pub struct Route {
    /// Under which name the rows stand in the traffic.
    pub client: String,
    /// The account that serves them.
    pub id: AccountId,
    /// Its label.
    pub account: String,
    /// Whose API.
    pub provider: Provider,
    /// How it speaks.
    pub dialect: Dialect,
    /// The gateway's route to it, as in `/anthropic` or `/custom/LABEL`.
    pub path: String,
}
