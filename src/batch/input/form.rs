//! The forms that a row can have: OpenAI's batch form, Anthropic's, and plain columns for a template.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::row::Reading;
use super::template::Template;
use crate::domain::{Dialect, ModelId};

/// The request in a row.
pub(super) struct Shape {
    pub(super) custom_id: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// Where OpenAI's form sends rows that do not say.
const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
/// Anthropic demands a maximum; a template that gives none gets this one.
const MAX_OUTPUT: u64 = 1_024;

/// A row that is a whole request: `{custom_id, method, url, body}` as OpenAI has it, `{custom_id, params}` as Anthropic has it.
pub(super) fn whole(reading: &Reading, fields: &[(String, &[u8])]) -> Result<Shape, String> {
    // of two fields with one name the last counts, as everywhere in JSON
    let raw = |name: &str| fields.iter().rfind(|(field, _)| field == name).map(|(_, value)| *value);
    let text = |name: &str| raw(name).and_then(|value| serde_json::from_slice::<String>(value).ok());
    let custom_id = text("custom_id").filter(|id| !id.is_empty()).ok_or("no custom_id: every row needs one, as text")?;
    if let Some(method) = text("method").filter(|method| !method.eq_ignore_ascii_case("POST")) {
        return Err(format!("the method {method:?} is not POST"));
    }
    let (path, body) = match (raw("body"), raw("params")) {
        (Some(body), _) => (text("url").unwrap_or_else(|| CHAT.into()), body),
        (None, Some(_)) if reading.dialect != Dialect::Anthropic => {
            return Err(format!("a row with `params` is for Anthropic, and this account speaks {}", reading.dialect.name()));
        }
        (None, Some(params)) => (MESSAGES.into(), params),
        (None, None) => return Err("neither `body` (OpenAI's form) nor `params` (Anthropic's); plain rows need --template".into()),
    };
    if !path.starts_with('/') {
        return Err(format!("the url {path:?} is not a path such as {CHAT}"));
    }
    if body.first() != Some(&b'{') {
        return Err("the request's body is not a JSON object".into());
    }
    let body = match &reading.model {
        Some(model) => with_model(body, model)?,
        None => body.to_vec(),
    };
    Ok(Shape { custom_id, path: at_base(reading, path), body })
}

/// A plain row: its columns fill the template, and its `custom_id` or `id`, if it has one, names it.
pub(super) fn filled(reading: &Reading, template: &Template, row: &BTreeMap<String, String>, line: u64) -> Result<Shape, String> {
    let prompt = template.fill(row)?;
    let Some(model) = &reading.model else { return Err("no model: name one for all rows with --model".into()) };
    let id = ["custom_id", "id"].iter().find_map(|name| row.get(*name)).filter(|id| !id.is_empty());
    let message = json!([{ "role": "user", "content": prompt }]);
    let (path, body) = match reading.dialect {
        Dialect::Anthropic => {
            let max = reading.max_output.unwrap_or(MAX_OUTPUT);
            (MESSAGES.into(), json!({ "model": model, "max_tokens": max, "messages": message }))
        }
        Dialect::Gemini | Dialect::Vertex => {
            let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": prompt }] }] });
            if let Some(max) = reading.max_output {
                body["generationConfig"] = json!({ "maxOutputTokens": max });
            }
            (format!("/v1beta/models/{model}:generateContent"), body)
        }
        dialect => {
            let mut body = json!({ "model": model, "messages": message });
            if let Some(max) = reading.max_output {
                let name = if dialect == Dialect::OpenAi { "max_completion_tokens" } else { "max_tokens" };
                body[name] = json!(max);
            }
            (CHAT.into(), body)
        }
    };
    let custom_id = id.cloned().unwrap_or_else(|| format!("row-{line}"));
    Ok(Shape { custom_id, path: at_base(reading, path), body: body.to_string().into_bytes() })
}

/// Paths in files begin with the version, and so do the base URLs of most custom endpoints end: only one is wanted.
fn at_base(reading: &Reading, path: String) -> String {
    match path.strip_prefix("/v1") {
        Some(rest) if reading.base_has_version && rest.starts_with('/') => rest.to_owned(),
        _ => path,
    }
}

/// The same body with a model, if it has none.
fn with_model(body: &[u8], model: &ModelId) -> Result<Vec<u8>, String> {
    let fields = super::json::fields(body)?;
    if fields.iter().any(|(name, _)| name == "model") {
        return Ok(body.to_vec());
    }
    let mut with = format!("{{\"model\":{}", Value::from(model.as_str())).into_bytes();
    if !fields.is_empty() {
        with.push(b',');
    }
    with.extend_from_slice(&body[1..]);
    Ok(with)
}
