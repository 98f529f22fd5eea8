//! Reading the usage out of a 1 MB stream, beside what one bare hyper hop over loopback costs for the same bytes, in one run.
//!
//! Provider, proxy and client share one thread, so that what the proxy adds to the time is what it costs, not what it
//! overlaps with. Events leave one by one, as providers send them; in large pieces a hop is cheaper, and is shown too.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stops at the first surprise")]

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tierline::domain::{Api, Certainty, Dialect};
use tierline::provider::UsageReader;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::Instant;

const BYTES: usize = 1 << 20;
const PIECE: usize = 16 * 1024;
const ROUNDS: usize = 21;

/// A stream, how it is read, and how it leaves.
struct Case {
    name: &'static str,
    dialect: Dialect,
    api: Api,
    frames: Arc<[Bytes]>,
}

fn main() {
    println!("{:23} {:>7} {:>9} {:>9} {:>7}", "1 MB of", "frames", "parse", "forward", "share");
    for case in cases() {
        let forward = forwarding(&case.frames);
        let parse = median((0..ROUNDS).map(|_| parsing(&case)).collect());
        let share = parse.as_secs_f64() / forward.as_secs_f64() * 100.0;
        println!("{:23} {:>7} {:>6} us {:>6} us {share:>5.1} %", case.name, case.frames.len(), parse.as_micros(), forward.as_micros());
    }
}

fn cases() -> Vec<Case> {
    let anthropic = stream(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":2500,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1000,\"output_tokens\":1}}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" a few words\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9000}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let chat = stream(
        "",
        "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1795521600,\"model\":\"gpt-6-luna\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" words\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"Qx7\"}\n\n",
        "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-6-luna\",\"choices\":[],\"usage\":{\"prompt_tokens\":3500,\"completion_tokens\":4000,\"total_tokens\":7500}}\n\ndata: [DONE]\n\n",
    );
    let responses = stream(
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"gpt-6-luna\",\"output\":[],\"usage\":null}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" words\",\"logprobs\":[],\"obfuscation\":\"Qx7aB\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-6-luna\",\"status\":\"completed\",\"usage\":{\"input_tokens\":3500,\"output_tokens\":4000,\"total_tokens\":7500}}}\n\n",
    );
    let case = |name, dialect, api, frames: &Arc<[Bytes]>| Case { name, dialect, api, frames: Arc::clone(frames) };
    vec![
        case("Anthropic messages", Dialect::Anthropic, Api::Messages, &anthropic),
        case("OpenAI chat", Dialect::OpenAi, Api::ChatCompletions, &chat),
        case("OpenAI responses", Dialect::OpenAi, Api::Responses, &responses),
        case("Anthropic, 16 KB pieces", Dialect::Anthropic, Api::Messages, &in_pieces(&anthropic)),
        case("OpenAI, 16 KB pieces", Dialect::OpenAi, Api::ChatCompletions, &in_pieces(&chat)),
    ]
}

/// As many deltas as make a megabyte, a frame each.
fn stream(first: &'static str, delta: &'static str, last: &'static str) -> Arc<[Bytes]> {
    let deltas = std::iter::repeat_n(delta, BYTES / delta.len());
    [first].into_iter().chain(deltas).chain([last]).filter(|event| !event.is_empty()).map(Bytes::from).collect()
}

fn in_pieces(frames: &[Bytes]) -> Arc<[Bytes]> {
    frames.concat().chunks(PIECE).map(Bytes::copy_from_slice).collect()
}

/// Reads one answer as the gateway does.
fn parsing(case: &Case) -> Duration {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
    let started = Instant::now();
    let mut reader = UsageReader::new(case.dialect, case.api, &headers);
    for frame in case.frames.iter() {
        reader.push(frame);
    }
    let usage = reader.finish(true);
    let took = started.elapsed();
    assert_eq!((usage.total_input(), usage.certainty), (3500, Certainty::Exact));
    took
}

/// What a hop adds to the time in which a client has the whole answer.
fn forwarding(frames: &Arc<[Bytes]>) -> Duration {
    let frames = Arc::clone(frames);
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
        let provider =
            serve(move |_| std::future::ready(Response::new(OneByOne { frames: Arc::clone(&frames), next: 0, flushed: true }))).await;
        let client = client();
        let proxy = serve(move |_| {
            let asked = client.request(Request::get(format!("http://{provider}/")).body(Empty::<Bytes>::new()).unwrap());
            async move { asked.await.unwrap() }
        })
        .await;
        let (mut direct, mut proxied) = (Vec::new(), Vec::new());
        // the rounds alternate, so that a slow moment of the machine hits both
        for _ in 0..ROUNDS {
            direct.push(fetched(provider).await);
            proxied.push(fetched(proxy).await);
        }
        median(proxied).saturating_sub(median(direct))
    })
}

fn client() -> Client<HttpConnector, Empty<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn fetched(from: SocketAddr) -> Duration {
    let started = Instant::now();
    let answer = client().request(Request::get(format!("http://{from}/")).body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let mut body = answer.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    assert!(bytes > BYTES * 9 / 10, "{bytes} bytes");
    started.elapsed()
}

async fn serve<B, F>(respond: impl Fn(Request<Incoming>) -> F + Clone + 'static + Send) -> SocketAddr
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let respond = respond.clone();
            let service = service_fn(move |request| {
                let response = respond(request);
                async move { Ok::<_, Infallible>(response.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    addr
}

/// A body whose frames leave one by one.
struct OneByOne {
    frames: Arc<[Bytes]>,
    next: usize,
    flushed: bool,
}

impl Body for OneByOne {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.flushed = !self.flushed;
        if self.flushed {
            // one turn without data lets the server flush
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = self.frames.get(self.next).cloned();
        self.next += 1;
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
