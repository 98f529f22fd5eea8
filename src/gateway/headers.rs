//! Which headers end at the gateway: those of the connection (RFC 9110, section 7.6.1) and our own.

use http::header::{ACCEPT_ENCODING, CONNECTION, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What every header of ours begins with.
pub(super) const PREFIX: &str = "x-tierline-";

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Whether the body came in a coding under or around the chunks, which would be lost on the way.
///
/// Lengths that contradict each other are refused by hyper, a length beside chunks is dropped there, and what leaves is framed anew.
pub(super) fn is_oddly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let odd = codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    odd || codings.next().is_some()
}

/// Leaves of a request's headers what is meant for the provider.
pub(super) fn strip_request(headers: &mut HeaderMap) {
    strip_connection(headers);
    strip_own(headers);
    // the body is whole before it is sent on, so there is nothing to wait for
    for name in [HOST, EXPECT, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
}

/// Leaves of an answer's headers what is meant for the client.
pub(super) fn strip_answer(headers: &mut HeaderMap) {
    strip_connection(headers);
    strip_own(headers);
}

/// Asks for an answer without compression.
pub(super) fn want_identity(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

fn strip_connection(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed.into_iter().chain([CONNECTION, PROXY_CONNECTION, KEEP_ALIVE, TE, TRANSFER_ENCODING, UPGRADE]) {
        headers.remove(name);
    }
}

fn strip_own(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}
