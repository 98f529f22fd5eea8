//! How a batch goes: what is done, how fast, when it ends.

pub use crate::domain::batch::BatchProgress as Progress;
