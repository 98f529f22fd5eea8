//! How long a prompt is, by a rule that a test can work out with a pencil.
//!
//! Tokens are the characters of all texts (system, messages, tools as JSON) divided by 4 and rounded up, 3 for each
//! message, 3 for the answer's start, and 765 for each image or document. Names of roles and types, ids and cache marks
//! are not text.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

const PER_MESSAGE: u64 = 3;
const START: u64 = 3;
const PER_IMAGE: u64 = 765;

/// Keys whose values are not text.
const STRUCTURE: [&str; 11] =
    ["type", "role", "id", "tool_use_id", "tool_call_id", "call_id", "cache_control", "media_type", "mimeType", "signature", "status"];

/// A place up to which the client wants the prompt cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CacheMark {
    /// Of everything before it.
    pub(super) hash: u64,
    /// Tokens before it.
    pub(super) tokens: u64,
    /// Kept for an hour instead of five minutes.
    pub(super) long: bool,
}

/// A prompt, measured.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    chars: u64,
    tool_chars: u64,
    messages: u64,
    images: u64,
    marks: Vec<CacheMark>,
    /// Only where the client sets cache marks.
    hasher: Option<DefaultHasher>,
}

impl Prompt {
    /// A prompt in which cache marks count.
    pub(super) fn cached() -> Self {
        Self { hasher: Some(DefaultHasher::new()), ..Self::default() }
    }

    /// Adds a text, a content block or a list of them.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.chars += chars(text);
                text.hash(self);
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(fields) => {
                if is_image(value) {
                    self.images += 1;
                    if self.hasher.is_some() {
                        value.to_string().hash(self);
                    }
                } else {
                    fields.iter().filter(|(key, _)| !STRUCTURE.contains(&key.as_str())).for_each(|(_, field)| self.add(field));
                }
                self.mark(value);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Adds a list of messages.
    pub(super) fn add_messages(&mut self, messages: &Value) {
        let list = messages.as_array().map_or(std::slice::from_ref(messages), Vec::as_slice);
        for message in list {
            self.messages += 1;
            self.add(message);
        }
    }

    /// Adds a list of tools.
    pub(super) fn add_tools(&mut self, tools: &Value) {
        for tool in tools.as_array().into_iter().flatten() {
            let text = tool.to_string();
            self.tool_chars += chars(&text);
            if self.hasher.is_some() {
                tool.get("name").and_then(Value::as_str).unwrap_or_default().hash(self);
            }
            self.mark(tool);
        }
    }

    /// A cache mark here, if this object carries one.
    pub(super) fn mark(&mut self, marked: &Value) {
        if let (Some(hasher), Some(control)) = (&self.hasher, marked.get("cache_control").filter(|c| c.is_object())) {
            let long = control.get("ttl").and_then(Value::as_str) == Some("1h");
            self.marks.push(CacheMark { hash: hasher.finish(), tokens: self.tokens() - START, long });
        }
    }

    pub(super) fn tokens(&self) -> u64 {
        (self.chars + self.tool_chars).div_ceil(4) + PER_MESSAGE * self.messages + START + PER_IMAGE * self.images
    }

    /// Characters of the texts, without tools.
    pub(super) fn chars(&self) -> u64 {
        self.chars
    }

    pub(super) fn into_marks(self) -> Vec<CacheMark> {
        self.marks
    }
}

/// Texts are hashed into the prompt's own hasher.
impl Hasher for Prompt {
    fn finish(&self) -> u64 {
        self.hasher.as_ref().map_or(0, Hasher::finish)
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.write(bytes);
        }
    }
}

fn chars(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

fn is_image(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    matches!(kind, Some("image" | "image_url" | "input_image" | "input_file" | "document"))
        || value.get("inlineData").is_some()
        || value.get("fileData").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_are_a_quarter_of_the_characters_and_a_little_for_each_message() {
        for (messages, tokens) in [
            (json!([{"role": "user", "content": "."}]), 1 + 3 + 3),
            (json!([{"role": "user", "content": "12345678"}]), 2 + 3 + 3),
            (json!([{"role": "user", "content": [{"type": "text", "text": "1234567é9"}]}]), 3 + 3 + 3),
            (json!([{"role": "user", "content": "1234"}, {"role": "assistant", "content": "5678"}]), 2 + 6 + 3),
            (json!([{"role": "user", "content": [{"type": "image", "source": {"data": "AAAA"}}]}]), 765 + 3 + 3),
        ] {
            let mut prompt = Prompt::default();
            prompt.add_messages(&messages);
            assert_eq!(prompt.tokens(), tokens, "{messages}");
        }
    }

    #[test]
    fn a_mark_covers_what_stands_before_it_and_nothing_after() {
        let marks_of = |messages: Value| {
            let mut prompt = Prompt::cached();
            prompt.add_messages(&messages);
            prompt.into_marks()
        };
        let block = |text: &str| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}});
        let one = marks_of(json!([{"role": "user", "content": [block("a long text"), {"type": "text", "text": "first"}]}]));
        let two = marks_of(json!([{"role": "user", "content": [block("a long text"), {"type": "text", "text": "second"}]}]));
        let other = marks_of(json!([{"role": "user", "content": [block("another text")]}]));
        assert_eq!((one.len(), &one), (1, &two));
        assert_ne!(one[0].hash, other[0].hash);
        assert_eq!(one[0].tokens, 3 + 3);
    }
}
