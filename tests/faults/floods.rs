//! Clients that send too much, or too slowly: they are told so, and others are served meanwhile.

use std::time::Duration;

use tierline::domain::Provider;
use tierline::gateway::Patience;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Plan, Rig};
use crate::scripted::Scripted;
use crate::wire::Wire;

#[tokio::test]
async fn floods_of_headers_are_refused_and_the_connection_closed() {
    let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
    let many = "x: y\r\n".repeat(1_000);
    let long = format!("x: {}\r\n", "y".repeat(200_000));
    let target = format!("GET /openai/{} HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(200_000), rig.addr);
    for (case, request) in [
        ("a thousand headers", rig.request("GET /openai/v1/models", &many, "")),
        ("one long header", rig.request("GET /openai/v1/models", &long, "")),
        ("a long target", target),
    ] {
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        // it may be closed before all of this is read, and the answer be lost with that
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(["", "HTTP/1.1 414", "HTTP/1.1 431"].contains(&answer.get(..12).unwrap_or_default()), "{case}: {answer}");
        let fine = Wire::ask(rig.addr, rig.request("GET /openai/v1/models", "", "")).await;
        assert_eq!(fine.status, 200, "{case}: others are served");
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let upstream = Scripted::always("").await;
    let patience = Patience { head: Duration::from_millis(100), ..Patience::default() };
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { patience: Some(patience), ..Plan::default() }).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send("GET /openai/v1/models HTTP/1.1\r\nhost:").await;
    let reply = wire.reply(false).await;
    assert_eq!((reply.status, reply.header("connection"), reply.whole), (408, Some("close"), true), "{}", reply.head);
    assert!(reply.text().contains("the head of the request did not come within 0.1 s"), "{}", reply.text());
    assert!(wire.closed().await.is_empty());
    // one that has said nothing since its last request is closed without a word
    let mut kept = Wire::connect(rig.addr).await;
    kept.send(rig.request("GET /healthz", "", "")).await;
    assert_eq!(kept.reply(false).await.status, 200);
    assert!(kept.closed().await.is_empty());
    assert!(rig.events().is_empty());
}

/// Two hundred clients that each send a byte of 30 MB now and then: six times what all bodies may take together is announced.
#[tokio::test]
async fn slow_senders_are_given_up_and_keep_nobody_else_out() {
    const SLOW: usize = 200;
    let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let patience = Patience { upload: Duration::from_secs(5), ..Patience::default() };
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { patience: Some(patience), ..Plan::default() }).await;
    let (long, kind) = (format!("content-length: {}\r\n", 30 << 20), "content-type: application/json\r\n");
    let request = rig.request("POST /openai/v1/chat/completions", &[kind, &long].concat(), "");
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let (mut reads, mut writes) = TcpStream::connect(rig.addr).await.unwrap().into_split();
        writes.write_all(request.as_bytes()).await.unwrap();
        let dribble = tokio::spawn(async move {
            // until it is told no
            while writes.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        slow.push(tokio::spawn(async move {
            let mut answer = String::new();
            reads.read_to_string(&mut answer).await.unwrap();
            dribble.abort();
            answer
        }));
    }
    let large = format!(r#"{{"model":"gpt-6-luna","input":"{}"}}"#, "x".repeat(30 << 20));
    let fine = Wire::ask(rig.addr, rig.request("POST /openai/v1/responses", "", &large)).await;
    assert_eq!((fine.status, slow.iter().filter(|answer| answer.is_finished()).count()), (200, 0), "{}", fine.text());
    for answer in slow {
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains("came too slowly"), "{answer}");
    }
    assert_eq!((rig.finished(1).await.len(), upstream.seen().len()), (1, 1));
}
