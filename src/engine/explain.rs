//! What an error means that a person pasted.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;

use crate::domain::command::PastedError;
use crate::domain::{Problem, Verdict};
use crate::provider;

/// Reads it as the gateway would have read it from the provider.
pub(super) fn explain(pasted: &PastedError, now: Timestamp) -> Result<Verdict, Problem> {
    let status = StatusCode::from_u16(pasted.status)
        .map_err(|_| Problem::new(format!("{} is no HTTP status", pasted.status)).hint("write a number from 100 to 999"))?;
    provider::verdict(pasted.provider, status, &headers(&pasted.headers), pasted.body.as_bytes(), now)
        .ok_or_else(|| Problem::new(format!("status {} without an error inside is no refusal", pasted.status)))
}

/// Lines that are no header (a status line, a blank one) are passed over.
#[must_use]
pub fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.trim()), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Dialect, VerdictKind};

    #[test]
    fn a_pasted_refusal_is_read_with_its_headers() {
        let pasted = |status, headers: &str, body: &str| PastedError {
            provider: Dialect::Anthropic,
            status,
            headers: headers.into(),
            body: body.into(),
        };
        let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Number of request tokens has exceeded your per-minute rate limit"}}"#;
        let verdict = explain(&pasted(429, "HTTP/1.1 429 Too Many Requests\n\nretry-after: 7\n", body), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((verdict.kind, verdict.retry_after.map(|wait| wait.as_secs())), (VerdictKind::Wait, Some(7)));
        for (status, body) in [(200, "{}"), (7, "")] {
            assert!(explain(&pasted(status, "", body), Timestamp::UNIX_EPOCH).is_err(), "{status}");
        }
    }
}
