//! How many requests are under way on a connection of HTTP/2, so that one with none for long is closed.
//!
//! HTTP/1.1 has a limit on the time to the next head; over HTTP/2 hyper has none, nor on the preface.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::timeout;

use super::respond::AnswerBody;
use crate::upstream::UpstreamError;

/// The requests of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<watch::Sender<usize>>);

/// One of them, until it is dropped.
pub(super) struct OneMore(UnderWay);

/// An answer whose request is under way as long as there is something of it to send.
pub(super) struct Counted {
    body: AnswerBody,
    _request: OneMore,
}

impl UnderWay {
    pub(super) fn one_more(&self) -> OneMore {
        self.0.send_modify(|count| *count += 1);
        OneMore(self.clone())
    }

    /// Ends when there has been none for so long.
    pub(super) async fn none_for(&self, limit: Duration) {
        let mut count = self.0.subscribe();
        loop {
            drop(count.wait_for(|count| *count == 0).await);
            if timeout(limit, count.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl OneMore {
    pub(super) const fn until_sent(self, body: AnswerBody) -> Counted {
        Counted { body, _request: self }
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
