//! Limit headers as providers write them, from the figures of the virtual provider, and read again as answers are read.
//!
//! Anthropic writes when a limit is full again as a time on its own clock, OpenAI as a length.

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use tierline::domain::{Dialect, Dimension, Snapshot};

/// Whose headers, and by how many seconds that clock is ahead of ours.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    pub dialect: Dialect,
    pub skew_secs: i64,
}

/// What headers say of one limit of a minute.
pub struct Said {
    pub dimension: Dimension,
    pub limit: u64,
    pub remaining: u64,
    pub full_in_secs: f64,
}

/// The snapshot of an answer with these headers that arrives at `at`, by our clock.
pub fn snapshot(spelling: Spelling, status: u16, said: &[Said], at: Timestamp) -> Snapshot {
    let mut headers = HeaderMap::new();
    let mut put = |name: String, value: String| {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    };
    let theirs = at + jiff::SignedDuration::from_secs(spelling.skew_secs);
    put("date".into(), theirs.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    for Said { dimension, limit, remaining, full_in_secs: full_in } in said {
        let kind = match dimension {
            Dimension::Requests => "requests",
            Dimension::InputTokens => "input-tokens",
            Dimension::OutputTokens => "output-tokens",
            _ => "tokens",
        };
        if spelling.dialect == Dialect::Anthropic {
            let full_at = theirs + jiff::SignedDuration::from_secs_f64(*full_in);
            for (what, value) in [
                ("limit", limit.to_string()),
                ("remaining", remaining.to_string()),
                ("reset", full_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ] {
                put(format!("anthropic-ratelimit-{kind}-{what}"), value);
            }
        } else {
            for (what, value) in [("limit", limit.to_string()), ("remaining", remaining.to_string()), ("reset", format!("{full_in:.3}s"))] {
                put(format!("x-ratelimit-{what}-{kind}"), value);
            }
        }
    }
    tierline::provider::snapshot(spelling.dialect, StatusCode::from_u16(status).unwrap_or_default(), &headers, at)
}
