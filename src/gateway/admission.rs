//! What the gateway needs of a limiter, and the limiter as it fits that need.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::domain::dimension::Meter;
use crate::domain::{Cost, LocalRefusal, Snapshot, Usage, Verdict};
use crate::limiter::{Ask, Limiter, Reservation};

/// A wait for room. Dropping it gives up the place in the queue.
pub type Wait<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Somebody who admits requests.
pub trait Admission: Send + Sync + 'static {
    /// Waits for room, or refuses with a time or "never".
    fn admit(&self, ask: Ask) -> Wait<Result<Box<dyn Hold>, LocalRefusal>>;
}

/// Room held for one request. Given back exactly once: by one of the methods that take it, or on drop with what was seen.
pub trait Hold: Send + 'static {
    /// How long it waited, over all attempts.
    fn waited(&self) -> Duration;
    /// What made it wait.
    fn bound_by(&self) -> Option<Meter>;
    /// How much is held.
    fn reserved(&self) -> Cost;
    /// What the buckets it draws on hold now, one line each.
    fn ledger(&self) -> Vec<String>;
    /// The head of the answer arrived.
    fn observe(&mut self, snapshot: &Snapshot);
    /// Usage seen so far.
    fn progress(&mut self, seen: &Usage);
    /// The answer is over and took this.
    fn settle(self: Box<Self>, usage: &Usage);
    /// The provider refused the attempt; `Some` when another may be made now.
    fn refused(self: Box<Self>, verdict: Verdict) -> Wait<Option<Box<dyn Hold>>>;
    /// The attempt got no answer for this reason; `Some` when another may be made now. `safe` if a second one does no harm.
    fn failed(self: Box<Self>, safe: bool, reason: String) -> Wait<Option<Box<dyn Hold>>>;
}

impl Admission for Limiter {
    fn admit(&self, ask: Ask) -> Wait<Result<Box<dyn Hold>, LocalRefusal>> {
        let limiter = self.clone();
        Box::pin(async move {
            let reservation = limiter.admit(ask).await?;
            Ok(Box::new(Held { limiter, reservation }) as Box<dyn Hold>)
        })
    }
}

/// A reservation together with the limiter that decides about its retries.
struct Held {
    limiter: Limiter,
    reservation: Reservation,
}

impl Hold for Held {
    fn waited(&self) -> Duration {
        self.reservation.waited()
    }

    fn bound_by(&self) -> Option<Meter> {
        self.reservation.bound_by()
    }

    fn reserved(&self) -> Cost {
        self.reservation.reserved()
    }

    fn ledger(&self) -> Vec<String> {
        self.reservation.ledger()
    }

    fn observe(&mut self, snapshot: &Snapshot) {
        self.reservation.observe(snapshot);
    }

    fn progress(&mut self, seen: &Usage) {
        self.reservation.progress(seen);
    }

    fn settle(self: Box<Self>, usage: &Usage) {
        self.reservation.settle(usage);
    }

    fn refused(self: Box<Self>, verdict: Verdict) -> Wait<Option<Box<dyn Hold>>> {
        Box::pin(async move {
            let Self { limiter, reservation } = *self;
            let reservation = limiter.after_refusal(reservation, &verdict).await?;
            Some(Box::new(Self { limiter, reservation }) as Box<dyn Hold>)
        })
    }

    fn failed(self: Box<Self>, safe: bool, reason: String) -> Wait<Option<Box<dyn Hold>>> {
        Box::pin(async move {
            let Self { limiter, reservation } = *self;
            let reservation = limiter.after_failure(reservation, safe, &reason).await?;
            Some(Box::new(Self { limiter, reservation }) as Box<dyn Hold>)
        })
    }
}
