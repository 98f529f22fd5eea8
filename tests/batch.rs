//! Batches from end to end: the program itself as a process, a simulated provider on a socket, files on the disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]
#![cfg(target_os = "linux")] // signals, and memory as /proc tells it

#[path = "batch/full_disk.rs"]
mod full_disk;
#[path = "batch/handover.rs"]
mod handover;
#[path = "batch/handover_killed.rs"]
mod handover_killed;
#[path = "batch/history.rs"]
mod history;
#[path = "batch/home.rs"]
mod home;
#[path = "batch/interrupted.rs"]
mod interrupted;
#[path = "batch/invalid.rs"]
mod invalid;
#[path = "batch/killed.rs"]
mod killed;
#[path = "batch/large.rs"]
mod large;
#[path = "batch/rows.rs"]
mod rows;
#[path = "batch/shared.rs"]
mod shared;
#[path = "batch/whatif.rs"]
mod whatif;
