//! Takes in a request's body whole: it is counted before admission, and sent again if the first attempt is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use super::parts::Patience;

/// The largest body. Providers accept 32 MB (Anthropic) and less; uploads of files may be larger than prompts.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What all bodies that wait or are being sent may hold together.
const MAX_BYTES_TOGETHER: u64 = 1024 * 1024 * 1024;
/// How many bytes a second a body must come with, after its first allowance.
const LEAST_RATE: u64 = 8 * 1024;
/// What is set aside at once for a body that announces its length.
const FIRST_RESERVE: u64 = 1024 * 1024;

/// The memory that request bodies hold now.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicU64);

/// A body, and its part of the budget.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) trailers: HeaderMap,
    pub(super) share: Share,
}

/// A part of the budget, given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

/// Why a body was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadBody {
    TooLarge,
    NoMemory,
    TooSlow,
    Broken,
}

impl BadBody {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::TooLarge => "the request's body is larger than 64 MiB; upload large files with the provider's files API, in parts",
            Self::NoMemory => "the bodies of waiting requests take 1 GiB together; send fewer large requests at once",
            Self::TooSlow => "the request's body stopped coming, or came too slowly; send it again",
            Self::Broken => "the request's body broke off or is malformed; send it again",
        }
    }
}

/// Reads a body to its end.
pub(super) async fn read(body: &mut Incoming, budget: &Arc<Budget>, patience: &Patience) -> Result<Whole, BadBody> {
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > MAX_BYTES {
        return Err(BadBody::TooLarge);
    }
    let mut share = Share { budget: budget.clone(), bytes: 0 };
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut trailers = HeaderMap::new();
    let started = Instant::now();
    while !body.is_end_stream() {
        // who sends a byte now and then is never silent for long
        let allowed = patience.upload.saturating_add(Duration::from_secs(share.bytes / LEAST_RATE));
        let wait = patience.body.min(allowed.saturating_sub(started.elapsed()));
        let Some(frame) = timeout(wait, body.frame()).await.map_err(|_| BadBody::TooSlow)? else { break };
        let piece = match frame.map_err(|_| BadBody::Broken)?.into_data() {
            Ok(piece) => piece,
            Err(frame) => {
                trailers = frame.into_trailers().unwrap_or_default();
                continue;
            }
        };
        // what was announced and has not come takes no memory
        share.grow(piece.len() as u64)?;
        if first.is_empty() {
            first = piece;
            continue;
        }
        if rest.is_empty() {
            let ahead = announced.min(FIRST_RESERVE);
            rest.reserve(usize::try_from(ahead).unwrap_or(0).max(first.len() + piece.len()));
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&piece);
    }
    let bytes = if rest.is_empty() { first } else { rest.freeze() };
    Ok(Whole { bytes, trailers, share })
}

/// Reads what a client still sends and forgets it; gives up on one that sends for longer, or more than any body may have.
pub(super) async fn discard(mut body: Incoming, limit: Duration) {
    let to_its_end = async {
        let mut left = MAX_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let len = frame.data_ref().map_or(0, |data| data.len() as u64);
            left = left.saturating_sub(len);
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(limit, to_its_end).await;
}

impl Share {
    fn grow(&mut self, by: u64) -> Result<(), BadBody> {
        if self.bytes.saturating_add(by) > MAX_BYTES {
            return Err(BadBody::TooLarge);
        }
        let together = self.budget.0.fetch_add(by, Ordering::Relaxed) + by;
        self.bytes += by;
        if together > MAX_BYTES_TOGETHER { Err(BadBody::NoMemory) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
