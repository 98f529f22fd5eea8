//! Tests of what a piece of a coded answer may decode to: enough for any text, and never so much that others wait for it.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderValue, header};

use super::{MAX_GROWTH, MAX_GROWTH_BESIDE, MAX_READ, UsageReader};
use crate::domain::{Api, Certainty, Dialect};

/// What a connection hands on at a time.
const PIECE: usize = 32 * 1024;

/// 256 MiB of zeros, written by Node's `zlib.brotliCompressSync`.
const BROTLI: &[u8] = include_bytes!("../../../tests/data/usage/bomb.br");

fn reader(coding: &str) -> UsageReader {
    let headers = HeaderMap::from_iter([
        (header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap()),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ]);
    UsageReader::new(Dialect::OpenAi, Api::ChatCompletions, &headers)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_piece_that_stands_for_very_much_is_given_up_at_once() {
    let zeros = vec![0; 8 << 20];
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(&zeros).unwrap();
    let zstd = zstd::encode_all(zeros.as_slice(), 3).unwrap();
    for (coding, bomb) in [
        ("gzip", gzip(&zeros)),
        ("gzip", gzip(&zeros).repeat(500)),
        ("deflate", zlib.finish().unwrap()),
        ("br", BROTLI.to_vec()),
        ("zstd", zstd.clone()),
        ("zstd", zstd.repeat(500)),
    ] {
        let mut reader = reader(coding);
        for piece in bomb.chunks(PIECE) {
            let before = reader.coded.sink().read;
            reader.push(piece);
            // a decoder hands on what it has in one go
            let most = MAX_GROWTH * piece.len() as u64 + MAX_GROWTH_BESIDE + (256 << 10);
            assert!(reader.coded.sink().read - before <= most, "{coding}: {} bytes of {}", reader.coded.sink().read, piece.len());
        }
        assert_eq!(reader.finish(true).certainty, Certainty::Unknown, "{coding}");
    }
}

#[test]
fn a_body_of_many_small_bombs_is_read_to_the_limit_and_no_further() {
    // each alone is within what a piece may stand for
    let zeros = vec![b' '; 512 << 10];
    for (coding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd::encode_all(zeros.as_slice(), 3).unwrap())] {
        let mut reader = reader(coding);
        (0..1_000).for_each(|_| reader.push(&bomb));
        let read = reader.coded.sink().read;
        assert!((MAX_READ..=MAX_READ + (1 << 20)).contains(&read), "{coding}: {read}");
    }
}

#[test]
fn a_long_text_is_read_however_well_it_shrinks() {
    let mut text = r#"{"choices":[{"message":{"content":""#.to_owned();
    for n in 0..20_000 {
        text += "the same words again and again, as models repeat themselves; ";
        text += &n.to_string();
    }
    text += r#""}}],"usage":{"prompt_tokens":7,"completion_tokens":5}}"#;
    for (coding, bytes) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap())] {
        let mut reader = reader(coding);
        bytes.chunks(PIECE).for_each(|piece| reader.push(piece));
        let usage = reader.finish(true);
        assert_eq!((usage.input, usage.output, usage.certainty), (7, 5, Certainty::Exact), "{coding}: {} bytes", bytes.len());
    }
}
