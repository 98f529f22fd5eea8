//! The async side of the limiter: waiting futures, one timer, reservations that settle themselves.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::dimension::Meter;
use crate::domain::{AccountId, ClientName, Cost, Lane, LocalRefusal, ModelClass, RequestFacts, RequestId, Snapshot, Usage, Verdict};

/// A request that wants to be admitted.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its number.
    pub id: RequestId,
    /// Which account will serve it.
    pub account: AccountId,
    /// Which models' buckets it draws on.
    pub class: ModelClass,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stands in.
    pub lane: Lane,
    /// What is known of it.
    pub facts: Arc<RequestFacts>,
    /// The longest it may wait for room. `None` is the user's setting.
    pub patience: Option<Duration>,
}

/// Admits requests. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Limiter {}

/// Room that was taken for one request. Settled exactly once: by [`settle`](Self::settle), or on drop with what was seen.
#[derive(Debug)]
pub struct Reservation {
    ask: Ask,
    seen: Usage,
}

impl Limiter {
    /// Waits for room in every bucket the request draws on. Dropping the future gives up the place in the queue.
    ///
    /// # Errors
    /// A refusal of our own that says when it would pass, or never.
    #[expect(clippy::unused_async, reason = "a stand-in until the core is there")]
    pub async fn admit(&self, ask: Ask) -> Result<Reservation, LocalRefusal> {
        Ok(Reservation { ask, seen: Usage::default() })
    }

    /// After a refusal by the provider: gives the room back, freezes the bucket that the verdict names, and, where a
    /// retry can help and is allowed, waits at the head of the queue for room again.
    ///
    /// # Errors
    /// `None` if the refusal should be passed on to the client; a refusal of our own does not occur here.
    #[expect(clippy::unused_async, reason = "a stand-in until the core is there")]
    pub async fn after_refusal(&self, reservation: Reservation, _verdict: &Verdict) -> Option<Reservation> {
        drop(reservation);
        None
    }

    /// After an attempt that got no answer: gives the room back as far as it is certain that nothing was processed,
    /// and, where a retry is `safe` and allowed, waits for room again.
    #[expect(clippy::unused_async, reason = "a stand-in until the core is there")]
    pub async fn after_failure(&self, reservation: Reservation, _safe: bool) -> Option<Reservation> {
        drop(reservation);
        None
    }
}

impl Reservation {
    /// How long it waited for room, over all attempts.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        Duration::ZERO
    }

    /// The meter that made it wait.
    #[must_use]
    pub const fn bound_by(&self) -> Option<Meter> {
        None
    }

    /// What was taken for it.
    #[must_use]
    pub const fn reserved(&self) -> Cost {
        Cost::ZERO
    }

    /// Which request it is for.
    #[must_use]
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The head of the answer arrived.
    pub fn observe(&mut self, _snapshot: &Snapshot) {}

    /// Usage seen so far, while the answer streams.
    pub fn progress(&mut self, seen: &Usage) {
        self.seen.clone_from(seen);
    }

    /// The answer is over and took this.
    pub fn settle(self, _usage: &Usage) {}
}
