//! Listening, and the handle that stops it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::config::SimConfig;
use super::connection::Connection;
use super::service;
use super::state::Shared;
use super::stats::SimStats;

/// A simulated provider.
#[derive(Debug)]
pub struct Sim;

impl Sim {
    /// Listens on `listen`, which must be a loopback address, on the tokio runtime that the caller runs in.
    ///
    /// # Errors
    /// `InvalidInput` if the address is not loopback, else what the system says.
    pub async fn start(config: SimConfig, listen: SocketAddr) -> io::Result<SimHandle> {
        if !listen.ip().is_loopback() {
            let message = format!("the simulated provider listens on loopback only, not on {listen}; use 127.0.0.1");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config));
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(SimHandle { addr, shared, task })
    }
}

/// A running simulated provider. Dropping it stops it and closes its connections.
#[derive(Debug)]
pub struct SimHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl SimHandle {
    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it has seen so far.
    #[must_use]
    pub fn stats(&self) -> SimStats {
        self.shared.stats()
    }

    /// Stops it, waits until its connections are closed, and tells what it has seen.
    pub async fn shutdown(mut self) -> SimStats {
        self.task.abort();
        // the task was cancelled: that is the error, and there is none other
        let _ = (&mut self.task).await;
        self.stats()
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Owns all connections: they end when this task does.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // a failed accept concerns one client, or passes when files are closed
                let Ok((stream, _)) = accepted else { tokio::time::sleep(Duration::from_millis(10)).await; continue };
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // without it every small write of a stream may wait for an acknowledgement
    let _ = stream.set_nodelay(true);
    let (connection, reset) = Connection::new(stream);
    let answer = service_fn(move |request| service::serve(Arc::clone(&shared), reset.clone(), request));
    // how a connection ends is the client's business; what was cut short has been counted
    let _ = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(connection), answer).await;
}
