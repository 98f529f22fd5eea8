//! The body of a request as it leaves: its bytes, then its trailers, if it has any.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A whole body.
#[derive(Debug)]
pub(super) struct Sending {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

impl Sending {
    pub(super) fn new(data: Bytes, trailers: HeaderMap) -> Self {
        Self { data, trailers: (!trailers.is_empty()).then_some(trailers) }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.data.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.data)))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    /// A body with a length has no place for trailers, so one that has some is sent in chunks.
    fn size_hint(&self) -> SizeHint {
        if self.trailers.is_some() { SizeHint::default() } else { SizeHint::with_exact(self.data.len() as u64) }
    }
}
