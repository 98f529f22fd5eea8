//! hyper behind the [`Upstream`] trait: pooled connections, TLS, HTTP/2 by ALPN, the system's proxies, time limits.

use std::error::Error;
use std::future::ready;
use std::iter::successors;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::{self, Connect, proxy::Tunnel};
use hyper_util::client::legacy::{Builder, Client, Error as ClientError};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;

use super::body::Sending;
use super::dial::{DialLimited, TOO_LONG};
use super::error::root_cause;
use super::idle::IdleLimited;
use super::lanes::{Lanes, Place};
use super::resolve::Checked;
use super::settings::Watching;
use super::{Answering, Failure, Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};

/// How long each phase may last. There is no limit on the whole: a long answer is a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From dialling to a connection, the TLS handshake included.
    pub connect: Duration,
    /// From sending to the head of the answer. The official SDKs give up after 600 s.
    pub head: Duration,
    /// Between two pieces of a body. Providers fill long silences well below this (DeepSeek's comments, Anthropic's pings).
    pub idle: Duration,
    /// Without a word or an acknowledgement from a connection that is in use, before it is asked whether it is still there, and
    /// again before it is given up: the network may have changed under it, or the machine have slept.
    pub alive: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_mins(10),
            idle: Duration::from_mins(5),
            alive: Duration::from_secs(30),
        }
    }
}

/// An unused connection is closed after this long; providers' front ends close theirs after a minute or more.
const POOL_IDLE: Duration = Duration::from_secs(50);
/// What one connection may buffer of an answer that its client does not take.
const BUFFER_BYTES: usize = 32 * 1024;
/// The same for one HTTP/2 stream, and for all streams of a connection.
const H2_STREAM_WINDOW: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Sends requests over the network.
#[derive(Debug)]
pub struct HttpUpstream {
    plain: Client<HttpConnector, Sending>,
    /// Why https cannot be used, if so: a machine may have no root certificates, and still run the demo.
    secure: Result<Secure, String>,
    timing: Timing,
}

/// Dials only where a name may lead.
type HttpConnector = connect::HttpConnector<Checked<GaiResolver>>;

/// Dials, and speaks TLS.
type OverTls<C> = DialLimited<HttpsConnector<C>>;

#[derive(Debug)]
struct Secure {
    direct: Clients<HttpConnector>,
    proxies: Matcher,
    /// The proxy looks up the names; where it is itself is the user's choice.
    proxied: Option<Clients<Tunnel<connect::HttpConnector>>>,
}

/// The clients of one way to a provider.
#[derive(Debug)]
struct Clients<C> {
    requests: Lanes<Watching<OverTls<C>>>,
    /// HTTP/1.1 only, because a connection with many streams cannot be turned into a WebSocket.
    sockets: Client<OverTls<C>, Sending>,
}

impl HttpUpstream {
    /// A client with the system's proxies and root certificates.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self::trusting(timing, Vec::new())
    }

    /// The same, where these roots are trusted beside the system's: how a test stands in for a provider.
    #[must_use]
    pub fn trusting(timing: Timing, roots: Vec<CertificateDer<'static>>) -> Self {
        let connector = dialler(Checked(GaiResolver::new()), timing);
        let builder = client_builder(timing);
        let secure = tls(roots).map(|tls| Secure::new(&builder, connector.clone(), &tls, timing)).map_err(|error| error.to_string());
        Self { plain: builder.build(connector), secure, timing }
    }
}

impl Default for HttpUpstream {
    fn default() -> Self {
        Self::new(Timing::default())
    }
}

impl Upstream for HttpUpstream {
    fn send(&self, request: UpstreamRequest) -> Answering {
        let UpstreamRequest { method, url, headers, body, trailers } = request;
        // hyper sends no body at all with these if it has no length
        let trailers = if matches!(method, Method::GET | Method::HEAD) { HeaderMap::new() } else { trailers };
        let mut request = Request::new(Sending::new(body, trailers));
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        if url.scheme_str() == Some("http") {
            return answer(self.plain.request(request).map_ok(anywhere), url, self.timing);
        }
        match &self.secure {
            Err(why) => refuse(UpstreamError::new(Failure::Tls, &url).because(why)),
            Ok(secure) if !secure.goes_through_proxy(&url) => secure.direct.send(request, self.timing),
            Ok(Secure { proxied: Some(clients), .. }) => clients.send(request, self.timing),
            Ok(_) => {
                let why = "only http:// proxies are supported, set HTTPS_PROXY to one";
                refuse(UpstreamError::new(Failure::Connect, &url).because(why))
            }
        }
    }
}

impl Secure {
    fn new(builder: &Builder, connector: HttpConnector, tls: &ClientConfig, timing: Timing) -> Self {
        let proxies = Matcher::from_system();
        // one proxy serves every https host, so any host shows which
        let proxy = proxies.intercept(&Uri::from_static("https://provider.invalid"));
        let proxied = match proxy {
            Some(proxy) if proxy.uri().scheme_str() == Some("http") => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), dialler(GaiResolver::new(), timing));
                if let Some(auth) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                Some(Clients::new(builder, tunnel, tls, timing.connect))
            }
            _ => None,
        };
        Self { direct: Clients::new(builder, connector, tls, timing.connect), proxies, proxied }
    }

    fn goes_through_proxy(&self, url: &Uri) -> bool {
        let host = url.host().unwrap_or_default();
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
        !loopback && self.proxies.intercept(url).is_some()
    }
}

impl<C> Clients<C>
where
    C: Clone,
    OverTls<C>: Connect + Clone + Send + Sync + 'static,
    Watching<OverTls<C>>: Connect,
{
    fn new(builder: &Builder, connector: C, tls: &ClientConfig, limit: Duration) -> Self {
        let https = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_only();
        let requests = DialLimited::new(https().enable_all_versions().wrap_connector(connector.clone()), limit);
        let sockets = DialLimited::new(https().enable_http1().wrap_connector(connector), limit);
        Self { requests: Lanes::new(builder, |lane, sites| Watching::new(requests.clone(), sites, lane)), sockets: builder.build(sockets) }
    }

    fn send(&self, request: Request<Sending>, timing: Timing) -> Answering {
        let url = request.uri().clone();
        if request.headers().contains_key(header::UPGRADE) {
            return answer(self.sockets.request(request).map_ok(anywhere), url, timing);
        }
        answer(self.requests.send(request).map_ok(|(response, place)| (response, Some(place))), url, timing)
    }
}

fn dialler<R>(resolver: R, timing: Timing) -> connect::HttpConnector<R> {
    let mut connector = connect::HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timing.connect));
    connector.set_keepalive(Some(timing.alive));
    connector.set_keepalive_interval(Some(timing.alive / 3));
    connector.set_keepalive_retries(Some(3));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(timing.alive * 2));
    connector
}

/// The platform's verifier honours what the user and the system trust.
fn tls(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // rustls calls every verifier but a bare list of roots dangerous
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn client_builder(timing: Timing) -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .http1_max_buf_size(BUFFER_BYTES)
        .http2_keep_alive_interval(timing.alive)
        .http2_keep_alive_timeout(timing.alive)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW);
    builder
}

/// Waits for the head. hyper repeats a request by itself only if a pooled connection closed before any of it was written.
fn answer<F>(sent: F, url: Uri, timing: Timing) -> Answering
where
    F: Future<Output = Result<(Response<Incoming>, Option<Place>), ClientError>> + Send + 'static,
{
    Box::pin(async move {
        let (response, place) = match timeout(timing.head, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(classify(&error, &url)),
            Err(_) => return Err(UpstreamError::new(Failure::HeadTimeout(timing.head), &url)),
        };
        let (mut head, body) = response.into_parts();
        let body = IdleLimited::new(body, place, url, timing.idle).boxed_unsync();
        let upgrade = head.extensions.remove::<OnUpgrade>();
        Ok(UpstreamResponse { status: head.status, headers: head.headers, body, upgrade })
    })
}

/// An answer that takes no place among others on its connection.
fn anywhere(response: Response<Incoming>) -> (Response<Incoming>, Option<Place>) {
    (response, None)
}

fn refuse(error: UpstreamError) -> Answering {
    Box::pin(ready(Err(error)))
}

/// The connector tells its phase only in the texts of the causes.
fn classify(error: &ClientError, url: &Uri) -> UpstreamError {
    let causes = || successors(error.source(), |e| (*e).source());
    let in_chain = |what: &str| causes().any(|cause| cause.to_string().starts_with(what));
    let failure = match () {
        () if causes().filter_map(|cause| cause.downcast_ref()).any(is_given_back) => Failure::NotTaken,
        () if !error.is_connect() => Failure::BeforeHead,
        () if in_chain("dns error") => Failure::Dns,
        () if in_chain("tcp") || in_chain("tunnel") || in_chain(TOO_LONG) => Failure::Connect,
        () => Failure::Tls,
    };
    UpstreamError::new(failure, url).because(root_cause(error))
}

/// A stream that was refused, or that a GOAWAY leaves out, was not processed (RFC 9113, section 8.7). h2 fails only the
/// streams above the one that a GOAWAY names.
fn is_given_back(error: &h2::Error) -> bool {
    error.reason() == Some(h2::Reason::REFUSED_STREAM) || (error.is_go_away() && error.is_remote())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper_util::rt::TokioExecutor;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// How a server of HTTP/2 ends its first stream.
    #[derive(Debug, Clone, Copy)]
    enum Ends {
        Refuses,
        GoesAwayWithout,
        Breaks,
    }

    /// A frame's head: how long it is, its kind, its stream (RFC 9113, section 4.1).
    const fn head(len: u8, kind: u8, stream: u8) -> [u8; 9] {
        [0, 0, len, kind, 0, 0, 0, 0, stream]
    }

    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;

    async fn serve(listener: TcpListener, ends: Ends) {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&head(0, SETTINGS, 0)).await.unwrap();
        stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await.unwrap();
        let mut frame = head(0, SETTINGS, 0);
        while frame[3] != HEADERS {
            stream.read_exact(&mut frame).await.unwrap();
            stream.read_exact(&mut vec![0; usize::from(frame[2])]).await.unwrap();
        }
        let ending = match ends {
            Ends::Refuses => [&head(4, RST_STREAM, 1)[..], &[0, 0, 0, 7]].concat(),
            Ends::GoesAwayWithout => [&head(8, GOAWAY, 0)[..], &[0; 8]].concat(),
            Ends::Breaks => [&head(4, RST_STREAM, 1)[..], &[0, 0, 0, 2]].concat(),
        };
        stream.write_all(&ending).await.unwrap();
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn what_was_given_back_unprocessed_is_told_from_what_broke() {
        for (ends, expected) in
            [(Ends::Refuses, Failure::NotTaken), (Ends::GoesAwayWithout, Failure::NotTaken), (Ends::Breaks, Failure::BeforeHead)]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url: Uri = format!("http://{}/v1/models", listener.local_addr().unwrap()).parse().unwrap();
            let server = tokio::spawn(serve(listener, ends));
            let client: Client<_, Full<Bytes>> =
                Client::builder(TokioExecutor::new()).http2_only(true).build(connect::HttpConnector::new());
            let error = client.get(url.clone()).await.unwrap_err();
            assert_eq!(classify(&error, &url).failure(), expected, "{ends:?}: {error:?}");
            server.abort();
        }
    }
}
