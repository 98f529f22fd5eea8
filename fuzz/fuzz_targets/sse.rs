//! Any answer, cut anywhere, is read as it is in one piece.

#![no_main]

use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use tierline_fuzz::domain::Api;
use tierline_fuzz::provider::{UsageReader, counted};
use tierline_fuzz::{choice, dialect, now};

const APIS: [Api; 12] = [
    Api::Messages,
    Api::ChatCompletions,
    Api::Responses,
    Api::GenerateContent,
    Api::Interactions,
    Api::Completions,
    Api::Embeddings,
    Api::Images,
    Api::Audio,
    Api::Other,
    Api::Models,
    Api::CountTokens,
];

fuzz_target!(|data: &[u8]| {
    let mut answer = data;
    let (how, api, dialect) = (choice(&mut answer), APIS[usize::from(choice(&mut answer)) % APIS.len()], dialect(choice(&mut answer)));
    let mut cuts = u32::from(choice(&mut answer)) << 8 | u32::from(choice(&mut answer));
    let content_type = if how & 1 == 0 { "text/event-stream" } else { "application/json" };
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    if how & 6 == 6 {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }

    let mut whole = UsageReader::new(dialect, api, &headers);
    whole.push(answer);
    let mut pieces = UsageReader::new(dialect, api, &headers);
    let mut rest = answer;
    while !rest.is_empty() {
        cuts = cuts.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, after) = rest.split_at(rest.len().min(1 + (cuts >> 24) as usize % 16));
        pieces.push(piece);
        rest = after;
    }
    whole.close();
    pieces.close();
    assert_eq!(whole.finished(), pieces.finished());
    assert_eq!(whole.error(now()), pieces.error(now()));
    let complete = how & 8 == 0;
    let usage = whole.finish(complete);
    assert_eq!(usage, pieces.finish(complete));
    assert!(usage.cache_write_long <= usage.cache_write || usage.cache_write_long < 1 << 41, "{usage:?}");
    let _ = counted(dialect, usage.model.as_ref(), &usage);
});
