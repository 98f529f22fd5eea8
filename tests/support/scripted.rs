//! A provider that answers each request by a script, byte by byte, and remembers what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// What the provider does next.
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits until the test opens the gate, or the client goes away.
    Wait(Gate),
    /// Breaks the connection off with RST.
    Reset,
    /// Closes the connection.
    Close,
}

/// Something a test opens.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn shut() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one waiter through.
    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The request line and the headers, as sent.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// What followed a body of chunks.
    pub(crate) trailers: String,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }
}

pub(crate) struct Scripted {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrivals: watch::Receiver<usize>,
    hangups: watch::Receiver<usize>,
}

struct Counters {
    seen: Arc<Mutex<Vec<Seen>>>,
    arrivals: watch::Sender<usize>,
    hangups: watch::Sender<usize>,
}

impl Scripted {
    /// Starts a provider whose `script` is asked for every request, with the number of requests before it.
    pub(crate) async fn start(script: impl Fn(usize, &Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (arrivals, arrivals_rx) = watch::channel(0);
        let (hangups, hangups_rx) = watch::channel(0);
        let counters = Arc::new(Counters { seen: seen.clone(), arrivals, hangups });
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (script, counters) = (script.clone(), counters.clone());
                tokio::spawn(async move { serve(stream, &*script, &counters).await });
            }
        });
        Self { addr, seen, arrivals: arrivals_rx, hangups: hangups_rx }
    }

    /// Answers everything with these bytes.
    pub(crate) async fn always(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, _| vec![Step::Send(answer.clone())]).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until that many requests have arrived.
    pub(crate) async fn arrived(&self, count: usize) {
        self.arrivals.clone().wait_for(|n| *n >= count).await.unwrap();
    }

    /// Waits until the client has closed that many connections in the middle of an answer.
    pub(crate) async fn hung_up(&self, count: usize) {
        self.hangups.clone().wait_for(|n| *n >= count).await.unwrap();
    }
}

async fn serve(mut stream: TcpStream, script: &(dyn Fn(usize, &Seen) -> Vec<Step> + Send + Sync), counters: &Counters) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let before = {
            let mut seen = counters.seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        counters.arrivals.send_modify(|n| *n += 1);
        for step in script(before, &request) {
            let alive = match step {
                Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
                Step::Wait(gate) => tokio::select! {
                    () = gate.pass() => true,
                    // nothing more is due from the client, so anything readable is its end
                    _ = stream.readable() => false,
                },
                Step::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
                Step::Close => return,
            };
            if !alive {
                counters.hangups.send_modify(|n| *n += 1);
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    let mut seen = Seen { head, body: Vec::new(), trailers: String::new() };
    let len = seen.header("content-length").map_or(0, |n| n.parse().unwrap());
    if seen.header("transfer-encoding").is_some() {
        assert!(seen.header("trailer").is_some(), "bodies are sent on whole, unless something follows them");
        loop {
            let size = read_line(stream, buffer).await?;
            let size = usize::from_str_radix(&size, 16).unwrap();
            while buffer.len() < size {
                more(stream, buffer).await?;
            }
            seen.body.extend(buffer.drain(..size));
            if size == 0 {
                break;
            }
            read_line(stream, buffer).await?;
        }
        loop {
            let line = read_line(stream, buffer).await?;
            if line.is_empty() {
                return Some(seen);
            }
            seen.trailers.extend([&line, "\n"]);
        }
    }
    while buffer.len() < len {
        more(stream, buffer).await?;
    }
    Some(Seen { body: buffer.drain(..len).collect(), ..seen })
}

async fn read_line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n") {
            break at;
        }
        more(stream, buffer).await?;
    };
    let line = String::from_utf8(buffer.drain(..end + 2).collect()).unwrap();
    Some(line.trim_end().to_owned())
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let n = stream.read_buf(buffer).await.ok()?;
    (n > 0).then_some(())
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
