//! The answer as it passes: bytes untouched and not re-framed, a copy to the usage reader, settled exactly once.
//!
//! It ends in one of three ways: whole, broken by the provider, or dropped because the client went away. The
//! reservation and the trail are in here, so none of the ways can forget them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::admission::Hold;
use super::respond::AnswerBody;
use super::trail::{Trail, is_refusal};
use crate::domain::{Api, Clock, Dialect, Outcome};
use crate::provider::{UsageReader, stream_error_event};
use crate::upstream::UpstreamError;

/// A passing answer.
pub(super) struct Tap {
    body: AnswerBody,
    /// What is left to do at the end; `None` when it is done.
    open: Option<Open>,
    clock: Arc<dyn Clock>,
    status: u16,
    seen_bytes: u64,
    /// How long the body is, if its head said.
    announced: Option<u64>,
    /// Whose events these are, if a client of events can be told that they break off.
    events_of: Option<(Dialect, Api)>,
    state: State,
}

struct Open {
    trail: Trail,
    hold: Option<Box<dyn Hold>>,
    reader: Option<UsageReader>,
    if_whole: Outcome,
}

enum State {
    Passing,
    /// The error event is handed over and must leave before the connection breaks.
    Said(UpstreamError),
    Breaking(UpstreamError),
    Over,
}

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
    Dropped,
}

/// The answer that passes: whose it is, and what its head said.
pub(super) struct Answer<'a> {
    pub(super) dialect: Dialect,
    pub(super) api: Api,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) if_whole: Outcome,
}

impl Tap {
    pub(super) fn new(answer: &Answer<'_>, body: AnswerBody, trail: Trail, hold: Option<Box<dyn Hold>>, clock: Arc<dyn Clock>) -> Self {
        let Answer { dialect, api, status, headers, if_whole } = *answer;
        let reader = (!status.is_client_error() && !status.is_server_error()).then(|| UsageReader::new(dialect, api, headers));
        let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let can_speak = is_event_stream(headers) && announced.is_none();
        Self {
            body,
            open: Some(Open { trail, hold, reader, if_whole }),
            clock,
            status: status.as_u16(),
            seen_bytes: 0,
            announced,
            events_of: can_speak.then_some((dialect, api)),
            state: State::Passing,
        }
    }

    fn pass(&mut self, data: &Bytes) {
        self.seen_bytes += data.len() as u64;
        if let Some(Open { reader: Some(reader), .. }) = &mut self.open {
            reader.push(data);
        }
    }

    fn settle(&mut self, end: End) {
        let Some(Open { mut trail, hold, mut reader, if_whole }) = self.open.take() else { return };
        if let Some(reader) = &mut reader {
            reader.close();
        }
        let error = reader.as_ref().filter(|reader| reader.has_error()).and_then(|reader| reader.error(self.clock.now().wall));
        if let Some(verdict) = &error {
            trail.judged(self.status, verdict, hold.as_deref());
        }
        if let Some(end) = reader.as_ref().and_then(UsageReader::model_end) {
            trail.model_ends(end);
        }
        if let Some(ends) = reader.as_ref().map(UsageReader::listed_ends).filter(|ends| !ends.is_empty()) {
            trail.models_end(ends);
        }
        let said_all = reader.as_ref().is_some_and(UsageReader::finished);
        // what closes properly but without its last word is cut off all the same, unless a part is what was asked for
        let is_cut = reader.as_ref().is_some_and(UsageReader::is_cut) && self.status != StatusCode::PARTIAL_CONTENT;
        let torn = end == End::Whole && is_cut && self.seen_bytes > 0;
        let usage = reader.map(|r| r.finish(end == End::Whole && !torn)).unwrap_or_default();
        if let Some(hold) = hold {
            hold.settle(&usage);
        }
        let outcome = match (end, error) {
            (End::Broken, _) => Outcome::UpstreamFailed,
            (_, Some(verdict)) if is_refusal(self.status, verdict.kind) => Outcome::Refused,
            (_, Some(_)) => Outcome::Error,
            (End::Whole, None) if torn => Outcome::UpstreamFailed,
            (End::Whole, None) => if_whole,
            // many clients hang up as soon as they have read the final event
            (End::Dropped, None) if said_all => if_whole,
            (End::Dropped, None) => Outcome::ClientGone,
        };
        trail.finish(outcome, usage, self.seen_bytes);
    }

    fn is_whole(&self) -> bool {
        self.body.is_end_stream() || self.announced == Some(self.seen_bytes)
    }
}

impl Body for Tap {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => Poll::Ready(None),
            State::Breaking(error) => Poll::Ready(Some(Err(error))),
            State::Said(error) => {
                // one turn without data lets the server flush the event
                self.state = State::Breaking(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            State::Passing => {
                self.state = State::Passing;
                match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        if let Some(data) = frame.data_ref() {
                            self.pass(data);
                        }
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => {
                        self.state = State::Over;
                        self.settle(End::Whole);
                        Poll::Ready(None)
                    }
                    Some(Err(error)) => {
                        self.settle(End::Broken);
                        let Some((dialect, api)) = self.events_of else {
                            self.state = State::Over;
                            return Poll::Ready(Some(Err(error)));
                        };
                        let event = stream_error_event(dialect, api, &error.to_string());
                        self.state = State::Said(error);
                        Poll::Ready(Some(Ok(Frame::data(event))))
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Passing => self.body.is_end_stream(),
            State::Over => true,
            State::Said(_) | State::Breaking(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.settle(if self.is_whole() { End::Whole } else { End::Dropped });
    }
}

const EVENTS: &str = "text/event-stream";

/// Whether a body is a stream of events that can be read, and added to, as it is.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let is_events = |v: &str| v.trim_start().get(..EVENTS.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(EVENTS));
    text(CONTENT_TYPE).is_some_and(is_events) && text(CONTENT_ENCODING).is_none_or(|v| v.eq_ignore_ascii_case("identity"))
}
