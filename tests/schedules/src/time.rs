//! Virtual time: it stands still until [`pass`] moves it to the next moment that somebody sleeps for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Clock, Now, Tick};
use crate::sync::step;

#[derive(Default)]
struct Time {
    now: Tick,
    next_id: u64,
    sleepers: BTreeMap<(Tick, u64), Waker>,
    /// Of [`pass`], while nobody sleeps.
    idle: Option<Waker>,
    over: bool,
}

// shuttle runs all tasks of an execution on one thread, and no step is taken while this is borrowed
thread_local! {
    static TIME: RefCell<Time> = RefCell::default();
}

/// Time begins anew, with an execution.
pub fn begin() {
    TIME.with_borrow_mut(|time| *time = Time::default());
}

/// Nobody needs time any more: [`pass`] ends.
pub fn end() {
    let idle = TIME.with_borrow_mut(|time| {
        time.over = true;
        time.idle.take()
    });
    idle.into_iter().for_each(Waker::wake);
}

/// The clock of the limiter. 2026-11-24, noon in California: no calendar turns while a test runs.
pub struct VirtualClock;

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        step();
        now()
    }
}

/// The present moment, without a step.
#[must_use]
pub fn now() -> Now {
    const NOON: Timestamp = Timestamp::constant(1_795_550_400, 0);
    let tick = TIME.with_borrow(|time| time.now);
    Now { tick, wall: NOON + Duration::from_nanos(tick.as_nanos()) }
}

/// When the next sleeper wakes.
#[must_use]
pub fn next_waking() -> Option<Tick> {
    TIME.with_borrow(|time| time.sleepers.keys().next().map(|(at, _)| *at))
}

/// Moves time on for as long as anybody sleeps. `before` is called before each move.
pub async fn pass(before: impl Fn()) {
    loop {
        step();
        if TIME.with_borrow(|time| time.over) {
            return;
        }
        if next_waking().is_none() {
            std::future::poll_fn(|cx| {
                TIME.with_borrow_mut(|time| {
                    let ready = time.over || !time.sleepers.is_empty();
                    time.idle = (!ready).then(|| cx.waker().clone());
                    if ready { Poll::Ready(()) } else { Poll::Pending }
                })
            })
            .await;
            continue;
        }
        before();
        let wakers = TIME.with_borrow_mut(|time| {
            time.now = time.sleepers.keys().next().map_or(time.now, |(at, _)| time.now.max(*at));
            let later = time.sleepers.split_off(&(time.now, u64::MAX));
            std::mem::replace(&mut time.sleepers, later)
        });
        wakers.into_values().for_each(Waker::wake);
    }
}

/// As tokio's.
pub fn sleep(long: Duration) -> Sleep {
    let place = TIME.with_borrow_mut(|time| {
        time.next_id += 1;
        (time.now + long, time.next_id)
    });
    Sleep(place)
}

/// A wait for a moment.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep((Tick, u64));

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        step();
        let idle = TIME.with_borrow_mut(|time| {
            if time.now >= self.0.0 {
                return Err(());
            }
            time.sleepers.insert(self.0, cx.waker().clone());
            Ok(time.idle.take())
        });
        let Ok(idle) = idle else { return Poll::Ready(()) };
        idle.into_iter().for_each(Waker::wake);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        TIME.with_borrow_mut(|time| time.sleepers.remove(&self.0));
    }
}
