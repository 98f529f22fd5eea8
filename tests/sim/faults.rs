//! What goes wrong when it is told to, and clients that leave.

use std::io::Read;

use serde_json::Value;
use tierline::sim::{Fault, Faults, Latency, Limits, OutputLength, SimConfig, SimProvider};

use crate::client::{CHAT, MESSAGES, PROVIDERS, call_of, chat, config, message, post, request, start, stats_when, with};

#[tokio::test]
async fn those_that_are_answers_take_nothing() {
    for provider in PROVIDERS {
        let overloaded = if provider == SimProvider::Anthropic { 529 } else { 503 };
        let no_credit = match provider {
            SimProvider::Anthropic => 400,
            SimProvider::OpenAi => 429,
            SimProvider::Gemini | SimProvider::DeepSeek => 402,
        };
        for (fault, status) in [
            (Fault::Overloaded, overloaded),
            (Fault::Status500, 500),
            (Fault::Status429, 429),
            (Fault::HtmlPage, 502),
            (Fault::NoCredit, no_credit),
        ] {
            let limits = Limits { rpm: Some(1), ..Limits::default() };
            let sim = start(SimConfig { limits, faults: Faults::at(fault, [1]), ..config(provider) }).await;
            let (path, body) = call_of(provider);
            let answer = post(&sim, path, &body).await;
            assert_eq!(answer.status, status, "{provider:?} {fault:?}");
            assert_eq!(answer.header("content-type") == "text/html", fault == Fault::HtmlPage);
            assert_eq!(post(&sim, path, &body).await.status, 200, "{provider:?} {fault:?} took the only request");
            assert_eq!(sim.stats().faults, 1);
        }
    }
}

#[tokio::test]
async fn a_body_is_broken_in_the_way_it_was_told_to_be() {
    // whether it arrives without an error, and whether it is complete
    for (stream, fault, arrives, complete) in [
        (true, Fault::ResetMidStream, false, false),
        (true, Fault::CutWithoutFinalEvent, true, false),
        (true, Fault::StreamErrorEvent, true, false),
        (true, Fault::SlowFirstByte(5), true, true),
        (false, Fault::ResetMidStream, false, false),
        (false, Fault::CutWithoutFinalEvent, true, false),
        (false, Fault::GarbageBody, true, false),
        (false, Fault::StreamErrorEvent, true, true),
    ] {
        let sim = start(SimConfig { faults: Faults::at(fault, [1]), ..config(SimProvider::Anthropic) }).await;
        let mut response = request(&sim, MESSAGES, &with(message("hello"), "stream", stream)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{fault:?}");
        let mut bytes = Vec::new();
        let error = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(error.is_none(), arrives, "{fault:?} {error:?}");
        assert!(!text.is_empty(), "{fault:?}: something comes first");
        let is_complete = if stream { text.contains("message_stop") } else { serde_json::from_str::<Value>(&text).is_ok() };
        assert_eq!(is_complete, complete, "{fault:?} {text}");
        assert_eq!(text.contains("event: error"), stream && fault == Fault::StreamErrorEvent);
        let stats = stats_when(&sim, "settled", |stats| stats.in_flight == 0).await;
        assert_eq!(stats.disconnects, 0, "{fault:?}: it was not the client who left");
    }
}

#[tokio::test]
async fn a_reset_before_the_head_leaves_no_answer() {
    let sim = start(SimConfig { faults: Faults::at(Fault::ResetBeforeHead, [1]), ..config(SimProvider::OpenAi) }).await;
    assert!(request(&sim, CHAT, &chat("hello")).send().await.is_err());
    assert_eq!(post(&sim, CHAT, &chat("hello")).await.status, 200);
}

#[tokio::test]
async fn a_stalled_stream_brings_half_and_waits_for_the_client_to_leave() {
    let sim = start(SimConfig { faults: Faults::at(Fault::StallMidStream, [1]), ..config(SimProvider::OpenAi) }).await;
    let mut response = request(&sim, CHAT, &with(chat("hello"), "stream", true)).send().await.unwrap();
    let mut text = String::new();
    // four of seven pieces of three tokens
    while text.matches("\"content\":\"").count() < 5 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert_eq!(sim.stats().in_flight, 1);
    drop(response);
    let stats = stats_when(&sim, "left", |stats| stats.disconnects == 1).await;
    assert_eq!((stats.in_flight, stats.charged_output), (0, 12));
}

#[tokio::test]
async fn gzip_is_sent_to_those_who_accept_it() {
    for stream in [false, true] {
        let faults = Faults { rates: vec![(Fault::Gzip, 1.0)], ..Faults::default() };
        let sim = start(SimConfig { faults, ..config(SimProvider::OpenAi) }).await;
        let body = with(chat("hello"), "stream", stream);
        assert_eq!(post(&sim, CHAT, &body).await.header("content-encoding"), "-");
        let response = request(&sim, CHAT, &body).header("accept-encoding", "gzip, br").send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*response.bytes().await.unwrap()).read_to_string(&mut text).unwrap();
        assert!(if stream { text.ends_with("data: [DONE]\n\n") } else { serde_json::from_str::<Value>(&text).is_ok() }, "{text}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_and_pays_what_was_made() {
    let latency = Latency { per_token_ms: 20, ..Latency::default() };
    let output = OutputLength { tokens: 100_000, spread_percent: 0, tokens_per_chunk: 1 };
    for stream in [true, false] {
        let sim = start(SimConfig { latency, output, ..config(SimProvider::OpenAi) }).await;
        let call = request(&sim, CHAT, &with(chat("hello"), "stream", stream)).send();
        if stream {
            let mut response = call.await.unwrap();
            for _ in 0..3 {
                response.chunk().await.unwrap().unwrap();
            }
        } else {
            let call = tokio::spawn(call);
            stats_when(&sim, "one in flight", |stats| stats.in_flight == 1).await;
            call.abort();
        }
        let stats = stats_when(&sim, "gone", |stats| stats.disconnects == 1).await;
        assert_eq!(stats.in_flight, 0);
        assert!(stats.charged_output < 10_000, "{stats:?}");
    }
}

#[tokio::test]
async fn deepseek_shows_that_it_lives_while_an_answer_is_waited_for() {
    let latency = Latency { first_byte_ms: 40, keep_alive_ms: Some(5), ..Latency::default() };
    let sim = start(SimConfig { latency, ..config(SimProvider::DeepSeek) }).await;
    let (path, body) = call_of(SimProvider::DeepSeek);
    let whole = post(&sim, path, &body).await;
    assert!(whole.text.starts_with('\n') && whole.json()["usage"]["prompt_cache_miss_tokens"].is_u64(), "{:?}", whole.text);
    let streamed = post(&sim, path, &with(body, "stream", true)).await;
    assert!(streamed.text.starts_with(": keep-alive\n\n") && streamed.text.ends_with("data: [DONE]\n\n"), "{:?}", streamed.text);
}
