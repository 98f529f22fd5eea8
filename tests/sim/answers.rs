//! What good answers look like, whole and streamed.

use serde_json::{Value, json};
use tierline::sim::SimProvider;

use crate::client::{
    CHAT, GENERATE, KEY, MESSAGES, RESPONSES, STREAM, chat, client, config, generate, message, post, request, send, start, with,
};

#[tokio::test]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let streamed = |body: &Value| with(with(body.clone(), "stream", true), "stream_options", json!({"include_usage": true}));
    let deepseek = with(chat("hello"), "model", "deepseek-flash");
    let sse = format!("{STREAM}?alt=sse");
    let in_chat = ["/choices/0/message/content", "/choices/0/delta/content", "/usage/completion_tokens"];
    let in_message = ["/content/0/text", "/delta/text", "/usage/output_tokens"];
    let in_response = ["/output/0/content/0/text", "/delta", "/response/usage/output_tokens"];
    let in_candidate = ["/candidates/0/content/parts/0/text", "/candidates/0/content/parts/0/text", "/usageMetadata/candidatesTokenCount"];
    for (provider, path, body, stream_path, [text, delta, usage]) in [
        (SimProvider::Anthropic, MESSAGES, message("hello"), MESSAGES, in_message),
        (SimProvider::Anthropic, CHAT, chat("hello"), CHAT, in_chat),
        (SimProvider::OpenAi, CHAT, chat("hello"), CHAT, in_chat),
        (SimProvider::OpenAi, RESPONSES, json!({"model": "gpt-5.5", "input": "hello"}), RESPONSES, in_response),
        (SimProvider::Gemini, GENERATE, generate("hello"), &sse, in_candidate),
        (SimProvider::DeepSeek, "/chat/completions", deepseek, "/chat/completions", in_chat),
        (SimProvider::DeepSeek, "/anthropic/v1/messages", message("hello"), "/anthropic/v1/messages", in_message),
    ] {
        let sim = start(config(provider)).await;
        let whole = post(&sim, path, &body).await;
        assert_eq!(whole.status, 200, "{}", whole.text);
        let stream = post(&sim, stream_path, &streamed(&body)).await;
        assert!(stream.header("content-type").starts_with("text/event-stream"));
        let joined = stream.joined(delta);
        assert_eq!(joined, whole.json().pointer(text).unwrap().as_str().unwrap(), "{path}");
        assert_eq!(joined.split_whitespace().count(), 20);
        let events = stream.events();
        let last_usage = events.iter().rev().find_map(|event| event.pointer(usage));
        assert_eq!(last_usage, Some(&json!(20)), "{path}");
        assert!(events.len() > 7, "{path} has real chunks");
    }
}

#[tokio::test]
async fn geminis_other_stream_is_one_array() {
    let sim = start(config(SimProvider::Gemini)).await;
    let chunks = post(&sim, STREAM, &generate("hello")).await.json();
    let chunks = chunks.as_array().unwrap();
    assert_eq!(chunks.len(), 8, "seven pieces of three tokens and the end");
    assert_eq!(chunks[7]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(chunks[7]["usageMetadata"]["totalTokenCount"], 8 + 20);
}

#[tokio::test]
async fn a_tool_is_called_with_arguments_that_fit() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let arguments = json!({"city": "sim", "days": 1});
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();

    let sim = start(config(SimProvider::Anthropic)).await;
    let body = with(message("Use the tool"), "tools", json!([{"name": "weather", "input_schema": schema}]));
    let whole = post(&sim, MESSAGES, &body).await.json();
    assert_eq!((&whole["content"][0]["input"], &whole["stop_reason"]), (&arguments, &json!("tool_use")));
    assert_eq!(parsed(&post(&sim, MESSAGES, &with(body, "stream", true)).await.joined("/delta/partial_json")), arguments);

    let sim = start(config(SimProvider::OpenAi)).await;
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}]);
    let body = with(with(chat("hello"), "tools", tools), "tool_choice", "required");
    let whole = post(&sim, CHAT, &body).await.json();
    assert_eq!(parsed(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap()), arguments);
    let stream = post(&sim, CHAT, &with(body, "stream", true)).await;
    assert_eq!(parsed(&stream.joined("/choices/0/delta/tool_calls/0/function/arguments")), arguments);

    let tools = json!([{"type": "function", "name": "weather", "parameters": schema}]);
    let body = json!({"model": "gpt-5.5", "input": "use the weather tool", "tools": tools});
    let whole = post(&sim, RESPONSES, &body).await.json();
    assert_eq!(parsed(whole["output"][0]["arguments"].as_str().unwrap()), arguments);
    let events = post(&sim, RESPONSES, &with(body, "stream", true)).await.events();
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());

    let sim = start(config(SimProvider::Gemini)).await;
    let tools = json!([{"functionDeclarations": [{"name": "weather", "parameters": schema}]}]);
    let body = with(generate("use the weather tool"), "tools", tools);
    let call = json!({"name": "weather", "args": arguments});
    assert_eq!(post(&sim, GENERATE, &body).await.json()["candidates"][0]["content"]["parts"][0]["functionCall"], call);
    let events = post(&sim, &format!("{STREAM}?alt=sse"), &body).await.events();
    assert_eq!(events[0]["candidates"][0]["content"]["parts"][0]["functionCall"], call);
}

#[tokio::test]
async fn the_request_can_say_how_long_the_answer_is() {
    let sim = start(config(SimProvider::Anthropic)).await;
    let hint = |id: &str| json!({"user_id": id});
    for (max_tokens, metadata, header, output, stop_reason) in [
        (100, Value::Null, None, 20, "end_turn"),
        (100, hint("out=55"), None, 55, "end_turn"),
        (100, hint("out=55"), Some("66"), 66, "end_turn"),
        (50, hint("55"), None, 50, "max_tokens"),
        (0, Value::Null, None, 0, "max_tokens"),
    ] {
        let body = with(with(message("hello"), "max_tokens", max_tokens), "metadata", metadata);
        let request = request(&sim, MESSAGES, &body);
        let answer = send(if let Some(tokens) = header { request.header("x-sim-output-tokens", tokens) } else { request }).await.json();
        assert_eq!((&answer["usage"]["output_tokens"], &answer["stop_reason"]), (&json!(output), &json!(stop_reason)));
    }
}

#[tokio::test]
async fn lists_counts_vectors_and_balances_are_there() {
    for (provider, path, pointer, value) in [
        (SimProvider::Anthropic, "/v1/models?limit=1000", "/data/0/type", json!("model")),
        (SimProvider::OpenAi, "/v1/models", "/data/0/shutdown_date", Value::Null),
        (SimProvider::Gemini, "/v1beta/models", "/models/0/name", json!("models/gemini-3.8-flash")),
        (SimProvider::DeepSeek, "/models", "/data/0/id", json!("deepseek-flash")),
        (SimProvider::DeepSeek, "/user/balance", "/balance_infos/0/total_balance", json!("110.00")),
        (SimProvider::OpenAi, "/__sim/stats", "/requests", json!(0)),
    ] {
        let sim = start(config(provider)).await;
        let answer = send(client().get(format!("{}{path}", sim.url())).bearer_auth(KEY)).await;
        assert_eq!(answer.json().pointer(pointer), Some(&value), "{path}");
    }
    let count = json!({"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": "abcd"}]});
    for (provider, path, body, pointer, value) in [
        (SimProvider::Anthropic, "/v1/messages/count_tokens", count, "/input_tokens", 7),
        (SimProvider::OpenAi, "/v1/responses/input_tokens", json!({"model": "m", "input": "abcd"}), "/input_tokens", 7),
        (SimProvider::Gemini, "/v1beta/models/g:countTokens", generate("abcd"), "/totalTokens", 7),
        (SimProvider::OpenAi, "/v1/embeddings", json!({"model": "e", "input": ["abcd", "x"]}), "/data/1/index", 1),
    ] {
        let sim = start(config(provider)).await;
        assert_eq!(post(&sim, path, &body).await.json().pointer(pointer), Some(&json!(value)), "{path}");
    }
}

#[tokio::test]
async fn deepseek_answers_under_its_own_names() {
    let sim = start(config(SimProvider::DeepSeek)).await;
    for (path, model, answers) in [
        (CHAT, "deepseek-v4-flash", Some("deepseek-flash")),
        (CHAT, "deepseek-v4-pro", Some("deepseek-v4-pro")),
        (CHAT, "deepseek-chat", None),
        ("/anthropic/v1/messages", "claude-opus-5-5", Some("deepseek-v4-pro")),
        ("/anthropic/v1/messages", "claude-sonnet-5-5", Some("deepseek-flash")),
    ] {
        let answer = post(&sim, path, &with(message("hello"), "model", model)).await;
        assert_eq!((answer.status == 200, answer.json()["model"].as_str()), (answers.is_some(), answers), "{model}");
    }
}
