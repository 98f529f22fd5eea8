//! Admission: every request is checked against all buckets it draws on, waits when one is short, and settles afterwards.
//!
//! Everything that decides is pure and takes `now`; [`handle`] is the only file with tasks and waits in it.

pub mod handle;

pub use handle::{Ask, Limiter, Reservation};
