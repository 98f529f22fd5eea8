//! A body whose beginning was read to find out what it means, and which still passes on unchanged.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::respond::AnswerBody;
use crate::upstream::UpstreamError;

/// How much of an error's body is read before it passes on.
const MAX_PEEK: usize = 256 * 1024;

/// What was read, then what was not.
pub(super) struct Replay {
    read: VecDeque<Result<Frame<Bytes>, UpstreamError>>,
    rest: Option<AnswerBody>,
}

impl Replay {
    /// Reads the beginning of a body; all of it, if it is not longer than an error's body can be.
    pub(super) async fn peek(mut body: AnswerBody) -> (Bytes, Self) {
        let mut read = VecDeque::new();
        let mut start = BytesMut::new();
        while start.len() < MAX_PEEK {
            let Some(frame) = body.frame().await else { return (start.freeze(), Self { read, rest: None }) };
            let failed = frame.is_err();
            if let Some(data) = frame.as_ref().ok().and_then(Frame::data_ref) {
                start.extend_from_slice(data);
            }
            read.push_back(frame);
            if failed {
                return (start.freeze(), Self { read, rest: None });
            }
        }
        (start.freeze(), Self { read, rest: Some(body) })
    }
}

impl Body for Replay {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if let Some(frame) = self.read.pop_front() {
            return Poll::Ready(Some(frame));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = |frame: &Result<Frame<Bytes>, _>| frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, |d| d.len() as u64);
        let read: u64 = self.read.iter().map(bytes).sum();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(read + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(read + upper);
        }
        hint
    }
}
