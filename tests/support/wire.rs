//! A client that shows every byte: it reads a head, then a body with its framing.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scripted::find;

pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The sizes of the chunks, if it was chunked.
    pub(crate) chunks: Vec<usize>,
    /// Whether it ended as its framing demands.
    pub(crate) whole: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().skip(1).filter_map(|l| l.split_once(": ")).filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Wire {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(addr: SocketAddr, request: impl AsRef<[u8]>) -> Reply {
        let mut wire = Self::connect(addr).await;
        wire.send(&request).await;
        let no_body = request.as_ref().starts_with(b"HEAD ");
        wire.reply(no_body).await
    }

    /// Reads one answer.
    pub(crate) async fn reply(&mut self, no_body: bool) -> Reply {
        let (status, head) = self.head().await;
        let mut reply = Reply { status, head, body: Vec::new(), chunks: Vec::new(), whole: true };
        if no_body || status == 204 || status == 304 {
            return reply;
        }
        if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let Some(chunk) = self.chunk().await else {
                    reply.whole = false;
                    return reply;
                };
                if chunk.is_empty() {
                    return reply;
                }
                reply.chunks.push(chunk.len());
                reply.body.extend(chunk);
            }
        }
        let len = reply.header("content-length").map(|n| n.parse::<usize>().unwrap());
        while len.is_none_or(|len| self.buffer.len() < len) {
            if !self.more().await {
                break;
            }
        }
        reply.whole = len.is_none_or(|len| self.buffer.len() >= len);
        let take = len.unwrap_or(self.buffer.len()).min(self.buffer.len());
        reply.body = self.buffer.drain(..take).collect();
        reply
    }

    /// Reads a head. Panics if the connection closes instead.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more().await, "closed without an answer");
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head)
    }

    /// Reads one chunk; the last one is empty. `None` if the connection closes instead.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                break at;
            }
            if !self.more().await {
                return None;
            }
        };
        let size = usize::from_str_radix(std::str::from_utf8(&self.buffer[..line]).unwrap(), 16).unwrap();
        while self.buffer.len() < line + 2 + size + 2 {
            if !self.more().await {
                return None;
            }
        }
        let chunk = self.buffer[line + 2..line + 2 + size].to_vec();
        self.buffer.drain(..line + 2 + size + 2);
        Some(chunk)
    }

    /// Waits until the other side closes; what came before it did.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(n) if n > 0)
    }
}
