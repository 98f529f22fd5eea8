//! A connection that lets no ambiguous head pass: a length beside chunks, or a line that ends in a bare line feed.
//!
//! hyper takes both (RFC 9112 allows it), and of a length beside chunks it shows nothing afterwards. Whoever sends them may
//! be heard differently by somebody else on the way. So the byte that makes a head ambiguous is replaced by one that no
//! head may have; hyper then answers 400 and closes.

use memchr::memchr;

use crate::upstream::{Inspected, Inspector};

/// Stands in no request line and no header.
const INVALID: u8 = 0;
/// A line longer than this is refused by hyper itself.
const MAX_LINE: usize = 64 * 1024;

/// A connection of HTTP/1.1.
pub(super) type Strict<S> = Inspected<S, Heads>;

/// Where in the requests of a connection its bytes are.
#[derive(Debug, Default)]
pub(super) struct Heads {
    at: At,
    /// As much of the present line as has come.
    line: Vec<u8>,
    head: Head,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// This much of a body, or of a chunk with its end, is still to come.
    Body(u64),
    Chunk(u64),
    ChunkSize,
    Trailers,
    /// Another protocol, or refused already.
    Beyond,
}

/// What the present head says of its body.
#[derive(Debug, Default)]
struct Head {
    started: bool,
    length: Option<u64>,
    chunked: bool,
    upgrades: bool,
}

impl Inspector for Heads {
    /// Follows the bytes, and spoils the one that makes a head ambiguous.
    fn inspect(&mut self, bytes: &mut [u8]) {
        let mut start = 0;
        while let Some(rest) = bytes.get_mut(start..).filter(|rest| !rest.is_empty()) {
            start += match self.at {
                At::Beyond => return,
                At::Body(left) | At::Chunk(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.at = match (self.at, left - taken) {
                        (At::Chunk(_), 0) => At::ChunkSize,
                        (_, 0) => At::Head,
                        (At::Chunk(_), left) => At::Chunk(left),
                        (_, left) => At::Body(left),
                    };
                    usize::try_from(taken).unwrap_or(rest.len())
                }
                At::Head | At::ChunkSize | At::Trailers => {
                    let Some(end) = memchr(b'\n', rest) else {
                        self.keep(rest);
                        return;
                    };
                    let (line, _) = rest.split_at_mut(end + 1);
                    let whole = if self.line.is_empty() {
                        self.take(line)
                    } else {
                        self.keep(line);
                        let line = std::mem::take(&mut self.line);
                        self.take(&line)
                    };
                    if let (false, Some(last)) = (whole, line.last_mut()) {
                        *last = INVALID;
                        self.at = At::Beyond;
                    }
                    end + 1
                }
            };
        }
    }
}

impl Heads {
    /// Whether a request has begun and not come to its end.
    pub(super) const fn is_amid_a_request(&self) -> bool {
        !matches!(self.at, At::Head) || self.head.started || !self.line.is_empty()
    }

    fn keep(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > MAX_LINE {
            self.at = At::Beyond;
        } else {
            self.line.extend_from_slice(part);
        }
    }

    /// Takes a whole line; false if it makes the request ambiguous.
    fn take(&mut self, line: &[u8]) -> bool {
        let Some(line) = line.strip_suffix(b"\r\n") else { return false };
        match self.at {
            At::ChunkSize => {
                let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
                let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
                self.at = match size {
                    Some(0) => At::Trailers,
                    Some(size) => At::Chunk(size.saturating_add(2)),
                    // hyper refuses it
                    None => At::Beyond,
                };
            }
            At::Trailers if line.is_empty() => self.at = At::Head,
            // an empty line before a request is nothing (RFC 9112, section 2.2)
            At::Head if line.is_empty() && self.head.started => {
                let Head { length, chunked, upgrades, .. } = std::mem::take(&mut self.head);
                self.at = match length {
                    Some(_) if chunked => return false,
                    _ if upgrades => At::Beyond,
                    _ if chunked => At::ChunkSize,
                    Some(length) if length > 0 => At::Body(length),
                    _ => At::Head,
                };
            }
            At::Head => {
                self.head.started |= !line.is_empty();
                self.head.note(line);
            }
            At::Trailers | At::Body(_) | At::Chunk(_) | At::Beyond => {}
        }
        true
    }
}

impl Head {
    fn note(&mut self, line: &[u8]) {
        if !matches!(line.first(), Some(b'C' | b'c' | b'T' | b't' | b'U' | b'u')) {
            return;
        }
        let Some((name, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) else { return };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            // what is no number is refused by hyper
            self.length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrades |= value.eq_ignore_ascii_case(b"websocket");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through, in pieces of this size.
    fn through(sent: &str, size: usize) -> Vec<u8> {
        let (mut heads, mut bytes) = (Heads::default(), sent.as_bytes().to_vec());
        bytes.chunks_mut(size).for_each(|piece| heads.inspect(piece));
        bytes
    }

    #[test]
    fn only_what_is_ambiguous_is_spoiled() {
        for (sent, spoiled_at) in [
            ("GET / HTTP/1.1\r\na: b\r\n\r\n", None),
            ("\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", None),
            ("POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\na\nb\nGET / HTTP/1.1\n", Some("GET / HTTP/1.1\n")),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\n\n\n\r\n0\r\nt: 1\r\n\r\nGET / HTTP/1.1\r\na: b\n",
                Some("GET / HTTP/1.1\r\na: b\n"),
            ),
            ("GET / HTTP/1.1\n\r\n", Some("GET / HTTP/1.1\n")),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\ntransfer-encoding: chunked\r\n\r\n", Some("\r\n\r\n")),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length:0\r\n\r\n", Some("\r\n\r\n")),
            ("GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n\u{1}\n\n", None),
        ] {
            let mut expected = sent.as_bytes().to_vec();
            if let Some(end) = spoiled_at {
                let at = sent.rfind(end).unwrap() + end.len() - 1;
                expected[at] = INVALID;
            }
            for size in [1, 5, 1_000] {
                assert_eq!(through(sent, size), expected, "{sent:?} in pieces of {size}");
            }
        }
    }
}
