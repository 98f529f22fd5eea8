//! How near the limiter comes to the physical limit, at what price in refusals, beside what others do: in virtual time, and over
//! real sockets.
//!
//! The virtual provider is the one that the tests judge the limiter with, the same file: it shares no code with the limiter, and
//! stays with the tests, whose it is. `cargo bench --bench goodput` and `tierline bench goodput` show the same figures.

mod admission;
mod baselines;
mod goodput;
mod real;
#[path = "../../tests/support/world.rs"]
mod world;

pub use admission::Cost;
pub use goodput::{Figures, Row, rows};
pub use real::{Progress, Real};
