//! What the handle locks, waits and sleeps with, as in `src/sync.rs`, but before each step another task may run.
//!
//! A lock is shuttle's. A notification and a channel are tokio's own: they work under any executor, and each of their
//! operations is one step here, because shuttle runs all tasks on one thread.

use std::cell::Cell;

use shuttle::sync::atomic::{AtomicBool, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

pub(crate) use crate::time::sleep;

/// Another task may run here.
pub(crate) fn step() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}

thread_local! {
    static FORGETFUL: Cell<bool> = const { Cell::new(false) };
}

/// From now on, on this thread, a notification that nobody waits for yet is lost: the mistake that tokio's permit prevents.
pub fn forget_early_notifications(whether: bool) {
    FORGETFUL.set(whether);
}

/// As tokio's.
#[derive(Debug, Default)]
pub struct Notify(tokio::sync::Notify);

impl Notify {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_one(&self) {
        step();
        if FORGETFUL.get() {
            self.0.notify_waiters();
        } else {
            self.0.notify_one();
        }
    }

    pub(crate) async fn notified(&self) {
        step();
        self.0.notified().await;
    }
}

/// As tokio's.
pub mod oneshot {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::sync::oneshot;
    use tokio::sync::oneshot::error::RecvError;

    use super::step;

    #[derive(Debug)]
    pub struct Sender<T>(oneshot::Sender<T>);

    #[derive(Debug)]
    pub struct Receiver<T>(oneshot::Receiver<T>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Sender(sender), Receiver(receiver))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(self, value: T) -> Result<(), T> {
            step();
            self.0.send(value)
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, RecvError>;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            step();
            Pin::new(&mut self.0).poll(cx)
        }
    }
}
