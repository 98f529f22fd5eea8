//! Reads from a request what the limiter needs to know before it is sent.

mod body;
mod form;
mod path;
mod text;
mod tied;

use http::{HeaderMap, HeaderName, Method};

use self::body::{Body, hash_of};
pub use self::tied::is_tied;
use crate::domain::{Api, Dialect, ModelId, RequestFacts};

pub use path::path_with_model;

/// Claude Code names its session (observed in its gateway guide, 2026).
const SESSION_ID: HeaderName = HeaderName::from_static("x-claude-code-session-id");

/// What can be told of a request. `path` is the provider's own path with its query, without the gateway's route.
///
/// A body that is not JSON counts by its size, and a form by its prompt and its files. Of a body that stops being
/// JSON half-way, the fields before the break are kept and its whole size counts.
#[must_use]
pub fn request_facts(dialect: Dialect, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> RequestFacts {
    let by_path = path::path_facts(dialect, method, path);
    if by_path.api == Api::Batches {
        // its requests are counted when the provider runs them, in pools of their own
        return RequestFacts::opaque(Api::Batches, 0);
    }
    let mut facts = RequestFacts { stream: by_path.stream, ..RequestFacts::opaque(by_path.api, body.len() as u64) };
    if let Some(form) = form::read(headers, body) {
        facts.model = form.model.map(ModelId::new);
        facts.stream |= form.stream;
        facts.choices = form.choices.unwrap_or(1).max(1);
        facts.text_bytes = form.text_bytes;
        facts.media = form.files;
    } else if !body.is_empty() {
        let (read, whole) = body::read(body);
        facts.conversation = read.conversation().filter(|_| is_conversation(by_path.api));
        facts.stream |= read.stream;
        facts.max_output = read.max_output;
        facts.choices = read.choices.unwrap_or(1).max(1);
        facts.service_tier = service_tier(&read);
        facts.model = read.model.as_deref().map(|model| ModelId::new(bare_model(dialect, model)));
        if whole {
            facts.text_bytes = read.text_bytes;
            facts.media = read.media;
        }
    }
    facts.model = by_path.model.map(ModelId::new).or(facts.model);
    if let Some(session) = headers.get(&SESSION_ID).filter(|_| is_conversation(by_path.api)) {
        facts.conversation = Some(hash_of(session.as_bytes()));
    }
    facts
}

/// What can be told of a WebSocket before anything has passed through it: OpenAI's realtime API names the model in the query.
#[must_use]
pub fn socket_facts(path: &str) -> RequestFacts {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let model = query.split('&').find_map(|field| field.strip_prefix("model=")).filter(|model| !model.is_empty());
    RequestFacts { model: model.map(ModelId::new), stream: true, ..RequestFacts::opaque(Api::Other, 0) }
}

/// Gemini's other routes write the model as `models/x` in the body.
fn bare_model(dialect: Dialect, model: &str) -> &str {
    let gemini = matches!(dialect, Dialect::Gemini | Dialect::Vertex);
    if gemini { model.strip_prefix("models/").unwrap_or(model) } else { model }
}

/// Anthropic's `speed` names a pool of its own unless it is the standard one; it then outranks `service_tier`.
fn service_tier(body: &Body) -> Option<String> {
    body.speed.clone().filter(|speed| speed != "standard").or_else(|| body.service_tier.clone())
}

const fn is_conversation(api: Api) -> bool {
    matches!(api, Api::Messages | Api::ChatCompletions | Api::Responses | Api::GenerateContent | Api::Interactions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(path: &str, body: &str) -> RequestFacts {
        request_facts(Dialect::OpenAi, &Method::POST, path, &HeaderMap::new(), body.as_bytes())
    }

    #[expect(clippy::needless_pass_by_value, reason = "json! in place reads better")]
    fn facts(path: &str, body: serde_json::Value) -> RequestFacts {
        read(path, &body.to_string())
    }

    #[test]
    fn every_api_says_model_stream_and_limit_in_its_own_way() {
        let gemini = "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse";
        for (path, body, model, stream, max_output, choices) in [
            ("/v1/messages", json!({"model": "claude-opus-5", "max_tokens": 64, "stream": true}), "claude-opus-5", true, Some(64), 1),
            (
                "/v1/chat/completions",
                json!({"model": "gpt-6-luna", "max_completion_tokens": 100, "n": 2}),
                "gpt-6-luna",
                false,
                Some(100),
                2,
            ),
            ("/v1/chat/completions", json!({"model": "m", "max_tokens": null, "n": null, "stream": false}), "m", false, None, 1),
            ("/v1/chat/completions", json!({"model": "m", "max_tokens": -1, "n": 0}), "m", false, None, 1),
            ("/v1/responses", json!({"model": "gpt-6-sol", "max_output_tokens": 16, "stream": true}), "gpt-6-sol", true, Some(16), 1),
            (gemini, json!({"generationConfig": {"maxOutputTokens": 800, "candidateCount": 3}}), "gemini-3.8-flash", true, Some(800), 3),
        ] {
            let read = facts(path, body);
            let model = Some(ModelId::new(model));
            assert_eq!((read.model, read.stream, read.max_output, read.choices), (model, stream, max_output, choices), "{path}");
        }
    }

    #[test]
    fn text_that_becomes_input_is_counted_and_its_envelope_is_not() {
        for (body, text_bytes) in [
            (json!({"messages": [{"role": "user", "content": "four"}]}), 4),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "four", "cache_control": {"type": "ephemeral"}}]}]}),
                4,
            ),
            (json!({"system": "12345", "messages": [{"role": "user", "content": "four"}], "metadata": {"user_id": "long text"}}), 9),
            (json!({"system": [{"type": "text", "text": "12345"}]}), 5),
            (
                json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "ls", "input": {"dir": "/"}}]}]}),
                6,
            ),
            (json!({"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "four"}]}), 4),
            (json!({"tools": [{"name": "ls", "input_schema": {"type": "object"}}]}), "namelsinput_schematypeobject".len() as u64),
            (json!({"input": "four", "instructions": "12345"}), 9),
            (json!({"input": ["four", "12345"]}), 9),
            (json!({"input": [[1, 2, 3], [4]]}), 16),
            (json!({"prompt": "four"}), 4),
            (json!({"contents": [{"parts": [{"text": "four"}]}], "systemInstruction": {"parts": [{"text": "12345"}]}}), 9),
            (json!({"requests": [{"model": "models/e", "content": {"parts": [{"text": "four"}]}}]}), 4),
            (json!({"messages": [{"role": "user", "content": "héé"}], "stop": ["not input"]}), 5),
            (json!({"generationConfig": {"responseSchema": {"type": "STRING"}}}), 10),
        ] {
            assert_eq!(facts("/v1/messages", body.clone()).text_bytes, text_bytes, "{body}");
        }
    }

    #[test]
    fn media_count_by_number_not_by_bytes() {
        let base64 = "iVBORw0KGgo".repeat(1000);
        let url = format!("data:image/png;base64,{base64}");
        for (part, media, text_bytes) in [
            (json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64}}), 1, 0),
            (json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}), 1, 0),
            (json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}}), 1, 0),
            (json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain words"}}), 0, 11),
            (json!({"type": "image_url", "image_url": {"url": url, "detail": "high"}}), 1, 0),
            (json!({"type": "input_image", "image_url": url, "detail": "auto"}), 1, 0),
            (json!({"type": "input_audio", "input_audio": {"data": base64, "format": "wav"}}), 1, 0),
            (json!({"type": "file", "file": {"filename": "a.pdf", "file_data": url}}), 1, 5),
            (json!({"inlineData": {"mimeType": "image/png", "data": base64}}), 1, 0),
            (json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.com/v"}}), 1, 0),
            (json!({"type": "web_search_result", "url": "https://example.com", "title": "four", "encrypted_content": base64}), 0, 4),
        ] {
            let read = facts("/v1/chat/completions", json!({"messages": [{"role": "user", "content": [part]}]}));
            assert_eq!((read.media, read.text_bytes), (media, text_bytes), "{part}");
        }
    }

    #[test]
    fn turns_of_one_conversation_are_told_from_others() {
        let user = |text: &str| json!({"role": "user", "content": text});
        let assistant = json!({"role": "assistant", "content": "hello"});
        let system = json!({"role": "system", "content": "be short"});
        let turn = |messages: serde_json::Value| facts("/v1/chat/completions", json!({"model": "m", "messages": messages})).conversation;
        let first = turn(json!([system, user("hi")]));
        assert!(first.is_some());
        assert_eq!(first, turn(json!([system, user("hi"), assistant, user("and then?")])));
        assert_ne!(first, turn(json!([system, user("ho")])));
        assert_ne!(first, turn(json!([user("hi")])));

        let before = facts("/v1/messages", json!({"system": "s", "messages": [user("hi")]})).conversation;
        let after = facts("/v1/messages", json!({"messages": [user("hi"), assistant], "system": "s"})).conversation;
        assert_eq!(before, after);
        assert_eq!(facts("/v1/embeddings", json!({"input": "hi"})).conversation, None);
    }

    #[test]
    fn a_conversation_that_has_a_name_goes_by_it() {
        for (name, body) in [
            ("prompt_cache_key", json!({"prompt_cache_key": "k"})),
            ("previous_response_id", json!({"previous_response_id": "resp_1"})),
            ("metadata.user_id", json!({"metadata": {"user_id": "u", "other": [1]}})),
            ("conversation", json!({"conversation": "conv_1"})),
            ("conversation.id", json!({"conversation": {"id": "conv_1"}})),
        ] {
            let mut one = body.clone();
            let mut two = body;
            one["input"] = json!("hi");
            two["input"] = json!("something else");
            let one = facts("/v1/responses", one).conversation;
            assert!(one.is_some(), "{name}");
            assert_eq!(one, facts("/v1/responses", two).conversation, "{name}");
        }
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static("x-claude-code-session-id"), http::HeaderValue::from_static("session"))]);
        let turn = |body: &[u8]| request_facts(Dialect::Anthropic, &Method::POST, "/v1/messages", &headers, body).conversation;
        assert!(turn(br#"{"messages":[]}"#).is_some());
        assert_eq!(turn(br#"{"messages":[]}"#), turn(br#"{"messages":[{"role":"user","content":"x"}]}"#));
    }

    #[test]
    fn a_pool_of_its_own_is_named() {
        for (body, tier) in [
            (json!({"service_tier": "flex"}), Some("flex")),
            (json!({"serviceTier": "priority"}), Some("priority")),
            (json!({"speed": "fast"}), Some("fast")),
            (json!({"speed": "fast", "service_tier": "auto"}), Some("fast")),
            (json!({"speed": "standard", "service_tier": "auto"}), Some("auto")),
            (json!({"speed": "standard"}), None),
            (json!({"service_tier": null}), None),
        ] {
            assert_eq!(facts("/v1/messages", body.clone()).service_tier.as_deref(), tier, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_counts_by_its_size() {
        for body in ["", "x", "[]", "{", "\"text\"", "null", "\u{0}\u{1}"] {
            assert_eq!(read("/v1/embeddings", body), RequestFacts::opaque(Api::Embeddings, body.len() as u64), "{body:?}");
        }
        let broken = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"cut of"#;
        let facts = read("/v1/chat/completions", broken);
        assert_eq!((facts.model, facts.stream, facts.text_bytes), (Some(ModelId::new("m")), true, broken.len() as u64));
    }

    #[test]
    fn fields_of_a_wrong_kind_do_not_spoil_the_others() {
        for odd in ["null", "true", "-7", "1.5e300", "\"\"", "[[]]", "{\"a\":{}}"] {
            for field in [
                "stream",
                "max_tokens",
                "n",
                "service_tier",
                "system",
                "tools",
                "messages",
                "speed",
                "prompt_cache_key",
                "metadata",
                "generationConfig",
            ] {
                let facts = read("/v1/messages", &format!(r#"{{"{field}":{odd},"model":"m"}}"#));
                assert_eq!(facts.model, Some(ModelId::new("m")), "{field} {odd}");
            }
        }
    }

    #[test]
    fn an_upload_counts_by_its_prompt_and_files() {
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, http::HeaderValue::from_static("multipart/form-data; boundary=\"b 1\""))]);
        let body = "--b 1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-transcribe\r\n\
                    --b 1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
                    RIFF\u{0}\u{1}\r\n--b 1\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nfour\r\n\
                    --b 1\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b 1--\r\n";
        let facts = request_facts(Dialect::OpenAi, &Method::POST, "/v1/audio/transcriptions", &headers, body.as_bytes());
        let expected =
            RequestFacts { model: Some(ModelId::new("gpt-transcribe")), stream: true, media: 1, ..RequestFacts::opaque(Api::Audio, 4) };
        assert_eq!(facts, expected);
    }

    #[test]
    fn a_batch_takes_nothing_from_the_limits_of_the_minute() {
        let body = json!({"requests": [{"custom_id": "a", "params": {"model": "claude-opus-5", "max_tokens": 64}}]});
        for path in ["/v1/messages/batches", "/v1/batches", "/v1/files", "/v1beta/models/gemini-3.8-flash:batchGenerateContent"] {
            assert_eq!(facts(path, body.clone()), RequestFacts::opaque(Api::Batches, 0), "{path}");
        }
    }

    #[test]
    fn nesting_cannot_exhaust_the_stack() {
        for open in ["[", "{\"a\":", "[{\"content\":"] {
            let body = format!("{{\"model\":\"m\",\"messages\":{}", open.repeat(1_000_000));
            assert_eq!(read("/v1/messages", &body).text_bytes, body.len() as u64);
        }
        // a field that is not read may nest as it likes
        let body = format!("{{\"model\":\"m\",\"extra\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(read("/v1/messages", &body).text_bytes, 0);
    }

    proptest! {
        #[test]
        fn no_body_panics(path in "(/v1(beta)?)?/[a-z/:]{0,30}", body in proptest::collection::vec(any::<u8>(), 0..300)) {
            for dialect in Dialect::ALL {
                let facts = request_facts(dialect, &Method::POST, &path, &HeaderMap::new(), &body);
                prop_assert!(facts.text_bytes <= 4 * body.len() as u64);
            }
        }

        #[test]
        fn text_never_counts_more_than_the_body_has(text in ".{0,200}", role in "[a-z]{0,9}") {
            let body = json!({"model": "m", "messages": [{"role": role, "content": [{"type": "text", "text": text}]}]}).to_string();
            let facts = read("/v1/chat/completions", &body);
            prop_assert_eq!(facts.text_bytes, text.len() as u64);
        }
    }
}
