//! A byte stream of which somebody sees what is read before its reader does; what is written passes untouched.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Sees what is read, in order, in whatever pieces it comes.
pub trait Inspector {
    /// The next piece. What is changed in it is what the reader gets.
    fn inspect(&mut self, bytes: &mut [u8]);
}

/// A stream and who sees what is read from it.
#[derive(Debug)]
pub struct Inspected<S, I> {
    stream: S,
    inspector: I,
}

impl<S, I> Inspected<S, I> {
    /// Nothing was read yet.
    pub const fn new(stream: S, inspector: I) -> Self {
        Self { stream, inspector }
    }

    /// The stream.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Who sees what is read.
    pub const fn inspector(&self) -> &I {
        &self.inspector
    }
}

impl<S: AsyncRead + Unpin, I: Inspector + Unpin> AsyncRead for Inspected<S, I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.inspector.inspect(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin, I: Unpin> AsyncWrite for Inspected<S, I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
