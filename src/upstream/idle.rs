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
use super::lanes::Place;
use super::{Failure, UpstreamError};

/// An answer's body with a limit on its silence.
pub(super) struct IdleLimited {
    inner: Incoming,
    /// Its place on a connection with others, free when this is gone.
    _place: Option<Place>,
    url: Uri,
    limit: Duration,
    /// Since when there was nothing to hand on.
    silent_since: Option<Instant>,
    /// Made at the first silence: most short answers never wait. It is not set back by every piece, so it may ring early.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleLimited {
    pub(super) const fn new(inner: Incoming, place: Option<Place>, url: Uri, limit: Duration) -> Self {
        Self { inner, _place: place, url, limit, silent_since: None, timer: None }
    }
}

impl Body for IdleLimited {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.silent_since = None;
            let broken = |error| UpstreamError::new(Failure::MidBody, &self.url).because(root_cause(&error));
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        let limit = self.limit;
        let deadline = *self.silent_since.get_or_insert_with(Instant::now) + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(Some(Err(UpstreamError::new(Failure::IdleTimeout(limit), &self.url))));
            }
            timer.as_mut().reset(deadline);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
