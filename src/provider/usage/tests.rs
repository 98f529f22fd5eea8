//! Answers recorded from the documentation, and what each is counted as.

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, header};
use proptest::prelude::*;

use super::*;
use crate::domain::{Certainty, ModelId};

/// An answer as a provider gives it, and what is to be read from it.
#[derive(Debug, Clone)]
struct Case {
    file: &'static str,
    dialect: Dialect,
    api: Api,
    body: &'static [u8],
}

macro_rules! case {
    ($file:literal, $dialect:ident, $api:ident) => {
        Case { file: $file, dialect: Dialect::$dialect, api: Api::$api, body: include_bytes!(concat!("../../../tests/data/usage/", $file)) }
    };
}

const CASES: &[Case] = &[
    case!("anthropic-message.json", Anthropic, Messages),
    case!("anthropic-stream.sse", Anthropic, Messages),
    case!("anthropic-overloaded.sse", Anthropic, Messages),
    case!("openai-chat.json", OpenAi, ChatCompletions),
    case!("openai-chat-stream.sse", OpenAi, ChatCompletions),
    case!("openai-chat-stream-without-usage.sse", OpenAi, ChatCompletions),
    case!("openai-responses-stream.sse", OpenAi, Responses),
    case!("openai-responses-failed.sse", OpenAi, Responses),
    case!("openai-embeddings.json", OpenAi, Embeddings),
    case!("openai-images.json", OpenAi, Images),
    case!("gemini.json", Gemini, GenerateContent),
    case!("gemini-stream.sse", Gemini, GenerateContent),
    case!("gemini-stream-list.json", Gemini, GenerateContent),
    case!("gemini-stream-error.sse", Gemini, GenerateContent),
    case!("gemini-stream-tail.sse", Gemini, GenerateContent),
    case!("gemini-openai-error.json", Gemini, ChatCompletions),
    case!("gemini-interactions.json", Gemini, Interactions),
    case!("gemini-interactions-stream.sse", Gemini, Interactions),
    case!("deepseek-chat.json", DeepSeek, ChatCompletions),
    case!("deepseek-chat-stream.sse", DeepSeek, ChatCompletions),
    case!("openrouter-stream-error.sse", OpenRouter, ChatCompletions),
    case!("openrouter-error.json", OpenRouter, ChatCompletions),
    case!("groq-stream.sse", Groq, ChatCompletions),
    case!("mistral-error.json", Mistral, ChatCompletions),
];

fn case(file: &str) -> &'static Case {
    CASES.iter().find(|case| case.file == file).unwrap_or_else(|| panic!("{file} is not in the list"))
}

impl Case {
    fn reader(&self, coding: Option<&'static str>) -> UsageReader {
        let content_type = if self.file.contains(".sse") { "text/event-stream; charset=utf-8" } else { "application/json" };
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        UsageReader::new(self.dialect, self.api, &headers)
    }

    /// The reader after these chunks, and nothing more.
    fn fed<'c>(&self, chunks: impl IntoIterator<Item = &'c [u8]>) -> UsageReader {
        let mut reader = self.reader(None);
        chunks.into_iter().for_each(|chunk| reader.push(chunk));
        reader.close();
        reader
    }
}

fn exact(model: &str, tier: Option<&str>) -> Usage {
    Usage { certainty: Certainty::Exact, model: Some(ModelId::new(model)), service_tier: tier.map(str::to_owned), ..Usage::default() }
}

#[test]
fn usage_is_read_from_every_api() {
    for (file, expected) in [
        ("anthropic-message.json", Usage { input: 11, output: 36, ..exact("claude-opus-5-fast", Some("fast")) }),
        (
            "anthropic-stream.sse",
            Usage {
                input: 25,
                cache_read: 1000,
                cache_write: 300,
                cache_write_long: 100,
                output: 15,
                reasoning: 4,
                ..exact("claude-opus-5", Some("standard"))
            },
        ),
        (
            "openai-chat.json",
            Usage { input: 76, cache_read: 1024, cache_write: 100, output: 20, reasoning: 8, ..exact("gpt-6-sol", Some("flex")) },
        ),
        ("openai-chat-stream.sse", Usage { input: 12, output: 100, reasoning: 100, ..exact("gpt-5-nano-2025-08-07", Some("default")) }),
        ("openai-responses-stream.sse", Usage { input: 58, output: 23, ..exact("gpt-5.5", Some("default")) }),
        ("openai-embeddings.json", Usage { input: 111, ..exact("text-embedding-3-small", None) }),
        ("openai-images.json", Usage { input: 50, output: 50, images: 2, model: None, ..exact("", None) }),
        ("gemini.json", Usage { input: 176, cache_read: 1024, output: 380, reasoning: 300, images: 1, ..exact("gemini-3.8-flash", None) }),
        ("gemini-stream.sse", Usage { input: 14, tool_input: 5, output: 32, reasoning: 30, ..exact("gemini-3.8-flash", None) }),
        ("gemini-stream-list.json", Usage { input: 9, output: 2, ..exact("gemini-3.8-flash", None) }),
        ("gemini-interactions.json", Usage { input: 9, output: 1691, reasoning: 912, ..exact("gemini-3.5-flash", None) }),
        ("gemini-interactions-stream.sse", Usage { input: 12, cache_read: 8, output: 3, ..exact("gemini-3.8-flash", Some("standard")) }),
        ("deepseek-chat.json", Usage { input: 36, cache_read: 64, output: 30, reasoning: 12, ..exact("deepseek-flash", None) }),
        ("deepseek-chat-stream.sse", Usage { input: 36, cache_read: 64, output: 30, ..exact("deepseek-flash", None) }),
        ("groq-stream.sse", Usage { input: 18, output: 439, ..exact("gemma2-9b-it", None) }),
    ] {
        let reader = case(file).fed([case(file).body]);
        assert!(reader.finished(), "{file}");
        assert_eq!(reader.finish(true), expected, "{file}");
    }
}

#[test]
fn a_stream_that_breaks_off_took_at_least_what_it_said() {
    let cut_before = |file: &str, text: &str| {
        let body = case(file).body;
        let end = memchr::memmem::find(body, text.as_bytes()).unwrap();
        let reader = case(file).fed([&body[..end]]);
        assert!(!reader.finished(), "{file}");
        let usage = reader.finish(false);
        (usage.total_input(), usage.output, usage.certainty)
    };
    assert_eq!(cut_before("anthropic-stream.sse", "event: content_block_delta"), (1325, 1, Certainty::AtLeast));
    assert_eq!(cut_before("anthropic-stream.sse", "event: message_stop"), (1325, 15, Certainty::AtLeast));
    assert_eq!(cut_before("anthropic-stream.sse", "event: message_start"), (0, 0, Certainty::Unknown));
    assert_eq!(cut_before("openai-chat-stream.sse", "data: [DONE]"), (12, 100, Certainty::AtLeast));
    assert_eq!(cut_before("openai-chat-stream.sse", r#""total_tokens""#), (0, 0, Certainty::Unknown));
    assert_eq!(cut_before("gemini-stream.sse", r#""finishReason""#), (9, 31, Certainty::AtLeast));
    assert_eq!(cut_before("openai-chat.json", "}\n}"), (0, 0, Certainty::Unknown));
}

#[test]
fn a_chat_stream_without_usage_stays_unknown() {
    let usage = case("openai-chat-stream-without-usage.sse").fed([case("openai-chat-stream-without-usage.sse").body]).finish(true);
    assert_eq!(usage, Usage { model: Some(ModelId::new("gpt-6-luna")), ..Usage::default() });
}

#[test]
fn chat_counts_come_last_so_a_clean_end_needs_no_marker() {
    let case = case("openai-chat-stream.sse");
    let body = case.body.strip_suffix(b"data: [DONE]\n\n").unwrap();
    assert_eq!(case.fed([body]).finish(true).certainty, Certainty::Exact);
    assert_eq!(case.fed([body]).finish(false).certainty, Certainty::AtLeast);
}

#[test]
fn a_total_above_its_parts_holds_thoughts() {
    let body: &[u8] = br#"{"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":41}}"#;
    let usage = case("gemini-openai-error.json").fed([body]).finish(true);
    assert_eq!((usage.input, usage.output, usage.reasoning), (9, 32, 30));
}

#[test]
fn an_error_inside_a_200_is_found_with_the_status_it_stands_for() {
    for (file, status, word) in [
        ("anthropic-overloaded.sse", 529, "Overloaded"),
        ("openai-responses-failed.sse", 429, "Please try again in 11.054s."),
        ("gemini-stream-error.sse", 429, "RESOURCE_EXHAUSTED"),
        ("gemini-stream-tail.sse", 503, "high demand"),
        ("gemini-openai-error.json", 429, "RESOURCE_EXHAUSTED"),
        ("openrouter-stream-error.sse", 429, "rate_limit_exceeded"),
        ("openrouter-error.json", 502, "disconnected"),
        ("mistral-error.json", 429, "Rate limit exceeded"),
    ] {
        let reader = case(file).fed([case(file).body]);
        let fault = reader.story().fault().unwrap_or_else(|| panic!("{file}: no error seen"));
        assert_eq!(fault.status, status, "{file}");
        let body: serde_json::Value = serde_json::from_slice(&fault.body).unwrap();
        assert!(body["error"].is_object() && body.to_string().contains(word), "{file}: {body}");
        assert!(reader.finish(true).certainty < Certainty::Exact, "{file}");
    }
    for file in ["anthropic-stream.sse", "openai-chat-stream.sse", "openai-responses-stream.sse", "gemini.json"] {
        assert!(case(file).fed([case(file).body]).story().fault().is_none(), "{file}");
    }
}

#[test]
fn the_event_error_of_the_responses_has_no_wrapping() {
    let event = b"event: error\ndata: {\"type\":\"error\",\"code\":\"server_is_overloaded\",\"message\":\"m\",\"param\":null}\n\n";
    let reader = case("openai-responses-stream.sse").fed([event.as_slice()]);
    assert_eq!(reader.story().fault().unwrap().status, 503);
}

#[test]
fn what_generates_nothing_took_nothing() {
    for (api, body) in [
        (Api::CountTokens, r#"{"input_tokens":2095}"#),
        (Api::Models, r#"{"object":"response","status":"completed","usage":{"input_tokens":9,"output_tokens":9}}"#),
    ] {
        let mut reader = UsageReader::new(Dialect::OpenAi, api, &HeaderMap::new());
        reader.push(body.as_bytes());
        assert_eq!(reader.finish(true), Usage { certainty: Certainty::Exact, ..Usage::default() }, "{api:?}");
    }
}

#[test]
fn gemini_says_the_tier_in_a_header() {
    let headers = HeaderMap::from_iter([(header::HeaderName::from_static("x-gemini-service-tier"), HeaderValue::from_static("flex"))]);
    let mut reader = UsageReader::new(Dialect::Gemini, Api::GenerateContent, &headers);
    reader.push(case("gemini.json").body);
    assert_eq!(reader.finish(true).service_tier.as_deref(), Some("flex"));
}

#[test]
fn usage_behind_megabytes_is_still_found() {
    let mut reader = case("openai-images.json").reader(None);
    reader.push(br#"{"data":[{"b64_json":""#);
    for _ in 0..64 {
        reader.push(&vec![b'A'; 256 * 1024]);
        assert!(reader.held() < 256 * 1024);
    }
    reader.push(br#""}],"usage":{"input_tokens":5,"output_tokens":6}}"#);
    let usage = reader.finish(true);
    assert_eq!((usage.input, usage.output, usage.images, usage.certainty), (5, 6, 1, Certainty::Exact));

    let mut reader = case("gemini-stream.sse").reader(None);
    reader.push(br#"data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":""#);
    for _ in 0..64 {
        reader.push(&vec![b'A'; 256 * 1024]);
        assert!(reader.held() < 256 * 1024);
    }
    reader.push(b"\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":7}}\r\n\r\n");
    let usage = reader.finish(true);
    assert_eq!((usage.input, usage.images, usage.certainty), (7, 1, Certainty::Exact));
}

#[test]
fn a_small_body_that_unpacks_to_gigabytes_is_given_up() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..=MAX_READ / (1 << 20) {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.write_all(case("gemini.json").body).unwrap();
    let mut reader = case("gemini.json").reader(Some("gzip"));
    reader.push(&encoder.finish().unwrap());
    assert_eq!(reader.finish(true).certainty, Certainty::Unknown);
}

impl UsageReader {
    fn held(&self) -> usize {
        self.coded.sink().framing.held()
    }
}

/// Cuts `body` at the given places.
fn chunks<'b>(body: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn cuts_change_nothing(case in prop::sample::select(CASES), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = case.fed([case.body]);
        let pieces = case.fed(chunks(case.body, &cuts));
        prop_assert_eq!(pieces.finished(), whole.finished());
        prop_assert_eq!(pieces.finish(true), whole.finish(true), "{}", case.file);
    }

    #[test]
    fn compression_changes_nothing(case in prop::sample::select(CASES), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(case.body).unwrap();
        let packed = encoder.finish().unwrap();
        let mut reader = case.reader(Some("gzip"));
        for chunk in chunks(&packed, &cuts) {
            reader.push(chunk);
        }
        prop_assert_eq!(reader.finish(true), case.fed([case.body]).finish(true), "{}", case.file);
    }

    #[test]
    fn nothing_panics_and_memory_is_capped(
        case in prop::sample::select(CASES),
        coding in prop::sample::select(vec![None, Some("gzip"), Some("deflate"), Some("br")]),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        copies in 1_usize..20,
    ) {
        let mut body = case.body.to_vec();
        let at = at.index(body.len());
        body.splice(at..at, noise);
        let mut reader = case.reader(coding);
        for _ in 0..copies {
            reader.push(&body);
            prop_assert!(reader.held() <= 8 * pieces::MAX_PIECE);
        }
        prop_assert!(reader.finish(false).certainty <= Certainty::Exact);
    }
}

#[test]
fn a_model_that_ends_is_told_by_its_answers() {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
    let mut reader = UsageReader::new(Dialect::Gemini, Api::GenerateContent, &headers);
    reader.push(br#"data: {"modelVersion":"gemini-2.5-pro","usageMetadata":{"promptTokenCount":3},"modelStatus":{"modelStage":"DEPRECATED","retirementTime":"2026-12-01T00:00:00Z"}}"#);
    assert_eq!(reader.model_end(), None, "the event is open");
    reader.close();
    assert_eq!(reader.model_end().unwrap().to_string(), "`gemini-2.5-pro` ends 2026-12-01 (modelStatus DEPRECATED)");
}
