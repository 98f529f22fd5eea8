//! Keeps web pages and other machines out: the exact `Host`, no foreign `Origin`. Nothing here ever sends a CORS header.
//!
//! A page that resolves its own name to 127.0.0.1 shows itself by `Host`, a page that calls us by `Origin`.

use std::net::SocketAddr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};

/// The names under which the gateway may be addressed.
#[derive(Debug)]
pub(super) struct Guard {
    authorities: Vec<String>,
}

impl Guard {
    pub(super) fn new(addr: SocketAddr) -> Self {
        let port = addr.port();
        let mut authorities = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if !authorities.contains(&addr.to_string()) {
            authorities.push(addr.to_string());
        }
        Self { authorities }
    }

    /// Lets a request in, or says why not.
    pub(super) fn check(&self, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let mut hosts = headers.get_all(HOST).iter();
        let target = uri.authority().map(|authority| authority.as_str().as_bytes());
        // HTTP/2 names the host in `:authority`
        let host = hosts.next().map(HeaderValue::as_bytes).or_else(|| target.filter(|_| version == Version::HTTP_2));
        let (Some(host), None) = (host, hosts.next()) else {
            return Err((StatusCode::BAD_REQUEST, "exactly one host header is needed"));
        };
        // an absolute target overrides `Host`, so both are held to the list
        if !self.is_ours(host) || !target.is_none_or(|target| self.is_ours(target)) {
            return Err((StatusCode::FORBIDDEN, "this host is not served here; use the address that `tierline serve` printed"));
        }
        let is_own = |origin: &[u8]| origin.strip_prefix(b"http://").is_some_and(|authority| self.is_ours(authority));
        if !headers.get_all(ORIGIN).iter().all(|origin| is_own(origin.as_bytes())) {
            return Err((StatusCode::FORBIDDEN, "web pages may not use this gateway"));
        }
        Ok(())
    }

    fn is_ours(&self, authority: &[u8]) -> bool {
        self.authorities.iter().any(|ours| authority.eq_ignore_ascii_case(ours.as_bytes()))
    }
}
