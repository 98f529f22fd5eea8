//! The store against real files: folders, damage, crashes, history, charts, exports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

mod crash;
mod export;
mod folder;
mod history;
mod made;
mod series;
mod settings;
mod stall;
mod story;
