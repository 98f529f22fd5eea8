//! What the history needs now and then: sums for rows from before there were such sums, and forgetting what is older than wanted.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::registry::Registry;
use crate::domain::preferences::Preferences;
use crate::domain::{Problem, Severity};
use crate::journal::Sink;

/// Between two steps the writer does its own work.
const PAUSE: Duration = Duration::from_millis(60);
/// Old rows are looked for this often.
const AGAIN: Duration = Duration::from_secs(6 * 3_600);

/// Runs until nobody publishes preferences any more.
pub(super) async fn keep(registry: Registry, mut preferences: watch::Receiver<Preferences>, sink: Sink) {
    if let Err(problem) = fill(&registry).await {
        note(&registry, &sink, &problem);
    }
    loop {
        let keep_days = preferences.borrow_and_update().keep_days;
        if let Some(days) = keep_days
            && let Err(problem) = forget(&registry, days).await
        {
            note(&registry, &sink, &problem);
        }
        // a time-out says that it is time to look again
        if let Ok(Err(_)) = timeout(AGAIN, preferences.changed()).await {
            return;
        }
    }
}

async fn fill(registry: &Registry) -> Result<(), Problem> {
    loop {
        let store = registry.store().clone();
        if !aside(move || store.fill_parts()).await? {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

async fn forget(registry: &Registry, days: u32) -> Result<(), Problem> {
    let now = registry.clock().now().wall;
    let Ok(oldest) = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))) else { return Ok(()) };
    let store = registry.store().clone();
    let rows = aside(move || store.prune(oldest)).await?;
    if rows > 0 {
        tracing::info!(rows, days, "the history forgot what is older");
    }
    Ok(())
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::new("the history was not tidied up").because(error)))
}

fn note(registry: &Registry, sink: &Sink, problem: &Problem) {
    sink.record(super::orders::noticed("history", Severity::Warning, problem, registry));
}
