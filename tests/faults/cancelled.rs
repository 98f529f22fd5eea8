//! The client goes away: the connection to the provider is closed, what was used is settled, the place in the queue is free.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tierline::domain::{Certainty, Event, Outcome, Provider};
use tierline::gateway::Patience;

use crate::rig::{Admit, Plan, Rig};
use crate::scripted::{Gate, Scripted, Step};
use crate::wire::Wire;
use crate::{STREAM_HEAD, chunk, limiter, send};

const STREAM: &str = r#"{"model":"claude-haiku-5-5","max_tokens":64,"stream":true,"messages":[]}"#;
const PLAIN: &str = r#"{"model":"claude-haiku-5-5","max_tokens":64,"messages":[]}"#;
const STARTED: &str =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":20,\"output_tokens\":1}}}\n\n";
const PLAIN_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n";

#[tokio::test]
async fn in_any_phase_after_it_was_sent() {
    // what the provider has sent when the client leaves, which status the client has seen, what is known to be used
    for (case, body, sent, status, input, certainty) in [
        ("stream, before the head", STREAM, vec![], 0, 0, Certainty::Unknown),
        ("plain, before the head", PLAIN, vec![], 0, 0, Certainty::Unknown),
        ("stream, after the head", STREAM, vec![STREAM_HEAD.to_owned()], 200, 0, Certainty::Unknown),
        ("plain, after the head", PLAIN, vec![PLAIN_HEAD.to_owned()], 200, 0, Certainty::Unknown),
        ("stream, in the middle", STREAM, vec![STREAM_HEAD.to_owned(), STARTED.to_owned()], 200, 20, Certainty::AtLeast),
        (
            "plain, in the middle",
            PLAIN,
            vec![PLAIN_HEAD.to_owned(), "{\"model\":\"claude-haiku-5-5\",".to_owned()],
            200,
            0,
            Certainty::Unknown,
        ),
        (
            "in the body of an error",
            PLAIN,
            vec!["HTTP/1.1 429 Too Many Requests\r\ncontent-length: 900\r\n\r\n".to_owned(), "{\"error\":".to_owned()],
            0,
            0,
            Certainty::Unknown,
        ),
    ] {
        let script = sent.clone();
        let upstream = Scripted::start(move |_, _| {
            let mut steps: Vec<Step> = script.iter().map(|part| if part == STARTED { chunk(part) } else { send(part.as_str()) }).collect();
            steps.push(Step::Wait(Gate::shut()));
            steps
        })
        .await;
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /anthropic/v1/messages", "", body)).await;
        upstream.arrived(1).await;
        if status > 0 {
            wire.head().await;
        }
        if input > 0 {
            assert_eq!(wire.chunk().await.unwrap(), STARTED.as_bytes(), "{case}");
        }
        drop(wire);
        upstream.hung_up(1).await;
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts, record.status), (Outcome::ClientGone, 1, status), "{case}");
        assert_eq!((record.usage.input, record.usage.certainty), (input, certainty), "{case}");
        if status > 0 {
            let settled = rig.books.usages.lock().unwrap().clone();
            assert_eq!(settled.iter().map(|usage| usage.input).collect::<Vec<_>>(), [input], "{case}: settled once, with what was used");
        }
    }
}

#[tokio::test]
async fn while_it_is_still_sending() {
    let upstream = Scripted::always("").await;
    let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send(rig.request("POST /anthropic/v1/messages", "content-length: 5000\r\n", "")).await;
    wire.send("half of it").await;
    drop(wire);
    // the next one is served, and the first has left no trace
    let mut next = Wire::connect(rig.addr).await;
    next.send(rig.request("GET /healthz", "", "")).await;
    assert_eq!(next.reply(false).await.status, 200);
    assert!(rig.events().is_empty() && upstream.seen().is_empty());
    assert_eq!(rig.books.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn in_the_queue() {
    let upstream = Scripted::always("").await;
    for body in [STREAM, PLAIN] {
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan { admit: Admit::After(Gate::shut()), ..Plan::default() }).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /anthropic/v1/messages", "", body)).await;
        rig.happened(|e| matches!(e, Event::Arrived(_))).await;
        drop(wire);
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts, record.status), (Outcome::ClientGone, 0, 0));
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn in_the_queue_while_it_hears_comments() {
    let upstream = Scripted::always("").await;
    let patience = Patience { comment: Duration::from_millis(20), ..Patience::default() };
    let plan = Plan { admit: Admit::After(Gate::shut()), patience: Some(patience), ..Plan::default() };
    let rig = Rig::start(Provider::Anthropic, upstream.addr, plan).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send(rig.request("POST /anthropic/v1/messages", "", STREAM)).await;
    assert_eq!(wire.head().await.0, 200);
    assert!(wire.chunk().await.unwrap().starts_with(b": "));
    drop(wire);
    let record = rig.only().await;
    assert_eq!((record.outcome, record.attempts), (Outcome::ClientGone, 0));
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn while_it_takes_nothing_of_a_long_answer() {
    let upstream = Scripted::start(|_, _| {
        let event = format!("data: {}\n\n", "x".repeat(1 << 20));
        let mut steps = vec![send(STREAM_HEAD)];
        steps.extend((0..64).map(|_| chunk(&event)));
        steps
    })
    .await;
    let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send(rig.request("POST /anthropic/v1/messages", "", STREAM)).await;
    assert_eq!(wire.head().await.0, 200);
    drop(wire);
    upstream.hung_up(1).await;
    let record = rig.only().await;
    assert_eq!(record.outcome, Outcome::ClientGone);
    assert!(record.response_bytes < 32 << 20, "{} bytes were taken for nobody", record.response_bytes);
}

#[tokio::test]
async fn in_the_queue_of_the_real_limiter_before_the_first_and_before_the_second_attempt() {
    const LIMITED: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 300\r\ncontent-length: 2\r\n\r\n{}";
    let upstream = Scripted::always(LIMITED).await;
    let limiter = limiter(Provider::Anthropic);
    let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan { limiter: Some(limiter.clone()), ..Plan::default() }).await;
    let mut wires = Vec::new();
    // the first is refused and waits for its second attempt, the others for their first
    for count in 1..=3_usize {
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /anthropic/v1/messages", "", PLAIN)).await;
        rig.happened(|e| matches!(e, Event::Arrived(a) if a.id.0 == count as u64)).await;
        if count == 1 {
            rig.happened(|e| matches!(e, Event::Refused(_))).await;
        }
        wires.push(wire);
    }
    while limiter.with(|core, _| core.counts()) != (3, 0) {
        tokio::task::yield_now().await;
    }
    drop(wires);
    let records = rig.finished(3).await;
    assert!(records.iter().all(|record| record.outcome == Outcome::ClientGone), "{records:?}");
    assert_eq!(limiter.with(|core, _| core.counts()), (0, 0), "every place in the queue is free, nothing is in flight");
    assert_eq!(upstream.seen().len(), 1);
}
