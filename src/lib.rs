//! Tierline: use every LLM API key you own up to its real limit, without an avoidable 429, and see why.

pub mod catalog;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod gateway;
pub mod journal;
pub mod limiter;
pub mod probe;
pub mod provider;
pub mod sim;
pub mod store;
pub mod ui;
pub mod upstream;
pub mod vault;
