//! Reads from a request what the limiter needs to know before it is sent.

use http::{HeaderMap, Method};

use crate::domain::{Api, Dialect, RequestFacts};

/// What can be told of a request. `path` is the provider's own path with its query, without the gateway's route.
/// A body that is not JSON counts by its size.
#[must_use]
pub fn request_facts(_dialect: Dialect, _method: &Method, _path: &str, _headers: &HeaderMap, body: &[u8]) -> RequestFacts {
    RequestFacts::opaque(Api::Other, body.len() as u64)
}
