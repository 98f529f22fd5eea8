//! Embeddings, OpenAI's and Gemini's: unit vectors, all alike.

use serde_json::{Value, json};

use super::super::ask::{Vectors, text};
use super::super::prompt::Prompt;
use super::{Answer, Ask, BadAsk};

/// The largest vector that is made.
const MAX_DIMENSIONS: usize = 4_096;

pub(super) fn read(body: &Value) -> Result<Ask, BadAsk> {
    let model = text(body, "model").filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| BadAsk::param("you must provide a model parameter", "model"))?;
    let input = body.get("input").filter(|input| !matches!(input, Value::Null));
    let input = input.ok_or_else(|| BadAsk::param("Missing required parameter: 'input'.", "input"))?;
    // a list of texts, a text, a list of tokens, a list of lists of tokens
    let is_tokens = |value: &Value| value.get(0).is_some_and(Value::is_number);
    let count = if is_tokens(input) { 1 } else { input.as_array().map_or(1, Vec::len) };
    if count == 0 {
        let message = "Invalid 'input': input cannot be an empty array.";
        return Err(BadAsk { code: Some("empty_array"), metered: Some(model.to_owned()), ..BadAsk::param(message, "input") });
    }
    let mut prompt = Prompt::default();
    prompt.add(input);
    let mut ask = Ask::new(model.to_owned(), prompt);
    let given: usize = input.as_array().map_or(0, |items| {
        items
            .iter()
            .map(|item| {
                if item.is_number() {
                    1
                } else if is_tokens(item) {
                    item.as_array().map_or(0, Vec::len)
                } else {
                    0
                }
            })
            .sum()
    });
    ask.prompt_tokens += u64::try_from(given).unwrap_or(0);
    let dimensions = body.get("dimensions").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(1_536);
    ask.vectors =
        Vectors { count, dimensions: dimensions.clamp(1, MAX_DIMENSIONS), base64: text(body, "encoding_format") == Some("base64") };
    Ok(ask)
}

pub(super) fn read_gemini(body: &Value, model: &str) -> Result<Ask, BadAsk> {
    let requests = body.get("requests").and_then(Value::as_array).map_or(std::slice::from_ref(body), Vec::as_slice);
    let mut prompt = Prompt::default();
    for request in requests {
        prompt.add(request.get("content").ok_or_else(|| BadAsk::new("* EmbedContentRequest.content: content is not specified\n"))?);
    }
    let mut ask = Ask::new(model.to_owned(), prompt);
    let dimensions = requests.first().and_then(|first| first.get("outputDimensionality")?.as_u64());
    let dimensions = dimensions.and_then(|n| usize::try_from(n).ok()).unwrap_or(768);
    ask.vectors = Vectors { count: requests.len(), dimensions: dimensions.clamp(1, MAX_DIMENSIONS), base64: false };
    Ok(ask)
}

pub(super) fn whole(ask: &Ask, answer: &Answer) -> Value {
    let Vectors { count, dimensions, base64 } = ask.vectors;
    let embedding = if base64 { json!(base64_of(dimensions)) } else { json!(vec![component(dimensions); dimensions]) };
    let entry = |index: usize| json!({"object": "embedding", "index": index, "embedding": embedding});
    json!({
        "object": "list", "data": (0..count).map(entry).collect::<Vec<_>>(), "model": answer.model,
        "usage": {"prompt_tokens": answer.input.total(), "total_tokens": answer.input.total()},
    })
}

pub(super) fn gemini_vector(vectors: Vectors) -> Value {
    json!({"values": vec![component(vectors.dimensions); vectors.dimensions]})
}

/// Each component of a unit vector whose components are all the same.
fn component(dimensions: usize) -> f32 {
    f32::from(u16::try_from(dimensions).unwrap_or(u16::MAX)).sqrt().recip()
}

/// The vector as little-endian floats in base64.
fn base64_of(dimensions: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = component(dimensions).to_le_bytes().repeat(dimensions);
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            text.push(if place > group.len() { '=' } else { char::from(ALPHABET[digit]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded_as_it_should_be() {
        // 1.0_f32 is 00 00 80 3f
        assert_eq!(base64_of(1), "AACAPw==");
        assert_eq!(base64_of(4), "AAAAPwAAAD8AAAA/AAAAPw=="); // 0.5 is 00 00 00 3f
    }
}
