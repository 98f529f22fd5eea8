//! Takes the rows that providers' batch APIs answered into the history, and tells everybody who counts requests.
//!
//! A batch writes its answers into its journal, in whichever process it runs. Requests get their numbers in the one process
//! that serves, so it is that one which moves them on: when it is told of them, when it starts, and before it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::orders::aside;
use crate::domain::{Event, Outcome, Problem, RequestId};
use crate::journal::Sink;
use crate::limiter::Limiter;
use crate::store::Store;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Collected(Arc<Inner>);

struct Inner {
    store: Store,
    limiter: Limiter,
    sink: Sink,
    /// The next request's number, which the gateway gives out as well.
    next_id: Arc<AtomicU64>,
    one_at_a_time: Mutex<()>,
}

impl Collected {
    pub(super) fn new(store: Store, limiter: Limiter, sink: Sink, next_id: Arc<AtomicU64>) -> Self {
        Self(Arc::new(Inner { store, limiter, sink, next_id, one_at_a_time: Mutex::default() }))
    }

    /// Takes all that wait.
    ///
    /// # Errors
    /// The database did not take them in time. They wait on.
    pub(super) async fn take(&self) -> Result<(), Problem> {
        let inner = &self.0;
        let _only = inner.one_at_a_time.lock().await;
        loop {
            let (store, next_id) = (inner.store.clone(), Arc::clone(&inner.next_id));
            let number = move || RequestId(next_id.fetch_add(1, Ordering::Relaxed));
            let taken = aside("record the batch's answers", move || store.take_batch_answers(number)).await?;
            if taken.is_empty() {
                return Ok(());
            }
            inner.limiter.with(|core, now| {
                for record in taken.iter().filter(|record| record.outcome == Outcome::Ok) {
                    core.paid(record.account, record.cost_nanos, record.arrived_at, now);
                }
            });
            for record in taken {
                let Some(slot) = inner.sink.slot().await else { return Ok(()) };
                slot.send(Event::Collected(record));
            }
        }
    }

    /// The same, where nobody waits for it.
    pub(super) async fn take_if_possible(&self) {
        if let Err(problem) = self.take().await {
            tracing::warn!(%problem, "answers of a batch are not in the history yet");
        }
    }
}
