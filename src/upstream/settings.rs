//! A connector whose connections tell how many streams they may carry: the peer's SETTINGS, read as they pass (RFC 9113, section 6.5).
//!
//! hyper obeys them, but its pool does not show them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::inspected::{Inspected, Inspector};
use super::lanes::{Site, Sites};

const SETTINGS: u8 = 4;
const ACK: u8 = 1;
const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];

/// A connector for one lane.
#[derive(Debug, Clone)]
pub(super) struct Watching<C> {
    inner: C,
    sites: Arc<Sites>,
    lane: usize,
}

/// A connection, and who is told what it may carry.
pub(super) type Watched<S> = Inspected<TokioIo<S>, Listener>;

/// Tells what the frames say; nothing where HTTP/1.1 is spoken.
#[derive(Debug)]
pub(super) struct Listener(Option<(Frames, Arc<Site>, usize)>);

/// What the other side sends, as far as it is followed.
#[derive(Debug, Default)]
struct Frames {
    /// As much of a frame's head, or of one setting, as has come.
    part: Vec<u8>,
    /// Bytes of the present frame's payload that are still to come.
    left: usize,
    in_settings: bool,
    /// Whether the first SETTINGS have passed: those that leave the number out allow any number.
    begun: bool,
}

impl<C> Watching<C> {
    pub(super) const fn new(inner: C, sites: Arc<Sites>, lane: usize) -> Self {
        Self { inner, sites, lane }
    }
}

impl<C> Service<Uri> for Watching<C>
where
    C: Service<Uri, Response: Connection, Future: Send + 'static>,
{
    type Response = TokioIo<Watched<C::Response>>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let (site, lane) = (self.sites.at(&url), self.lane);
        let dialled = self.inner.call(url);
        Box::pin(async move {
            let stream = dialled.await?;
            let told = if stream.connected().is_negotiated_h2() {
                Some((Frames::default(), site, lane))
            } else {
                // the pool opens as many as are needed
                site.allows(lane, usize::MAX);
                None
            };
            Ok(TokioIo::new(Watched::new(TokioIo::new(stream), Listener(told))))
        })
    }
}

impl Frames {
    /// Follows the bytes; how many streams there may be, if they say so.
    fn push(&mut self, mut bytes: &[u8]) -> Option<usize> {
        let mut said = None;
        while !bytes.is_empty() {
            if self.left > 0 && !self.in_settings {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let wanted = if self.left > 0 { self.left.min(6) } else { 9 };
            let (more, rest) = bytes.split_at((wanted - self.part.len()).min(bytes.len()));
            self.part.extend_from_slice(more);
            bytes = rest;
            if self.part.len() == wanted {
                said = self.part().or(said);
                self.part.clear();
            }
        }
        said
    }

    /// Takes a whole head, or a whole setting.
    fn part(&mut self) -> Option<usize> {
        match *self.part {
            [a, b, c, kind, flags, _, _, _, _] => {
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.in_settings = kind == SETTINGS && flags & ACK == 0;
                (self.in_settings && !std::mem::replace(&mut self.begun, true)).then_some(usize::MAX)
            }
            [high, low, ref value @ ..] => {
                self.left -= self.part.len();
                let value = u32::from_be_bytes(value.try_into().ok()?);
                ([high, low] == MAX_CONCURRENT_STREAMS).then(|| usize::try_from(value).unwrap_or(usize::MAX))
            }
            // hyper refuses settings that are cut
            _ => {
                self.left = 0;
                None
            }
        }
    }
}

impl Inspector for Listener {
    fn inspect(&mut self, bytes: &mut [u8]) {
        if let Some((frames, site, lane)) = &mut self.0
            && let Some(streams) = frames.push(bytes)
        {
            site.allows(*lane, streams);
        }
    }
}

impl<S: Connection> Connection for Watched<S> {
    fn connected(&self) -> Connected {
        self.stream().inner().connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[0, len[0], len[1], kind, flags, 0, 0, 0, 0], payload].concat()
    }

    #[test]
    fn the_number_of_streams_is_found_wherever_the_bytes_are_cut() {
        let streams = |count: u8| [0, 3, 0, 0, 0, count];
        let window = [0, 4, 0, 1, 0, 0];
        for (sent, expected) in [
            (vec![], vec![]),
            (vec![frame(SETTINGS, 0, &[])], vec![usize::MAX]),
            (vec![frame(SETTINGS, 0, &window)], vec![usize::MAX]),
            (vec![frame(SETTINGS, 0, &[window, streams(4)].concat())], vec![4]),
            (vec![frame(SETTINGS, 0, &streams(4)), frame(SETTINGS, ACK, &[]), frame(SETTINGS, 0, &window)], vec![4]),
            (vec![frame(SETTINGS, 0, &streams(9)), frame(0, 1, &frame(SETTINGS, 0, &streams(1))), frame(6, 0, &[0; 8])], vec![9]),
            (vec![frame(SETTINGS, 0, &streams(9)), frame(1, 4, b"head"), frame(SETTINGS, 0, &streams(0))], vec![9, 0]),
        ] {
            let bytes = sent.concat();
            for size in [1, 4, 7, 1_000] {
                let mut frames = Frames::default();
                let mut said: Vec<_> = bytes.chunks(size).filter_map(|piece| frames.push(piece)).collect();
                // a frame's head may say more than the settings that follow it in another piece
                let last = said.pop();
                assert_eq!(last, expected.last().copied(), "{bytes:?} in pieces of {size}");
            }
        }
    }
}
