//! A body that keeps a pace: each part when it is due, signs of life in between, and an end that may be a bad one.

use std::fmt;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::connection::ResetFlag;
use super::ticket::Ticket;

/// The body of an answer.
#[derive(Debug)]
pub(super) enum SimBody {
    /// All at once.
    Whole(Option<Bytes>),
    /// In parts.
    Paced(Box<Paced>),
}

impl SimBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }
}

/// One part of a body.
#[derive(Debug)]
pub(super) struct Part {
    /// Nanoseconds after the body's start.
    pub(super) due: u64,
    pub(super) bytes: Bytes,
    /// Output tokens made by then.
    pub(super) made: u64,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finale {
    /// As it should.
    End,
    /// With a reset of the connection.
    Reset,
    /// Never.
    Stall,
}

/// Bytes that mean nothing, sent while nothing else is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filler {
    pub(super) every: Duration,
    pub(super) bytes: &'static [u8],
}

/// Before a reset, so that the parts already written reach the peer.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// A body in parts. It settles the request's ticket when it ends, and leaves it to the ticket's drop if the client goes first.
pub(super) struct Paced {
    parts: Box<dyn Iterator<Item = Part> + Send>,
    next: Option<Part>,
    finale: Finale,
    filler: Option<Filler>,
    filled_at: Option<Instant>,
    gzip: Option<GzEncoder<Vec<u8>>>,
    started: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    ends_at: Option<Instant>,
    ticket: Ticket,
    reset: ResetFlag,
}

impl Paced {
    pub(super) fn new(parts: Box<dyn Iterator<Item = Part> + Send>, finale: Finale, ticket: Ticket, reset: ResetFlag) -> Self {
        let started = Instant::now();
        Self { parts, next: None, finale, filler: None, filled_at: None, gzip: None, started, sleep: None, ends_at: None, ticket, reset }
    }

    pub(super) fn with_filler(mut self, filler: Option<Filler>) -> Self {
        self.filler = filler;
        self
    }

    pub(super) fn with_gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        self
    }

    /// Compresses if it is to, so that the peer can read these bytes without those to come.
    fn encoded(&mut self, bytes: Bytes) -> Bytes {
        match &mut self.gzip {
            None => bytes,
            Some(encoder) => {
                // writing to memory does not fail
                let _ = encoder.write_all(&bytes).and_then(|()| encoder.flush());
                std::mem::take(encoder.get_mut()).into()
            }
        }
    }

    /// Waits until `until`; `Ready` once that has passed.
    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= until {
            return Poll::Ready(());
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Reset>>> {
        loop {
            if self.next.is_none() {
                self.next = self.parts.next();
            }
            let Some(next) = &self.next else { return self.poll_finale(cx) };
            let due = self.started + Duration::from_nanos(next.due);
            if let Some(filler) = self.filler
                && Instant::now() < due
            {
                let again = self.filled_at.map_or(self.started, |at| at + filler.every);
                ready!(self.poll_until(again.min(due), cx));
                if again < due {
                    self.filled_at = Some(Instant::now());
                    return Poll::Ready(Some(Ok(self.encoded(Bytes::from_static(filler.bytes)))));
                }
            }
            ready!(self.poll_until(due, cx));
            if let Some(part) = self.next.take() {
                self.ticket.made = part.made;
                if !part.bytes.is_empty() {
                    return Poll::Ready(Some(Ok(self.encoded(part.bytes))));
                }
            }
        }
    }

    fn poll_finale(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Reset>>> {
        match self.finale {
            Finale::Stall => Poll::Pending,
            Finale::Reset => {
                let ends_at = *self.ends_at.get_or_insert_with(|| Instant::now() + LAST_WORDS);
                ready!(self.poll_until(ends_at, cx));
                self.ticket.settle();
                self.reset.raise();
                Poll::Ready(Some(Err(Reset)))
            }
            Finale::End => {
                self.ticket.settle();
                let trailer = self.gzip.take().and_then(|encoder| encoder.finish().ok()).filter(|bytes| !bytes.is_empty());
                Poll::Ready(trailer.map(|bytes| Ok(bytes.into())))
            }
        }
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("finale", &self.finale).finish_non_exhaustive()
    }
}

/// The simulation broke the connection on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the simulated provider reset the connection")]
pub(super) struct Reset;

impl Body for SimBody {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Paced(paced) => paced.poll_part(cx).map(|part| part.map(|bytes| bytes.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(0))),
            Self::Paced(_) => SizeHint::default(),
        }
    }
}
