//! Deadlines: a request that cannot be sent in time is refused at once, with the time at which it could.

use std::net::SocketAddr;

use serde_json::json;
use tierline::sim::{Sim, SimConfig};

use crate::ask::{message, post, post_with};
use crate::home::Home;

const KEY: &str = "sk-ant-test-44444444";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_cannot_be_met_is_refused_at_once_with_the_exact_time() {
    let sim = Sim::start(SimConfig { keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap();
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account("anthropic", "work", &sim.url(), "WORK_KEY");
    home.run("limits set --account work --rpm 1").done();
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let first = post_with(&url, KEY, &[("x-tierline-deadline-ms", "0")], message()).await;
    assert_eq!(first.status, 200, "who may go at once needs no patience");
    for header in [("x-tierline-deadline-ms", "500"), ("x-stainless-read-timeout", "20.0"), ("x-stainless-timeout", "20")] {
        let reply = post_with(&url, KEY, &[header], message()).await;
        assert_eq!((reply.status, &reply.json()["error"]["type"]), (429, &json!("rate_limit_error")), "{header:?}");
        for (name, value) in [("x-tierline-refused-by", "gateway"), ("x-tierline-reason", "deadline"), ("x-should-retry", "true")] {
            assert_eq!(reply.header(name), Some(value), "{header:?}");
        }
        let number = |name: &str| reply.header(name).unwrap().parse::<u64>().unwrap();
        assert!((20_000..=60_000).contains(&number("retry-after-ms")), "{}", number("retry-after-ms"));
        assert_eq!(number("retry-after"), number("retry-after-ms").div_ceil(1_000));
        assert_eq!(reply.header("x-tierline-bound-by"), Some("RPM"));
    }
    assert_eq!(sim.stats().requests, 1);
    serve.stop();
    let outcomes: Vec<_> = home.exported("requests").iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["ok", "refused_locally", "refused_locally", "refused_locally"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_for_waiting_streams_can_be_turned_off_for_good() {
    let sim = Sim::start(SimConfig { keys: vec![KEY.into()], ..SimConfig::default() }, ANYWHERE).await.unwrap();
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account("anthropic", "work", &sim.url(), "WORK_KEY");
    assert_eq!(home.run("serve --keep-alive maybe").status.code(), Some(2));
    home.start("serve --vault env --listen 127.0.0.1:0 --keep-alive off").stop().done();
    home.run("limits set --account work --rpm 1").done();
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    assert_eq!(post(&url, KEY, message()).await.status, 200, "it takes the minute's request");
    // without comments a stream is as silent as any other answer, and its SDK gives up as early
    let body = message().replacen('{', "{\"stream\":true,", 1);
    let reply = post_with(&url, KEY, &[("x-stainless-timeout", "20")], body).await;
    assert_eq!((reply.status, reply.header("x-tierline-reason")), (429, Some("deadline")));
}
