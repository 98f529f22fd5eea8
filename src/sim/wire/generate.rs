//! Gemini's generateContent and streamGenerateContent.

use serde_json::{Value, json};

use super::super::ask::text;
use super::super::prompt::Prompt;
use super::super::script::quoted;
use super::super::tool::{self, ToolChoice};
use super::{Answer, Ask, BadAsk, End, Framing, Script};

/// What Gemini says when it is overloaded (recorded 2026).
pub(super) const OVERLOADED: &str =
    "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.";

pub(super) fn read(body: &Value, model: &str, framing: Framing) -> Result<Ask, BadAsk> {
    // countTokens may wrap the request
    let body = body.get("generateContentRequest").unwrap_or(body);
    let contents = body.get("contents").filter(|contents| contents.as_array().is_none_or(|list| !list.is_empty()));
    let contents = contents.ok_or_else(|| BadAsk::new("* GenerateContentRequest.contents: contents is not specified\n"))?;
    let null = Value::Null;
    let mut prompt = Prompt::default();
    prompt.add_tools(body.get("tools").unwrap_or(&null));
    prompt.add(body.get("systemInstruction").unwrap_or(&null));
    prompt.add_messages(contents);
    let mut ask = Ask::new(model.to_owned(), prompt);
    let settings = body.get("generationConfig").unwrap_or(&null);
    ask.max_tokens = settings.get("maxOutputTokens").and_then(Value::as_u64);
    ask.choices = settings.get("candidateCount").and_then(Value::as_u64).unwrap_or(1).clamp(1, 8);
    ask.framing = framing;
    let tools: Vec<(&str, &Value)> = body
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tool| tool.get("functionDeclarations")?.as_array())
        .flatten()
        .filter_map(|function| {
            let schema = function.get("parameters").or_else(|| function.get("parametersJsonSchema")).unwrap_or(&Value::Null);
            Some((text(function, "name")?, schema))
        })
        .collect();
    let calling = body.get("toolConfig").and_then(|config| config.get("functionCallingConfig")).unwrap_or(&null);
    let choice = match text(calling, "mode") {
        Some("ANY") => ToolChoice::Must(calling.get("allowedFunctionNames").and_then(|names| names.get(0)?.as_str())),
        Some("NONE") => ToolChoice::Never,
        _ => ToolChoice::Auto,
    };
    let last = contents.as_array().and_then(|list| list.last()).unwrap_or(contents);
    ask.tool = tool::call(&tools, choice, last);
    Ok(ask)
}

pub(super) fn whole(answer: &Answer) -> Value {
    let part = match &answer.tool {
        Some(call) => json!({"functionCall": {"name": call.name, "args": call.arguments}}),
        None => json!({"text": answer.text()}),
    };
    let candidate =
        |index: u64| json!({"content": {"parts": [part], "role": "model"}, "finishReason": finish_reason(answer), "index": index});
    json!({
        "candidates": (0..answer.choices).map(candidate).collect::<Vec<_>>(),
        "usageMetadata": usage(answer, answer.output()), "modelVersion": answer.model, "responseId": answer.id,
    })
}

/// Every chunk carries the usage so far. A call of a function is not cut into pieces: it comes with the last chunk.
pub(super) fn script(ask: &Ask, answer: &Answer) -> Script {
    let framing = ask.framing;
    let (prompt, choices, is_tool) = (answer.input.total(), answer.choices, answer.tool.is_some());
    let end = format!(r#""modelVersion":{},"responseId":"{}"}}"#, quoted(&answer.model), answer.id);
    let last = if is_tool {
        whole(answer)
    } else {
        let candidate = |index: u64| json!({"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": finish_reason(answer), "index": index});
        let mut last = whole(answer);
        last["candidates"] = (0..choices).map(candidate).collect();
        last
    };
    let is_first = is_tool || answer.length == 0;
    let mut tail = vec![framed(framing, is_first, &last.to_string())];
    if framing == Framing::JsonArray {
        tail.push("]".to_owned());
    }
    Script {
        head: Vec::new(),
        piece: Box::new(move |piece| {
            if is_tool {
                return String::new();
            }
            let text = quoted(&piece.text);
            let candidates: Vec<String> = (0..choices)
                .map(|index| format!(r#"{{"content":{{"parts":[{{"text":{text}}}],"role":"model"}},"index":{index}}}"#))
                .collect();
            let made = piece.tokens * choices;
            let usage = format!(
                r#"{{"promptTokenCount":{prompt},"candidatesTokenCount":{made},"totalTokenCount":{},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{prompt}}}]}}"#,
                prompt + made
            );
            framed(framing, piece.index == 0, &format!(r#"{{"candidates":[{}],"usageMetadata":{usage},{end}"#, candidates.join(",")))
        }),
        tail,
    }
}

fn framed(framing: Framing, is_first: bool, json: &str) -> String {
    match framing {
        Framing::JsonArray => format!("{}{json}", if is_first { "[" } else { ",\r\n" }),
        Framing::Sse | Framing::Whole => format!("data: {json}\r\n\r\n"),
    }
}

/// The prompt's count includes what came from a cache; the candidates' does not include thoughts, of which there are none here.
fn usage(answer: &Answer, made: u64) -> Value {
    let prompt = answer.input.total();
    json!({
        "promptTokenCount": prompt, "candidatesTokenCount": made, "totalTokenCount": prompt + made,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    })
}

const fn finish_reason(answer: &Answer) -> &'static str {
    match answer.end {
        End::Stop | End::Tool => "STOP",
        End::Length => "MAX_TOKENS",
    }
}
