//! How soon the provider's connection is closed, or the place in the queue free, after a client went away, phase by phase.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stops at the first surprise")]

#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../tests/support/rig.rs"]
mod rig;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../tests/support/scripted.rs"]
mod scripted;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "../tests/support/wire.rs"]
mod wire;

use std::time::Duration;

use rig::{Admit, Plan, Rig};
use scripted::{Gate, Scripted, Step};
use tierline::domain::{Event, Provider};
use tokio::time::Instant;
use wire::Wire;

const ROUNDS: usize = 1_000;
const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const PLAIN_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";

#[tokio::main]
async fn main() {
    println!("{:<26} {:>9} {:>9} {:>9}", "the client leaves", "p50", "p99", "slowest");
    report("in the queue", queued().await);
    report("before the head", sent("").await);
    report("after a stream's head", sent(STREAM_HEAD).await);
    report("in a stream", sent(&format!("{STREAM_HEAD}9\r\ndata: 1\n\n\r\n")).await);
    report("in a plain answer", sent(&format!("{PLAIN_HEAD}half of it")).await);
}

/// From closing the client's connection to the end of the provider's.
async fn sent(answer: &str) -> Vec<Duration> {
    let script = answer.to_owned();
    let upstream = Scripted::start(move |_, _| vec![Step::Send(script.clone().into_bytes()), Step::Wait(Gate::shut())]).await;
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/chat/completions", "", "{\"stream\":true}")).await;
        upstream.arrived(round).await;
        if !answer.is_empty() {
            wire.head().await;
        }
        let left = Instant::now();
        drop(wire);
        upstream.hung_up(round).await;
        times.push(left.elapsed());
    }
    times
}

/// From closing the client's connection to the end of the request, which gave up its place.
async fn queued() -> Vec<Duration> {
    let upstream = Scripted::always("").await;
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { admit: Admit::After(Gate::shut()), ..Plan::default() }).await;
    let mut times = Vec::new();
    for round in 1..=ROUNDS as u64 {
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/chat/completions", "", "{}")).await;
        rig.happened(|event| matches!(event, Event::Arrived(arrival) if arrival.id.0 == round)).await;
        let left = Instant::now();
        drop(wire);
        rig.happened(|event| matches!(event, Event::Finished(record) if record.id.0 == round)).await;
        times.push(left.elapsed());
    }
    times
}

fn report(phase: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{phase:<26} {:>6.2} ms {:>6.2} ms {:>6.2} ms", at(0.5), at(0.99), at(1.0));
}
