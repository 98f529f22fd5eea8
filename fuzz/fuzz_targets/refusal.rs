//! Any body under any status comes to the same verdict twice, and an error never to none.

#![no_main]

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use tierline_fuzz::provider::{delay, verdict};
use tierline_fuzz::{choice, dialect, now, status};

fuzz_target!(|data: &[u8]| {
    let mut body = data;
    let (dialect, status) = (dialect(choice(&mut body)), status(choice(&mut body)));
    let found = verdict(dialect, status, &HeaderMap::new(), body, now());
    assert_eq!(found, verdict(dialect, status, &HeaderMap::new(), body, now()));
    assert!(found.is_some() || !(status.is_client_error() || status.is_server_error()), "{status}");
    if let Some(found) = found {
        assert!(found.retry_after.is_none_or(|wait| wait <= delay::LONGEST), "{found:?}");
        assert!(!found.reason.is_empty() && !found.advice.is_empty(), "{found:?}");
        assert!(found.reason.len() < 2_000, "a reason of {} bytes", found.reason.len());
        assert_eq!(found.json()["verdict"], found.kind.name());
    }
});
