//! A provider that answers at once, in JSON or in events, with the headers that OpenAI sends.

use std::convert::Infallible;
use std::future::Future;
use std::net::TcpListener as StdListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::{Interval, interval};

/// How long a JSON answer is.
pub(crate) const JSON_BYTES: usize = 1024;
/// How many events a stream has.
const EVENTS: usize = 20;
/// Between two events of a paced stream.
const PACE: Duration = Duration::from_millis(20);
const EVENT: &[u8] =
    b"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n";

/// What OpenAI sends beside the body (documented, 2026-11); room enough that no limit decides.
const HEADERS: [(&str, &str); 9] = [
    ("openai-processing-ms", "1"),
    ("openai-version", "2020-10-01"),
    ("x-request-id", "req_0123456789abcdef0123456789abcdef"),
    ("x-ratelimit-limit-requests", "100000000"),
    ("x-ratelimit-limit-tokens", "10000000000"),
    ("x-ratelimit-remaining-requests", "99999999"),
    ("x-ratelimit-remaining-tokens", "9999999900"),
    ("x-ratelimit-reset-requests", "1ms"),
    ("x-ratelimit-reset-tokens", "1ms"),
];

/// Serves with this answer to each request.
pub(crate) async fn serve_with<B, F>(listener: StdListener, respond: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static)
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

/// The provider.
pub(crate) async fn serve(listener: StdListener) {
    serve_with(listener, |request| async move { answer(&request) }).await;
}

/// Events that leave one by one: at once, or each when it is due.
struct Events {
    left: usize,
    flushed: bool,
    pace: Option<Interval>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll_tick(cx));
        } else {
            self.flushed = !self.flushed;
            if self.flushed {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(EVENT)))))
    }
}

fn answer(request: &Request<Incoming>) -> Response<Either<Full<Bytes>, Events>> {
    let paced = request.headers().get("x-events").map(|kind| kind == "paced");
    let (body, content_type) = if let Some(paced) = paced {
        let pace = paced.then(|| interval(PACE));
        (Either::Right(Events { left: EVENTS, flushed: false, pace }), "text/event-stream")
    } else {
        let mut body = br#"{"id":"chatcmpl-1","usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21},"pad":""#.to_vec();
        body.resize(JSON_BYTES - 2, b'x');
        body.extend(b"\"}");
        (Either::Left(Full::from(body)), "application/json")
    };
    let mut response = Response::new(body);
    response.headers_mut().extend(HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))));
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}
