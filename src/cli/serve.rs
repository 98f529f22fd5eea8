//! `tierline serve`: the engine without a window.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::context::vault;
use super::{Common, Done, unwritable};
use crate::clock::SystemClock;
use crate::domain::Problem;
use crate::engine::{DEFAULT_PORT, Engine, Options};
use crate::store::DataDir;

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Listen {
    /// Where the gateway listens; loopback only. Port 0 takes a free one [default: 127.0.0.1:4140].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Listen {
    pub(super) fn addr(self) -> SocketAddr {
        self.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into())
    }

    pub(super) fn or_free_port(self) -> SocketAddr {
        self.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into())
    }
}

pub(super) fn run(common: &Common, listen: SocketAddr, out: &mut dyn Write) -> Result<Done, Problem> {
    let options = Options {
        dir: DataDir::open(common.data_dir.as_deref())?,
        vault: vault(common.vault)?,
        listen,
        clock: Arc::new(SystemClock::new()),
        demo: false,
        wake: Box::new(|| ()),
    };
    runtime()?.block_on(async {
        let ended = signal();
        let engine = Engine::start(options).await?;
        let url = match engine.url() {
            Ok(url) => url.to_owned(),
            Err(problem) => {
                engine.stop().await?;
                return Err(problem);
            }
        };
        tokio::select! {
            () = engine.keys_read() => {}
            () = signal() => {
                engine.stop().await?;
                return Ok(Done::Well);
            }
        }
        let line = if common.json { json!({ "listening": url }).to_string() } else { format!("tierline listening on {url}") };
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| unwritable(&error))?;
        ended.await;
        engine.stop().await?;
        Ok(Done::Well)
    })
}

/// The tasks' threads.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("tierline")
        .enable_all()
        .build()
        .map_err(|error| Problem::new("no threads could be started").because(error))
}

/// Ends with Ctrl-C or a polite request to end; from this call on, not from the first poll. Needs a runtime.
#[cfg(unix)]
pub(super) fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut interrupt)) = caught else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Ends with Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
