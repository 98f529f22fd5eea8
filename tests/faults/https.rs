//! Over real TLS: certificates that do not fit, HTTP/1.1 and HTTP/2 by ALPN, and what an HTTP/2 connection does to its streams.

use std::time::Duration;

use futures_util::future::join_all;
use tierline::domain::{Event, Outcome, Provider, RequestRecord};
use tierline::upstream::Timing;

use crate::frames::{Act, Asked, Frames, INTERNAL_ERROR, REFUSED_STREAM};
use crate::matrix::timing;
use crate::rig::{KEY, Plan, Rig, endpoint};
use crate::scripted::{Gate, Scripted, Step};
use crate::send;
use crate::tls::{Authority, Front};
use crate::wire::{Reply, Wire};

const LINE: &str = "POST /openai/v1/chat/completions";
const ASK: &str = r#"{"model":"gpt-6-luna","stream":true,"messages":[]}"#;
const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";
const ERROR: &str = "\n\ndata: {\"error\":{";

/// A provider of HTTP/2, and a gateway that trusts it and may repeat an attempt once.
struct Site {
    provider: Frames,
    front: Front,
    rig: Rig,
}

impl Site {
    async fn start(script: impl Fn(Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::timed(script, timing()).await
    }

    async fn timed(script: impl Fn(Asked) -> Vec<Act> + Send + Sync + 'static, timing: Timing) -> Self {
        Self::before(Frames::start(script).await, timing).await
    }

    async fn before(provider: Frames, timing: Timing) -> Self {
        let authority = Authority::new("ours");
        let front = Front::start(provider.addr, authority.certify("localhost", 2_100), &["h2", "http/1.1"]).await;
        let rig = timed(&front, &authority, timing).await;
        Self { provider, front, rig }
    }

    async fn ask(&self) -> Reply {
        Wire::ask(self.rig.addr, self.request()).await
    }

    fn request(&self) -> String {
        self.rig.request(LINE, "", ASK)
    }

    /// The last of so many requests, after all of them ended.
    async fn last(&self, count: usize) -> std::sync::Arc<RequestRecord> {
        let records = self.rig.finished(count).await;
        self.rig.check_books();
        records[count - 1].clone()
    }
}

async fn rig(front: &Front, authority: &Authority) -> Rig {
    timed(front, authority, timing()).await
}

async fn timed(front: &Front, authority: &Authority, timing: Timing) -> Rig {
    let plan = Plan { retries: 1, timing: Some(timing), roots: vec![authority.root()], ..Plan::default() };
    Rig::with(vec![endpoint(1, Provider::OpenAi, "main", &front.base(), Some(KEY))], plan).await
}

fn whole() -> Vec<Act> {
    vec![Act::Head, Act::Data(EVENT), Act::Data(DONE), Act::End]
}

fn is_fine(reply: &Reply) -> bool {
    (reply.status, reply.whole, reply.text()) == (200, true, [EVENT, DONE].concat())
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_told_in_the_providers_shape() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    for (case, shown, says) in [
        ("wrong name", ours.certify("api.example.com", 2_100), "not valid for"),
        ("expired", ours.certify("localhost", 2_020), "expired"),
        ("unknown issuer", theirs.certify("localhost", 2_100), "UnknownIssuer"),
    ] {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let front = Front::start(upstream.addr, shown, &["http/1.1"]).await;
        let rig = rig(&front, &ours).await;
        let reply = Wire::ask(rig.addr, rig.request(LINE, "", ASK)).await;
        let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert_eq!(reply.status, 502, "{case}: {message}");
        assert!(message.contains("no trusted connection to localhost:") && message.contains(says), "{case}: {message}");
        assert_eq!(rig.only().await.outcome, Outcome::UpstreamFailed, "{case}");
        assert!(upstream.seen().is_empty(), "{case}: nothing of the request has left");
    }
}

#[tokio::test]
async fn http_1_is_spoken_where_the_provider_offers_nothing_else() {
    for protocols in [&["http/1.1"][..], &[]] {
        let authority = Authority::new("ours");
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let front = Front::start(upstream.addr, authority.certify("localhost", 2_100), protocols).await;
        let rig = rig(&front, &authority).await;
        for _ in 0..3 {
            let reply = Wire::ask(rig.addr, rig.request(LINE, "", ASK)).await;
            assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{protocols:?}");
        }
        assert_eq!((upstream.seen().len(), front.accepted()), (3, 1), "{protocols:?}: one connection for all");
        assert_eq!(upstream.seen()[0].line(), "POST /v1/chat/completions HTTP/1.1");
    }
}

#[tokio::test]
async fn requests_share_a_connection_of_http_2() {
    let site = Site::start(|_| whole()).await;
    assert!(is_fine(&site.ask().await));
    let together = join_all((0..20).map(|_| site.ask())).await;
    assert!(together.iter().all(is_fine));
    assert_eq!((site.provider.seen().requests, site.front.accepted()), (21, 1));
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_and_one_that_is_refused_twice_is_told() {
    for (refusals, status, attempts) in [(1, 200, 2), (2, 502, 2)] {
        let script = move |asked: Asked| if asked.before < refusals { vec![Act::Reset(REFUSED_STREAM)] } else { whole() };
        let site = Site::start(script).await;
        let reply = site.ask().await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.text().contains("gave the request back unprocessed"), status == 502, "{}", reply.text());
        assert_eq!((site.last(1).await.attempts, site.front.accepted()), (attempts, 1), "the connection is still good");
    }
}

#[tokio::test]
async fn what_a_goaway_takes_is_finished_and_what_it_leaves_out_is_sent_again_elsewhere() {
    let (gone, finish) = (Gate::shut(), Gate::shut());
    let (goes, finishes) = (gone.clone(), finish.clone());
    let site = Site::start(move |asked| match asked.before {
        // the first is in the middle of its answer when the connection says that it takes no more
        0 => vec![
            Act::Head,
            Act::Data(EVENT),
            Act::Wait(goes.clone()),
            Act::GoAway(asked.stream),
            Act::Wait(finishes.clone()),
            Act::Data(DONE),
            Act::End,
        ],
        // the second is on its way at that moment
        1 => Vec::new(),
        _ => whole(),
    })
    .await;
    let mut first = Wire::connect(site.rig.addr).await;
    first.send(site.request()).await;
    assert_eq!(first.head().await.0, 200);
    assert_eq!(first.chunk().await.unwrap(), EVENT.as_bytes());
    let mut second = Wire::connect(site.rig.addr).await;
    second.send(site.request()).await;
    site.provider.until(|seen| seen.requests == 2).await;
    gone.open();
    assert!(is_fine(&second.reply(false).await));
    assert_eq!(site.rig.finished(1).await[0].attempts, 2);
    assert_eq!(site.front.accepted(), 2, "sent again on a connection of its own");
    finish.open();
    assert_eq!(first.chunk().await.unwrap(), DONE.as_bytes(), "the first is answered where it was asked");
    assert_eq!(first.chunk().await.unwrap(), b"");
    for _ in 0..3 {
        assert!(is_fine(&site.ask().await));
    }
    assert_eq!(site.front.accepted(), 2, "the new connection is used from now on");
    let records = site.rig.finished(5).await;
    assert!(records.iter().all(|record| record.outcome == Outcome::Ok), "{records:?}");
}

#[tokio::test]
async fn more_requests_than_streams_take_more_connections_and_none_waits_unseen() {
    let finish = Gate::shut();
    let finishes = finish.clone();
    let script = move |_| vec![Act::Head, Act::Data(EVENT), Act::Wait(finishes.clone()), Act::Data(DONE), Act::End];
    let site = Site::before(Frames::with_streams(Some(4), script).await, Timing::default()).await;
    // all at once on no connection at all: how many streams one may have is not known to any of them
    let mut wires = Vec::new();
    for _ in 0..20 {
        let mut wire = Wire::connect(site.rig.addr).await;
        wire.send(site.request()).await;
        wires.push(wire);
    }
    site.provider.until(|seen| seen.requests == 20).await;
    assert_eq!(site.provider.seen().most_open, 4);
    let open = site.provider.seen().open.iter().filter(|open| **open > 0).count();
    assert_eq!(open, 5, "as few connections as carry them: {:?}", site.provider.seen());
    (0..40).for_each(|_| finish.open());
    for mut wire in wires {
        assert!(is_fine(&wire.reply(false).await));
    }
    assert!(site.rig.finished(20).await.iter().all(|record| (record.outcome, record.attempts) == (Outcome::Ok, 1)));
    site.rig.check_books();
    let accepted = site.front.accepted();
    assert!(join_all((0..20).map(|_| site.ask())).await.iter().all(is_fine));
    assert_eq!(site.front.accepted(), accepted, "the connections are kept");
}

#[tokio::test]
async fn fewer_streams_than_before_fail_nothing_and_keep_to_the_new_number() {
    let (lower, finish) = (Gate::shut(), Gate::shut());
    let (lowers, finishes) = (lower.clone(), finish.clone());
    let site = Site::start(move |asked| match asked.before {
        0 => vec![
            Act::Head,
            Act::Data(EVENT),
            Act::Wait(lowers.clone()),
            Act::MaxStreams(2),
            Act::Wait(finishes.clone()),
            Act::Data(DONE),
            Act::End,
        ],
        _ => whole(),
    })
    .await;
    let mut first = Wire::connect(site.rig.addr).await;
    first.send(site.request()).await;
    assert_eq!(first.head().await.0, 200);
    assert_eq!(first.chunk().await.unwrap(), EVENT.as_bytes());
    assert!(join_all((0..20).map(|_| site.ask())).await.iter().all(is_fine), "before it is lowered");
    assert_eq!(site.front.accepted(), 1);
    lower.open();
    // one answer after the new setting shows that it has been read
    assert!(is_fine(&site.ask().await));
    site.provider.count_anew();
    assert!(join_all((0..20).map(|_| site.ask())).await.iter().all(is_fine), "beside the first, and on other connections");
    assert_eq!(site.provider.seen().most_open, 2);
    finish.open();
    assert_eq!(first.chunk().await.unwrap(), DONE.as_bytes());
    assert!(site.rig.finished(42).await.iter().all(|record| (record.outcome, record.attempts) == (Outcome::Ok, 1)));
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_by_an_event_and_never_sent_again() {
    for (case, end) in [
        ("reset", Act::Reset as fn(u32) -> Act),
        ("refused in the middle", |_| Act::Reset(REFUSED_STREAM)),
        ("hung up", |_| Act::Hangup),
        ("silent", |_| Act::Wait(Gate::shut())),
    ] {
        let broken = Gate::shut();
        let breaks = broken.clone();
        let site = Site::start(move |asked| match asked.before {
            0 => vec![Act::Head, Act::Data(EVENT), Act::Wait(breaks.clone()), end(INTERNAL_ERROR)],
            _ => whole(),
        })
        .await;
        let mut wire = Wire::connect(site.rig.addr).await;
        wire.send(site.request()).await;
        assert_eq!(wire.head().await.0, 200, "{case}");
        assert_eq!(wire.chunk().await.unwrap(), EVENT.as_bytes(), "{case}");
        broken.open();
        let error = String::from_utf8(wire.chunk().await.unwrap()).unwrap();
        assert!(error.starts_with(ERROR) && !error.contains("[DONE]"), "{case}: {error}");
        assert_eq!(wire.chunk().await, None, "{case}: no false end");
        let record = site.last(1).await;
        assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, 1), "{case}");
        assert!(is_fine(&site.ask().await), "{case}: the next one is served");
    }
}

/// The network changed, or the machine slept: the connection is there, and nobody at its other end.
#[tokio::test]
async fn a_connection_that_died_without_a_word_is_found_out_and_not_used_again() {
    let timing = Timing { alive: Duration::from_millis(300), ..Timing::default() };
    let script = |asked: Asked| match asked.before {
        0 => vec![Act::Head, Act::Data(EVENT), Act::FallSilent],
        _ => whole(),
    };
    let site = Site::timed(script, timing).await;
    let mut wire = Wire::connect(site.rig.addr).await;
    wire.send(site.request()).await;
    assert_eq!(wire.head().await.0, 200);
    assert_eq!(wire.chunk().await.unwrap(), EVENT.as_bytes());
    let error = String::from_utf8(wire.chunk().await.unwrap()).unwrap();
    assert!(error.starts_with(ERROR), "{error}");
    assert_eq!(wire.chunk().await, None);
    assert_eq!(site.last(1).await.outcome, Outcome::UpstreamFailed);
    assert!(is_fine(&site.ask().await));
    assert_eq!(site.front.accepted(), 2, "on a new connection");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream_and_no_other() {
    let gate = Gate::shut();
    let waits = gate.clone();
    let site = Site::start(move |asked| match asked.before {
        0 => vec![Act::Wait(Gate::shut())],
        1 => vec![Act::Head, Act::Data(EVENT), Act::Wait(Gate::shut())],
        2 => vec![Act::Head, Act::Data(EVENT), Act::Wait(waits.clone()), Act::Data(DONE), Act::End],
        _ => whole(),
    })
    .await;
    let mut wires = Vec::new();
    for count in 1..=3 {
        let mut wire = Wire::connect(site.rig.addr).await;
        wire.send(site.request()).await;
        site.provider.until(|seen| seen.requests == count).await;
        if count > 1 {
            assert_eq!(wire.head().await.0, 200);
            assert_eq!(wire.chunk().await.unwrap(), EVENT.as_bytes());
        }
        wires.push(wire);
    }
    let mut stays = wires.pop().unwrap();
    drop(wires);
    site.provider.until(|seen| seen.cancelled == 2).await;
    gate.open();
    assert_eq!(stays.chunk().await.unwrap(), DONE.as_bytes());
    let mut outcomes: Vec<_> = site.rig.finished(3).await.iter().map(|record| record.outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [Outcome::Ok, Outcome::ClientGone, Outcome::ClientGone]);
    assert!(is_fine(&site.ask().await));
}

#[tokio::test]
async fn a_websocket_is_asked_for_in_http_1_and_ends_with_its_client() {
    const ASK: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: bm9uY2U=\r\n";
    let agree = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let event = r#"{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":50000,"remaining":49950,"reset_seconds":0.06}]}"#;
    let frame = [&[0x81, 126][..], &u16::try_from(event.len()).unwrap().to_be_bytes(), event.as_bytes()].concat();
    let (said, authority) = (frame.clone(), Authority::new("ours"));
    let upstream = Scripted::start(move |_, _| vec![send(agree), send(said.clone()), Step::Wait(Gate::shut())]).await;
    // one that would rather speak HTTP/2
    let front = Front::start(upstream.addr, authority.certify("localhost", 2_100), &["h2", "http/1.1"]).await;
    let rig = rig(&front, &authority).await;
    let mut wire = Wire::connect(rig.addr).await;
    wire.send(rig.request("GET /openai/v1/realtime?model=gpt-realtime-2.1", ASK, "")).await;
    assert_eq!(wire.head().await.0, 101);
    rig.happened(|e| matches!(e, Event::Answered { snapshot, .. } if snapshot.readings.iter().any(|r| r.remaining == Some(49_950)))).await;
    drop(wire);
    upstream.hung_up(1).await;
    let record = rig.only().await;
    assert_eq!((record.status, record.outcome, record.response_bytes), (101, Outcome::Ok, frame.len() as u64));
}
