//! OpenAI's responses, and the count of their input.

use serde_json::{Value, json};

use super::super::ask::{flag, output_hint, text};
use super::super::prompt::Prompt;
use super::super::script::{event, quoted};
use super::super::tool::{self, ToolChoice};
use super::{Answer, Ask, BadAsk, End, Framing, Script};

pub(super) fn read(body: &Value) -> Result<Ask, BadAsk> {
    let missing = |param: &'static str| BadAsk {
        code: Some("missing_required_parameter"),
        ..BadAsk::param(format!("Missing required parameter: '{param}'."), param)
    };
    let model = text(body, "model").filter(|model| !model.is_empty()).ok_or_else(|| missing("model"))?;
    let input = body.get("input").ok_or_else(|| missing("input"))?;
    let mut prompt = Prompt::default();
    prompt.add_tools(body.get("tools").unwrap_or(&Value::Null));
    prompt.add(body.get("instructions").unwrap_or(&Value::Null));
    prompt.add_messages(input);
    let mut ask = Ask::new(model.to_owned(), prompt);
    ask.max_tokens = body.get("max_output_tokens").and_then(Value::as_u64);
    if ask.max_tokens.is_some_and(|max| max < 16) {
        let message = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
        return Err(BadAsk { code: Some("integer_below_min_value"), ..BadAsk::param(message, "max_output_tokens") });
    }
    ask.framing = if flag(body, "stream") { Framing::Sse } else { Framing::Whole };
    ask.output_hint = output_hint(text(body, "user"));
    let tools: Vec<(&str, &Value)> = body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|tool| text(tool, "type") == Some("function"))
        .filter_map(|tool| Some((text(tool, "name")?, tool.get("parameters").unwrap_or(&Value::Null))))
        .collect();
    let choice = match body.get("tool_choice") {
        Some(Value::String(word)) if word == "required" => ToolChoice::Must(None),
        Some(Value::String(word)) if word == "none" => ToolChoice::Never,
        Some(demand @ Value::Object(_)) => ToolChoice::Must(text(demand, "name")),
        _ => ToolChoice::Auto,
    };
    let last = input.as_array().and_then(|items| items.last()).unwrap_or(input);
    ask.tool = tool::call(&tools, choice, last);
    Ok(ask)
}

pub(super) fn whole(ask: &Ask, answer: &Answer) -> Value {
    response(ask, answer, status(answer), &[finished_item(answer)], true)
}

pub(super) fn script(ask: &Ask, answer: &Answer) -> Script {
    let mut sequence = 0_u64;
    let mut next = |name: &str, mut json: Value| {
        json["type"] = name.into();
        json["sequence_number"] = sequence.into();
        sequence += 1;
        event(name, json)
    };
    let started = response(ask, answer, "in_progress", &[], false);
    let item = item_id(answer);
    let mut head = vec![
        next("response.created", json!({"response": started})),
        next("response.in_progress", json!({"response": started})),
        next("response.output_item.added", json!({"output_index": 0, "item": started_item(answer)})),
    ];
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let kind = if answer.tool.is_some() {
        "response.function_call_arguments.delta"
    } else {
        head.push(next("response.content_part.added", json!({"item_id": item, "output_index": 0, "content_index": 0, "part": part("")})));
        "response.output_text.delta"
    };
    let first_piece = u64::try_from(head.len()).unwrap_or(0);
    sequence += u64::try_from(answer.pieces().count()).unwrap_or(0);
    let mut next = |name: &str, mut json: Value| {
        json["type"] = name.into();
        json["sequence_number"] = sequence.into();
        sequence += 1;
        event(name, json)
    };
    let mut tail = Vec::new();
    if let Some(call) = &answer.tool {
        let done = json!({"item_id": item, "output_index": 0, "name": call.name, "arguments": answer.arguments()});
        tail.push(next("response.function_call_arguments.done", done));
    } else {
        let text = answer.text();
        let place = |mut json: Value| {
            json["item_id"] = item.as_str().into();
            json["output_index"] = 0.into();
            json["content_index"] = 0.into();
            json
        };
        tail.push(next("response.output_text.done", place(json!({"text": text, "logprobs": []}))));
        tail.push(next("response.content_part.done", place(json!({"part": part(&text)}))));
    }
    tail.push(next("response.output_item.done", json!({"output_index": 0, "item": finished_item(answer)})));
    let last = if answer.end == End::Length { "response.incomplete" } else { "response.completed" };
    tail.push(next(last, json!({"response": whole(ask, answer)})));
    let extra = if answer.tool.is_some() { "" } else { r#","content_index":0,"logprobs":[]"# };
    Script {
        head,
        piece: Box::new(move |piece| {
            let (number, delta) = (first_piece + piece.index, quoted(&piece.text));
            let json =
                format!(r#"{{"type":"{kind}","sequence_number":{number},"item_id":"{item}","output_index":0{extra},"delta":{delta}}}"#);
            event(kind, json)
        }),
        tail,
    }
}

/// The end of a stream that failed.
pub(super) fn failed(answer: &Answer) -> String {
    let error = json!({"code": "server_error", "message": "The server had an error while processing your request. Sorry about that!"});
    let mut response = response(&Ask::default(), answer, "failed", &[], false);
    response["error"] = error;
    event("response.failed", json!({"type": "response.failed", "sequence_number": 0, "response": response}))
}

fn response(ask: &Ask, answer: &Answer, status: &str, output: &[Value], with_usage: bool) -> Value {
    let (input, made) = (answer.input.total(), answer.output());
    let usage = with_usage.then(|| {
        json!({
            "input_tokens": input, "input_tokens_details": {"cached_tokens": answer.input.cache_read, "cache_write_tokens": 0},
            "output_tokens": made, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + made,
        })
    });
    let incomplete = (status == "incomplete").then(|| json!({"reason": "max_output_tokens"}));
    json!({
        "id": format!("resp_{}", answer.id), "object": "response", "created_at": answer.created, "status": status,
        "background": false, "error": null, "incomplete_details": incomplete, "instructions": null,
        "max_output_tokens": ask.max_tokens, "metadata": {}, "model": answer.model, "output": output,
        "parallel_tool_calls": true, "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
        "service_tier": "default", "store": false, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled", "usage": usage, "user": null,
    })
}

fn started_item(answer: &Answer) -> Value {
    match &answer.tool {
        Some(call) => json!({
            "type": "function_call", "id": item_id(answer), "call_id": format!("call_{}", answer.id), "name": call.name, "arguments": "",
            "status": "in_progress",
        }),
        None => json!({"type": "message", "id": item_id(answer), "status": "in_progress", "role": "assistant", "content": []}),
    }
}

fn finished_item(answer: &Answer) -> Value {
    let mut item = started_item(answer);
    item["status"] = status(answer).into();
    if answer.tool.is_some() {
        item["arguments"] = answer.arguments().into();
    } else {
        item["content"] = json!([{"type": "output_text", "text": answer.text(), "annotations": [], "logprobs": []}]);
    }
    item
}

fn item_id(answer: &Answer) -> String {
    format!("{}_{}", if answer.tool.is_some() { "fc" } else { "msg" }, answer.id)
}

const fn status(answer: &Answer) -> &'static str {
    match answer.end {
        End::Length => "incomplete",
        End::Stop | End::Tool => "completed",
    }
}
