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
    let many = (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
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
    wire.closed().await;
    assert!(rig.events().is_empty());
}
