//! Counts the text inside a message, a tool or a schema, and tells it from media and from envelope.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a number stands for where text is expected: prompts may be lists of token ids.
const BYTES_PER_NUMBER: u64 = 4;

/// How much of a text tells conversations apart.
const HASHED_BYTES: usize = 64 * 1024;

/// How much of a text is looked at to tell base64 from words.
const SNIFFED_BYTES: usize = 1024;

/// What has been counted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) media: u32,
    /// The first `role` met, which is the message's own.
    pub(super) role: Option<String>,
    pub(super) hash: DefaultHasher,
    hashing: bool,
}

impl Tally {
    /// A tally that hashes what it counts.
    pub(super) fn hashing() -> Self {
        Self { hashing: true, ..Self::default() }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        self.mark(text.as_bytes());
    }

    fn media(&mut self, payload: &str) {
        self.media = self.media.saturating_add(1);
        self.mark(payload.as_bytes());
    }

    /// Anthropic's plain-text documents carry words where the others carry base64.
    fn data(&mut self, data: &str) {
        if is_base64(data) { self.media(data) } else { self.text(data) }
    }

    fn mark(&mut self, bytes: &[u8]) {
        if self.hashing {
            self.hash.write_usize(bytes.len());
            self.hash.write(bytes.get(..HASHED_BYTES).unwrap_or(bytes));
        }
    }
}

/// Where the walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In a message: ids, types and media are not text, and keys are the wire format's.
    Message,
    /// In something that reaches the model as it stands, keys included: tools, schemas, arguments of a call.
    Everything,
}

/// Walks any JSON value and counts. serde_json bounds the depth.
pub(super) struct Text<'t> {
    pub(super) tally: &'t mut Tally,
    pub(super) mode: Mode,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if is_data_url(text) {
            self.tally.media(text);
        } else {
            self.tally.text(text);
        }
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.tally.bytes += BYTES_PER_NUMBER;
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.tally.bytes += BYTES_PER_NUMBER;
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.tally.bytes += BYTES_PER_NUMBER;
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Text { tally: &mut *self.tally, mode: self.mode })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let tally = self.tally;
        let (mut links, mut cites) = (false, false);
        while let Some(key) = entries.next_key_seed(Key)? {
            if self.mode == Mode::Everything {
                tally.text(&key);
                entries.next_value_seed(Text { tally: &mut *tally, mode: Mode::Everything })?;
                continue;
            }
            match Meaning::of(&key) {
                Meaning::Text => entries.next_value_seed(Text { tally: &mut *tally, mode: Mode::Message })?,
                Meaning::Payload => entries.next_value_seed(Text { tally: &mut *tally, mode: Mode::Everything })?,
                Meaning::Envelope => {
                    entries.next_value::<IgnoredAny>()?;
                }
                Meaning::Role => entries.next_value_seed(Leaf(&mut *tally, |tally: &mut Tally, role: &str| {
                    tally.role.get_or_insert_with(|| role.to_owned());
                }))?,
                Meaning::Type => entries.next_value_seed(Leaf(&mut *tally, |_: &mut Tally, kind: &str| {
                    cites = kind.contains("citation") || kind.starts_with("web_");
                }))?,
                Meaning::Data => entries.next_value_seed(Leaf(&mut *tally, Tally::data))?,
                Meaning::Link => entries.next_value_seed(Leaf(&mut *tally, |tally: &mut Tally, link: &str| {
                    links = true;
                    tally.mark(link.as_bytes());
                }))?,
            }
        }
        // one thing, however many ways it is named; what an earlier search found is no input file
        tally.media = tally.media.saturating_add(u32::from(links && !cites));
        Ok(())
    }
}

/// A value that means something special if it is a text, and is walked like any other if it is not.
struct Leaf<'t, F>(&'t mut Tally, F);

impl<'t, F> Leaf<'t, F> {
    fn other(self) -> Text<'t> {
        Text { tally: self.0, mode: Mode::Message }
    }
}

impl<'de, F: FnOnce(&mut Tally, &str)> DeserializeSeed<'de> for Leaf<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnOnce(&mut Tally, &str)> Visitor<'de> for Leaf<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.1)(self.0, text);
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.other().visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        self.other().visit_map(entries)
    }
}

/// What a key of the wire format holds. Anthropic, OpenAI and Gemini use each key for one thing only.
enum Meaning {
    Text,
    /// An object that the model sees as it stands.
    Payload,
    /// Ids, kinds, switches, signatures: no input tokens, or none that bytes would tell.
    Envelope,
    Role,
    Type,
    /// Base64, except in Anthropic's plain-text documents.
    Data,
    /// A URL, data URL or file id in place of media.
    Link,
}

impl Meaning {
    fn of(key: &str) -> Self {
        match key {
            "role" => Self::Role,
            "type" => Self::Type,
            "data" => Self::Data,
            "url" | "uri" | "image_url" | "video_url" | "audio_url" | "file_url" | "file_id" | "file_data" | "fileUri" | "file_uri" => {
                Self::Link
            }
            "input" | "args" | "response" | "parameters" | "schema" | "input_schema" => Self::Payload,
            "id" | "tool_use_id" | "tool_call_id" | "call_id" | "status" | "detail" | "format" | "cache_control" | "media_type"
            | "mime_type" | "mimeType" | "signature" | "thought_signature" | "thoughtSignature" | "encrypted_content" | "model" => {
                Self::Envelope
            }
            _ => Self::Text,
        }
    }
}

fn is_data_url(text: &str) -> bool {
    text.starts_with("data:") && text.get(..128.min(text.len())).is_some_and(|head| head.contains(";base64,"))
}

fn is_base64(text: &str) -> bool {
    let is_base64_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'\r' | b'\n');
    !text.is_empty() && text.bytes().take(SNIFFED_BYTES).all(|b| is_base64_byte(&b))
}

/// A key, borrowed where it has no escapes.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
