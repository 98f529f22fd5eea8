//! The limiter as it is, compiled with a scheduler in the place of what it locks, waits and sleeps with.
//!
//! `cargo test --manifest-path tests/schedules/Cargo.toml` explores schedules of `src/limiter/handle.rs`. [`sync`] stands for
//! `src/sync.rs`: after each of its steps shuttle decides which task goes on. [`time`] is virtual. shuttle's own stand-in for
//! tokio does not fit: its sleep ends at once, so that whoever forgot to wake a timer would never be found.

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../../src/provider/mod.rs"]
pub mod provider;
pub mod sync;
#[path = "../../../src/limiter/mod.rs"]
pub mod limiter;
pub mod explore;
pub mod time;
