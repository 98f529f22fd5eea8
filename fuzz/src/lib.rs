//! The parsers of provider answers, compiled without the program around them, and what the targets share.
//!
//! `cargo +nightly fuzz run headers fuzz/corpus/headers fuzz/seeds/headers -- -max_total_time=60`, and the same for
//! `refusal`, `sse` (with `tests/data/usage` as seeds) and `delays`. The last bytes of an input choose, the others are read,
//! so that any recorded answer is a seed as it is.

#[path = "../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../src/provider/mod.rs"]
pub mod provider;

use domain::Dialect;
use http::StatusCode;
use jiff::Timestamp;

/// When every answer arrives: 2026-11-24T12:00:00Z.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_second(1_795_521_600).unwrap()
}

/// Cuts the last byte off, which chooses; zero when there is none.
pub fn choice(data: &mut &[u8]) -> u8 {
    let Some((last, rest)) = data.split_last() else { return 0 };
    *data = rest;
    *last
}

/// A dialect for every byte.
#[must_use]
pub fn dialect(choice: u8) -> Dialect {
    Dialect::ALL[usize::from(choice) % Dialect::ALL.len()]
}

/// A status for every byte, those that providers send more often than others.
#[must_use]
pub fn status(choice: u8) -> StatusCode {
    const USUAL: [u16; 14] = [200, 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 504, 529];
    let code = USUAL.get(usize::from(choice)).copied().unwrap_or(100 + u16::from(choice) * 3);
    StatusCode::from_u16(code).unwrap()
}
