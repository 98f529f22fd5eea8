//! What the gateway is built from, and the time limits it keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::admission::Admission;
use super::routes::Routes;
use crate::domain::{Clock, ModelClass, ModelId, Provider, RequestId, Usage};
use crate::journal::Sink;
use crate::upstream::Upstream;

/// Names the class of models that shares a bucket with this model.
pub type ClassOf = Box<dyn Fn(Provider, &ModelId) -> ModelClass + Send + Sync>;
/// Prices an answer of this model in nano-dollars; `None` if a price is unknown.
pub type CostNanos = Box<dyn Fn(Provider, &ModelId, &Usage) -> Option<u64> + Send + Sync>;

/// The page for monitoring systems, in Prometheus' text format.
pub type MetricsPage = Box<dyn Fn() -> String + Send + Sync>;

/// Everything the gateway works with.
pub struct Parts {
    /// Sends to the providers.
    pub upstream: Arc<dyn Upstream>,
    /// Decides when.
    pub admission: Arc<dyn Admission>,
    /// Takes events.
    pub sink: Sink,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Accounts with their keys, and tokens. The engine puts in a new value when they change; nothing else is asked.
    pub routes: watch::Receiver<Arc<Routes>>,
    /// The next request's number.
    pub next_id: Arc<AtomicU64>,
    /// From the catalogue.
    pub class_of: ClassOf,
    /// From the catalogue.
    pub cost_nanos: CostNanos,
    /// What happened so far, for those who have a local token.
    pub metrics: MetricsPage,
    /// How long it waits for whom.
    pub patience: Patience,
}

impl Parts {
    pub(super) fn take_id(&self) -> RequestId {
        RequestId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }
}

/// How long the gateway waits before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request, the idle time of a kept connection included.
    pub head: Duration,
    /// Between two pieces of a request's body.
    pub body: Duration,
    /// For a request's body before it is held to a rate.
    pub upload: Duration,
    /// Before a waiting stream gets its first comment, and between comments. Claude Code drops a stream after 300 s of silence.
    pub comment: Duration,
    /// For running requests when the gateway stops.
    pub drain: Duration,
}

impl Patience {
    /// For what is not to happen at all.
    pub const NEVER: Duration = Duration::MAX;
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(90),
            body: Duration::from_secs(30),
            upload: Duration::from_mins(1),
            comment: Duration::from_secs(15),
            drain: Duration::from_secs(30),
        }
    }
}
