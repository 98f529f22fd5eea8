//! Which headers end at the gateway: those of the connection (RFC 9110, section 7.6.1) and our own.

use http::header::{ACCEPT_ENCODING, CONNECTION, EXPECT, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What every header of ours begins with.
pub(super) const PREFIX: &str = "x-tierline-";

/// Whether the body came in a coding under or around the chunks, which would be lost on the way.
///
/// Lengths that contradict each other are refused by hyper, a length beside chunks by `strict`; what leaves is framed anew.
pub(super) fn is_oddly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let odd = codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    odd || codings.next().is_some()
}

/// Leaves of a request's headers what is meant for the provider.
pub(super) fn strip_request(headers: &mut HeaderMap) {
    // the body is whole before it is sent on, so there is nothing to wait for
    strip(headers, |name| ends_here(name) || *name == HOST || *name == EXPECT || *name == PROXY_AUTHORIZATION);
}

/// Leaves of an answer's headers what is meant for the client.
pub(super) fn strip_answer(headers: &mut HeaderMap) {
    strip(headers, ends_here);
}

/// Asks for an answer without compression.
pub(super) fn want_identity(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Whether a header is of the connection it came on, or our own.
fn ends_here(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "proxy-connection" | "keep-alive" | "te" | "transfer-encoding" | "upgrade") || name.starts_with(PREFIX)
}

/// Takes out what `ends` says and what `connection` lists. Few headers do end, so the others are only looked at.
fn strip(headers: &mut HeaderMap, ends: impl Fn(&HeaderName) -> bool) {
    let listed = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let listed = listed.filter_map(|name| name.trim().parse().ok());
    let ending: Vec<HeaderName> = listed.chain(headers.keys().filter(|name| ends(name)).cloned()).collect();
    for name in ending {
        headers.remove(name);
    }
}
