//! Goes on at once with a task that was woken while it ran, instead of sending it through the scheduler's queue.
//!
//! hyper wakes a connection's own task when its service begins to read a body. tokio then queues the task and rouses another
//! worker to take it over: system calls and a cold cache for every request, only to go on with what was in hand.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// After so many rounds others have their turn.
const ROUNDS: usize = 4;

const RUNS: u8 = 1;
const WOKEN: u8 = 2;

/// Whether the task runs and whether it was woken, and how its scheduler is told.
#[derive(Debug, Default)]
struct Signal {
    state: AtomicU8,
    scheduler: AtomicWaker,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) & RUNS == 0 {
            self.scheduler.wake();
        }
    }
}

/// The same task. A wake-up while it runs makes it run again before its scheduler hears of it.
pub(super) async fn at_once<T>(task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    poll_fn(|scheduler| {
        signal.scheduler.register(scheduler.waker());
        for _ in 0..ROUNDS {
            signal.state.swap(RUNS, Ordering::AcqRel);
            if let Poll::Ready(done) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(done);
            }
            if signal.state.compare_exchange(RUNS, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        signal.state.store(0, Ordering::Release);
        scheduler.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// A scheduler that counts how often it is told.
    #[derive(Default)]
    struct Scheduler(AtomicUsize);

    impl Wake for Scheduler {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_scheduler_hears_only_of_a_task_that_goes_on_too_long() {
        for (own_wakes, polls, told) in [(0, 1, 0), (1, 1, 0), (ROUNDS - 1, 1, 0), (ROUNDS, 2, 1), (3 * ROUNDS, 4, 3)] {
            let scheduler = Arc::new(Scheduler::default());
            let waker = Waker::from(Arc::clone(&scheduler));
            let mut left = own_wakes;
            let mut task = pin!(at_once(poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            })));
            let needed = (1..100).find(|_| task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            assert_eq!((needed, scheduler.0.load(Ordering::Relaxed)), (Some(polls), told), "{own_wakes} wake-ups of its own");
        }
    }

    #[test]
    fn a_wake_up_of_a_task_that_rests_reaches_the_scheduler() {
        let scheduler = Arc::new(Scheduler::default());
        let waker = Waker::from(Arc::clone(&scheduler));
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut task = pin!(at_once(told));
        assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        tell.send(7).unwrap();
        assert_eq!(scheduler.0.load(Ordering::Relaxed), 1);
        assert_eq!(task.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(7)));
    }
}
