//! Undoes a `content-encoding` beside the stream, in constant memory.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

/// A sink behind a decoder. What cannot be decoded is silence, never an error: the bytes themselves go on to the client.
#[derive(Debug)]
pub(super) enum Coded<W: Write> {
    Plain(W),
    Gzip(Box<MultiGzDecoder<W>>),
    Zlib(Box<ZlibDecoder<W>>),
    Deflate(Box<DeflateDecoder<W>>),
    /// `deflate` before its first byte: some servers leave the zlib wrapping out.
    Undecided(W),
    /// A coding that is not undone (`br`, `zstd`, several at once).
    Closed(W),
}

impl<W: Write + Default> Coded<W> {
    pub(super) fn new(headers: &HeaderMap, sink: W) -> Self {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = codings.next().map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
        match coding.as_deref() {
            _ if codings.next().is_some() => Self::Closed(sink),
            None | Some("" | "identity") => Self::Plain(sink),
            Some("gzip" | "x-gzip") => Self::Gzip(Box::new(MultiGzDecoder::new(sink))),
            Some("deflate") => Self::Undecided(sink),
            Some(_) => Self::Closed(sink),
        }
    }

    /// Hands on what the next bytes decode to, as far as it can be told by now.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let (Self::Undecided(sink), Some(first)) = (&mut *self, bytes.first()) {
            let sink = std::mem::take(sink);
            // compression method 8 in the low bits opens a zlib stream (RFC 1950)
            *self = if first & 0x0F == 8 {
                Self::Zlib(Box::new(ZlibDecoder::new(sink)))
            } else {
                Self::Deflate(Box::new(DeflateDecoder::new(sink)))
            };
        }
        let written = match self {
            Self::Plain(sink) => sink.write_all(bytes),
            Self::Gzip(decoder) => write(decoder, bytes),
            Self::Zlib(decoder) => write(decoder, bytes),
            Self::Deflate(decoder) => write(decoder, bytes),
            Self::Undecided(_) | Self::Closed(_) => Ok(()),
        };
        if written.is_err() {
            let sink = std::mem::take(self.sink_mut());
            *self = Self::Closed(sink);
        }
    }

    pub(super) fn sink(&self) -> &W {
        match self {
            Self::Plain(sink) | Self::Undecided(sink) | Self::Closed(sink) => sink,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zlib(decoder) => decoder.get_ref(),
            Self::Deflate(decoder) => decoder.get_ref(),
        }
    }

    pub(super) fn sink_mut(&mut self) -> &mut W {
        match self {
            Self::Plain(sink) | Self::Undecided(sink) | Self::Closed(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
        }
    }
}

/// Decoders hold back what they have decoded until they are flushed; a stream's events are wanted now.
fn write(decoder: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    decoder.write_all(bytes)?;
    decoder.flush()
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    const TEXT: &[u8] = b"data: {\"usage\":{}}\n\n";

    fn decoded<'c>(coding: &str, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<u8> {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap())]);
        let mut coded = Coded::new(&headers, Vec::new());
        for chunk in chunks {
            coded.push(chunk);
        }
        coded.sink().clone()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn known_codings_are_undone_in_any_cut() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).unwrap();
        for (coding, bytes) in [
            ("identity", TEXT.to_vec()),
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
        ] {
            for size in [1, 3, 1000] {
                assert_eq!(decoded(coding, bytes.chunks(size)), TEXT, "{coding} in pieces of {size}");
            }
        }
    }

    #[test]
    fn an_event_is_seen_as_soon_as_the_server_flushed_it() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(TEXT).unwrap();
        encoder.flush().unwrap();
        assert_eq!(decoded("gzip", [encoder.get_ref().as_slice()]), TEXT);
    }

    #[test]
    fn what_cannot_be_undone_is_silence() {
        for (coding, bytes) in
            [("br", TEXT.to_vec()), ("zstd", gzip(TEXT)), ("gzip, br", gzip(TEXT)), ("gzip", TEXT.to_vec()), ("deflate", gzip(TEXT))]
        {
            assert_eq!(decoded(coding, [bytes.as_slice(), &bytes]), b"", "{coding}");
        }
        let mut twice = gzip(TEXT);
        twice.extend_from_slice(b"garbage after the end");
        assert_eq!(decoded("gzip", [twice.as_slice()]), TEXT);
    }
}
