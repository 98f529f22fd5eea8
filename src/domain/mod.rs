//! The vocabulary of Tierline: what a limit, a bucket, a request and a refusal are.
//!
//! This floor knows no sockets, no files, no tasks, no window. Everything here is a value that can be
//! compared, printed (secrets excepted) and replayed.

pub mod account;
pub mod alias;
pub mod batch;
pub mod budget;
pub mod bypass;
pub mod command;
pub mod cost;
pub mod dimension;
pub mod event;
pub mod fallback;
pub mod identity;
pub mod limit;
pub mod model;
pub mod plan;
pub mod pool;
pub mod preferences;
pub mod problem;
pub mod provider;
pub mod query;
pub mod refusal;
pub mod report;
pub mod request;
pub mod rules;
pub mod secret;
pub mod snapshot;
pub mod snippet;
pub mod time;
pub mod usage;
pub mod view;

pub use account::{Account, AccountId, BaseUrl, KeyRef};
pub use alias::Alias;
pub use budget::Budget;
pub use cost::Cost;
pub use dimension::{Dimension, Period, Refill, Window};
pub use event::{Event, LimitChange, Notice, RefusalRecord, Severity};
pub use fallback::Fallback;
pub use identity::{Identity, Scope, ScopeKind};
pub use limit::{BucketKey, Limit, LimitSource};
pub use model::{ModelClass, ModelEnd, ModelId};
pub use pool::Pool;
pub use preferences::Preferences;
pub use problem::Problem;
pub use provider::{Dialect, Provider};
pub use refusal::{LocalReason, LocalRefusal, Verdict, VerdictKind, Whose};
pub use report::{AdminReport, DayCost, DayUsage, ReportSum};
pub use request::{Api, ClientName, Lane, Outcome, RequestFacts, RequestId, RequestRecord};
pub use rules::Rules;
pub use secret::{Fingerprint, Secret};
pub use snapshot::{Oddity, Reading, Snapshot};
pub use time::{Clock, Now, Tick};
pub use usage::{Certainty, Usage};
