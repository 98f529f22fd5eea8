//! Golden tests: whole sets of headers as they were recorded, and whole readings.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::domain::{Dimension, Period, Pool};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Headers from lines of `name: value`.
fn headers(lines: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        map.append(name.trim().parse::<HeaderName>().unwrap(), value.trim().parse::<HeaderValue>().unwrap());
    }
    map
}

/// `dimension period limit remaining seconds-until-full`, with `-` for what is unknown.
fn line(reading: &Reading, at: Timestamp) -> String {
    let number = |n: Option<u64>| n.map_or("-".into(), |n| n.to_string());
    let period = reading.period.map_or("-".into(), Period::name);
    let full = reading.full_at.map_or("-".into(), |full| delay::until(full, at).as_secs_f64().to_string());
    let pool = if reading.pool == Pool::Standard { String::new() } else { format!("{:?} ", reading.pool).to_lowercase() };
    format!("{pool}{} {period} {} {} {full}", reading.dimension.name(), number(reading.limit), number(reading.remaining))
}

fn check(dialect: Dialect, now: &str, lines: &str, expect: &[&str], odd: &[&str]) {
    let now = at(now);
    let snapshot = snapshot(dialect, StatusCode::OK, &headers(lines), now);
    let found: Vec<String> = snapshot.readings.iter().map(|reading| line(reading, now)).collect();
    assert_eq!(found, expect, "{dialect:?} {lines}");
    let oddities: Vec<String> = snapshot.oddities.iter().map(|o| format!("{}: {}", o.header, o.what)).collect();
    assert_eq!(oddities, odd, "{dialect:?} {lines}");
}

#[test]
fn anthropic_2025_02_26_long_answer() {
    let now = "2025-02-26T10:05:37Z";
    let lines = "
        date: Wed, 26 Feb 2025 10:05:37 GMT
        anthropic-ratelimit-input-tokens-limit: 200000
        anthropic-ratelimit-input-tokens-remaining: 200000
        anthropic-ratelimit-input-tokens-reset: 2025-02-26T10:03:09Z
        anthropic-ratelimit-output-tokens-limit: 80000
        anthropic-ratelimit-output-tokens-remaining: 74000
        anthropic-ratelimit-output-tokens-reset: 2025-02-26T10:05:41Z
        anthropic-ratelimit-requests-limit: 4000
        anthropic-ratelimit-requests-remaining: 3999
        anthropic-ratelimit-requests-reset: 2025-02-26T10:03:08Z
        anthropic-ratelimit-tokens-limit: 280000
        anthropic-ratelimit-tokens-remaining: 274000
        anthropic-ratelimit-tokens-reset: 2025-02-26T10:03:09Z
        request-id: req_018EeWyXxfu5pfWkrYcMdjWG
        anthropic-organization-id: 58de1d8d-869a-4793-aa4d-f851e213c1e9
        anthropic-workspace-id: wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ";
    // what was reset in the past is full now; the combined family is ignored beside the pair
    check(
        Dialect::Anthropic,
        now,
        lines,
        &["requests minute 4000 3999 0", "input_tokens minute 200000 200000 0", "output_tokens minute 80000 74000 4"],
        &[],
    );
    let snapshot = snapshot(Dialect::Anthropic, StatusCode::OK, &headers(lines), at(now));
    assert_eq!(snapshot.readings.iter().map(|r| r.grain).collect::<Vec<_>>(), [1, 1_000, 1_000]);
    assert_eq!(snapshot.request_id.as_deref(), Some("req_018EeWyXxfu5pfWkrYcMdjWG"));
    assert_eq!(snapshot.identity.organization.as_deref(), Some("58de1d8d-869a-4793-aa4d-f851e213c1e9"));
    assert_eq!(snapshot.identity.workspace.as_deref(), Some("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ"));
    assert_eq!(snapshot.identity.project, None);
    assert_eq!(snapshot.retry_after, None);
}

#[test]
fn anthropic_2026_03_17() {
    check(
        Dialect::Anthropic,
        "2026-03-17T06:35:09Z",
        "anthropic-ratelimit-input-tokens-limit: 10000000
         anthropic-ratelimit-input-tokens-remaining: 10000000
         anthropic-ratelimit-input-tokens-reset: 2026-03-17T06:35:09Z
         anthropic-ratelimit-output-tokens-limit: 2000000
         anthropic-ratelimit-output-tokens-remaining: 2000000
         anthropic-ratelimit-output-tokens-reset: 2026-03-17T06:35:09Z
         anthropic-ratelimit-requests-limit: 20000
         anthropic-ratelimit-requests-remaining: 19999
         anthropic-ratelimit-requests-reset: 2026-03-17T06:35:07Z
         anthropic-ratelimit-tokens-limit: 12000000
         anthropic-ratelimit-tokens-remaining: 12000000
         anthropic-ratelimit-tokens-reset: 2026-03-17T06:35:09Z
         anthropic-ratelimit-unified-status: allowed
         anthropic-ratelimit-unified-5h-utilization: 0.42
         server-timing: proxy;dur=2031",
        &["requests minute 20000 19999 0", "input_tokens minute 10000000 10000000 0", "output_tokens minute 2000000 2000000 0"],
        &[],
    );
}

#[test]
fn anthropic_2024_has_only_combined_tokens_and_a_clock_of_its_own() {
    // read two years later: the reset is one second after the answer's own date
    check(
        Dialect::Anthropic,
        "2026-11-24T12:00:00Z",
        "anthropic-ratelimit-requests-limit: 5
         anthropic-ratelimit-requests-remaining: 0
         anthropic-ratelimit-requests-reset: 2024-03-26T20:00:00Z
         anthropic-ratelimit-tokens-limit: 25000
         anthropic-ratelimit-tokens-remaining: 16000
         anthropic-ratelimit-tokens-reset: 2024-03-26T20:00:00Z
         date: Tue, 26 Mar 2024 19:59:59 GMT",
        &["requests minute 5 0 1", "tokens minute 25000 16000 1"],
        &[],
    );
}

#[test]
fn anthropic_priority_fast_and_compatible() {
    check(
        Dialect::Anthropic,
        "2025-01-12T23:11:55Z",
        "anthropic-priority-input-tokens-limit: 10000
         anthropic-priority-input-tokens-remaining: 9618
         anthropic-priority-input-tokens-reset: 2025-01-12T23:11:59Z
         anthropic-fast-output-tokens-limit: 80000
         anthropic-fast-output-tokens-remaining: 80000
         anthropic-fast-output-tokens-reset: 2025-01-12T23:11:55Z
         x-ratelimit-limit-requests: 50
         x-ratelimit-remaining-requests: 49
         x-ratelimit-reset-requests: 2025-01-12T23:11:56Z",
        &["priority input_tokens minute 10000 9618 4", "fast output_tokens minute 80000 80000 0", "requests minute 50 49 1"],
        &[],
    );
}

#[test]
fn openai_minute_day_project_and_images() {
    let now = "2026-11-24T12:00:00Z";
    let minute = "x-ratelimit-limit-requests: 500
         x-ratelimit-remaining-requests: 499
         x-ratelimit-reset-requests: 120ms
         x-ratelimit-limit-tokens: 200000
         x-ratelimit-remaining-tokens: 199999
         x-ratelimit-reset-tokens: 0s
         x-ratelimit-limit-project-tokens: 60000
         x-ratelimit-remaining-project-tokens: 57000
         x-ratelimit-reset-project-tokens: 3s
         x-ratelimit-limit-input-images: 50000
         x-ratelimit-remaining-input-images: 49999
         x-ratelimit-reset-input-images: 1ms
         x-request-id: req_445d87d531af499daeb09f7826886b8c
         openai-organization: user-x
         openai-project: proj_2Y4H7T2XPShczTQx5fqMXdNp";
    check(
        Dialect::OpenAi,
        now,
        minute,
        &[
            "requests minute 500 499 0.12",
            "tokens minute 200000 199999 0",
            "project tokens minute 60000 57000 3",
            "images minute 50000 49999 0.001",
        ],
        &[],
    );
    let snapshot = snapshot(Dialect::OpenAi, StatusCode::OK, &headers(minute), at(now));
    assert_eq!(snapshot.identity.project.as_deref(), Some("proj_2Y4H7T2XPShczTQx5fqMXdNp"));
    assert_eq!(snapshot.request_id.as_deref(), Some("req_445d87d531af499daeb09f7826886b8c"));
    for (limit, remaining, reset, expect) in [
        ("10000", "9999", "8.64s", "requests day 10000 9999 8.64"),
        ("10000", "9998", "15.856s", "requests day 10000 9998 15.856"),
        ("10000", "9973", "3m49.814s", "requests day 10000 9973 229.814"),
        ("10000", "10000", "0s", "requests - 10000 10000 0"),
    ] {
        let lines = format!(
            "x-ratelimit-limit-requests: {limit}\nx-ratelimit-remaining-requests: {remaining}\nx-ratelimit-reset-requests: {reset}"
        );
        check(Dialect::OpenAi, now, &lines, &[expect], &[]);
    }
}

#[test]
fn the_others_by_table() {
    let now = "2026-11-24T12:00:00Z";
    for (dialect, lines, expect) in [
        (
            Dialect::Groq,
            "x-ratelimit-limit-requests: 14400
             x-ratelimit-remaining-requests: 14370
             x-ratelimit-reset-requests: 2m59.56s
             x-ratelimit-limit-tokens: 18000
             x-ratelimit-remaining-tokens: 17997
             x-ratelimit-reset-tokens: 7.66s",
            vec!["requests day 14400 14370 179.56", "tokens minute 18000 17997 7.66"],
        ),
        (
            Dialect::AzureOpenAi,
            "x-ratelimit-limit-requests: 60
             x-ratelimit-remaining-requests: 59
             x-ratelimit-limit-tokens: 60000
             x-ratelimit-remaining-tokens: 59000
             apim-request-id: 00000000-0000-0000-0000-000000000000",
            vec!["requests minute 60 59 -", "tokens minute 60000 59000 -"],
        ),
        (
            Dialect::Mistral,
            "x-ratelimit-limit-tokens-minute: 500000
             x-ratelimit-remaining-tokens-minute: 499000
             x-ratelimit-tokens-query-cost: 1000
             x-ratelimit-limit-req-minute: 60
             x-ratelimit-remaining-req-minute: 59",
            vec!["requests minute 60 59 -", "tokens minute 500000 499000 -"],
        ),
        (
            Dialect::Mistral,
            "ratelimitbysize-limit: 500000
             ratelimitbysize-remaining: 499900
             ratelimitbysize-reset: 12",
            vec!["tokens - 500000 499900 12"],
        ),
        (
            Dialect::Mistral,
            "ratelimitbysize-limit: 500000
             ratelimitbysize-remaining: 499900
             ratelimitbysize-reset: 12
             x-ratelimitbysize-limit-minute: 500000
             x-ratelimitbysize-remaining-minute: 499900
             x-ratelimitbysize-limit-month: 1000000000
             x-ratelimitbysize-remaining-month: 999999900",
            vec!["tokens minute 500000 499900 -", "tokens month 1000000000 999999900 -"],
        ),
        (
            Dialect::Cerebras,
            "x-ratelimit-limit-requests-day: 2400
             x-ratelimit-remaining-requests-day: 2399
             x-ratelimit-reset-requests-day: 33011.38
             x-ratelimit-limit-tokens-minute: 30000
             x-ratelimit-remaining-tokens-minute: 29000
             x-ratelimit-reset-tokens-minute: 11.38",
            vec!["requests day 2400 2399 33011.38", "tokens minute 30000 29000 11.38"],
        ),
        (
            Dialect::Together,
            "x-ratelimit-limit: 10
             x-ratelimit-remaining: 9
             x-ratelimit-reset: 1
             x-tokenlimit-limit: 3000
             x-tokenlimit-remaining: 2900",
            vec!["requests second 10 9 1", "tokens second 3000 2900 -"],
        ),
        (
            Dialect::Fireworks,
            "x-ratelimit-limit-tokens-prompt: 60000
             x-ratelimit-remaining-tokens-prompt: 59000
             x-ratelimit-limit-tokens-cache-adjusted-prompt: 15000
             x-ratelimit-remaining-tokens-cache-adjusted-prompt: 14000
             x-ratelimit-limit-tokens-generated: 600
             x-ratelimit-remaining-tokens-generated: 500",
            vec!["input_tokens second 15000 14000 -", "output_tokens second 600 500 -"],
        ),
        (
            Dialect::OpenRouter,
            "x-ratelimit-limit: 50
             x-ratelimit-remaining: 0
             x-ratelimit-reset: 1795564800000",
            vec!["requests - 50 0 43200"],
        ),
        (
            Dialect::OpenAiCompatible,
            "x-ratelimit-limit-requests: 60
             x-ratelimit-remaining-requests: 59
             x-ratelimit-reset-requests: 1s
             x-ratelimit-limit-tokens: 100
             x-ratelimit-remaining-tokens: 100",
            vec!["requests minute 60 59 1", "tokens - 100 100 -"],
        ),
        (Dialect::Gemini, "x-gemini-service-tier: standard", vec![]),
        (Dialect::DeepSeek, "x-ds-trace-id: abc", vec![]),
    ] {
        check(dialect, now, lines, &expect, &[]);
    }
}

#[test]
fn what_cannot_be_meant_is_unknown_and_noted() {
    let now = "2026-11-24T12:00:00Z";
    for (dialect, lines, expect, odd) in [
        (
            Dialect::AzureOpenAi,
            "x-ratelimit-limit-requests: -1
             x-ratelimit-remaining-requests: -1",
            vec![],
            vec!["x-ratelimit-limit-requests: negative", "x-ratelimit-remaining-requests: negative"],
        ),
        (
            Dialect::OpenAi,
            "x-ratelimit-limit-requests: 500
             x-ratelimit-limit-requests: 600
             x-ratelimit-remaining-requests: 499
             x-ratelimit-reset-requests: 120ms",
            vec!["requests - - 499 0.12"],
            vec!["x-ratelimit-limit-requests: sent more than once"],
        ),
        (
            Dialect::OpenAi,
            "x-ratelimit-limit-requests: 500
             x-ratelimit-remaining-requests: 5000
             x-ratelimit-reset-requests: soon",
            vec!["requests - 500 - -"],
            vec![
                "x-ratelimit-reset-requests: neither a time nor a length of time",
                "x-ratelimit-remaining-requests: more is left than the limit allows",
            ],
        ),
        (
            Dialect::OpenAi,
            "x-ratelimit-limit-tokens: 9999999999999999
             x-ratelimit-remaining-tokens: lots",
            vec![],
            vec![
                "x-ratelimit-limit-tokens: larger than any limit",
                "x-ratelimit-remaining-tokens: not a number",
                "x-ratelimit-reset-tokens: absent, although its siblings are there",
            ],
        ),
        (
            Dialect::Anthropic,
            "anthropic-ratelimit-output-tokens-remaining: 80500
             anthropic-ratelimit-output-tokens-limit: 80000
             anthropic-ratelimit-output-tokens-reset: 2026-11-24T12:00:00Z",
            vec!["output_tokens minute 80000 80500 0"],
            vec![],
        ),
    ] {
        check(dialect, now, lines, &expect, &odd);
    }
}

#[test]
fn waits_are_read_finest_first() {
    let now = at("2026-11-24T12:00:00Z");
    for (lines, expect) in [
        ("retry-after: 16", Some(16_000)),
        ("retry-after-ms: 900", Some(900)),
        ("retry-after: 16\nretry-after-ms: 15250", Some(15_250)),
        ("retry-after: 16\nretry-after-ms: soon", Some(16_000)),
        ("retry-after: Tue, 24 Nov 2026 12:01:00 GMT", Some(60_000)),
        ("retry-after: Tue, 24 Nov 2020 12:01:00 GMT\ndate: Tue, 24 Nov 2020 12:00:30 GMT", Some(30_000)),
        ("retry-after: -1", None),
        ("retry-after: 99999999999", None),
        ("retry-after: 1\nretry-after: 2", None),
    ] {
        let snapshot = snapshot(Dialect::OpenAi, StatusCode::TOO_MANY_REQUESTS, &headers(lines), now);
        assert_eq!(snapshot.retry_after, expect.map(Duration::from_millis), "{lines}");
        assert_eq!(snapshot.retry_after.is_none() || lines.contains("soon"), !snapshot.oddities.is_empty(), "{lines}");
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(
        which in prop::collection::vec((0_usize..3, 0_usize..16, prop::collection::vec(any::<u8>(), 0..40)), 0..24),
        dialect in 0_usize..Dialect::ALL.len(),
    ) {
        let dialect = Dialect::ALL[dialect];
        let all: Vec<&Family> = families::of(dialect).collect();
        let mut map = HeaderMap::new();
        for (name, family, value) in which {
            let name = all.get(family).map_or("retry-after", |family| family.names()[name]);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(name, value);
            }
        }
        let snapshot = snapshot(dialect, StatusCode::OK, &map, at("2026-11-24T12:00:00Z"));
        for reading in snapshot.readings {
            prop_assert!(reading.dimension != Dimension::Money);
            prop_assert!(reading.full_at.is_none_or(|full| full >= snapshot.at));
        }
    }
}
