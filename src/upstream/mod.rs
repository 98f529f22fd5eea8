//! The way to the providers: one trait, and hyper behind it.
//!
//! A request leaves exactly as it was given: no redirect is followed, nothing is decompressed, no cookie is kept, no
//! header is added but `host` and `content-length`. Nothing here knows limits, accounts or keys.

pub mod address;
mod body;
mod dial;
pub mod error;
pub mod http;
mod idle;
mod inspected;
mod lanes;
mod resolve;
mod settings;

use std::future::Future;
use std::pin::Pin;

use ::http::{HeaderMap, Method, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::upgrade::OnUpgrade;

pub use error::{Failure, UpstreamError};
pub use http::{HttpUpstream, Timing};
pub use inspected::{Inspected, Inspector};

/// The body of an answer as it arrives.
pub type UpstreamBody = UnsyncBoxBody<Bytes, UpstreamError>;

/// An answer that is on its way.
pub type Answering = Pin<Box<dyn Future<Output = Result<UpstreamResponse, UpstreamError>> + Send>>;

/// Somebody who sends requests to providers.
pub trait Upstream: Send + Sync + 'static {
    /// Sends one request; the future ends with the head of the answer. Dropping the future, or the body of the answer,
    /// takes the request back and closes what it ran on.
    fn send(&self, request: UpstreamRequest) -> Answering;
}

/// One request, ready to leave.
#[derive(Debug, Clone)]
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL; its path and query go out byte for byte.
    pub url: Uri,
    /// End-to-end headers, the credential among them. `host` is added from the URL. `connection` and `upgrade` stand here
    /// only to ask for another protocol.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What follows the body (RFC 9110, section 6.5). HTTP/1.1 sends only those that the header `trailer` names, and none
    /// with GET and HEAD.
    pub trailers: HeaderMap,
}

/// The head of an answer, and its body as it comes.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers, untouched.
    pub headers: HeaderMap,
    /// The body.
    pub body: UpstreamBody,
    /// The connection itself, after an answer 101: the request asked for another protocol and the provider agreed.
    pub upgrade: Option<OnUpgrade>,
}
