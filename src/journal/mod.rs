//! What happened: the sink that takes events, and the live view that is a pure fold of them.

pub mod live;
pub mod sink;
pub mod trend;

pub use live::{LiveView, RunningView};
pub use sink::{Sink, Slot};
pub use trend::Trend;
