//! A provider that is down: what comes fails at once and says why and until when, retries add no load, and what has healed is in
//! use again within seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use tierline::domain::{Outcome, Provider};
use tierline::limiter::Limiter;

use crate::rig::{KEY, Plan, Rig, endpoint};
use crate::scripted::{Scripted, Step};
use crate::wire::{Reply, Wire};
use crate::{limiter, send};

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const DOWN: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n{\"error\":{\"message\":\"maintenance\"}}";

struct Site {
    upstream: Scripted,
    down: Arc<AtomicBool>,
    rig: Rig,
    limiter: Limiter,
}

/// A provider that answers 503, or nothing at all, while it is down.
async fn site(answers: bool) -> Site {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = down.clone();
    let upstream = Scripted::start(move |_, _| match (is_down.load(Ordering::SeqCst), answers) {
        (false, _) => vec![send(FINE)],
        (true, true) => vec![send(DOWN.replace("33", &"{\"error\":{\"message\":\"maintenance\"}}".len().to_string()))],
        (true, false) => vec![Step::Reset],
    })
    .await;
    let limiter = limiter(Provider::OpenAi);
    let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { limiter: Some(limiter.clone()), ..Plan::default() }).await;
    Site { upstream, down, rig, limiter }
}

impl Site {
    async fn ask(&self) -> Reply {
        Wire::ask(self.rig.addr, self.rig.request("POST /openai/v1/x", "", "{\"model\":\"m\"}")).await
    }

    /// Sends requests until one is refused without being sent.
    async fn until_it_fails_fast(&self) -> Reply {
        loop {
            let reply = self.ask().await;
            if reply.header("x-tierline-reason") == Some("breaker_open") {
                return reply;
            }
        }
    }
}

fn wait_millis(reply: &Reply) -> u64 {
    reply.header("retry-after-ms").unwrap().parse().unwrap()
}

#[tokio::test]
async fn it_fails_fast_with_the_reason_and_the_time_of_the_next_try() {
    for (answers, reason) in [(true, "maintenance"), (false, "closed the connection before it answered")] {
        let site = site(answers).await;
        let refused = site.until_it_fails_fast().await;
        let before = site.upstream.seen().len();
        assert!((5..=7).contains(&before), "{before} attempts were needed to see it");
        assert_eq!((refused.status, refused.header("x-tierline-refused-by")), (503, Some("gateway")));
        assert!(refused.text().contains(reason) && refused.text().contains("account main does not answer"), "{}", refused.text());
        assert!((1..=2_000).contains(&wait_millis(&refused)), "{}", refused.head);
        assert_eq!(refused.header("retry-after"), Some(wait_millis(&refused).div_ceil(1_000).to_string().as_str()));
        let many = join_all((0..100).map(|_| site.ask())).await;
        assert!(many.iter().all(|reply| reply.status >= 500));
        // one that tries each two seconds, whatever the number of those that ask
        assert!(site.upstream.seen().len() <= before + 4, "{} attempts", site.upstream.seen().len());
    }
}

#[tokio::test]
async fn what_has_healed_is_in_use_again_within_five_seconds() {
    let site = site(true).await;
    let mut reply = site.until_it_fails_fast().await;
    site.down.store(false, Ordering::SeqCst);
    // a client that does what it is told, all of whose waits count
    let mut waited = 0;
    while reply.status != 200 {
        let wait = wait_millis(&reply);
        waited += wait;
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        reply = site.ask().await;
    }
    assert!(waited <= 5_000, "{waited} ms after it had healed");
    let together = join_all((0..20).map(|_| site.ask())).await;
    assert!(together.iter().all(|reply| reply.status == 200), "it is closed for everybody");
}

#[tokio::test]
async fn a_person_can_let_the_next_request_try_now() {
    let site = site(true).await;
    site.until_it_fails_fast().await;
    site.down.store(false, Ordering::SeqCst);
    let tried = site.limiter.with(|core, now| core.try_now(None, now));
    assert_eq!(tried.len(), 1, "{tried:?}");
    assert!(tried[0].starts_with("main: m (") && tried[0].contains("maintenance"), "{tried:?}");
    assert_eq!(site.ask().await.status, 200);
    assert_eq!(site.limiter.with(|core, now| core.try_now(None, now)), Vec::<String>::new(), "nothing keeps failing any more");
}

#[tokio::test]
async fn a_request_that_waits_for_room_is_told_as_well() {
    let rig = {
        let site = site(true).await;
        // while nothing is known of its limits, few generating requests are sent at once: the others wait
        let request = site.rig.request("POST /openai/v1/chat/completions", "", "{\"model\":\"m\"}");
        let replies = join_all((0..50).map(|_| Wire::ask(site.rig.addr, request.clone()))).await;
        assert!(replies.iter().all(|reply| reply.status == 503));
        assert!(replies.iter().any(|reply| reply.header("x-tierline-reason") == Some("breaker_open")));
        assert_eq!(site.limiter.with(|core, _| core.counts()), (0, 0));
        site.rig
    };
    assert!(rig.finished(50).await.iter().all(|record| record.outcome != Outcome::Ok));
}

#[tokio::test]
async fn retries_never_add_more_than_a_tenth() {
    const REQUESTS: usize = 300;
    {
        let busy = "{\"error\":{\"message\":\"busy\"}}";
        let busy = format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n{busy}", busy.len());
        let upstream = Scripted::start(move |before, _| vec![send(if before % 3 == 1 { busy.as_str() } else { FINE })]).await;
        let plan = Plan { limiter: Some(limiter(Provider::OpenAi)), ..Plan::default() };
        let rig = Rig::start(Provider::OpenAi, upstream.addr, plan).await;
        let request = rig.request("POST /openai/v1/x", "", "{}");
        for _ in 0..REQUESTS / 100 {
            join_all((0..100).map(|_| Wire::ask(rig.addr, request.clone()))).await;
        }
        let attempts = upstream.seen().len();
        assert!(attempts > REQUESTS && attempts <= REQUESTS * 11 / 10 + 1, "{attempts} attempts for {REQUESTS} requests");
    }
    // nothing listens at all: each failure is safe to repeat, and still
    let plan = Plan { limiter: Some(limiter(Provider::OpenAi)), ..Plan::default() };
    let rig = Rig::with(vec![endpoint(1, Provider::OpenAi, "main", "http://127.0.0.1:1", Some(KEY))], plan).await;
    let request = rig.request("POST /openai/v1/x", "", "{}");
    join_all((0..REQUESTS).map(|_| Wire::ask(rig.addr, request.clone()))).await;
    let attempts: u32 = rig.finished(REQUESTS).await.iter().map(|record| record.attempts).sum();
    assert!(attempts as usize <= REQUESTS * 11 / 10 + 1, "{attempts}");
}
