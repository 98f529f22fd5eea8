//! What an answer said about limits that the limiter did not see itself, because another process asked.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::control::{Answer, Request, ask};
use super::{limiter, recall, save};
use crate::domain::{AccountId, Clock, ModelClass, Problem, Snapshot};
use crate::engine::Registry;
use crate::journal::Sink;
use crate::limiter::Limiter;
use crate::store::{DataDir, Store, Write};
use crate::vault::Vault;

/// One answer's headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// Whose key was used.
    pub account: AccountId,
    /// Which models it was about.
    pub class: ModelClass,
    /// What the headers said.
    pub snapshot: Snapshot,
    /// How long ago the request left.
    pub age: Duration,
}

impl Lesson {
    pub(super) fn teach(&self, limiter: &Limiter) {
        limiter.with(|core, now| core.teach(self.account, &self.class, &self.snapshot, now.tick - self.age, now));
    }
}

/// Teaches the limiter of the process that serves from this folder; if none does, the one whose memory is in the database.
///
/// # Errors
/// The database cannot be read.
pub async fn teach(dir: &DataDir, store: &Store, clock: &Arc<dyn Clock>, lesson: Lesson) -> Result<(), Problem> {
    if let Some(Answer::Done) = ask(dir.path(), &Request::Teach(Box::new(lesson.clone()))) {
        return Ok(());
    }
    let (sink, mut events) = Sink::new();
    let limiter = limiter(&sink, clock);
    recall(&limiter, &store.reader()?, clock.as_ref())?;
    let (routes, _nobody_listens) = watch::channel(Arc::default());
    // keys play no part in this
    Registry::new(store.clone(), Vault::memory(), limiter.clone(), Arc::clone(clock), routes).reload().await?;
    lesson.teach(&limiter);
    while let Ok(event) = events.try_recv() {
        if let Some(write) = Write::of(&event) {
            // what is lost is counted by the store
            let _ = store.write(write);
        }
    }
    save(store, &limiter);
    Ok(())
}
