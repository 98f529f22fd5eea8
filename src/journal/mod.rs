//! What happened: the sink that takes events, and the live view and the figures, which are pure folds of them.

pub mod figures;
pub mod histogram;
pub mod live;
pub mod sink;
pub mod trend;

pub use figures::Figures;
pub use live::{LiveView, RunningView};
pub use sink::{Sink, Slot};
pub use trend::Trend;
