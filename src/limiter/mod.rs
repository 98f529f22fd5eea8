//! Admission: every request is checked against all buckets it draws on, waits when one is short, and settles afterwards.
//!
//! Everything that decides is pure and takes `now`; [`handle`] is the only file with tasks and waits in it.
//! Read from the bottom up: a [`bucket`] keeps one limit's books, the [`book`] names them all, a [`line`](mod@line) orders who
//! waits, and the [`core`] lets them go; [`settle`] hears what came of it.

mod belief;
pub mod book;
pub mod breaker;
pub mod bucket;
pub mod burst;
pub mod calendar;
pub mod cap;
mod ceiling;
pub mod charge;
pub mod choice;
pub mod configured;
pub mod core;
pub mod deadline;
pub mod depth;
pub mod estimate;
pub mod flow;
pub mod handle;
pub mod line;
mod obstacle;
mod outage;
pub mod pools;
pub mod purse;
pub mod random;
pub mod report;
pub mod retry;
pub mod settle;

pub use self::choice::Choice;
pub use self::core::{AccountSetup, Core, Settings};
pub use configured::ConfiguredLimit;
pub use handle::{Ask, Limiter, Reservation, Told};
pub use purse::Prices;
pub use report::{Memory, SavedBucket};
