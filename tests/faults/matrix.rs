//! The fault matrix: what the provider does, in which phase, and what the client, the books and the history see of it.

use std::time::Duration;

use tierline::domain::{Certainty, Outcome, Provider};
use tierline::upstream::Timing;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::rig::{KEY, Plan, Rig, endpoint};
use crate::scripted::{Gate, Scripted, Step};
use crate::wire::{Reply, Wire};
use crate::{STREAM_HEAD, chunk, send};

const CHAT: &str = "POST /openai/v1/chat/completions";
const ASK: &str = r#"{"model":"gpt-6-luna","stream":true,"messages":[]}"#;

pub(crate) fn timing() -> Timing {
    Timing {
        connect: Duration::from_millis(400),
        head: Duration::from_millis(500),
        idle: Duration::from_millis(1_000),
        ..Timing::default()
    }
}

/// One request through a gateway in front of an account at `base`, which may repeat an attempt once.
async fn ask(
    provider: Provider,
    base: &str,
    line: &str,
    body: &str,
    retries: usize,
) -> (Reply, std::sync::Arc<tierline::domain::RequestRecord>) {
    let plan = Plan { retries, timing: Some(timing()), ..Plan::default() };
    let rig = Rig::with(vec![endpoint(1, provider, "main", base, Some(KEY))], plan).await;
    let reply = Wire::ask(rig.addr, rig.request(line, "", body)).await;
    (reply, rig.only().await)
}

#[tokio::test]
async fn before_the_head() {
    let plain_text = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls = format!("https://{}", plain_text.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain_text.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let post = "POST /openai/v1/responses";
    let get = "GET /openai/v1/models";
    // the provider, the request, what the answer says, how often it was sent
    for (case, line, says, attempts) in [
        ("refused", post, "no connection to", 2),
        ("dns failure", post, "no address found for", 2),
        ("tls error", post, "no trusted connection to", 2),
        ("reset", post, "closed the connection before it answered", 1),
        ("reset", get, "closed the connection before it answered", 2),
        ("closed", post, "closed the connection before it answered", 1),
        ("closed", get, "closed the connection before it answered", 2),
        ("no http", post, "closed the connection before it answered", 1),
        ("half a head", post, "closed the connection before it answered", 1),
        ("a head without end", post, "closed the connection before it answered", 1),
        ("silent", post, "did not begin to answer within", 1),
        ("silent", get, "did not begin to answer within", 1),
    ] {
        let upstream = Scripted::start(move |_, _| match case {
            "reset" => vec![Step::Reset],
            "closed" => vec![Step::Close],
            "no http" => vec![send("SSH-2.0-OpenSSH_9.9\r\n\r\n"), Step::Close],
            "half a head" => vec![send("HTTP/1.1 200 OK\r\ncontent-le"), Step::Close],
            "a head without end" => vec![send([b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat()), Step::Close],
            _ => vec![Step::Wait(Gate::shut())],
        })
        .await;
        let base = match case {
            "refused" => "http://127.0.0.1:1".to_owned(),
            "dns failure" => "https://no-such-host.invalid".to_owned(),
            "tls error" => no_tls.clone(),
            _ => format!("http://{}", upstream.addr),
        };
        let (reply, record) = ask(Provider::OpenAi, &base, line, if line == get { "" } else { "{}" }, 1).await;
        assert_eq!((reply.status, reply.header("x-tierline-refused-by")), (502, Some("gateway")), "{case}");
        assert!(reply.text().contains(says) && reply.text().starts_with("{\"error\":"), "{case}: {}", reply.text());
        assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, attempts), "{case}, {line}");
        assert_eq!(record.usage.certainty, Certainty::Unknown, "{case}");
    }
}

#[tokio::test]
async fn a_slow_first_byte_is_waited_for() {
    let gate = Gate::shut();
    let script = gate.clone();
    let upstream =
        Scripted::start(move |_, _| vec![Step::Wait(script.clone()), send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]).await;
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send(rig.request(CHAT, "", ASK)).await;
    upstream.arrived(1).await;
    gate.open();
    assert_eq!(wire.reply(false).await.text(), "ok");
    assert_eq!(rig.only().await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn whole_answers_that_make_no_sense_pass_unchanged() {
    const PAGE: &str = "<html><h1>502 Bad Gateway</h1><p>cloudflare</p></html>";
    for (case, status, kind, body, outcome) in [
        ("page of a CDN", 502, "text/html", PAGE, Outcome::Error),
        ("page of a CDN", 520, "text/html", PAGE, Outcome::Error),
        ("page of a CDN that is full", 503, "text/html", PAGE, Outcome::Refused),
        ("page of a hotel", 200, "text/html", PAGE, Outcome::Ok),
        ("half of an answer", 200, "application/json", "{\"model\":\"gpt-6-luna\",\"usage\":{", Outcome::UpstreamFailed),
        ("no answer", 200, "application/json", "", Outcome::Ok),
        ("bytes", 200, "application/json", "\u{0}\u{1}\u{fffd}", Outcome::Ok),
        ("a count that cannot be", 200, "application/json", r#"{"usage":{"prompt_tokens":-4,"completion_tokens":1e99}}"#, Outcome::Ok),
    ] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let upstream = Scripted::always(answer).await;
        let (reply, record) = ask(Provider::OpenAi, &format!("http://{}", upstream.addr), CHAT, r#"{"model":"gpt-6-luna"}"#, 0).await;
        assert_eq!((reply.status, reply.text().as_str(), reply.whole), (status, body, true), "{case}");
        assert_eq!(reply.header("x-tierline-refused-by"), None, "{case}");
        assert_eq!(record.outcome, outcome, "{case} {status}");
        assert_ne!(record.usage.certainty, Certainty::Exact, "{case}");
    }
}

/// A stream in one provider's shape: the route, the request, two events of an answer, and how an error event begins.
struct Shape {
    provider: Provider,
    line: &'static str,
    body: &'static str,
    first: &'static str,
    error: &'static str,
    end: &'static str,
}

const SHAPES: [Shape; 5] = [
    Shape {
        provider: Provider::Anthropic,
        line: "POST /anthropic/v1/messages",
        body: r#"{"model":"claude-haiku-5-5","stream":true}"#,
        first: "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        error: "\n\nevent: error\ndata: {\"error\":{\"message\":",
        end: "message_stop",
    },
    Shape {
        provider: Provider::OpenAi,
        line: CHAT,
        body: ASK,
        first: "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n",
        error: "\n\ndata: {\"error\":{",
        end: "[DONE]",
    },
    Shape {
        provider: Provider::OpenAi,
        line: "POST /openai/v1/responses",
        body: r#"{"model":"gpt-6-luna","stream":true,"input":"hi"}"#,
        first: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n",
        error: "\n\nevent: error\ndata: {",
        end: "response.completed",
    },
    Shape {
        provider: Provider::Gemini,
        line: "POST /gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
        body: r#"{"contents":[]}"#,
        first: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]}}]}\n\n",
        error: "\n\ndata: {\"error\":{\"code\":502,",
        end: "finishReason",
    },
    Shape {
        provider: Provider::DeepSeek,
        line: "POST /deepseek/chat/completions",
        body: r#"{"model":"deepseek-flash","stream":true,"messages":[]}"#,
        first: "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n",
        error: "\n\ndata: {\"error\":{",
        end: "[DONE]",
    },
];

#[tokio::test]
async fn in_the_middle_of_a_stream() {
    for shape in &SHAPES {
        for case in ["reset", "closed", "silent", "chunks that are none"] {
            let broken = Gate::shut();
            let script = broken.clone();
            let upstream = Scripted::start(move |_, _| {
                let end = match case {
                    "reset" => Step::Reset,
                    "closed" => Step::Close,
                    "silent" => Step::Wait(Gate::shut()),
                    _ => send("zz\r\nthis is no chunk\r\n"),
                };
                // the client has got the first event before the end can overtake it
                vec![send(STREAM_HEAD), chunk(shape.first), Step::Wait(script.clone()), end]
            })
            .await;
            let plan = Plan { retries: 1, timing: Some(timing()), ..Plan::default() };
            let rig = Rig::start(shape.provider, upstream.addr, plan).await;
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request(shape.line, "", shape.body)).await;
            assert_eq!(wire.head().await.0, 200, "{case}, {}", shape.line);
            assert_eq!(wire.chunk().await.unwrap(), shape.first.as_bytes(), "{case}, {}", shape.line);
            broken.open();
            let error = String::from_utf8(wire.chunk().await.unwrap()).unwrap();
            assert!(error.starts_with(shape.error) && error.ends_with("}\n\n"), "{case}, {}: {error}", shape.line);
            assert!(!error.contains(shape.end), "{case}: {error}");
            let data = error.split_once("data: ").unwrap().1;
            serde_json::from_str::<serde_json::Value>(data).unwrap();
            assert_eq!(wire.chunk().await, None, "{case}, {}: closed without the last chunk", shape.line);
            let record = rig.only().await;
            assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, 1), "{case}, {}: never sent again", shape.line);
            assert_eq!(upstream.seen().len(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn in_the_middle_of_what_cannot_take_an_event() {
    // a plain answer, a list of JSON, a compressed stream: nothing can be said, so the answer is cut off
    for (case, head) in [
        ("plain", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"),
        (
            "compressed events",
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
        ),
    ] {
        let broken = Gate::shut();
        let script = broken.clone();
        let upstream = Scripted::start(move |_, _| vec![send(head), chunk("[{\"a\":1},"), Step::Wait(script.clone()), Step::Reset]).await;
        let rig = Rig::start(Provider::Gemini, upstream.addr, Plan { retries: 1, ..Plan::default() }).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent", "", "{}")).await;
        assert_eq!(wire.head().await.0, 200, "{case}");
        assert_eq!(wire.chunk().await.unwrap(), b"[{\"a\":1},", "{case}");
        broken.open();
        assert_eq!(wire.chunk().await, None, "{case}: no false end");
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, 1), "{case}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_its_final_event_is_incomplete() {
    for shape in SHAPES.iter().filter(|shape| shape.provider != Provider::Gemini) {
        let upstream = Scripted::start(move |_, _| vec![send(STREAM_HEAD), chunk(shape.first), send("0\r\n\r\n")]).await;
        let (reply, record) = ask(shape.provider, &format!("http://{}", upstream.addr), shape.line, shape.body, 1).await;
        assert_eq!((reply.whole, reply.text().as_str()), (true, shape.first), "{}: the bytes are the provider's", shape.line);
        assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, 1), "{}", shape.line);
        assert_ne!(record.usage.certainty, Certainty::Exact, "{}", shape.line);
    }
}

/// DeepSeek fills the wait for a free machine with comments in streams and blank lines elsewhere, longer than any silence may
/// last. The time limit is one on silence, not on the whole.
#[tokio::test]
async fn filler_keeps_an_answer_alive_and_is_no_part_of_it() {
    const EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n";
    const JSON: &str = r#"{"model":"deepseek-flash","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":7}}"#;
    const PLAIN_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    const PIECES: usize = 9;
    for (case, head, filler, answer, body) in [
        ("stream", STREAM_HEAD, ": keep-alive\n\n", EVENTS, r#"{"model":"deepseek-flash","stream":true}"#),
        ("plain", PLAIN_HEAD, "\n\n", JSON, r#"{"model":"deepseek-flash"}"#),
    ] {
        let gates: Vec<Gate> = (0..PIECES).map(|_| Gate::shut()).collect();
        let script = gates.clone();
        let upstream = Scripted::start(move |_, _| {
            let mut steps = vec![send(head)];
            steps.extend(script.iter().flat_map(|gate| [Step::Wait(gate.clone()), chunk(filler)]));
            steps.extend([chunk(answer), send("0\r\n\r\n")]);
            steps
        })
        .await;
        let rig = Rig::start(Provider::DeepSeek, upstream.addr, Plan { timing: Some(timing()), ..Plan::default() }).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /deepseek/chat/completions", "", body)).await;
        assert_eq!(wire.head().await.0, 200);
        let pace = tokio::spawn(async move {
            for gate in gates {
                // the pace of the provider: a fifth of the silence that is allowed, nine times
                tokio::time::sleep(timing().idle / 5).await;
                gate.open();
            }
        });
        let mut got = String::new();
        while let Some(chunk) = wire.chunk().await.filter(|chunk| !chunk.is_empty()) {
            got.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        pace.await.unwrap();
        assert_eq!(got, filler.repeat(PIECES) + answer, "{case}");
        let record = rig.only().await;
        assert_eq!(record.outcome, Outcome::Ok, "{case}");
        assert_eq!((record.usage.total_input(), record.usage.output, record.usage.certainty), (20, 7, Certainty::Exact), "{case}");
    }
}
