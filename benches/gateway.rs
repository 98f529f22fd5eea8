//! The gateway beside a bare hyper proxy and no proxy at all, in one run: added latency and requests per second.
//!
//! Provider, proxy and load share the machine, so only the comparison says something, not the absolute figures.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stops at the first surprise")]

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use jiff::Timestamp;
use tierline::domain::{
    Account, AccountId, BaseUrl, ClientName, Clock, Dimension, KeyRef, Limit, LimitSource, ModelClass, Now, Provider, Secret, Tick, Window,
};
use tierline::gateway::{ClientToken, Endpoint, Gateway, Parts, Patience, Routes};
use tierline::journal::Sink;
use tierline::limiter::{AccountSetup, Core, Limiter, Settings};
use tierline::upstream::{HttpUpstream, Timing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
const CONNECTIONS: [usize; 3] = [1, 32, 256];
const JSON_BYTES: usize = 1024;
const EVENTS: usize = 20;
const RECORDED_EVERY: Duration = Duration::from_millis(25);
const TOKEN: &str = "tl-benchmark";

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Json,
    Events,
}

/// What one run of the load measured.
#[derive(Clone)]
struct Run {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

fn main() {
    let provider = on_its_own("provider", |addr| serve(addr, |request| async move { answer(&request) }));
    let bare = on_its_own("bare-proxy", move |addr| bare_proxy(addr, provider));
    let gateway = on_its_own("gateway", move |addr| gateway(addr, provider));
    println!(
        "{:>6} {:>5}  {:10} {:>9} {:>9} {:>9} {:>10} {:>10} {:>8}",
        "answer", "conns", "through", "req/s", "p50", "p99", "added p50", "added p99", "of bare"
    );
    for kind in [Kind::Json, Kind::Events] {
        for connections in CONNECTIONS {
            let targets = [("no proxy", provider, ""), ("bare proxy", bare, ""), ("gateway", gateway, "/openai")];
            // the rounds alternate, so that a slow moment of the machine hits all three
            let mut runs = [const { Vec::new() }; 3];
            for _ in 0..ROUNDS {
                for (runs, (_, addr, prefix)) in runs.iter_mut().zip(targets) {
                    runs.push(load(addr, &request(addr, prefix, kind), kind, connections));
                }
            }
            let [direct, bare, gateway] = runs.map(median);
            for (name, run) in [("no proxy", &direct), ("bare proxy", &bare), ("gateway", &gateway)] {
                let micros = |time: Duration| format!("{} us", time.as_micros());
                let (kind, of_bare) = (if kind == Kind::Json { "JSON" } else { "SSE" }, run.per_second / bare.per_second);
                println!(
                    "{kind:>6} {connections:>5}  {name:10} {:>9.0} {:>9} {:>9} {:>10} {:>10} {of_bare:>8.2}",
                    run.per_second,
                    micros(run.p50),
                    micros(run.p99),
                    micros(run.p50.saturating_sub(direct.p50)),
                    micros(run.p99.saturating_sub(direct.p99)),
                );
            }
        }
    }
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    runs.swap_remove(runs.len() / 2)
}

/// Runs a server on a thread and a runtime of its own.
fn on_its_own<F: Future<Output = ()> + Send + 'static>(
    name: &str,
    server: impl FnOnce(std::net::TcpListener) -> F + Send + 'static,
) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let threads = name.to_owned();
    let work =
        move || Builder::new_multi_thread().worker_threads(2).thread_name(threads).enable_all().build().unwrap().block_on(server(listener));
    std::thread::Builder::new().name(name.into()).spawn(work).unwrap();
    addr
}

async fn serve<B, F>(listener: std::net::TcpListener, respond: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static)
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    F: Future<Output = Response<B>> + Send,
{
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let respond = respond.clone();
        let service = service_fn(move |request| {
            let response = respond(request);
            async move { Ok::<_, Infallible>(response.await) }
        });
        tokio::spawn(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
    }
}

/// Events that leave one by one.
struct Events {
    left: usize,
    flushed: bool,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.flushed = !self.flushed;
        if self.flushed {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.left -= 1;
        let event = b"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n";
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(event)))))
    }
}

fn answer(request: &Request<Incoming>) -> Response<Either<Full<Bytes>, Events>> {
    if request.headers().contains_key("x-events") {
        let mut response = Response::new(Either::Right(Events { left: EVENTS, flushed: false }));
        response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
        return response;
    }
    let mut body = br#"{"id":"chatcmpl-1","usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21},"pad":""#.to_vec();
    body.resize(JSON_BYTES - 2, b'x');
    body.extend(b"\"}");
    let mut response = Response::new(Either::Left(Full::from(body)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

async fn bare_proxy(listener: std::net::TcpListener, provider: SocketAddr) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    serve(listener, move |mut request: Request<Incoming>| {
        let path = request.uri().path_and_query().unwrap();
        *request.uri_mut() = format!("http://{provider}{path}").parse().unwrap();
        request.headers_mut().remove("host");
        let sent = client.request(request);
        async move { sent.await.unwrap() }
    })
    .await;
}

struct SystemClock(Instant);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Now {
        Now { tick: Tick::ZERO + self.0.elapsed(), wall: Timestamp::now() }
    }
}

async fn gateway(listener: std::net::TcpListener, provider: SocketAddr) {
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let (sink, mut events) = Sink::new();
    // a recorder takes events in batches, so that not every request wakes it
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while events.recv_many(&mut batch, Sink::CAPACITY).await > 0 {
            batch.clear();
            sleep(RECORDED_EVERY).await;
        }
    });
    let key = Secret::from_pasted("sk-benchmark").unwrap();
    let account = Account {
        id: AccountId(1),
        provider: Provider::OpenAi,
        label: "main".into(),
        base_url: BaseUrl::parse(&format!("http://{provider}")).unwrap(),
        fingerprint: key.fingerprint(),
        key: KeyRef::Memory { entry: "main".into() },
        created_at: Timestamp::UNIX_EPOCH,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
    // room enough never to wait, so that every bucket is asked and none decides
    let roomy = |dimension| Limit { dimension, window: Window::PER_MINUTE, capacity: 1_000_000_000_000, source: LimitSource::User };
    let assumptions = move |_, _: &ModelClass| [Dimension::Requests, Dimension::InputTokens, Dimension::OutputTokens].map(roomy).to_vec();
    let mut core = Core::new(Settings::default(), Arc::new(assumptions));
    let setup =
        AccountSetup { id: account.id, provider: account.provider, dialect: account.dialect(), label: account.label.clone(), scope: None };
    core.set_account(setup);
    let limiter = Limiter::new(core, clock.clone(), |_| ());
    let timer = limiter.clone();
    tokio::spawn(async move { timer.run().await });
    let token = ClientToken::new(ClientName::new("load"), &Secret::from_pasted(TOKEN).unwrap(), None);
    let (_keep, routes) = watch::channel(Arc::new(Routes::new(vec![Endpoint::new(account, Some(key))], vec![token])));
    let parts = Parts {
        upstream: Arc::new(HttpUpstream::new(Timing::default())),
        admission: Arc::new(limiter),
        sink,
        clock,
        routes,
        next_id: AtomicU64::new(1),
        class_of: Box::new(|_, model| ModelClass::new(model.as_str())),
        cost_nanos: Box::new(|_, _, usage| Some(usage.output)),
        metrics: Box::new(String::new),
        patience: Patience::default(),
    };
    Gateway::bind(parts, addr).await.unwrap().serve(std::future::pending()).await;
}

fn request(addr: SocketAddr, prefix: &str, kind: Kind) -> Vec<u8> {
    let stream = kind == Kind::Events;
    let body = format!(
        r#"{{"model":"gpt-6-luna","stream":{stream},"max_completion_tokens":64,"messages":[{{"role":"user","content":"hello"}}]}}"#
    );
    let events = if stream { "x-events: 1\r\n" } else { "" };
    format!(
        "POST {prefix}/v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\nuser-agent: OpenAI/Python 3.3.1\r\n{events}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Keeps that many connections busy, from a thread of its own.
fn load(addr: SocketAddr, request: &[u8], kind: Kind, connections: usize) -> Run {
    let request: Arc<[u8]> = request.into();
    let work = move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let (phase, _) = watch::channel(0_u8);
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(tokio::spawn(client(addr, request.clone(), kind, phase.subscribe())));
            }
            sleep(WARM_UP).await;
            let started = Instant::now();
            phase.send_replace(1);
            sleep(MEASURED).await;
            phase.send_replace(2);
            let elapsed = started.elapsed();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.await.unwrap());
            }
            (times, elapsed)
        })
    };
    let (mut times, elapsed) = std::thread::Builder::new().name("load".into()).spawn(work).unwrap().join().unwrap();
    times.sort_unstable();
    let per_second = times.len() as f64 / elapsed.as_secs_f64();
    Run { per_second, p50: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
}

async fn client(addr: SocketAddr, request: Arc<[u8]>, kind: Kind, phase: watch::Receiver<u8>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut times = Vec::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let before = *phase.borrow();
        if before == 2 {
            return times;
        }
        let sent = Instant::now();
        stream.write_all(&request).await.unwrap();
        buffer.clear();
        while !is_whole(&buffer, kind) {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "closed: {}", String::from_utf8_lossy(&buffer));
        }
        if before == 1 {
            times.push(sent.elapsed());
        }
    }
}

fn is_whole(answer: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Json => answer.ends_with(b"\"}") && answer.len() > JSON_BYTES,
        Kind::Events => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}
