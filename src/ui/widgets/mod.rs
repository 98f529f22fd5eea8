//! What several panels draw with.

pub mod button;
pub mod chooser;
pub mod copy;
pub mod dialog;
pub mod field;
pub mod grid;
pub mod icon;
pub mod line;
pub mod meter;
pub mod page;
pub mod problem;
pub mod sort;
pub mod trend;
pub mod undo;
