//! Takes events from everywhere without making anybody wait; facts are never lost, meters may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::domain::Event;

/// Hands events to the recorder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sink {
    tx: mpsc::Sender<Event>,
    lost: Arc<AtomicU64>,
}

/// A place in the channel, taken when a request arrives, so that its end can be told without waiting, even from `drop`.
#[derive(Debug)]
pub struct Slot(mpsc::OwnedPermit<Event>);

impl Sink {
    /// How many events may wait for the recorder.
    pub const CAPACITY: usize = 16_384;

    /// A sink and the end from which the recorder reads.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Event>) {
        let (tx, rx) = mpsc::channel(Self::CAPACITY);
        (Self { tx, lost: Arc::new(AtomicU64::new(0)) }, rx)
    }

    /// Hands over an event that may be lost if the recorder cannot keep up; such losses are counted.
    pub fn record(&self, event: Event) {
        if self.tx.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a place for an event that must not be lost. `None` when the app is shutting down.
    pub async fn slot(&self) -> Option<Slot> {
        self.tx.clone().reserve_owned().await.ok().map(Slot)
    }

    /// How many events were lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Slot {
    /// Hands over the event for which the place was taken.
    pub fn send(self, event: Event) {
        self.0.send(event);
    }
}
