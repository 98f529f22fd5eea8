//! Keeps a client of events company while its request waits for room: comments, or what else its reader skips.
//!
//! The price is that the head is sent before the provider's answer is known. So it happens only to requests that ask
//! for a stream and have waited long, and a refusal that comes later becomes an error event.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::respond::AnswerBody;
use super::tap::is_event_stream;
use crate::domain::{Api, Dialect};
use crate::provider::stream_error_event;
use crate::upstream::UpstreamError;

const COMMENT: &[u8] = b": waiting for room in the rate limit\n\n";
/// Google's SDKs take a comment for an event that is broken, but skip empty lines (google-genai 3.4 for Python, 3.1 for Node, 2026-11).
const EMPTY_LINE: &[u8] = b"\n";
/// How much of an error is put into an event.
const MAX_ERROR: usize = 64 * 1024;

/// The answer to a request, whenever it comes.
pub(super) type Answer = Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>;

/// Where a request stands, as far as its waiting client is concerned.
#[derive(Debug, Default)]
pub(super) struct Stage(AtomicU8);

const SENT: u8 = 1;
const COMMITTED: u8 = 2;

impl Stage {
    /// It waits for room.
    pub(super) fn queue(&self) {
        self.0.fetch_and(!SENT, Ordering::Relaxed);
    }

    /// It is with the provider, who decides about the head of the answer unless that has gone out already.
    pub(super) fn send(&self) {
        self.0.fetch_or(SENT, Ordering::Relaxed);
    }

    /// Whether the head of the answer has gone out.
    pub(super) fn is_committed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & COMMITTED != 0
    }

    fn commit_if_queued(&self) -> bool {
        self.0.compare_exchange(0, COMMITTED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// How the waiting client reads events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listener {
    pub(super) dialect: Dialect,
    pub(super) api: Api,
    /// Between two comments.
    pub(super) comment: Duration,
}

impl Listener {
    fn filler(self) -> &'static [u8] {
        if self.api == Api::GenerateContent { EMPTY_LINE } else { COMMENT }
    }
}

/// The answer itself, or, if it still waits for room after a while, an answer that begins with comments.
/// `marks` are our own headers as far as they are known.
pub(super) async fn or_comments(mut answer: Answer, stage: Arc<Stage>, listener: Listener, marks: HeaderMap) -> Response<AnswerBody> {
    loop {
        match timeout(listener.comment, &mut answer).await {
            Ok(response) => return response,
            Err(_) if stage.commit_if_queued() => break,
            Err(_) => {}
        }
    }
    let mut timer = interval(listener.comment);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut response = Response::new(Late { listener, state: State::Waiting(answer, timer) }.boxed_unsync());
    *response.headers_mut() = marks;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

struct Late {
    listener: Listener,
    state: State,
}

enum State {
    Waiting(Answer, Interval),
    /// The answer is an error; its body becomes one event.
    Reading(Pin<Box<dyn Future<Output = Bytes> + Send>>),
    Passing(AnswerBody),
    Over,
}

impl Body for Late {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        loop {
            let listener = self.listener;
            match &mut self.state {
                State::Waiting(answer, timer) => {
                    if let Poll::Ready(response) = answer.as_mut().poll(cx) {
                        let (head, body) = response.into_parts();
                        self.state = if head.status.is_success() && is_event_stream(&head.headers) {
                            State::Passing(body)
                        } else {
                            State::Reading(Box::pin(error_event(listener, body)))
                        };
                        continue;
                    }
                    ready!(timer.poll_tick(cx));
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(listener.filler())))));
                }
                State::Reading(event) => {
                    let event = ready!(event.as_mut().poll(cx));
                    self.state = State::Over;
                    return Poll::Ready(Some(Ok(Frame::data(event))));
                }
                State::Passing(body) => return Pin::new(body).poll_frame(cx),
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

/// An error's body as an event. All dialects that stream events put the object of their error bodies into them.
async fn error_event(listener: Listener, body: AnswerBody) -> Bytes {
    let read = Limited::new(body, MAX_ERROR).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    match serde_json::from_slice::<serde_json::Value>(&read) {
        Ok(error) if error.is_object() => {
            let named = matches!(listener.api, Api::Messages | Api::Responses | Api::Interactions);
            let name = if named { "event: error\n" } else { "" };
            Bytes::from(format!("{name}data: {error}\n\n"))
        }
        _ => stream_error_event(listener.dialect, listener.api, "the provider did not answer with a stream; see the request in Tierline"),
    }
}
