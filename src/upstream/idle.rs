//! A body that fails when nothing arrives for too long. The whole may last as long as it likes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::error::root_cause;
use super::{Failure, UpstreamError};

/// An answer's body with a limit on its silence.
pub(super) struct IdleLimited {
    inner: Incoming,
    url: Uri,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs: only while there is nothing to hand on.
    armed: bool,
}

impl IdleLimited {
    pub(super) fn new(inner: Incoming, url: Uri, limit: Duration) -> Self {
        Self { inner, url, limit, timer: Box::pin(sleep(limit)), armed: true }
    }
}

impl Body for IdleLimited {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.armed = false;
                Poll::Ready(
                    frame.map(|frame| frame.map_err(|error| UpstreamError::new(Failure::MidBody, &self.url).because(root_cause(&error)))),
                )
            }
            Poll::Pending => {
                if !self.armed {
                    self.armed = true;
                    let deadline = Instant::now() + self.limit;
                    self.timer.as_mut().reset(deadline);
                }
                ready!(self.timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(UpstreamError::new(Failure::IdleTimeout(self.limit), &self.url))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
