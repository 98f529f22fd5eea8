//! A provider that speaks HTTP/2 frame by frame (RFC 9113), so that it can do what no library would let it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

use crate::scripted::Gate;

/// What the provider does next for one request.
pub(crate) enum Act {
    /// The head of an answer 200 with events.
    Head,
    Data(&'static str),
    /// The end of the answer.
    End,
    /// Ends the stream with this error code (section 7).
    Reset(u32),
    /// Says that the connection takes no streams above this one.
    GoAway(u32),
    /// Sets how many streams there may be at once.
    MaxStreams(u32),
    Wait(Gate),
    /// Breaks the connection off.
    Hangup,
    /// From now on nothing is answered any more, as if the machine had gone.
    FallSilent,
}

pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;

/// A request as it arrived: how many came before it on any connection, and its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) before: usize,
    pub(crate) stream: u32,
}

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) requests: usize,
    /// Streams that the client ended itself.
    pub(crate) cancelled: usize,
    /// Streams that are open, by connection, and the most there were on one since the last time it was set back.
    pub(crate) open: Vec<usize>,
    pub(crate) most_open: usize,
    /// Whether the first connection has fallen silent.
    pub(crate) silent: bool,
}

pub(crate) struct Frames {
    pub(crate) addr: SocketAddr,
    seen: watch::Sender<Seen>,
}

type Script = dyn Fn(Asked) -> Vec<Act> + Send + Sync;

impl Frames {
    pub(crate) async fn start(script: impl Fn(Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with_streams(None, script).await
    }

    /// The same, where each connection may have so many streams from the beginning.
    pub(crate) async fn with_streams(most: Option<u32>, script: impl Fn(Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = watch::Sender::new(Seen::default());
        let (script, counts): (Arc<Script>, _) = (Arc::new(script), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, counts) = (script.clone(), counts.clone());
                tokio::spawn(async move {
                    // how the client leaves is counted by stream
                    let _ = converse(stream, most, script, &counts).await;
                });
            }
        });
        Self { addr, seen }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Counts the most open streams anew.
    pub(crate) fn count_anew(&self) {
        self.seen.send_modify(|seen| seen.most_open = seen.open.iter().copied().max().unwrap_or(0));
    }

    /// Waits until this is so.
    pub(crate) async fn until(&self, is_so: impl FnMut(&Seen) -> bool) {
        self.seen.subscribe().wait_for(is_so).await.unwrap();
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const MAX_CONCURRENT_STREAMS: u8 = 3;

/// `:status: 200` and `content-type: text/event-stream`, from the static table (RFC 7541, appendix A).
const EVENTS: &[u8] = b"\x88\x0f\x10\x11text/event-stream";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn max_streams(most: u32) -> Vec<u8> {
    [&[0, MAX_CONCURRENT_STREAMS][..], &most.to_be_bytes()].concat()
}

async fn converse(stream: TcpStream, most: Option<u32>, script: Arc<Script>, seen: &watch::Sender<Seen>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = 0;
    seen.send_modify(|seen| {
        connection = seen.open.len();
        seen.open.push(0);
    });
    let first = connection == 0;
    let (mut reader, writer) = stream.into_split();
    let writer = Arc::new(Mutex::new(writer));
    reader.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await?;
    writer.lock().await.write_all(&frame(SETTINGS, 0, 0, &most.map(max_streams).unwrap_or_default())).await?;
    loop {
        let (kind, flags, stream, payload) = read_frame(&mut reader).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => writer.lock().await.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            PING if flags & ACK == 0 && first && seen.borrow().silent => {}
            PING if flags & ACK == 0 => writer.lock().await.write_all(&frame(PING, ACK, 0, &payload)).await?,
            RST_STREAM => seen.send_modify(|seen| {
                seen.cancelled += 1;
                seen.open[connection] -= 1;
            }),
            HEADERS | DATA if flags & END_STREAM != 0 => {
                let mut before = 0;
                seen.send_modify(|seen| {
                    before = seen.requests;
                    seen.requests += 1;
                    seen.open[connection] += 1;
                    seen.most_open = seen.most_open.max(seen.open[connection]);
                });
                let (acts, writer, seen) = (script(Asked { before, stream }), writer.clone(), seen.clone());
                tokio::spawn(async move {
                    for act in acts {
                        if perform(act, (connection, stream), &writer, &seen).await.is_err() {
                            return;
                        }
                    }
                });
            }
            _ => {}
        }
    }
}

async fn read_frame(reader: &mut OwnedReadHalf) -> io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    reader.read_exact(&mut head).await?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    reader.read_exact(&mut payload).await?;
    Ok((kind, flags, u32::from_be_bytes(stream), payload))
}

async fn perform(
    act: Act,
    (connection, stream): (usize, u32),
    writer: &Mutex<OwnedWriteHalf>,
    seen: &watch::Sender<Seen>,
) -> io::Result<()> {
    let (ends, bytes) = match act {
        Act::Wait(gate) => {
            gate.pass().await;
            return Ok(());
        }
        Act::FallSilent => {
            seen.send_modify(|seen| seen.silent = true);
            return Ok(());
        }
        Act::Hangup => return writer.lock().await.shutdown().await,
        Act::Head => (false, frame(HEADERS, END_HEADERS, stream, EVENTS)),
        Act::Data(text) => (false, frame(DATA, 0, stream, text.as_bytes())),
        Act::End => (true, frame(DATA, END_STREAM, stream, &[])),
        Act::Reset(code) => (true, frame(RST_STREAM, 0, stream, &code.to_be_bytes())),
        Act::GoAway(last) => (false, frame(GOAWAY, 0, 0, &[last.to_be_bytes(), 0_u32.to_be_bytes()].concat())),
        Act::MaxStreams(most) => (false, frame(SETTINGS, 0, 0, &max_streams(most))),
    };
    if ends {
        // before the client can open the next one
        seen.send_modify(|seen| seen.open[connection] -= 1);
    }
    writer.lock().await.write_all(&bytes).await
}
