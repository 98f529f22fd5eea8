//! Anthropic's messages: `/v1/messages` and `/v1/messages/count_tokens`.

use serde_json::{Value, json};

use super::super::ask::{flag, output_hint, text};
use super::super::prompt::Prompt;
use super::super::script::{event, quoted};
use super::super::tool::{self, ToolChoice};
use super::{Answer, Ask, BadAsk, End, Framing, InputUsage, Script};

pub(super) fn read(body: &Value) -> Result<Ask, BadAsk> {
    let mut ask = read_count(body)?;
    let max_tokens = body.get("max_tokens").ok_or_else(|| missing("max_tokens"))?;
    ask.max_tokens = Some(max_tokens.as_u64().ok_or_else(|| BadAsk::new("max_tokens: Input should be a valid integer"))?);
    ask.framing = if flag(body, "stream") { Framing::Sse } else { Framing::Whole };
    if ask.max_tokens == Some(0) && ask.framing == Framing::Sse {
        return Err(BadAsk::new("max_tokens: 0 is not allowed when streaming"));
    }
    ask.output_hint = output_hint(body.get("metadata").and_then(|metadata| text(metadata, "user_id")));
    let null = Value::Null;
    let tools: Vec<(&str, &Value)> = body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tool| Some((text(tool, "name")?, tool.get("input_schema")?)))
        .collect();
    let choice = body.get("tool_choice").unwrap_or(&null);
    let choice = match text(choice, "type") {
        Some("any") => ToolChoice::Must(None),
        Some("tool") => ToolChoice::Must(text(choice, "name")),
        Some("none") => ToolChoice::Never,
        _ => ToolChoice::Auto,
    };
    let last = body.get("messages").and_then(|messages| messages.as_array()?.last()).unwrap_or(&null);
    ask.tool = tool::call(&tools, choice, last);
    Ok(ask)
}

pub(super) fn read_count(body: &Value) -> Result<Ask, BadAsk> {
    let model = text(body, "model").filter(|model| !model.is_empty()).ok_or_else(|| missing("model"))?;
    let messages = body.get("messages").ok_or_else(|| missing("messages"))?;
    if messages.as_array().is_none_or(Vec::is_empty) {
        return Err(BadAsk::new("messages: at least one message is required"));
    }
    let mut prompt = Prompt::cached();
    if let Some(tools) = body.get("tools") {
        prompt.add_tools(tools);
    }
    if let Some(system) = body.get("system") {
        prompt.add(system);
    }
    prompt.add_messages(messages);
    prompt.mark(body);
    Ok(Ask::new(model.to_owned(), prompt))
}

fn missing(field: &'static str) -> BadAsk {
    BadAsk::param(format!("{field}: Field required"), field)
}

pub(super) fn whole(answer: &Answer) -> Value {
    let content = match &answer.tool {
        Some(call) => json!([{"type": "tool_use", "id": format!("toolu_{}", answer.id), "name": call.name, "input": call.arguments}]),
        None if answer.length == 0 => json!([]),
        None => json!([{"type": "text", "text": answer.text(), "citations": null}]),
    };
    message(answer, &content, Some(stop_reason(answer)), answer.output())
}

pub(super) fn script(answer: &Answer) -> Script {
    let start = json!({"type": "message_start", "message": message(answer, &json!([]), None, 1.min(answer.output()))});
    let block = match &answer.tool {
        Some(call) => json!({"type": "tool_use", "id": format!("toolu_{}", answer.id), "name": call.name, "input": {}}),
        None => json!({"type": "text", "text": ""}),
    };
    let (kind, field) = if answer.tool.is_some() { ("input_json_delta", "partial_json") } else { ("text_delta", "text") };
    let delta = json!({"stop_reason": stop_reason(answer), "stop_sequence": null});
    Script {
        head: vec![
            event("message_start", start),
            event("content_block_start", json!({"type": "content_block_start", "index": 0, "content_block": block})),
            event("ping", r#"{"type": "ping"}"#),
        ],
        piece: Box::new(move |piece| {
            let text = quoted(&piece.text);
            let json = format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"{kind}","{field}":{text}}}}}"#);
            event("content_block_delta", json)
        }),
        tail: vec![
            event("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            event("message_delta", json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.output()}})),
            event("message_stop", json!({"type": "message_stop"})),
        ],
    }
}

fn message(answer: &Answer, content: &Value, stop_reason: Option<&str>, output: u64) -> Value {
    json!({
        "id": format!("msg_{}", answer.id), "type": "message", "role": "assistant", "model": answer.model, "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": usage(answer.input, output),
    })
}

/// The three kinds of input do not overlap.
fn usage(input: InputUsage, output: u64) -> Value {
    json!({
        "input_tokens": input.plain,
        "cache_creation_input_tokens": input.cache_write,
        "cache_read_input_tokens": input.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": input.cache_write - input.cache_write_long,
            "ephemeral_1h_input_tokens": input.cache_write_long,
        },
        "output_tokens": output,
        "service_tier": "standard",
        "inference_geo": "global",
    })
}

const fn stop_reason(answer: &Answer) -> &'static str {
    match answer.end {
        End::Stop => "end_turn",
        End::Length => "max_tokens",
        End::Tool => "tool_use",
    }
}
