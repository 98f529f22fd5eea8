//! The gateway over real sockets: codings, framing, HTTP/2 and WebSockets pass as they are, and are counted.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[expect(dead_code, reason = "shared with the other tests of the gateway")]
#[path = "support/rig.rs"]
mod rig;
#[expect(dead_code, reason = "shared with the other tests of the gateway")]
#[path = "support/scripted.rs"]
mod scripted;
#[expect(dead_code, reason = "shared with the other tests of the gateway")]
#[path = "support/wire.rs"]
mod wire;

#[path = "gateway/door.rs"]
mod door;

use std::io::Write;

use rig::{KEY, Plan, Rig, TOKEN};
use scripted::{Scripted, Step, find};
use tierline::domain::{Certainty, Event, Outcome, Provider};
use wire::Wire;

mod coded {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const ANSWER: &[u8] = br#"{"id":"x","model":"gpt-6-luna","usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#;
    /// The same, written by Node's `zlib.brotliCompressSync`.
    const BROTLI: &[u8] = include_bytes!("data/usage/brotli.br");

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_coded_answer_passes_unchanged_and_its_usage_is_read() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(ANSWER).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(ANSWER).unwrap();
        let (start, end) = ANSWER.split_at(40);
        let whole = gzip(ANSWER);
        for (case, coding, body, usage) in [
            ("gzip", "gzip", whole.clone(), (7, Certainty::Exact)),
            ("gzip in two members", "gzip", [gzip(start), gzip(end)].concat(), (7, Certainty::Exact)),
            ("zlib", "deflate", zlib.finish().unwrap(), (7, Certainty::Exact)),
            ("deflate without a wrapping", "deflate", raw.finish().unwrap(), (7, Certainty::Exact)),
            ("brotli", "br", BROTLI.to_vec(), (7, Certainty::Exact)),
            ("zstd", "zstd", zstd::encode_all(ANSWER, 3).unwrap(), (7, Certainty::Exact)),
            (
                "zstd in two frames",
                "zstd",
                [zstd::encode_all(start, 3), zstd::encode_all(end, 3)].map(Result::unwrap).concat(),
                (7, Certainty::Exact),
            ),
            ("cut gzip", "gzip", whole[..whole.len() / 2].to_vec(), (0, Certainty::Unknown)),
            ("no gzip at all", "gzip", ANSWER.to_vec(), (0, Certainty::Unknown)),
            ("twice coded", "gzip, gzip", gzip(&whole), (0, Certainty::Unknown)),
            ("unheard of", "x-new", ANSWER.to_vec(), (0, Certainty::Unknown)),
        ] {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let upstream = Scripted::always([head.as_bytes(), &body].concat()).await;
            let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
            let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/chat/completions", "", "{}")).await;
            assert!(reply.body == body, "{case}: {} bytes", reply.body.len());
            assert_eq!(reply.header("content-encoding"), Some(coding), "{case}");
            let record = rig.only().await;
            assert_eq!((record.usage.input, record.usage.certainty), usage, "{case}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_ends_well_without_its_end_is_incomplete() {
        use Outcome::{Ok, UpstreamFailed};
        let half = &ANSWER[..ANSWER.len() - 9];
        let (json, events) = ("application/json; charset=utf-8", "text/event-stream");
        for (case, kind, coding, body, outcome) in [
            ("whole", json, "identity", ANSWER.to_vec(), Ok),
            ("cut", json, "identity", half.to_vec(), UpstreamFailed),
            ("blank lines", json, "identity", b"\n\n\n".to_vec(), UpstreamFailed),
            ("nothing", json, "identity", Vec::new(), Ok),
            ("a list", json, "identity", b"[{\"a\":1}\n]\n".to_vec(), Ok),
            ("a list that stays open", json, "identity", b"[{\"a\":1}\n,".to_vec(), UpstreamFailed),
            ("cut and coded", json, "gzip", gzip(half), UpstreamFailed),
            ("coded and cut", json, "zstd", zstd::encode_all(ANSWER, 3).unwrap()[..40].to_vec(), UpstreamFailed),
            ("coded events without the last", events, "gzip", gzip(b"data: {}\n\n"), UpstreamFailed),
            ("coded events", events, "gzip", gzip(b"data: {}\n\ndata: [DONE]\n\n"), Ok),
            ("what cannot be read", json, "x-new", half.to_vec(), Ok),
            ("no JSON", "text/plain", "identity", half.to_vec(), Ok),
        ] {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {coding}\r\n");
            let plain = [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
            let chunk = if body.is_empty() { Vec::new() } else { [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat() };
            let chunked = [format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes(), &chunk, b"0\r\n\r\n"].concat();
            for answer in [plain, chunked] {
                let upstream = Scripted::always(answer).await;
                let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
                let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/chat/completions", "", "{}")).await;
                assert_eq!((reply.status, reply.whole, &reply.body), (200, true, &body), "{case}: it passes as it came");
                let record = rig.only().await;
                assert_eq!((record.status, record.outcome), (200, outcome), "{case}");
                let unknown = record.usage.certainty == Certainty::Unknown;
                assert!(unknown || body == ANSWER, "{case}: {:?}", record.usage);
            }
        }
    }
}

mod framed {
    use super::*;

    #[tokio::test]
    async fn trailers_of_an_answer_pass_to_a_client_that_takes_them() {
        let answer = "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n";
        let upstream = Scripted::always(answer).await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("GET /openai/v1/x", "connection: te, close\r\nte: trailers\r\n", "")).await;
        assert!(wire.head().await.1.contains("trailer: x-sum"));
        let rest = wire.closed().await;
        assert_eq!(String::from_utf8_lossy(&rest), "3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n");
        rig.only().await;
    }

    #[tokio::test]
    async fn trailers_of_a_request_pass_but_for_those_that_end_here() {
        let refused = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}";
        let upstream = Scripted::start(move |before, _| {
            vec![Step::Send(if before == 0 { refused } else { "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" }.into())]
        })
        .await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { retries: 1, ..Plan::default() }).await;
        let sums = "x-sum: 6\nx-end: 1\n";
        for (case, line, more, trailers, announced, seen) in [
            ("announced", "POST", "trailer: X-Sum, x-end\r\n", "X-Sum: 6\r\nx-end: 1\r\n", Some("X-Sum, x-end"), sums),
            ("not announced", "PUT", "", "x-sum: 6\r\nx-end: 1\r\n", Some("x-sum, x-end"), sums),
            ("a credential", "POST", "", "authorization: Bearer x\r\nx-api-key: x\r\nx-sum: 6\r\n", Some("x-sum"), "x-sum: 6\n"),
            ("our own", "POST", "", "x-tierline-priority: batch\r\nconnection: x\r\n", None, ""),
            ("with a method that has no body", "GET", "trailer: x-sum\r\n", "x-sum: 6\r\n", Some("x-sum"), ""),
        ] {
            let chunks = format!("3\r\nabc\r\n0\r\n{trailers}\r\n");
            let request = rig.request(&format!("{line} /openai/v1/x"), &format!("{more}transfer-encoding: chunked\r\n"), "");
            assert_eq!(Wire::ask(rig.addr, request + &chunks).await.status, 200, "{case}");
            let last = upstream.seen().pop().unwrap();
            assert_eq!((last.header("trailer"), last.trailers.as_str()), (announced, seen), "{case}: {}", last.head);
            assert_eq!((last.body.as_slice(), last.header("connection")), (&b"abc"[..], None), "{case}");
        }
        assert_eq!(upstream.seen()[0].trailers, upstream.seen()[1].trailers, "the second attempt has them as well");
        assert_eq!(upstream.seen().len(), 6);
    }

    #[tokio::test]
    async fn uploads_of_every_size_and_kind_arrive_as_they_were_sent() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let image = "iVBORw0KGgo=".repeat(30 * 1024 * 1024 / 12);
        let json = format!(
            r#"{{"model":"gpt-6-luna","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}]}}"#
        );
        let form = "--b 1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-transcribe\r\n\
                    --b 1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\u{0}\u{1}\r\n--b 1--\r\n";
        for (path, kind, body) in [
            ("/v1/chat/completions", "application/json", json.as_str()),
            ("/v1/audio/transcriptions", "multipart/form-data; boundary=\"b 1\"", form),
        ] {
            let reply = Wire::ask(rig.addr, rig.request(&format!("POST /openai{path}"), &format!("content-type: {kind}\r\n"), body)).await;
            assert_eq!(reply.status, 200, "{path}");
            let seen = upstream.seen().pop().unwrap();
            assert!(seen.body == body.as_bytes(), "{path}: {} bytes", seen.body.len());
            assert_eq!(seen.header("content-type"), Some(kind));
        }
        let asked: Vec<_> = rig.finished(2).await.iter().map(|record| record.model_asked.clone().unwrap().to_string()).collect();
        assert_eq!(asked, ["gpt-6-luna", "gpt-transcribe"]);
        let media: Vec<_> = rig.books.asks.lock().unwrap().iter().map(|ask| (ask.facts.media, ask.facts.text_bytes)).collect();
        assert_eq!(media, [(1, 0), (1, 0)], "an image counts as one thing, not by its bytes");
    }
}

mod http2 {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::future::join_all;
    use http::{Request, StatusCode};
    use http_body_util::{BodyExt, Full};
    use hyper::client::conn::http2::{SendRequest, handshake};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tierline::gateway::Patience;
    use tokio::net::TcpStream;

    use super::scripted::Gate;
    use super::*;

    async fn connect(rig: &Rig) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(rig.addr).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn request(authority: &str, token: &str, body: &str) -> Request<Full<Bytes>> {
        Request::post(format!("http://{authority}/openai/v1/chat/completions"))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(body.to_owned()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_connection_with_nothing_under_way_is_closed_and_a_long_answer_is_not() {
        let finish = Gate::shut();
        let finishes = finish.clone();
        let upstream = Scripted::start(move |_, _| {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\n";
            vec![Step::Send(head.into()), Step::Wait(finishes.clone()), Step::Send("done".into())]
        })
        .await;
        let patience = Patience { head: Duration::from_millis(50), ..Patience::default() };
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { patience: Some(patience), ..Plan::default() }).await;
        let answer = connect(&rig).await.send_request(request(&rig.addr.to_string(), TOKEN, "{}")).await.unwrap();
        let settings = b"\0\0\0\x04\0\0\0\0\0";
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
        // of a head, a block is still to come
        let half_a_head = b"\0\0\x01\x01\0\0\0\0\x01\x82";
        let quiet = ["PRI * HT".into(), preface.to_vec(), [preface, settings].concat(), [preface, settings, half_a_head].concat()];
        join_all(quiet.map(|sent| async {
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(sent).await;
            wire.closed().await;
        }))
        .await;
        finish.open();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "done");
        assert_eq!(rig.only().await.outcome, Outcome::Ok);
    }

    #[tokio::test]
    async fn requests_of_one_connection_are_served_side_by_side() {
        let events = "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{events}", events.len());
        let upstream = Scripted::always(answer).await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let sender = connect(&rig).await;
        let sent: Vec<_> = (0..20)
            .map(|n| {
                let (mut sender, request) = (sender.clone(), request(&rig.addr.to_string(), TOKEN, &format!("{{\"n\":{n}}}")));
                tokio::spawn(async move { sender.send_request(request).await.unwrap() })
            })
            .collect();
        for answer in sent {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["x-tierline-attempts"], "1");
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), events.as_bytes());
        }
        let records = rig.finished(20).await;
        assert!(records.iter().all(|record| record.usage.input == 7 && record.outcome == Outcome::Ok));
        rig.check_books();
        assert!(upstream.seen().iter().all(|seen| seen.header("authorization") == Some(&format!("Bearer {KEY}"))));
        assert!(upstream.seen().iter().all(|seen| seen.header("host") == Some(&upstream.addr.to_string())));
    }

    #[tokio::test]
    async fn host_and_token_are_needed_here_too() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let mut sender = connect(&rig).await;
        let ours = rig.addr.to_string();
        for (authority, host, origin, token, status) in [
            (ours.as_str(), None, None, TOKEN, 200),
            (&ours, Some("evil.example"), None, TOKEN, 403),
            (&ours, None, Some("https://evil.example"), TOKEN, 403),
            (&ours, None, None, "wrong", 401),
            ("evil.example", None, None, TOKEN, 403),
            ("evil.example", Some(&ours), None, TOKEN, 403),
        ] {
            let mut request = request(authority, token, "{}");
            for (name, value) in [("host", host), ("origin", origin)] {
                request.headers_mut().extend(
                    value.map(|value| (name.parse().unwrap(), value.parse().unwrap())).map(|(n, v): (http::HeaderName, _)| (Some(n), v)),
                );
            }
            assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{authority} {host:?} {origin:?}");
        }
        assert_eq!(upstream.seen().len(), 1);
    }
}

mod socket {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ASK: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: bm9uY2U=\r\n\
                       sec-websocket-protocol: realtime\r\n";
    const AGREE: &str =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: accepted\r\n\r\n";

    /// A provider that agrees to one WebSocket, and hands over its connection and the head it was sent.
    async fn provider() -> (std::net::SocketAddr, tokio::task::JoinHandle<(TcpStream, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let agreed = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while find(&head, b"\r\n\r\n").is_none() {
                assert!(stream.read_buf(&mut head).await.unwrap() > 0);
            }
            stream.write_all(AGREE.as_bytes()).await.unwrap();
            (stream, String::from_utf8(head).unwrap())
        });
        (addr, agreed)
    }

    fn text(event: &str) -> Vec<u8> {
        [&[0x81, 126][..], &u16::try_from(event.len()).unwrap().to_be_bytes(), event.as_bytes()].concat()
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_the_session_is_counted_once() {
        let (upstream, agreed) = provider().await;
        let rig = Rig::start(Provider::OpenAi, upstream, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("GET /openai/v1/realtime?model=gpt-realtime-2.1", ASK, "")).await;
        let (status, head) = wire.head().await;
        assert_eq!(status, 101);
        for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: accepted", "x-tierline-request-id: 1"] {
            assert!(head.contains(line), "{line} in {head}");
        }
        let (mut provider, asked) = agreed.await.unwrap();
        assert!(asked.starts_with("GET /v1/realtime?model=gpt-realtime-2.1 HTTP/1.1\r\n"), "{asked}");
        for line in ["upgrade: websocket", "connection: upgrade", "sec-websocket-key: bm9uY2U=", &format!("authorization: Bearer {KEY}")] {
            assert!(asked.contains(line), "{line} in {asked}");
        }

        let masked: &[u8] = &[0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e];
        wire.send(masked).await;
        let mut heard = vec![0; masked.len()];
        provider.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, masked);

        let done = r#"{"type":"response.done","response":{"usage":{"input_tokens":100,"output_tokens":50,"input_token_details":{"cached_tokens":64}}}}"#;
        let limits =
            r#"{"type":"rate_limits.updated","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":0.06}]}"#;
        let said = [text(limits), text(done), text(done), vec![0x82, 3, 1, 2, 3], vec![0x88, 2, 3, 232]].concat();
        provider.write_all(&said).await.unwrap();
        drop(provider);
        assert_eq!(wire.closed().await, said);

        let record = rig.only().await;
        assert_eq!((record.status, record.outcome, record.attempts), (101, Outcome::Ok, 1));
        assert_eq!((record.usage.input, record.usage.cache_read, record.usage.output), (72, 128, 100));
        assert_eq!((record.usage.certainty, record.response_bytes), (Certainty::Exact, said.len() as u64));
        assert_eq!(record.model_asked.as_ref().unwrap().as_str(), "gpt-realtime-2.1");
        rig.happened(
            |event| matches!(event, Event::Answered { snapshot, .. } if snapshot.readings.iter().any(|r| r.remaining == Some(999))),
        )
        .await;
    }

    #[tokio::test]
    async fn a_client_that_goes_away_takes_the_session_with_it() {
        let (upstream, agreed) = provider().await;
        let rig = Rig::start(Provider::OpenAi, upstream, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("GET /openai/v1/realtime?model=m", ASK, "")).await;
        assert_eq!(wire.head().await.0, 101);
        let (mut provider, _) = agreed.await.unwrap();
        provider.write_all(&text(r#"{"type":"response.created"}"#)).await.unwrap();
        rig.happened(|event| matches!(event, Event::Answered { .. })).await;
        drop(wire);
        assert_eq!(provider.read(&mut [0; 8]).await.unwrap_or(0), 0);
        assert_eq!(rig.only().await.outcome, Outcome::Ok);
    }

    #[tokio::test]
    async fn a_provider_that_breaks_off_without_a_word_has_failed() {
        let (upstream, agreed) = provider().await;
        let rig = Rig::start(Provider::OpenAi, upstream, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("GET /openai/v1/realtime?model=m", ASK, "")).await;
        assert_eq!(wire.head().await.0, 101);
        drop(agreed.await.unwrap());
        wire.closed().await;
        assert_eq!(rig.only().await.outcome, Outcome::UpstreamFailed);
    }

    #[tokio::test]
    async fn a_session_needs_what_every_request_needs() {
        let upstream = Scripted::always("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let line = "GET /openai/v1/realtime?model=m HTTP/1.1\r\n";
        let (host, token) = (format!("host: {}\r\n", rig.addr), format!("authorization: Bearer {TOKEN}\r\n"));
        let in_protocol = format!("sec-websocket-protocol: openai-insecure-api-key.{TOKEN}\r\n");
        for (case, headers, status, refused_by) in [
            ("no token", host.clone(), 401, Some("gateway")),
            ("a foreign host", format!("host: evil.example\r\n{token}"), 403, Some("gateway")),
            ("a foreign page", format!("{host}{token}origin: https://evil.example\r\n"), 403, Some("gateway")),
            ("the provider refuses", format!("{host}{token}"), 403, None),
            ("the token among the protocols", format!("{host}{in_protocol}"), 403, None),
        ] {
            let reply = Wire::ask(rig.addr, format!("{line}{headers}{ASK}\r\n")).await;
            assert_eq!((reply.status, reply.header("x-tierline-refused-by")), (status, refused_by), "{case}");
        }
        assert_eq!(upstream.seen().len(), 2);
        assert!(upstream.seen().iter().all(|seen| !seen.head.contains(TOKEN)), "a local token leaves for nobody");
        rig.finished(2).await;
        rig.check_books();
    }

    #[tokio::test]
    async fn responses_are_let_in_one_by_one_and_codex_hears_it_from_the_status() {
        let upstream = Scripted::always("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let reply = Wire::ask(rig.addr, rig.request("GET /openai/v1/responses", ASK, "")).await;
        assert_eq!((reply.status, reply.header("upgrade"), reply.header("x-should-retry")), (426, Some("HTTP/1.1"), Some("false")));
        assert!(upstream.seen().is_empty());
    }

    #[tokio::test]
    async fn other_protocols_are_not_asked_for() {
        let upstream = Scripted::start(|_, _| vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec())]).await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let more = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
        assert_eq!(Wire::ask(rig.addr, rig.request("GET /openai/v1/models", more, "")).await.status, 200);
        for name in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(upstream.seen()[0].header(name), None, "{name}");
        }
    }
}
