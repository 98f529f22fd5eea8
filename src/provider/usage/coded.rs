//! Undoes a `content-encoding` beside the stream, in bounded memory.

use std::fmt;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter as BrotliDecoder;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use zstd::stream::raw::{DParameter, Decoder as RawZstdDecoder};
use zstd::stream::write::Decoder as ZstdDecoder;

/// What the brotli decoder hands on at a time.
const BROTLI_BUFFER: usize = 4 * 1024;
/// The largest window that a zstd body may ask for, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// A sink behind a decoder. What cannot be decoded is silence, never an error: the bytes themselves go on to the client.
pub(super) struct Coded<W: Write> {
    decoder: Decoder<W>,
    /// Nothing more is to be learned: the coding is unknown or broken, or the sink wants no more.
    closed: bool,
}

enum Decoder<W: Write> {
    Plain(W),
    Gzip(Box<MultiGzDecoder<W>>),
    Zlib(Box<ZlibDecoder<W>>),
    Deflate(Box<DeflateDecoder<W>>),
    Brotli(Box<BrotliDecoder<W>>),
    Zstd(Box<ZstdDecoder<'static, W>>),
    /// `deflate` before its first byte: some servers leave the zlib wrapping out.
    Undecided(W),
}

impl<W: Write + Default> Coded<W> {
    pub(super) fn new(headers: &HeaderMap, sink: W) -> Self {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(coding) = codings.next() else { return Self { decoder: Decoder::Plain(sink), closed: false } };
        let several = codings.next().is_some();
        let coding = coding.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        let zstd = if coding == "zstd" { zstd_decoder().ok() } else { None };
        let decoder = match (coding.as_str(), zstd) {
            _ if several => return Self { decoder: Decoder::Plain(sink), closed: true },
            ("" | "identity", _) => Decoder::Plain(sink),
            ("gzip" | "x-gzip", _) => Decoder::Gzip(Box::new(MultiGzDecoder::new(sink))),
            ("deflate", _) => Decoder::Undecided(sink),
            ("br", _) => Decoder::Brotli(Box::new(BrotliDecoder::new(sink, BROTLI_BUFFER))),
            (_, Some(zstd)) => Decoder::Zstd(Box::new(ZstdDecoder::with_decoder(sink, zstd))),
            _ => return Self { decoder: Decoder::Plain(sink), closed: true },
        };
        Self { decoder, closed: false }
    }

    /// Hands on what the next bytes decode to, as far as it can be told by now.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let Some(first) = bytes.first().filter(|_| !self.closed) else { return };
        if let Decoder::Undecided(sink) = &mut self.decoder {
            let sink = std::mem::take(sink);
            // compression method 8 in the low bits opens a zlib stream (RFC 1950)
            self.decoder = if first & 0x0F == 8 {
                Decoder::Zlib(Box::new(ZlibDecoder::new(sink)))
            } else {
                Decoder::Deflate(Box::new(DeflateDecoder::new(sink)))
            };
        }
        let written = match &mut self.decoder {
            Decoder::Plain(sink) | Decoder::Undecided(sink) => sink.write_all(bytes),
            Decoder::Gzip(decoder) => write(decoder, bytes),
            Decoder::Zlib(decoder) => write(decoder, bytes),
            Decoder::Deflate(decoder) => write(decoder, bytes),
            Decoder::Brotli(decoder) => write(decoder, bytes),
            Decoder::Zstd(decoder) => write(decoder, bytes),
        };
        self.closed = written.is_err();
    }

    /// Whether what came was not read to its end.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn sink(&self) -> &W {
        match &self.decoder {
            Decoder::Plain(sink) | Decoder::Undecided(sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zlib(decoder) => decoder.get_ref(),
            Decoder::Deflate(decoder) => decoder.get_ref(),
            Decoder::Brotli(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
        }
    }

    pub(super) fn sink_mut(&mut self) -> &mut W {
        match &mut self.decoder {
            Decoder::Plain(sink) | Decoder::Undecided(sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zlib(decoder) => decoder.get_mut(),
            Decoder::Deflate(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
        }
    }
}

impl<W: Write> fmt::Debug for Coded<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coded").field("closed", &self.closed).finish_non_exhaustive()
    }
}

fn zstd_decoder() -> io::Result<RawZstdDecoder<'static>> {
    let mut decoder = RawZstdDecoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
    Ok(decoder)
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
    /// The same as Node's `zlib.brotliCompressSync` writes it.
    const BROTLI: &[u8] = b"\x8b\x09\x80data: {\"usage\":{}}\n\n\x03";

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
            ("br", BROTLI.to_vec()),
            ("zstd", zstd::encode_all(TEXT, 3).unwrap()),
        ] {
            for size in [1, 3, 1000] {
                assert_eq!(decoded(coding, bytes.chunks(size)), TEXT, "{coding} in pieces of {size}");
            }
        }
    }

    #[test]
    fn several_members_are_one_body() {
        let zstd = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
        for (coding, bytes) in [("gzip", [gzip(TEXT), gzip(TEXT)].concat()), ("zstd", [zstd(TEXT), zstd(TEXT)].concat())] {
            assert_eq!(decoded(coding, bytes.chunks(5)), TEXT.repeat(2), "{coding}");
        }
    }

    #[test]
    fn of_a_body_that_breaks_off_the_beginning_is_read() {
        let text = b"data: {\"a\":1}\n\n".repeat(40_000);
        for (coding, bytes) in [("gzip", gzip(&text)), ("zstd", zstd::encode_all(text.as_slice(), 3).unwrap())] {
            let cut = decoded(coding, [&bytes[..bytes.len() - 9]]);
            assert!(cut.len() > 1_000 && text.starts_with(&cut), "{coding}: {} bytes", cut.len());
        }
    }

    #[test]
    fn a_window_of_more_than_8_mib_is_not_allocated() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&TEXT.repeat(1_000)).unwrap();
        assert_eq!(decoded("zstd", [encoder.finish().unwrap().as_slice()]), b"");
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
        for (coding, bytes) in [
            ("br", gzip(TEXT)),
            ("zstd", gzip(TEXT)),
            ("gzip, br", gzip(TEXT)),
            ("gzip", TEXT.to_vec()),
            ("deflate", gzip(TEXT)),
            ("lzma", gzip(TEXT)),
        ] {
            assert_eq!(decoded(coding, [bytes.as_slice(), &bytes]), b"", "{coding}");
        }
        let mut twice = gzip(TEXT);
        twice.extend_from_slice(b"garbage after the end");
        assert_eq!(decoded("gzip", [twice.as_slice()]), TEXT);
    }
}
