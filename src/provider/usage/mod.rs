//! Reads what an answer took, from JSON and from streams, while the bytes pass by.

use http::HeaderMap;
use jiff::Timestamp;

use crate::domain::{Api, Cost, Dialect, ModelId, Usage, Verdict};

/// Fed with the bytes of one answer as they pass; keeps only what it needs, never more than a fixed amount.
#[derive(Debug)]
pub struct UsageReader {
    usage: Usage,
}

impl UsageReader {
    /// A reader for an answer with these headers (`content-type` tells JSON from streams, `content-encoding` is undone).
    #[must_use]
    pub fn new(_dialect: Dialect, _api: Api, _headers: &HeaderMap) -> Self {
        Self { usage: Usage::default() }
    }

    /// The next bytes, as they came.
    pub fn push(&mut self, _bytes: &[u8]) {}

    /// What is known so far; [`Certainty::AtLeast`](crate::domain::Certainty::AtLeast) at best until [`finish`](Self::finish).
    #[must_use]
    pub const fn so_far(&self) -> &Usage {
        &self.usage
    }

    /// An error that the provider sent inside an answer with status 200, if one has passed.
    #[must_use]
    pub fn error(&self, _at: Timestamp) -> Option<Verdict> {
        None
    }

    /// The answer is over: all of it arrived (`complete`), or it broke off.
    #[must_use]
    pub fn finish(self, _complete: bool) -> Usage {
        self.usage
    }
}

/// What `usage` counts toward the provider's limits (Anthropic's cache reads do not, OpenAI's do, ...), one request included.
#[must_use]
pub fn counted(_dialect: Dialect, _model: Option<&ModelId>, _usage: &Usage) -> Cost {
    Cost::request()
}
