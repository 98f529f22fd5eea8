//! `/metrics`: only for who has a local token, in a format that a strict reader takes, with the numbers that happened.

use std::collections::BTreeMap;

use tierline::sim::{Limits, SimProvider};

use crate::ask::{message, post};
use crate::gateway::{KEY, home_with, sim};

async fn get(url: &str, token: &str) -> (u16, String) {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Every sample by its name and labels as written. Breaks on anything that Prometheus' own parser would break on.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut family = "";
    let mut samples = BTreeMap::new();
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(help.len() > family.len() + 10 && help.ends_with('.'), "no help: {line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(name == family && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(family) && name.starts_with("tierline_"), "{line} under {family}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
        }
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_the_traffic_and_need_a_token() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(50), itpm: Some(30_000), otpm: Some(8_000), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let token = home.token("monitor");
    let serve = home.serve();
    let page = format!("{}/metrics", serve.url());
    for _ in 0..3 {
        assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), &token, message()).await.status, 200);
    }
    for (key, status) in [("", 401), ("tl-wrong", 401), (KEY, 401), (token.as_str(), 200)] {
        assert_eq!(get(&page, key).await.0, status, "{key}");
    }
    assert_eq!(get(&format!("{page}?key={token}"), "").await.0, 401, "a token in a URL opens nothing");

    let of = r#"{provider="anthropic",model="claude-sonnet-5-5""#;
    let (mut text, mut figures) = (String::new(), BTreeMap::new());
    for _ in 0..500 {
        text = get(&page, &token).await.1;
        figures = samples(&text);
        // what happened is counted a moment after the answer
        if figures.get(&format!("tierline_requests_total{of},outcome=\"ok\"}}")) == Some(&3.0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for (name, expect) in [
        (format!("tierline_requests_total{of},outcome=\"ok\"}}"), 3.0),
        (format!("tierline_requests_total{of},outcome=\"refused\"}}"), 0.0),
        (format!("tierline_attempts_total{of}}}"), 3.0),
        (format!("tierline_retries_total{of}}}"), 0.0),
        (format!("tierline_requests_per_minute{of}}}"), 3.0),
        (format!("tierline_refused_ratio{of}}}"), 0.0),
        (format!("tierline_request_output_tokens_count{of}}}"), 3.0),
        (format!("tierline_wait_seconds_bucket{of},le=\"+Inf\"}}"), 3.0),
        ("tierline_waiting_requests{lane=\"interactive\"}".into(), 0.0),
        ("tierline_requests_in_flight".into(), 0.0),
        ("tierline_history_written".into(), 1.0),
    ] {
        assert_eq!(figures.get(&name), Some(&expect), "{name} in\n{text}");
    }
    assert!(figures[&format!("tierline_tokens_total{of},type=\"output\"}}")] > 0.0);
    let rpm = figures.keys().find(|name| name.starts_with("tierline_bucket_headroom{") && name.contains("meter=\"RPM\"")).unwrap();
    assert!((46.0..50.0).contains(&figures[rpm]), "{rpm} {}", figures[rpm]);
    assert!(!text.contains(KEY) && !text.contains(&token));
    serve.stop().done();
}
