//! The command line as scripts see it: the real program, its exit codes, its output, and what it leaves behind.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

#[path = "../support/ask.rs"]
mod ask;
#[path = "../support/home.rs"]
mod home;
#[expect(dead_code, reason = "shared with tests that script more")]
#[path = "../support/scripted.rs"]
mod scripted;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../support/tls.rs"]
mod tls;

mod accounts;
mod bench;
mod bounded;
mod bypass;
mod admin;
mod alias;
mod catalog;
mod connect;
mod contract;
mod demo;
mod doctor;
mod export;
mod gateway;
mod limits;
mod metrics;
mod outage;
mod proxied;
mod secrets;
mod sim;
mod status;
mod tier;
mod tokens;
