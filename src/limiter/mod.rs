//! Admission: every request is checked against all buckets it draws on, waits when one is short, and settles afterwards.
//!
//! Everything that decides is pure and takes `now`; [`handle`] is the only file with tasks and waits in it.

pub mod breaker;
pub mod bucket;
pub mod burst;
pub mod calendar;
pub mod cap;
pub mod charge;
pub mod estimate;
pub mod flow;
pub mod handle;

pub use handle::{Ask, Limiter, Reservation};
