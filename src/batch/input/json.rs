//! The fields of a JSON object as the bytes that stand in the line: a body that is sent on must not change.

use serde::de::{DeserializeOwned, IgnoredAny};

/// Every field of the object in `line`, in its order, with the bytes of its value.
///
/// # Errors
/// What is wrong, with the column.
pub(in super::super) fn fields(line: &[u8]) -> Result<Vec<(String, &[u8])>, String> {
    serde_json::from_slice::<IgnoredAny>(line).map_err(|error| format!("not JSON: {}", without_line(&error)))?;
    let mut at = skip(line, 0, b'{').ok_or("not a JSON object")?;
    let mut fields = Vec::new();
    // the line is known to be JSON: what is not found below cannot be missing
    while line.get(blank(line, at)) != Some(&b'}') {
        let (name, end) = value::<String>(line, at).ok_or("not a JSON object")?;
        at = blank(line, skip(line, end, b':').ok_or("not a JSON object")?);
        let (_, end) = value::<IgnoredAny>(line, at).ok_or("not a JSON object")?;
        fields.push((name, &line[at..end]));
        at = skip(line, end, b',').unwrap_or(end);
    }
    Ok(fields)
}

/// Every item of the array in `text`, as its bytes.
///
/// # Errors
/// It is no array.
pub(in super::super) fn items(text: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut at = skip(text, 0, b'[').ok_or("not a JSON array")?;
    let mut items = Vec::new();
    while text.get(blank(text, at)) != Some(&b']') {
        let start = blank(text, at);
        let (_, end) = value::<IgnoredAny>(text, start).ok_or("not a JSON array")?;
        items.push(&text[start..end]);
        at = skip(text, end, b',').unwrap_or(end);
    }
    Ok(items)
}

/// The value that begins at or after `at`, and where it ends.
fn value<T: DeserializeOwned>(line: &[u8], at: usize) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_slice(line.get(at..)?).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, at + values.byte_offset()))
}

fn blank(line: &[u8], at: usize) -> usize {
    at + line.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count())
}

/// The place after this byte, if it is the next that is not blank.
fn skip(line: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = blank(line, at);
    (line.get(at) == Some(&byte)).then_some(at + 1)
}

/// serde_json counts lines within what it was given, which is one line.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_bytes() {
        let line = br#" { "custom_id" : "a\"b", "body": {"z": 1.50, "a":[1, 2]} , "n":3,"e":{}} "#;
        let found = fields(line).unwrap();
        let text: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), str::from_utf8(value).unwrap())).collect();
        assert_eq!(text, [("custom_id", r#""a\"b""#), ("body", r#"{"z": 1.50, "a":[1, 2]}"#), ("n", "3"), ("e", "{}")]);
        assert_eq!(fields(b"{}").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_object_is_said() {
        for (line, expect) in [
            (r"[1]", "not a JSON object"),
            (r#"{"a":1"#, "not JSON: EOF while parsing an object at column 6"),
            (r#"{"a":1} {"#, "not JSON: trailing characters at column 9"),
            ("", "not JSON: EOF while parsing a value at column 0"),
        ] {
            assert_eq!(fields(line.as_bytes()).unwrap_err(), expect, "{line}");
        }
    }
}
