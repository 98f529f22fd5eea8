//! The history in SQLite: what happened, what the user set, where the buckets stood. Never a key, never a body
//! (but for a batch's answers, until they are in its output file).
//!
//! One thread writes, in batches, and never makes anybody wait ([`Store`]); any number of read-only connections read
//! ([`Reader`]). Charts read sums that are kept per minute, hour and day, so that a year costs what an hour costs.
//! This folder knows SQL and files; it decides nothing about limits.

mod accounts;
mod admin_limits;
mod admin_usage;
mod aliases;
mod batch_answers;
mod batch_parts;
mod batch_rows;
mod batches;
mod budgets;
mod data_dir;
mod demand;
pub mod export;
mod failure;
mod fallbacks;
mod limits;
mod migrate;
mod modes;
mod moments;
mod open;
mod parts;
mod prune;
mod reader;
mod replay;
mod requests;
mod rollup;
mod row;
mod series;
mod state;
mod story;
mod tokens;
mod transaction;
mod write;
mod writer;

pub use accounts::AccountRow;
pub use admin_limits::AdminLimit;
pub use admin_usage::RecordedDay;
pub use batch_parts::{BatchPart, NewPart};
pub use batch_rows::{BatchEnd, BatchRow, BatchStep};
pub use batches::{BatchBook, BatchClaim, BatchHolder, NewBatch};
pub use data_dir::{DataDir, InstanceLock};
pub use demand::RecordedLoad;
pub use reader::Reader;
pub use replay::RecordedRequest;
pub use state::{Learned, ModelUse, SavedBucket};
pub use tokens::{ClientToken, token_hash};
pub use write::Write;
pub use writer::{Dropped, Store, StoreHealth, StoreState};
