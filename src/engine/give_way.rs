//! An engine that was started for a batch gives way to the window or to `serve`: one gateway serves a data folder at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::control::{Answer, Request, ask};
use crate::domain::Problem;
use crate::store::{DataDir, InstanceLock};

/// Whether an engine would give way, and whether it was asked to.
#[derive(Debug, Clone, Default)]
pub(super) struct GiveWay(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_willing: AtomicBool,
    asked: Notify,
}

/// How long a newcomer waits: as long as the other's gateway lets requests run to their end, and a little.
const PATIENCE: Duration = Duration::from_secs(35);
const PAUSE: Duration = Duration::from_millis(50);

impl GiveWay {
    /// From now on it is willing; done when somebody asks.
    pub(super) async fn asked(&self) {
        self.0.is_willing.store(true, Ordering::Release);
        self.0.asked.notified().await;
    }

    /// Somebody asks: whether it will.
    pub(super) fn ask(&self) -> bool {
        let willing = self.0.is_willing.load(Ordering::Acquire);
        if willing {
            self.0.asked.notify_one();
        }
        willing
    }
}

/// Claims the folder; if a batch's engine has it, that one is asked to give way first.
pub(super) async fn lock(dir: &DataDir) -> Result<InstanceLock, Problem> {
    let taken = match dir.lock() {
        Ok(lock) => return Ok(lock),
        Err(taken) => taken,
    };
    let path = dir.path().to_owned();
    let answer = tokio::task::spawn_blocking(move || ask(&path, &Request::GiveWay)).await.ok().flatten();
    if answer != Some(Answer::Done) {
        return Err(taken);
    }
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        sleep(PAUSE).await;
        if let Ok(lock) = dir.lock() {
            return Ok(lock);
        }
    }
    Err(taken)
}
