//! What the limiter's handle locks, waits and sleeps with.
//!
//! It is a seam: `tests/schedules` compiles the same handle with a file of its own in this place, in which a scheduler decides
//! after each of these steps who goes on.

pub(crate) use std::sync::{Mutex, MutexGuard};

pub(crate) use tokio::sync::{Notify, oneshot};
pub(crate) use tokio::time::sleep;
