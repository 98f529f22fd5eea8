//! Who may come in: every combination of host, origin, token and method, in HTTP/1.1, HTTP/2 and for a WebSocket.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tierline::domain::Provider;
use tokio::net::TcpStream;

use super::rig::{Plan, Rig, TOKEN};
use super::scripted::Scripted;
use super::wire::Wire;

/// What the provider answers, so that it is known that it was asked.
const REACHED: u16 = 418;
const ANSWER: &str = "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n";

/// Values of a header by what becomes of a request that has them: the status of the refusal, if it is refused for them.
type Cells = Vec<(Vec<String>, Option<u16>)>;

fn hosts(port: u16) -> Cells {
    let one = |host: String, refused| (vec![host], refused);
    vec![
        one(format!("127.0.0.1:{port}"), None),
        one(format!("LocalHost:{port}"), None),
        one(format!("[::1]:{port}"), None),
        (vec![], Some(400)),
        (vec![format!("127.0.0.1:{port}"), format!("127.0.0.1:{port}")], Some(400)),
        one("evil.example".into(), Some(403)),
        one(format!("evil.example:{port}"), Some(403)),
        one("127.0.0.1".into(), Some(403)),
        one(format!("127.0.0.1:{}", port ^ 1), Some(403)),
        one(format!("127.0.0.1:{port}.evil.example"), Some(403)),
        one(format!("127.0.0.2:{port}"), Some(403)),
    ]
}

fn origins(port: u16) -> Cells {
    let (own, evil) = (format!("http://localhost:{port}"), "https://evil.example".to_owned());
    vec![
        (vec![], None),
        (vec![own.clone()], None),
        (vec![evil.clone()], Some(403)),
        (vec!["null".into()], Some(403)),
        (vec![format!("https://localhost:{port}")], Some(403)),
        (vec![format!("http://localhost:{port}.evil.example")], Some(403)),
        (vec![own, evil], Some(403)),
    ]
}

/// A header with what may be a credential.
type Token = Option<(&'static str, String)>;

fn tokens() -> Vec<(Token, Option<u16>)> {
    vec![
        (Some(("authorization", format!("Bearer {TOKEN}"))), None),
        (Some(("x-api-key", TOKEN.into())), None),
        (None, Some(401)),
        (Some(("authorization", "Bearer tl-wrong".into())), Some(401)),
        (Some(("authorization", format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]))), Some(401)),
        (Some(("authorization", format!("Basic {TOKEN}"))), Some(401)),
        (Some(("cookie", format!("token={TOKEN}"))), Some(401)),
    ]
}

async fn site() -> (Scripted, Rig) {
    let upstream = Scripted::always(ANSWER).await;
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
    (upstream, rig)
}

/// Every request of the table, as its headers; what is expected is the first refusal of host, origin and token, in this order.
fn cells(port: u16) -> impl Iterator<Item = (String, u16)> {
    let line = |name: &str, value: &String| [name, ": ", value, "\r\n"].concat();
    let lines = move |name: &str, values: &[String]| values.iter().map(|value| line(name, value)).collect::<String>();
    hosts(port).into_iter().flat_map(move |(host, no_host)| {
        origins(port).into_iter().flat_map(move |(origin, no_origin)| {
            let head = lines("host", &host) + &lines("origin", &origin);
            tokens().into_iter().map(move |(token, no_token)| {
                let token = token.map(|(name, value)| lines(name, &[value])).unwrap_or_default();
                (head.clone() + &token, no_host.or(no_origin).or(no_token).unwrap_or(REACHED))
            })
        })
    })
}

#[tokio::test]
async fn every_cell_in_http_1() {
    let (upstream, rig) = site().await;
    let mut reached = 0;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for (headers, expected) in cells(rig.addr.port()) {
            let request = format!("{method} /openai/v1/models HTTP/1.1\r\n{headers}access-control-request-method: POST\r\n\r\n");
            let reply = Wire::ask(rig.addr, &request).await;
            assert_eq!(reply.status, expected, "{request}");
            assert!(!reply.head.to_ascii_lowercase().contains("access-control"), "{request}: {}", reply.head);
            reached += usize::from(expected == REACHED);
            assert_eq!(upstream.seen().len(), reached, "{request}");
        }
    }
    assert_eq!(reached, 7 * 3 * 2 * 2);
}

#[tokio::test]
async fn every_cell_of_a_websocket() {
    const ASK: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: bm9uY2U=\r\n";
    let (upstream, rig) = site().await;
    let mut reached = 0;
    for (headers, expected) in cells(rig.addr.port()) {
        let request = format!("GET /openai/v1/realtime?model=m HTTP/1.1\r\n{headers}{ASK}\r\n");
        let reply = Wire::ask(rig.addr, &request).await;
        assert_eq!(reply.status, expected, "{request}");
        reached += usize::from(expected == REACHED);
        assert_eq!(upstream.seen().len(), reached, "{request}");
    }
    assert!(upstream.seen().iter().all(|seen| seen.header("upgrade") == Some("websocket")));
}

#[tokio::test]
async fn every_cell_in_http_2_where_the_authority_is_the_host() {
    let (upstream, rig) = site().await;
    let port = rig.addr.port();
    let stream = TcpStream::connect(rig.addr).await.unwrap();
    let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut reached = 0;
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        for (authority, no_authority) in hosts(port).into_iter().filter(|(host, _)| host.len() == 1) {
            for (origin, no_origin) in origins(port) {
                for (token, no_token) in tokens() {
                    // a `host` beside the authority is held to the same list
                    for (host, no_host) in
                        [(None, None), (Some(format!("127.0.0.1:{port}")), None), (Some("evil.example".into()), Some(403))]
                    {
                        let mut request = Request::builder().method(&method).uri(format!("http://{}/openai/v1/models", authority[0]));
                        for value in &origin {
                            request = request.header("origin", value);
                        }
                        if let Some((name, value)) = &token {
                            request = request.header(*name, value);
                        }
                        if let Some(host) = &host {
                            request = request.header("host", host);
                        }
                        let case = format!("{method} {authority:?} {host:?} {origin:?} {token:?}");
                        let answer = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
                        let expected = no_authority.or(no_host).or(no_origin).or(no_token).unwrap_or(REACHED);
                        assert_eq!(answer.status(), expected, "{case}");
                        assert!(answer.headers().keys().all(|name| !name.as_str().starts_with("access-control")), "{case}");
                        reached += usize::from(expected == REACHED);
                        assert_eq!(upstream.seen().len(), reached, "{case}");
                    }
                }
            }
        }
    }
    assert_eq!(reached, 3 * 3 * 2 * 2 * 2);
}
