//! Tierline: use every LLM API key you own up to its real limit, without an avoidable 429, and see why.
//!
//! The modules in reading order; each knows only those above it (`ARCHITECTURE.md` has the map and the reasons).

extern crate self as tierline; // the world in `bench` is the tests' own, and names the crate as they do

pub mod domain;
mod sync;
pub mod provider;
pub mod catalog;
pub mod limiter;
pub mod clock;
pub mod store;
pub mod vault;
pub mod upstream;
pub mod journal;
pub mod gateway;
pub mod probe;
pub mod planner;
pub mod batch;
pub mod sim;
pub mod desktop;
pub mod engine;
pub mod demo;
pub mod bench;
pub mod cli;
pub mod ui;
