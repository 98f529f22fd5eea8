//! Chat completions, which all four providers speak.

use serde_json::{Value, json};

use super::super::ask::{flag, output_hint, text};
use super::super::config::SimProvider;
use super::super::prompt::Prompt;
use super::super::script::{data, quoted};
use super::super::tool::{self, ToolChoice};
use super::{Answer, Ask, BadAsk, End, Framing, Script};

pub(super) fn read(provider: SimProvider, body: &Value) -> Result<Ask, BadAsk> {
    let model = text(body, "model").filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| BadAsk::param("you must provide a model parameter", "model"))?;
    let Some(messages) = body.get("messages").and_then(Value::as_array) else {
        let code = Some("missing_required_parameter");
        return Err(BadAsk { code, ..BadAsk::param("Missing required parameter: 'messages'.", "messages") });
    };
    let Some(last) = messages.last() else {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(BadAsk { code: Some("empty_array"), metered: Some(model.to_owned()), ..BadAsk::param(message, "messages") });
    };
    let mut prompt = Prompt::default();
    for list in ["tools", "functions"] {
        prompt.add_tools(body.get(list).unwrap_or(&Value::Null));
    }
    prompt.add_messages(body.get("messages").unwrap_or(&Value::Null));
    let mut ask = Ask::new(model.to_owned(), prompt);
    ask.max_tokens = ["max_completion_tokens", "max_tokens"].into_iter().find_map(|key| body.get(key)?.as_u64());
    ask.framing = if flag(body, "stream") { Framing::Sse } else { Framing::Whole };
    ask.include_usage = body.get("stream_options").is_some_and(|options| flag(options, "include_usage"));
    // Anthropic's compatible path allows one choice only
    let choices = body.get("n").and_then(Value::as_u64).unwrap_or(1);
    ask.choices = if provider == SimProvider::Anthropic { 1 } else { choices.clamp(1, 128) };
    ask.output_hint = output_hint(text(body, "user")).or_else(|| output_hint(text(body, "user_id")));
    let tools: Vec<(&str, &Value)> = body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tool| tool.get("function"))
        .filter_map(|function| Some((text(function, "name")?, function.get("parameters").unwrap_or(&Value::Null))))
        .collect();
    let choice = match body.get("tool_choice") {
        Some(Value::String(word)) if word == "required" => ToolChoice::Must(None),
        Some(Value::String(word)) if word == "none" => ToolChoice::Never,
        Some(demand @ Value::Object(_)) => ToolChoice::Must(demand.get("function").and_then(|function| text(function, "name"))),
        _ => ToolChoice::Auto,
    };
    ask.tool = tool::call(&tools, choice, last);
    Ok(ask)
}

pub(super) fn whole(provider: SimProvider, answer: &Answer) -> Value {
    let message = match &answer.tool {
        Some(call) => json!({
            "role": "assistant", "content": null, "refusal": null,
            "tool_calls": [{
                "id": format!("call_{}", answer.id), "type": "function",
                "function": {"name": call.name, "arguments": answer.arguments()},
            }],
        }),
        None => json!({"role": "assistant", "content": answer.text(), "refusal": null, "annotations": []}),
    };
    let choice = |index: u64| json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish_reason(answer)});
    json!({
        "id": format!("chatcmpl-{}", answer.id), "object": "chat.completion", "created": answer.created, "model": answer.model,
        "choices": (0..answer.choices).map(choice).collect::<Vec<_>>(),
        "usage": usage(provider, answer), "service_tier": "default", "system_fingerprint": null,
    })
}

pub(super) fn script(provider: SimProvider, ask: &Ask, answer: &Answer) -> Script {
    // what every chunk begins with, up to its choices
    let envelope = format!(
        r#"{{"id":"chatcmpl-{}","object":"chat.completion.chunk","created":{},"model":{},"service_tier":"default","system_fingerprint":null,"#,
        answer.id,
        answer.created,
        quoted(&answer.model)
    );
    let usage_field = if ask.include_usage { r#","usage":null"# } else { "" };
    let choices = answer.choices;
    let chunk = {
        let envelope = envelope.clone();
        move |delta: &str, finish: &str| {
            (0..choices)
                .map(|index| {
                    let choice = format!(r#"{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#);
                    data(format_args!(r#"{envelope}"choices":[{choice}]{usage_field}}}"#))
                })
                .collect::<String>()
        }
    };
    let first = match &answer.tool {
        Some(call) => json!({"role": "assistant", "content": null, "tool_calls": [{
            "index": 0, "id": format!("call_{}", answer.id), "type": "function", "function": {"name": call.name, "arguments": ""},
        }]}),
        None => json!({"role": "assistant", "content": "", "refusal": null}),
    };
    let head = vec![chunk(&first.to_string(), "null")];
    let mut tail = vec![chunk("{}", &quoted(finish_reason(answer)))];
    if ask.include_usage {
        tail.push(data(format_args!(r#"{envelope}"choices":[],"usage":{}}}"#, usage(provider, answer))));
    }
    tail.push(data("[DONE]"));
    let is_tool = answer.tool.is_some();
    let piece = move |text: &str| {
        let text = quoted(text);
        let delta = if is_tool {
            format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{text}}}}}]}}"#)
        } else {
            format!(r#"{{"content":{text}}}"#)
        };
        chunk(&delta, "null")
    };
    Script { head, piece: Box::new(move |part| piece(&part.text)), tail }
}

/// Prompt tokens include those read from a cache. Each provider details them in its own way.
fn usage(provider: SimProvider, answer: &Answer) -> Value {
    let (input, output) = (answer.input.total(), answer.output());
    let mut usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    match provider {
        SimProvider::OpenAi => {
            usage["prompt_tokens_details"] = json!({"cached_tokens": answer.input.cache_read, "audio_tokens": 0});
            usage["completion_tokens_details"] = json!({
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            });
        }
        SimProvider::DeepSeek => {
            usage["prompt_cache_hit_tokens"] = answer.input.cache_read.into();
            usage["prompt_cache_miss_tokens"] = (input - answer.input.cache_read).into();
            usage["prompt_tokens_details"] = json!({"cached_tokens": answer.input.cache_read});
        }
        // Anthropic leaves the details empty, Gemini gives the three sums
        SimProvider::Anthropic | SimProvider::Gemini => {}
    }
    usage
}

const fn finish_reason(answer: &Answer) -> &'static str {
    match answer.end {
        End::Stop => "stop",
        End::Length => "length",
        End::Tool => "tool_calls",
    }
}
