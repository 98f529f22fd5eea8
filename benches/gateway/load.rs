//! Clients that keep a number of connections busy, and what they measure.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::peers::{Peer, TOKEN};
use crate::provider::JSON_BYTES;

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_millis(1500);

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A short answer.
    Json,
    /// A stream as fast as it can be had.
    Events,
    /// A stream at the pace of a model: what counts is when its pieces arrive.
    Paced,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Events => "SSE",
            Self::Paced => "paced",
        }
    }

    fn is_whole(self, answer: &[u8]) -> bool {
        match self {
            Self::Json => answer.ends_with(b"\"}") && answer.len() > JSON_BYTES,
            Self::Events | Self::Paced => answer.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

/// What one run of the load measured.
pub(crate) struct Run {
    pub(crate) per_second: f64,
    /// From the request to the end of its answer.
    pub(crate) whole: Times,
    /// From the request to the first byte of its answer.
    pub(crate) first_byte: Times,
    /// Between two pieces of one answer.
    pub(crate) between: Times,
}

/// In microseconds.
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
        Self { p50: at(50), p99: at(99) }
    }
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    whole: Vec<Duration>,
    first_byte: Vec<Duration>,
    between: Vec<Duration>,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

/// Keeps that many connections to a peer busy, from a thread of its own.
pub(crate) fn run(peer: &Peer, kind: Kind, connections: usize) -> Run {
    let (addr, request) = (peer.addr, request(peer, kind));
    let work = move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let (phase, _) = watch::channel(Phase::WarmUp);
            let mut clients = Vec::new();
            for _ in 0..connections {
                let stream = TcpStream::connect(addr).await.unwrap();
                clients.push(tokio::spawn(client(stream, request.clone(), kind, phase.subscribe())));
            }
            sleep(WARM_UP).await;
            let started = Instant::now();
            phase.send_replace(Phase::Measured);
            sleep(MEASURED).await;
            phase.send_replace(Phase::Over);
            let elapsed = started.elapsed();
            let mut all = Seen::default();
            for client in clients {
                let Seen { whole, first_byte, between } = client.await.unwrap();
                all.whole.extend(whole);
                all.first_byte.extend(first_byte);
                all.between.extend(between);
            }
            (all, elapsed)
        })
    };
    let (all, elapsed) = std::thread::Builder::new().name("load".into()).spawn(work).unwrap().join().unwrap();
    Run {
        per_second: all.whole.len() as f64 / elapsed.as_secs_f64(),
        whole: Times::of(all.whole),
        first_byte: Times::of(all.first_byte),
        between: Times::of(all.between),
    }
}

fn request(peer: &Peer, kind: Kind) -> Arc<[u8]> {
    let Peer { addr, prefix, .. } = peer;
    let events = match kind {
        Kind::Json => "",
        Kind::Events => "x-events: fast\r\n",
        Kind::Paced => "x-events: paced\r\n",
    };
    let stream = kind != Kind::Json;
    let body = format!(
        r#"{{"model":"gpt-6-luna","stream":{stream},"max_completion_tokens":64,"messages":[{{"role":"user","content":"hello"}}]}}"#
    );
    format!(
        "POST {prefix}/v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\nuser-agent: OpenAI/Python 3.3.1\r\n{events}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
    .into()
}

async fn client(mut stream: TcpStream, request: Arc<[u8]>, kind: Kind, phase: watch::Receiver<Phase>) -> Seen {
    stream.set_nodelay(true).unwrap();
    let mut seen = Seen::default();
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let began = *phase.borrow();
        if began == Phase::Over {
            return seen;
        }
        let sent = Instant::now();
        let mut last_piece = None;
        stream.write_all(&request).await.unwrap();
        buffer.clear();
        while !kind.is_whole(&buffer) {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "closed: {}", String::from_utf8_lossy(&buffer));
            let now = Instant::now();
            let previous = last_piece.replace(now);
            if began == Phase::Measured {
                match previous {
                    None => seen.first_byte.push(now - sent),
                    Some(previous) => seen.between.push(now - previous),
                }
            }
        }
        if began == Phase::Measured {
            seen.whole.push(sent.elapsed());
        }
    }
}
