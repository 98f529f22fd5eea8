//! Through the proxy of the environment: requests, WebSockets and probes, with TLS to the provider and the system's roots.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::ask::post;
use crate::home::Home;
use crate::scripted::{Scripted, Step, find};
use crate::tls::{Authority, Front};

const KEY: &str = "sk-test-0d3b7c51";

/// Reads to the end of a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while find(&head, b"\r\n\r\n").is_none() {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0, "{head:?}");
    }
    String::from_utf8(head).unwrap()
}

/// A proxy that knows only one way, whatever name it is asked for; and what it was asked for.
async fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let head = head(&mut near).await;
                log.lock().unwrap().push(head.lines().next().unwrap().to_owned());
                let mut far = TcpStream::connect(to).await.unwrap();
                near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (addr, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_out_goes_through_the_proxy_of_the_environment() {
    let upstream = Scripted::start(|_, seen| {
        let answer = match seen.header("upgrade") {
            Some(_) => "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            None => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        };
        vec![Step::Send(answer.into())]
    })
    .await;
    let authority = Authority::new("a proxy's test");
    // nobody but the proxy can look this name up
    let front = Front::start(upstream.addr, authority.certify("provider.invalid", 2_100), &["http/1.1"]).await;
    let (proxy, asked) = proxy(front.addr).await;
    let mut home = Home::with(&[("WORK_KEY", KEY), ("HTTPS_PROXY", &format!("http://{proxy}"))]);
    let roots = home.path("roots.pem");
    fs::write(&roots, authority.pem()).unwrap();
    home.set("SSL_CERT_FILE", roots.to_str().unwrap());
    home.add_account("openai", "work", "https://provider.invalid/v1", "WORK_KEY");
    let token = home.token("proxied");
    let serve = home.serve();

    let reply = post(&format!("{}/openai/v1/chat/completions", serve.url()), &token, "{}").await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));

    let addr = serve.url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let ask = format!(
        "GET /openai/v1/realtime?model=m HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {token}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: bm9uY2U=\r\n\r\n"
    );
    socket.write_all(ask.as_bytes()).await.unwrap();
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 101 "));
    drop(socket);
    assert!(home.run("probe work --vault env").done().contains("work"));

    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, ["CONNECT provider.invalid:443 HTTP/1.1"; 3], "a request, a WebSocket, a probe");
    let bearer = format!("Bearer {KEY}");
    assert!(upstream.seen().iter().all(|seen| seen.header("authorization") == Some(&bearer)));
    serve.stop().done();
}
