//! Reads what an answer took, from JSON and from streams, while the bytes pass by.

mod coded;
mod counted;
mod counts;
mod events;
mod fault;
mod frames;
mod framing;
mod pieces;
mod session;
mod story;

use std::io::{self, Write};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

pub use self::counted::counted;
pub use self::session::SessionReader;

use self::coded::Coded;
use self::framing::Framing;
use self::story::Story;
use crate::domain::{Api, Dialect, ModelEnd, Usage, Verdict};

/// How much decoded text is read before an answer is given up: a small gzip body can stand for a very large one.
const MAX_READ: u64 = 128 * 1024 * 1024;
/// What one piece of an answer may decode to, for each of its bytes and beside that. Texts shrink to a tenth, rarely to a fiftieth; a
/// piece that stands for much more would hold up everybody whose answers the same thread passes on.
const MAX_GROWTH: u64 = 100;
const MAX_GROWTH_BESIDE: u64 = 1024 * 1024;

const GEMINI_TIER: HeaderName = HeaderName::from_static("x-gemini-service-tier");

/// Fed with the bytes of one answer as they pass; keeps only what it needs, never more than a fixed amount.
///
/// A body that is coded twice, or in a way nobody knows, is not read: its usage stays unknown.
///
/// ```
/// use http::HeaderMap;
/// use tierline::domain::{Api, Certainty, Dialect};
/// use tierline::provider::UsageReader;
///
/// let mut reader = UsageReader::new(Dialect::OpenAi, Api::Embeddings, &HeaderMap::new());
/// reader.push(br#"{"model":"text-embedding-3-small","usage":{"prompt_"#);
/// reader.push(br#"tokens":5,"total_tokens":5}}"#);
/// let usage = reader.finish(true);
/// assert_eq!((usage.input, usage.output, usage.certainty), (5, 0, Certainty::Exact));
/// ```
#[derive(Debug)]
pub struct UsageReader {
    dialect: Dialect,
    coded: Coded<Reading>,
    kind: Kind,
    is_cut: bool,
}

/// What the body is, as its head says: only this tells how it has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Other,
}

impl UsageReader {
    /// A reader for an answer with these headers (`content-type` tells JSON from streams, `content-encoding` is undone).
    #[must_use]
    pub fn new(dialect: Dialect, api: Api, headers: &HeaderMap) -> Self {
        let tier = headers.get(&GEMINI_TIER).and_then(|tier| tier.to_str().ok());
        let reading = Reading { framing: Framing::of(api, headers), story: Story::new(dialect, api).with_tier(tier), read: 0, most: 0 };
        Self { dialect, coded: Coded::new(headers, reading), kind: Kind::of(headers), is_cut: false }
    }

    /// The next bytes, as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        let reading = self.coded.sink_mut();
        reading.most = MAX_READ.min(reading.read + MAX_GROWTH_BESIDE + MAX_GROWTH * bytes.len() as u64);
        self.coded.push(bytes);
    }

    /// No more bytes come: what was put off is read now. What the methods below say is known only after this.
    pub fn close(&mut self) {
        let (kind, is_read) = (self.kind, !self.coded.is_closed());
        let Reading { framing, story, .. } = self.coded.sink_mut();
        let (has_last_word, is_open) = match (&*framing, kind) {
            (Framing::Events(_), Kind::Events) => (has_final_event(story.api()), false),
            (Framing::Object(_), Kind::Json) => (true, false),
            (Framing::List(_, last), Kind::Json) => (false, *last != b']'),
            (Framing::Unknown, Kind::Json) => (false, true),
            _ => (false, false),
        };
        framing.close(&mut |piece| story.take(piece));
        let is_said = story.finished() || story.lost();
        self.is_cut |= is_read && (is_open || (has_last_word && !is_said));
    }

    /// Whether a body that ended as HTTP has it lacks its end all the same: a JSON text without its closing bracket, or a stream
    /// without the final event of its API.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether the protocol's own end has passed: `[DONE]`, `message_stop`, `response.completed`, a finish reason of
    /// Gemini, the closing bracket of a JSON answer. What follows it, or does not, changes nothing.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.story().finished()
    }

    /// Whether an error of the provider's has passed.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.story().fault().is_some()
    }

    /// An error that the provider sent inside an answer with status 200, if one has passed.
    #[must_use]
    pub fn error(&self, at: Timestamp) -> Option<Verdict> {
        let fault = self.story().fault()?;
        super::refusal::verdict(self.dialect, fault.status, &HeaderMap::new(), &fault.body, at)
    }

    /// What the provider said about the end of the model that answered, if it said anything.
    #[must_use]
    pub fn model_end(&self) -> Option<&ModelEnd> {
        self.story().end()
    }

    /// The models that end, if the answer is a list of models that says so.
    #[must_use]
    pub fn listed_ends(&self) -> &[ModelEnd] {
        self.story().listed_ends()
    }

    /// The answer is over: all of it arrived (`complete`), or it broke off.
    #[must_use]
    pub fn finish(mut self, complete: bool) -> Usage {
        self.close();
        self.coded.sink_mut().story.finish(complete)
    }

    fn story(&self) -> &Story {
        &self.coded.sink().story
    }
}

/// Whether every whole stream of this API ends with an event that says so.
const fn has_final_event(api: Api) -> bool {
    matches!(api, Api::Messages | Api::ChatCompletions | Api::Responses)
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let said = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let said = said.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        match () {
            () if said.eq_ignore_ascii_case(b"application/json") => Self::Json,
            () if said.eq_ignore_ascii_case(b"text/event-stream") => Self::Events,
            () => Self::Other,
        }
    }
}

/// The decoded side: bytes to pieces to a story.
#[derive(Debug, Default)]
struct Reading {
    framing: Framing,
    story: Story,
    read: u64,
    /// How much may be read before the present piece of the answer ends.
    most: u64,
}

impl Write for Reading {
    /// Fails when nothing more is to be learned, so that nothing more is decoded.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { framing, story, read, most } = self;
        *read += bytes.len() as u64;
        if *read > *most || matches!(framing, Framing::Opaque) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        framing.push(story.api(), bytes, &mut |piece| story.take(piece));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod growth;
#[cfg(test)]
mod tests;
