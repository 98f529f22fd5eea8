//! Reads limits, identity and waits from the headers of an answer.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::domain::{Dialect, Snapshot};

/// What an answer's headers say.
#[must_use]
pub fn snapshot(_dialect: Dialect, status: StatusCode, _headers: &HeaderMap, at: Timestamp) -> Snapshot {
    Snapshot::empty(at, status.as_u16())
}
