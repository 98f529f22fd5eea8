//! Our own refusals in the shape of the provider's errors, so that SDKs understand them; marked as ours.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::domain::{Api, Dialect, LocalRefusal};

/// A whole answer that Tierline itself gives.
#[derive(Debug, Clone)]
pub struct LocalAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// All headers, `content-type`, `retry-after`, `x-should-retry` and `x-tierline-refused-by: gateway` among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The answer to a request that the limiter refused.
#[must_use]
pub fn local_refusal(_dialect: Dialect, _api: Api, _refusal: &LocalRefusal) -> LocalAnswer {
    LocalAnswer { status: StatusCode::TOO_MANY_REQUESTS, headers: HeaderMap::new(), body: Bytes::new() }
}

/// The answer to a request with no credential, or the wrong one.
#[must_use]
pub fn unauthorized(_dialect: Dialect, _api: Api, _message: &str) -> LocalAnswer {
    LocalAnswer { status: StatusCode::UNAUTHORIZED, headers: HeaderMap::new(), body: Bytes::new() }
}
