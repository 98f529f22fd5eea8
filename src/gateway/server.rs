//! The listening socket and its connections: loopback only, bounded in number, header size and time, drained on the way out.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::at_once::at_once;
use super::guard::Guard;
use super::parts::Parts;
use super::respond::REFUSED_BY;
use super::service::Front;
use super::socket::Pipe;
use super::strict::{Heads, Strict};
use super::under_way::UnderWay;
use crate::domain::Problem;

/// How many connections may be open; the next one waits unaccepted.
const MAX_CONNECTIONS: usize = 4096;
/// What one connection may buffer, the head of a request included.
const BUFFER_BYTES: usize = 64 * 1024;
/// The same for the head of an HTTP/2 request.
const MAX_HEAD: u32 = 64 * 1024;
/// How many requests an HTTP/2 connection may have under way, and what each may send ahead of being read.
const MAX_STREAMS: u32 = 256;
const STREAM_WINDOW: u32 = 256 * 1024;
/// How long a client that is still sending is heard after its last answer: it would lose the answer with the connection
/// (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);
/// Before the next try when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The gateway, bound to its address.
pub struct Gateway {
    listener: TcpListener,
    addr: SocketAddr,
    parts: Arc<Parts>,
}

/// How the gateway stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy when the time for it was over.
    pub cut_off: usize,
}

impl Gateway {
    /// Binds to a loopback address.
    ///
    /// # Errors
    /// The address is not on loopback, or cannot be had; the problem says what to do.
    pub async fn bind(parts: Parts, listen: SocketAddr) -> Result<Self, Problem> {
        if !listen.ip().is_loopback() {
            return Err(Problem::new(format!("the listen address {listen} is not on loopback"))
                .because("anybody in the network could spend the keys behind it")
                .hint("use --listen 127.0.0.1:4140"));
        }
        let fail = |error: std::io::Error| {
            let problem = if error.kind() == std::io::ErrorKind::AddrInUse {
                Problem::new(format!("port {} is in use", listen.port())).because(&error).hint(
                    "another Tierline may be running: stop it, or use --listen 127.0.0.1:0 to get a free port (see `ss -ltnp` for who has it)",
                )
            } else {
                Problem::new(format!("no listening socket at {listen}")).because(&error).hint("use --listen 127.0.0.1:0 to get a free port")
            };
            Err(problem)
        };
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(error) => return fail(error),
        };
        match listener.local_addr() {
            Ok(addr) => Ok(Self { listener, addr, parts: Arc::new(parts) }),
            Err(error) => fail(error),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same as a URL without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Serves until `shutdown`, then refuses what waits for room and lets what runs finish, for a while.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Drained {
        let Self { listener, addr, parts } = self;
        let (stop, draining) = watch::channel(false);
        let patience = parts.patience;
        let front = Arc::new(Front { parts, guard: Guard::new(addr), budget: Arc::default(), draining });
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accept = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            };
            tokio::select! {
                () = &mut shutdown => break,
                (place, accepted) = accept => match accepted {
                    Ok((stream, _)) => {
                        let front = front.clone();
                        connections.spawn(at_once(async move {
                            converse(stream, front).await;
                            drop(place);
                        }));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                // a panic in a connection ends that connection only; its reservation and its trail are settled by drop
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        stop.send_replace(true);
        let all_done = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(patience.drain, all_done).await;
        let cut_off = connections.len();
        // waited for, so that how each of them ended is told
        connections.shutdown().await;
        Drained { cut_off }
    }
}

async fn converse(stream: TcpStream, front: Arc<Front>) {
    // small events must not wait for the acknowledgement of the one before
    let _ = stream.set_nodelay(true);
    let patience = front.parts.patience;
    let mut draining = front.draining.clone();
    let mut draining = std::pin::pin!(async move { drop(draining.wait_for(|draining| *draining).await) });
    let pipe = Pipe::default();
    let into_pipe = pipe.clone();
    let speaks_http2 = tokio::select! {
        spoke = timeout(patience.head, begins_with_http2(&stream)) => match spoke {
            Ok(Ok(http2)) => http2,
            Ok(Err(_)) | Err(_) => return,
        },
        () = draining.as_mut() => return,
    };
    let ended = if speaks_http2 {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).initial_stream_window_size(STREAM_WINDOW);
        http.max_header_list_size(MAX_HEAD);
        let under_way = UnderWay::default();
        let requests = under_way.clone();
        let service = service_fn(move |request| {
            let (front, pipe, request_under_way) = (front.clone(), into_pipe.clone(), requests.one_more());
            async move { Ok::<_, Infallible>(front.serve(request, &pipe).await.map(|body| request_under_way.until_sent(body))) }
        });
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = draining => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = under_way.none_for(patience.head) => {
                connection.as_mut().graceful_shutdown();
                // a request that came at the last moment is seen through
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = under_way.none_for(LINGER) => Ok(()),
                }
            }
        }
    } else {
        let service = service_fn(move |request| {
            let (front, pipe) = (front.clone(), into_pipe.clone());
            async move { Ok::<_, Infallible>(front.serve(request, &pipe).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(BUFFER_BYTES);
        let mut connection = http.serve_connection(TokioIo::new(Strict::new(stream, Heads::default())), service).with_upgrades();
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = draining => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        if let Some(parts) = connection.into_parts() {
            let mut stream = parts.io.into_inner();
            // hyper gives up without a word; a kept connection on which nothing came ends like that
            if ended.as_ref().is_err_and(hyper::Error::is_timeout) && !parts.read_buf.is_empty() {
                say_too_slow(&mut stream, patience.head).await;
            }
            if stream.inspector().is_amid_a_request() {
                let _ = timeout(LINGER, copy(&mut stream, &mut sink())).await;
            }
        }
        ended
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    pipe.run().await;
}

/// Answers a head that did not come in time.
async fn say_too_slow(stream: &mut Strict<TcpStream>, limit: Duration) {
    let why = format!("the head of the request did not come within {} s; send it again\n", limit.as_secs_f32());
    let head = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length";
    let answer = format!("{head}: {}\r\n{REFUSED_BY}: gateway\r\n\r\n{why}", why.len());
    // one that does not read it has gone
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Whether a client speaks HTTP/2 by prior knowledge: it begins with what no request line does (RFC 9113, section 3.4).
async fn begins_with_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut start = [0; 3];
    let len = stream.peek(&mut start).await?;
    Ok(start.get(..len) == Some(b"PRI"))
}
