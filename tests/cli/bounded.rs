//! What the gateway may cost when clients behave badly: the real program, and what the system says that it takes.

#![cfg(target_os = "linux")]

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::home::{Home, Running};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 800;
/// What a fast reader takes while the slow ones hold theirs.
const FAST: usize = 4 * 1024 * 1024;

/// A provider whose streams are 50 MiB long, but for `/short`, where one event comes and no end; and how many bytes it got rid of.
fn provider() -> (SocketAddr, Arc<AtomicU64>) {
    // the system would hold megabytes of each stream, and fill them first
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(128 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(2_048).unwrap();
    let addr = listener.local_addr().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                while let Ok(read) = stream.read(&mut request).await
                    && read > 0
                {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                    stream.write_all(head.as_bytes()).await?;
                    if memchr::memmem::find(&request[..read], b"/short").is_some() {
                        stream.write_all(b"9\r\ndata: 1\n\n\r\n").await?;
                        continue;
                    }
                    let event = format!("data: {}\n\n", "x".repeat(PIECE - 8));
                    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                    for _ in 0..PIECES {
                        stream.write_all(chunk.as_bytes()).await?;
                        count.fetch_add(PIECE as u64, Ordering::Relaxed);
                    }
                    stream.write_all(b"0\r\n\r\n").await?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    (addr, sent)
}

/// The most memory that the program has had so far, in MiB.
fn peak(serve: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", serve.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

struct Site {
    home: Home,
    serve: Running,
    token: String,
    sent: Arc<AtomicU64>,
}

fn site() -> Site {
    let (upstream, sent) = provider();
    let home = Home::with(&[("WORK_KEY", "sk-test-0d3b7c51")]);
    home.add_account("custom", "local", &format!("http://{upstream}"), "WORK_KEY");
    let token = home.token("reader");
    let serve = home.serve();
    Site { home, serve, token, sent }
}

impl Site {
    /// Sends a request for a stream and gives the connection from which it can be read.
    async fn ask(&self, path: &str) -> TcpStream {
        let addr = self.serve.url().strip_prefix("http://").unwrap();
        // the system would take megabytes for a client that does not read, and the gateway have to pass them
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(128 * 1024).unwrap();
        let mut stream = socket.connect(addr.parse().unwrap()).await.unwrap();
        let request = format!(
            "POST /custom/local{path} HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {}\r\ncontent-length: 15\r\n\r\n{{\"stream\":true}}",
            self.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Reads at least so many bytes.
    async fn read(&self, stream: &mut TcpStream, bytes: usize) {
        let (mut buffer, mut got) = (vec![0; PIECE], 0);
        while got < bytes {
            let n = stream.read(&mut buffer).await.unwrap();
            assert!(n > 0, "closed after {got} bytes");
            got += n;
        }
    }

    /// Waits until nobody takes anything any more.
    async fn at_rest(&self) {
        let mut before = u64::MAX;
        while before != self.sent.load(Ordering::Relaxed) {
            before = self.sent.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_slow_readers_of_long_streams_take_little_memory_and_hinder_nobody() {
    let site = site();
    site.read(&mut site.ask("/long").await, FAST).await;
    let before = peak(&site.serve);
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = site.ask("/long").await;
        site.read(&mut stream, 1).await;
        slow.push(stream);
    }
    site.at_rest().await;
    let grown = peak(&site.serve) - before;
    println!("200 slow readers: +{grown} MiB over {before} MiB");
    assert!(grown <= 64, "{grown} MiB more for 200 slow readers");
    site.read(&mut site.ask("/long").await, FAST).await;
    assert!(peak(&site.serve) - before <= 64);
    drop(slow);
    let Site { home, serve, .. } = site;
    serve.stop().done();
    let outcomes = home.exported("requests").iter().filter(|row| row["outcome"] == "client_gone").count();
    assert!(outcomes >= 200, "{outcomes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_slow_senders_of_large_bodies_take_little_memory_and_hinder_nobody() {
    let site = site();
    site.read(&mut site.ask("/short").await, 1).await;
    let before = peak(&site.serve);
    let addr = site.serve.url().strip_prefix("http://").unwrap();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!(
            "POST /custom/local/long HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            site.token,
            30 << 20
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for _ in 0..20 {
        for stream in &mut slow {
            stream.write_all(b"x").await.unwrap();
        }
        site.read(&mut site.ask("/short").await, 1).await;
    }
    let grown = peak(&site.serve) - before;
    println!("200 slow senders: +{grown} MiB over {before} MiB");
    assert!(grown <= 64, "{grown} MiB more for 200 slow senders");
    drop(slow);
    site.serve.stop().done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_are_served_side_by_side() {
    let site = site();
    site.read(&mut site.ask("/short").await, 1).await;
    let before = peak(&site.serve);
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        streams.push(site.ask("/short").await);
    }
    for stream in &mut streams {
        site.read(stream, 1).await;
    }
    let grown = peak(&site.serve) - before;
    println!("1000 connections: +{grown} MiB over {before} MiB");
    assert!(grown <= 96, "{grown} MiB more for 1000 connections that are all in the middle of a stream");
    drop(streams);
    site.serve.stop().done();
}
