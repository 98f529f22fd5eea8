//! What happens when something goes wrong, on either side and at any moment: nothing is lost, nothing is held, and it is said.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "../support/frames.rs"]
mod frames;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../support/rig.rs"]
mod rig;
#[path = "../support/scripted.rs"]
mod scripted;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../support/tls.rs"]
mod tls;
#[path = "../support/wire.rs"]
mod wire;

mod cancelled;
mod floods;
mod https;
mod matrix;
mod outage;

use std::sync::Arc;

use tierline::clock::SystemClock;
use tierline::domain::{AccountId, Dialect, Provider};
use tierline::limiter::{AccountSetup, Core, Limiter, Settings};

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn send(text: impl Into<Vec<u8>>) -> scripted::Step {
    scripted::Step::Send(text.into())
}

/// A piece of a chunked body.
fn chunk(text: &str) -> scripted::Step {
    send(format!("{:x}\r\n{text}\r\n", text.len()))
}

/// A real limiter that knows the account of a [`rig::Rig`] and no limit of it.
fn limiter(provider: Provider) -> Limiter {
    let mut core = Core::new(Settings { trust_bursts: true, ..Settings::default() }, Arc::new(|_, _| Vec::new()));
    core.set_account(AccountSetup { id: AccountId(1), provider, dialect: Dialect::of(provider, ""), label: "main".into(), scope: None });
    let limiter = Limiter::new(core, Arc::new(SystemClock::new()), |_| ());
    let timer = limiter.clone();
    tokio::spawn(async move { timer.run().await });
    limiter
}
