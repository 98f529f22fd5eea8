//! Several accounts, budgets, deadlines and fallback routes, as a user has them: the real program and real sockets.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

#[path = "../support/ask.rs"]
mod ask;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../support/home.rs"]
mod home;
#[expect(dead_code, reason = "shared with tests that script more")]
#[path = "../support/scripted.rs"]
mod scripted;

mod accounts;
mod budgets;
mod deadlines;
mod pools;
mod routes;

/// An answer with this head and body, as a provider writes it.
fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
