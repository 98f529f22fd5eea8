//! Whether an answer is a tool call, and arguments that fit the tool's schema.

use serde_json::{Map, Value, json};

/// A call of one of the request's tools.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// An object.
    pub(super) arguments: Value,
}

/// What the request says about the use of its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolChoice<'a> {
    /// The model decides.
    Auto,
    Never,
    /// Some tool, or this one.
    Must(Option<&'a str>),
}

/// The call that answers a request: of the tool it demands, or of the first if its last message speaks of a tool. A request
/// that brings a tool's result is answered in words, so that a loop of tools ends.
pub(super) fn call(tools: &[(&str, &Value)], choice: ToolChoice<'_>, last_message: &Value) -> Option<ToolCall> {
    let demanded = match choice {
        ToolChoice::Must(name) => name,
        ToolChoice::Never => return None,
        ToolChoice::Auto if !mentions(last_message, tools) || is_result(last_message) => return None,
        ToolChoice::Auto => None,
    };
    let (name, schema) = tools.iter().find(|(name, _)| demanded.is_none_or(|wanted| wanted == *name))?;
    let arguments = match sample(schema, 0) {
        object @ Value::Object(_) => object,
        _ => json!({}),
    };
    Some(ToolCall { name: (*name).to_owned(), arguments })
}

fn mentions(value: &Value, tools: &[(&str, &Value)]) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains("tool") || tools.iter().any(|(name, _)| text.contains(name)),
        Value::Array(items) => items.iter().any(|item| mentions(item, tools)),
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| !matches!(key.as_str(), "type" | "role")).any(|(_, field)| mentions(field, tools))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_result(message: &Value) -> bool {
    let says = |value: &Value, key: &str, word: &str| value.get(key).and_then(Value::as_str) == Some(word);
    let parts = || ["content", "parts"].into_iter().filter_map(|key| message.get(key)?.as_array()).flatten();
    says(message, "role", "tool")
        || says(message, "type", "function_call_output")
        || parts().any(|part| says(part, "type", "tool_result") || part.get("functionResponse").is_some())
}

/// A value that fits a JSON schema of the kind that tools use: every property, one item, the first of several choices.
fn sample(schema: &Value, depth: u8) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")).or_else(|| schema.get("enum")?.get(0)) {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|key| schema.get(key)?.get(0)) {
        return sample(first, depth);
    }
    if depth > 8 {
        return Value::Null; // a schema that holds itself
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind)).and_then(Value::as_str).map(str::to_lowercase);
    match kind.as_deref() {
        Some("string") => json!("sim"),
        Some("integer") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => schema.get("items").map_or_else(|| json!([]), |items| json!([sample(items, depth + 1)])),
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object);
            Value::Object(
                properties.map_or_else(Map::new, |all| all.iter().map(|(name, of)| (name.clone(), sample(of, depth + 1))).collect()),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fit_the_schema() {
        for (schema, arguments) in [
            (
                json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}),
                json!({"city": "sim", "days": 1}),
            ),
            (json!({"type": "OBJECT", "properties": {"unit": {"type": "STRING", "enum": ["c", "f"]}}}), json!({"unit": "c"})),
            (
                json!({"type": "object", "properties": {"all": {"type": "array", "items": {"type": ["boolean", "null"]}}}}),
                json!({"all": [true]}),
            ),
            (json!({}), json!({})),
        ] {
            let call = call(&[("t", &schema)], ToolChoice::Must(None), &Value::Null).unwrap();
            assert_eq!(call.arguments, arguments);
        }
    }

    #[test]
    fn a_tool_is_called_when_it_must_be_or_when_it_is_spoken_of() {
        let schema = json!({});
        let tools = [("get_weather", &schema), ("add", &schema)];
        let user = |text: &str| json!({"role": "user", "content": text});
        let result = json!({"role": "user", "content": [{"type": "tool_result", "content": "the tool said 5"}]});
        for (choice, last, name) in [
            (ToolChoice::Must(Some("add")), user("hello"), Some("add")),
            (ToolChoice::Must(None), user("hello"), Some("get_weather")),
            (ToolChoice::Auto, user("Use the tool, please"), Some("get_weather")),
            (ToolChoice::Auto, user("call get_weather"), Some("get_weather")),
            (ToolChoice::Auto, user("hello"), None),
            (ToolChoice::Auto, result, None),
            (ToolChoice::Never, user("Use the tool"), None),
        ] {
            assert_eq!(call(&tools, choice, &last).map(|call| call.name).as_deref(), name, "{choice:?} {last}");
        }
    }
}
