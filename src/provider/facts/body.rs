//! One pass over a JSON request body that keeps a few fields and counts the rest, building no tree.
//!
//! A 30 MB body with images costs one scan and no copy of the images.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::text::{Key, Mode, Tally, Text};
use crate::provider::lenient::{Object, Scalar};

/// What a body says, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) model: Option<String>,
    pub(super) stream: bool,
    pub(super) max_output: Option<u64>,
    pub(super) choices: Option<u64>,
    pub(super) service_tier: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) text_bytes: u64,
    pub(super) media: u32,
    /// The ids that clients give to a conversation, most telling first.
    pub(super) conversation_id: Option<String>,
    pub(super) prompt_cache_key: Option<String>,
    pub(super) previous_response_id: Option<String>,
    pub(super) user_id: Option<String>,
    /// Of system text and first message, which every turn of a conversation repeats.
    opening: Opening,
}

#[derive(Debug, Default)]
struct Opening {
    system: Option<u64>,
    first_message: Option<u64>,
}

/// Reads a body. What stood before a syntax error is kept; the flag says whether all of it was JSON.
///
/// More than 128 levels of nesting count as a syntax error, so no body can exhaust the stack.
pub(super) fn read(bytes: &[u8]) -> (Body, bool) {
    let mut body = Body::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let whole = Top(&mut body).deserialize(&mut json).is_ok() && json.end().is_ok();
    (body, whole)
}

impl Body {
    /// Equal for the turns of one conversation.
    pub(super) fn conversation(&self) -> Option<u64> {
        let named = [&self.conversation_id, &self.prompt_cache_key, &self.previous_response_id, &self.user_id];
        if let Some(id) = named.into_iter().flatten().next() {
            return Some(hash_of(id));
        }
        let first = self.opening.first_message?;
        Some(hash_of(&(self.opening.system, first)))
    }

    fn add(&mut self, tally: &Tally) {
        self.text_bytes += tally.bytes;
        self.media = self.media.saturating_add(tally.media);
    }

    fn allow(&mut self, output: Option<u64>) {
        self.max_output = self.max_output.max(output);
    }
}

impl Opening {
    fn add_system(&mut self, hash: u64) {
        self.system = Some(self.system.map_or(hash, |before| hash_of(&(before, hash))));
    }

    /// The first message by the user ends the opening; system messages before it belong to it.
    fn add_message(&mut self, tally: &Tally) {
        match tally.role.as_deref() {
            _ if self.first_message.is_some() => {}
            None | Some("user") => self.first_message = Some(tally.hash.finish()),
            Some("system" | "developer") => self.add_system(tally.hash.finish()),
            Some(_) => {}
        }
    }
}

pub(super) fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The fields of the whole body.
struct Top<'b>(&'b mut Body);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let body = self.0;
        while let Some(field) = entries.next_key_seed(Key)? {
            match field.as_ref() {
                "model" => body.model = entries.next_value::<Scalar>()?.text(),
                "stream" => body.stream = entries.next_value::<Scalar>()? == Scalar::Bool(true),
                "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "max_tokens_to_sample" => {
                    let output = entries.next_value::<Scalar>()?.count();
                    body.allow(output);
                }
                "n" => body.choices = entries.next_value::<Scalar>()?.count(),
                "service_tier" | "serviceTier" => body.service_tier = entries.next_value::<Scalar>()?.text(),
                "speed" => body.speed = entries.next_value::<Scalar>()?.text(),
                "generationConfig" | "generation_config" => {
                    let config = entries.next_value::<Object<GenerationConfig>>()?.0.unwrap_or_default();
                    body.allow(config.max_output_tokens.count());
                    body.choices = config.candidate_count.count();
                    body.add(&config.response_schema.0);
                    body.add(&config.response_json_schema.0);
                }
                "metadata" => body.user_id = id(&entries.next_value()?, "user_id"),
                "conversation" => body.conversation_id = id(&entries.next_value()?, "id"),
                "prompt_cache_key" => body.prompt_cache_key = entries.next_value::<Scalar>()?.text(),
                "previous_response_id" | "previous_interaction_id" => {
                    body.previous_response_id = entries.next_value::<Scalar>()?.text();
                }
                "messages" | "contents" | "input" | "prompt" => entries.next_value_seed(Messages(body))?,
                "system" | "instructions" | "systemInstruction" | "system_instruction" => {
                    let mut tally = Tally::hashing();
                    entries.next_value_seed(Text { tally: &mut tally, mode: Mode::Message })?;
                    body.opening.add_system(tally.hash.finish());
                    body.add(&tally);
                }
                // embedContent, and the requests of batchEmbedContents
                "content" | "requests" => count(body, &mut entries, Mode::Message)?,
                "tools" | "functions" | "response_format" | "text" | "output_config" | "output_format" => {
                    count(body, &mut entries, Mode::Everything)?;
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn count<'de, A: MapAccess<'de>>(body: &mut Body, entries: &mut A, mode: Mode) -> Result<(), A::Error> {
    let mut tally = Tally::default();
    entries.next_value_seed(Text { tally: &mut tally, mode })?;
    body.add(&tally);
    Ok(())
}

/// A list of messages, or one text in place of it.
struct Messages<'b>(&'b mut Body);

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<(), A::Error> {
        let body = self.0;
        loop {
            // once the opening is known, hashing the rest would be work for nothing
            let mut tally = if body.opening.first_message.is_none() { Tally::hashing() } else { Tally::default() };
            if messages.next_element_seed(Text { tally: &mut tally, mode: Mode::Message })?.is_none() {
                return Ok(());
            }
            body.opening.add_message(&tally);
            body.add(&tally);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        let mut tally = Tally::hashing();
        Text { tally: &mut tally, mode: Mode::Message }.visit_map(entries)?;
        self.0.opening.add_message(&tally);
        self.0.add(&tally);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let mut tally = Tally::hashing();
        tally.text(text);
        self.0.opening.add_message(&tally);
        self.0.add(&tally);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
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

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Gemini's `generationConfig`: the output limit, the number of answers, and a schema that becomes input.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GenerationConfig {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Scalar,
    #[serde(alias = "candidate_count")]
    candidate_count: Scalar,
    #[serde(alias = "response_schema")]
    response_schema: Schema,
    response_json_schema: Schema,
}

#[derive(Default)]
struct Schema(Tally);

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut tally = Tally::default();
        Text { tally: &mut tally, mode: Mode::Everything }.deserialize(deserializer)?;
        Ok(Self(tally))
    }
}

/// A text, or the field `name` of an object.
fn id(value: &Value, name: &str) -> Option<String> {
    value.as_str().or_else(|| value.get(name)?.as_str()).filter(|id| !id.is_empty()).map(str::to_owned)
}
