//! Brings any refusal (status, headers, body, or an error inside a 200 stream) to one verdict.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::domain::{Dialect, Verdict};

/// What an answer means if it is a refusal or an error; `None` for an answer without an error.
///
/// `body` may be cut; only its first 64 KiB are looked at.
#[must_use]
pub fn verdict(_dialect: Dialect, _status: StatusCode, _headers: &HeaderMap, _body: &[u8], _at: Timestamp) -> Option<Verdict> {
    None
}
