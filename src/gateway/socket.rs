//! A WebSocket through the gateway: admitted and counted like any request, then both connections become one pipe.
//!
//! Bytes pass untouched. A copy of what the provider sends is read for usage and limits, and all of it is settled once,
//! when either side ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts as Head;
use http::{HeaderMap, HeaderValue, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf, copy, split};

use super::admission::Hold;
use super::trail::Trail;
use crate::domain::{Clock, Outcome};
use crate::provider::SessionReader;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// The pipe that a connection becomes after its last answer, once there is one. It runs in the connection's own task, so
/// that it is waited for when the gateway stops.
#[derive(Clone, Default)]
pub(super) struct Pipe(Arc<Mutex<Option<Running>>>);

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A client that asked for a WebSocket.
pub(super) struct Socket {
    client: OnUpgrade,
    pipe: Pipe,
}

impl Pipe {
    /// Lets it run, if there is one.
    pub(super) async fn run(self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.await;
        }
    }
}

impl Socket {
    /// The socket that a request asks for, if it does.
    pub(super) fn asked(head: &mut Head, pipe: &Pipe) -> Option<Self> {
        if !is_asked(head.version, &head.headers) {
            return None;
        }
        let client = head.extensions.remove::<OnUpgrade>()?;
        Some(Self { client, pipe: pipe.clone() })
    }

    /// Makes one pipe of both connections as soon as the answer 101 has left.
    pub(super) fn open(self, upstream: OnUpgrade, trail: Trail, hold: Option<Box<dyn Hold>>, clock: Arc<dyn Clock>) {
        let session = Session { open: Some((trail, hold)), reader: SessionReader::default(), clock, bytes: 0 };
        let Self { client, pipe } = self;
        *pipe.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(session.run(client, upstream)));
    }
}

/// Whether these headers ask for a WebSocket. HTTP/2 has another way, which no provider's SDK uses.
fn is_asked(version: Version, headers: &HeaderMap) -> bool {
    let lists = |value: &HeaderValue| value.to_str().is_ok_and(|v| v.split(',').any(|part| part.trim().eq_ignore_ascii_case("upgrade")));
    version == Version::HTTP_11
        && headers.get(UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && headers.get_all(CONNECTION).iter().any(lists)
}

/// Asks for a WebSocket, or says that it is one: headers of the connection, which each side writes anew.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// What is left to settle when the pipe ends, however it does.
struct Session {
    open: Option<(Trail, Option<Box<dyn Hold>>)>,
    reader: SessionReader,
    clock: Arc<dyn Clock>,
    bytes: u64,
}

impl Session {
    async fn run(mut self, client: OnUpgrade, upstream: OnUpgrade) {
        let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) else { return };
        let (mut from_client, mut to_client) = split(TokioIo::new(client));
        let (from_upstream, mut to_upstream) = split(TokioIo::new(upstream));
        let mut from_upstream = Tapped { inner: from_upstream, session: &mut self };
        // a WebSocket is over when one side is: neither says anything after its closing frame
        let by_client = tokio::select! {
            _ = copy(&mut from_client, &mut to_upstream) => true,
            _ = copy(&mut from_upstream, &mut to_client) => false,
        };
        self.settle(if by_client || self.reader.closed() { Outcome::Ok } else { Outcome::UpstreamFailed });
    }

    fn pass(&mut self, bytes: &[u8]) {
        let Some((trail, hold)) = &mut self.open else { return };
        self.bytes += bytes.len() as u64;
        self.reader.push(bytes, self.clock.now().wall, &mut |snapshot| {
            if let Some(hold) = hold {
                hold.observe(&snapshot);
            }
            trail.told(snapshot);
        });
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some((trail, hold)) = self.open.take() else { return };
        let usage = std::mem::take(&mut self.reader).finish();
        if let Some(hold) = hold {
            hold.settle(&usage);
        }
        trail.finish(outcome, usage, self.bytes);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.settle(Outcome::ClientGone);
    }
}

/// The provider's side, with a reader beside it.
struct Tapped<'s, R> {
    inner: R,
    session: &'s mut Session,
}

impl<R: AsyncRead + Unpin> AsyncRead for Tapped<'_, R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        self.session.pass(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(read)
    }
}
