//! Any headers make a snapshot that does not contradict itself.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tierline_fuzz::provider::{delay, snapshot, verdict};
use tierline_fuzz::{choice, dialect, now, status};

fuzz_target!(|data: &[u8]| {
    let mut lines = data;
    let (dialect, status) = (dialect(choice(&mut lines)), status(choice(&mut lines)));
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let said = snapshot(dialect, status, &headers, now());
    assert_eq!(said, snapshot(dialect, status, &headers, now()));
    assert!(said.retry_after.is_none_or(|wait| wait <= delay::LONGEST), "{said:?}");
    for reading in &said.readings {
        let left_is_possible = reading.limit.zip(reading.remaining).is_none_or(|(limit, left)| left <= limit + reading.grain);
        assert!(left_is_possible && reading.full_at.is_none_or(|full_at| full_at >= now()), "{reading:?}");
    }
    // a refusal without a body is judged by its headers
    let _ = verdict(dialect, status, &headers, b"", now());
});
