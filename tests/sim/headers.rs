//! What headers say about limits, and what is left after each charge.

use serde_json::json;
use tierline::sim::{Charge, HeaderMode, Limits, RefillRule, SimConfig, SimProvider};

use crate::client::{Answer, CHAT, MESSAGES, ORG, call_of, chat, config, message, post, request, send, start, stats_when, with};

fn date(answer: &Answer) -> jiff::Timestamp {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(answer.header("date")).unwrap()
}

#[tokio::test]
async fn anthropics_are_rounded_to_thousands_and_whole_seconds() {
    let limits = Limits { rpm: Some(50), itpm: Some(30_000), otpm: Some(8_000), ..Limits::default() };
    let sim = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
    let body = with(message(&"abcd".repeat(2_400)), "max_tokens", 2_000);
    let answer = send(request(&sim, MESSAGES, &body).header("x-sim-output-tokens", "1600")).await;
    // 2,400 quarters of characters and 6 tokens around them
    assert_eq!(answer.json()["usage"]["input_tokens"], 2_406);
    assert_eq!(answer.json()["usage"]["output_tokens"], 1_600);
    let head = |name: &str| answer.header(&format!("anthropic-ratelimit-{name}")).to_owned();
    for (name, value) in [
        ("requests-limit", "50"),
        ("requests-remaining", "49"),
        ("input-tokens-limit", "30000"),
        ("input-tokens-remaining", "28000"),
        ("output-tokens-limit", "8000"),
        ("output-tokens-remaining", "6000"),
        ("tokens-limit", "38000"),
        ("tokens-remaining", "34000"),
    ] {
        assert_eq!(head(name), value, "{name}");
    }
    // 1/50, 2,406/30,000 and 1,600/8,000 of a minute, cut to seconds as the date is, which is up to a second older
    for (name, seconds) in [("requests-reset", 1.2), ("input-tokens-reset", 4.8), ("output-tokens-reset", 12.0)] {
        assert!(head(name).ends_with('Z') && !head(name).contains('.'), "{}", head(name));
        let ahead = head(name).parse::<jiff::Timestamp>().unwrap().duration_since(date(&answer)).as_secs_f64();
        assert!((seconds - 1.5..seconds + 2.0).contains(&ahead), "{name} is {ahead} s ahead");
    }
    assert_eq!(answer.header("anthropic-organization-id"), ORG);
    assert!(answer.header("request-id").starts_with("req_"));
}

#[tokio::test]
async fn openais_keep_the_fraction_in_the_reset() {
    const NONE: [&str; 3] = ["-", "-", "-"];
    let charge = Charge::CharsOver4PlusReserve(0);
    for (limits, requests, tokens) in [
        (Limits { rpm: Some(500), tpm: Some(200_000), ..Limits::default() }, ["500", "499", "120ms"], ["200000", "199221", "233ms"]),
        (Limits { rpm: Some(3_000), rpd: Some(200), ..Limits::default() }, ["200", "199", "7m12s"], NONE),
        (Limits { rpm: Some(3), rpd: Some(10_000), ..Limits::default() }, ["3", "2", "20s"], NONE),
        (Limits { rpd: Some(10_000), tpm: Some(30_000), ..Limits::default() }, ["10000", "9999", "8.64s"], ["30000", "29221", "1.558s"]),
    ] {
        let sim = start(SimConfig { limits, charge, ..config(SimProvider::OpenAi) }).await;
        // a stream shows the limits as they were on admission: nothing has been refilled by then
        let answer = post(&sim, CHAT, &with(chat(&"x".repeat(779 * 4)), "stream", true)).await;
        let head = |kind: &str| ["limit", "remaining", "reset"].map(|what| answer.header(&format!("x-ratelimit-{what}-{kind}")));
        assert_eq!((head("requests"), head("tokens")), (requests, tokens));
        assert_eq!((answer.header("openai-organization"), answer.header("openai-version")), (ORG, "2020-10-01"));
    }
}

#[tokio::test]
async fn they_may_be_missing_or_late() {
    for (headers, shown) in
        [(HeaderMode::Normal, ["49", "48", "47"]), (HeaderMode::Delayed, ["-", "49", "48"]), (HeaderMode::Missing, ["-", "-", "-"])]
    {
        let limits = Limits { rpm: Some(50), ..Limits::default() };
        let refill = RefillRule::FixedWindow; // nothing comes back meanwhile
        let sim = start(SimConfig { limits, headers, refill, ..config(SimProvider::Anthropic) }).await;
        for remaining in shown {
            let answer = post(&sim, MESSAGES, &message("hello")).await;
            assert_eq!(answer.header("anthropic-ratelimit-requests-remaining"), remaining, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date_and_in_the_resets() {
    let limits = Limits { rpm: Some(50), ..Limits::default() };
    let wrong = start(SimConfig { limits, clock_skew_seconds: 7_200, ..config(SimProvider::Anthropic) }).await;
    let right = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
    let wrong = post(&wrong, MESSAGES, &message("hello")).await;
    let right = post(&right, MESSAGES, &message("hello")).await;
    let reset = |answer: &Answer| answer.header("anthropic-ratelimit-requests-reset").parse::<jiff::Timestamp>().unwrap();
    for (wrong, right) in [(date(&wrong), date(&right)), (reset(&wrong), reset(&right))] {
        let ahead = wrong.duration_since(right).as_secs();
        assert!((7_140..=7_201).contains(&ahead), "{ahead}");
    }
}

#[tokio::test]
async fn gemini_and_deepseek_have_none() {
    for provider in [SimProvider::Gemini, SimProvider::DeepSeek] {
        let limits = Limits { rpm: Some(50), concurrency: Some(9), ..Limits::default() };
        let sim = start(SimConfig { limits, ..config(provider) }).await;
        let (path, body) = call_of(provider);
        let answer = post(&sim, path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit") && name != "retry-after"), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn the_charge_rule_decides_what_is_left() {
    let limits = Limits { tpm: Some(1_000_000), ..Limits::default() };
    // 400 characters: 100 tokens and 6 around them; max tokens 1,000; 20 are made
    for (charge, at_start, at_end) in [
        (Charge::Actual, 106, 126),
        (Charge::ReservesMax { refund: true }, 1_106, 126),
        (Charge::ReservesMax { refund: false }, 1_106, 1_106),
        (Charge::CharsOver4PlusReserve(50), 150, 150),
    ] {
        let sim = start(SimConfig { limits, charge, ..config(SimProvider::OpenAi) }).await;
        let body = with(with(chat(&"abcd".repeat(100)), "max_completion_tokens", 1_000), "stream", true);
        let answer = post(&sim, CHAT, &body).await;
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), (1_000_000 - at_start).to_string(), "{charge:?}");
        let stats = stats_when(&sim, "settled", |stats| stats.in_flight == 0).await;
        assert_eq!(stats.charged_input + stats.charged_output, at_end, "{charge:?}");
    }
}

#[tokio::test]
async fn an_empty_chat_is_a_free_probe_that_shows_the_limits() {
    let limits = Limits { rpm: Some(500), tpm: Some(200_000), ..Limits::default() };
    let sim = start(SimConfig { limits, ..config(SimProvider::OpenAi) }).await;
    let answer = post(&sim, CHAT, &json!({"model": "gpt-6-luna", "messages": []})).await;
    assert_eq!(answer.status, 400);
    let said = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
    let error = json!({"code": "empty_array", "message": said, "param": "messages", "type": "invalid_request_error"});
    assert_eq!(answer.json(), json!({"error": error}));
    assert_eq!((answer.header("x-ratelimit-remaining-requests"), answer.header("x-ratelimit-remaining-tokens")), ("499", "199999"));
}

#[tokio::test]
async fn a_cached_prompt_is_written_once_and_then_read_for_nothing() {
    let limits = Limits { itpm: Some(60_000), ..Limits::default() };
    let sim = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
    let system = json!([{"type": "text", "text": "abcd".repeat(50_000), "cache_control": {"type": "ephemeral"}}]);
    let body = with(message("hello"), "system", system);
    // a second writing would not fit
    for (read, written) in [(0, 50_000), (50_000, 0), (50_000, 0)] {
        let answer = post(&sim, MESSAGES, &body).await;
        let usage = &answer.json()["usage"];
        assert_eq!((&usage["cache_read_input_tokens"], &usage["cache_creation_input_tokens"]), (&json!(read), &json!(written)));
    }
    assert_eq!(sim.stats().charged_input, 50_000 + 3 * 8);
}
