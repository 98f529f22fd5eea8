//! Walks over JSON and builds nothing: the fields of an object and the items of a list, each as the bytes it stands in.
//!
//! Knows brackets and strings only, so that long texts are passed over as fast as memory is read.
//! What is no JSON, or breaks off, comes out as fewer fields.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Strings up to this length are looked at byte by byte.
const SHORT: usize = 16;

/// The fields of an object, or the items of a list with empty names.
#[derive(Debug, Clone)]
pub(super) struct Walk<'b> {
    rest: &'b [u8],
    named: bool,
    whole: bool,
}

/// The fields of the object that `json` begins with.
pub(super) fn fields(json: &[u8]) -> Option<Walk<'_>> {
    let rest = json.trim_ascii_start().strip_prefix(b"{")?;
    Some(Walk { rest, named: true, whole: false })
}

/// Whether the object that `json` begins with has its closing bracket.
pub(super) fn is_whole(json: &[u8]) -> bool {
    fields(json).is_some_and(|mut fields| {
        fields.by_ref().for_each(drop);
        fields.is_whole()
    })
}

/// The items of a list; none of anything else.
pub(super) fn items(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rest = json.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
    Walk { rest, named: false, whole: false }.map(|(_, value)| value)
}

/// The value of an object's field.
pub(super) fn field<'b>(json: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    fields(json)?.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A string's text; empty for anything else.
pub(super) fn text(value: &[u8]) -> Cow<'_, str> {
    let inside = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or_default();
    if memchr(b'\\', inside).is_some() {
        return serde_json::from_slice::<String>(value).unwrap_or_default().into();
    }
    std::str::from_utf8(inside).unwrap_or_default().into()
}

impl<'b> Walk<'b> {
    /// Whether the closing bracket has been reached.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        let start = self.rest.iter().position(|byte| !is_skipped(*byte)).unwrap_or(self.rest.len());
        self.rest = self.rest.get(start..).unwrap_or_default();
    }

    fn name(&mut self) -> Option<&'b [u8]> {
        let (name, rest) = self.rest.split_at_checked(string_len(self.rest)?)?;
        self.rest = rest;
        self.skip(|byte| byte.is_ascii_whitespace());
        self.rest = self.rest.strip_prefix(b":")?;
        self.skip(|byte| byte.is_ascii_whitespace());
        name.get(1..name.len() - 1)
    }
}

impl<'b> Iterator for Walk<'b> {
    /// A name as it stands between its quotes, and its value.
    type Item = (&'b [u8], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.whole {
            return None;
        }
        self.skip(|byte| byte == b',' || byte.is_ascii_whitespace());
        if let [b'}' | b']', rest @ ..] = self.rest {
            (self.whole, self.rest) = (true, rest);
            return None;
        }
        let name = if self.named { self.name()? } else { b"" };
        let (value, rest) = self.rest.split_at_checked(value_len(self.rest)?)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// The length of the value that begins here; `None` if it does not end here.
fn value_len(json: &[u8]) -> Option<usize> {
    match json.first()? {
        b'"' => string_len(json),
        b'{' => bracketed_len(json, b'{', b'}'),
        b'[' => bracketed_len(json, b'[', b']'),
        _ => json.iter().position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace()).filter(|len| *len > 0),
    }
}

fn string_len(json: &[u8]) -> Option<usize> {
    json.first().filter(|first| **first == b'"')?;
    let mut at = 1;
    loop {
        let rest = json.get(at..)?;
        // names and most values are over before a search for more would have begun
        let near = rest.iter().take(SHORT).position(|byte| matches!(byte, b'"' | b'\\'));
        at += match near {
            Some(len) => len,
            None => SHORT + memchr2(b'"', b'\\', rest.get(SHORT..)?)?,
        };
        if json.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Brackets of the other kind close where they opened, or it is no JSON; so one kind is enough to count.
fn bracketed_len(json: &[u8], open: u8, close: u8) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        let byte = *json.get(at)?;
        if byte == b'"' {
            at += string_len(json.get(at..)?)?;
            continue;
        }
        at += 1;
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn shown(json: &str) -> (Vec<(&str, &str)>, bool) {
        let utf8 = |bytes| std::str::from_utf8(bytes).unwrap();
        let mut walk = fields(json.as_bytes()).unwrap();
        let fields = walk.by_ref().map(|(name, value)| (utf8(name), utf8(value))).collect();
        (fields, walk.is_whole())
    }

    #[test]
    fn fields_come_out_as_they_stand() {
        for (json, expected, whole) in [
            ("{}", vec![], true),
            (r#" { "a" : 1.0e0 , "b":"}\"{" } "#, vec![("a", "1.0e0"), ("b", r#""}\"{""#)], true),
            (
                r#"{"a":{"b":["]",{}]},"c":[[1,2],"["],"d":null}"#,
                vec![("a", r#"{"b":["]",{}]}"#), ("c", r#"[[1,2],"["]"#), ("d", "null")],
                true,
            ),
            (r#"{"a":"\\","b":true}x"#, vec![("a", r#""\\""#), ("b", "true")], true),
            (r#"{"a":1,"b":"cut"#, vec![("a", "1")], false),
            (r#"{"a":1,"b":{"c":2}"#, vec![("a", "1"), ("b", r#"{"c":2}"#)], false),
            (r#"{"a":12"#, vec![], false),
            (r#"{"a" 1}"#, vec![], false),
            ("{a:1}", vec![], false),
        ] {
            assert_eq!(shown(json), (expected, whole), "{json}");
        }
        assert!(fields(b"[]").is_none());
        assert_eq!(items(b" [1, \"a\",[2],{\"b\":3}]").collect::<Vec<_>>(), [&b"1"[..], b"\"a\"", b"[2]", b"{\"b\":3}"]);
        assert_eq!(items(b"{\"a\":1}").count(), 0);
    }

    #[test]
    fn texts_lose_their_escapes() {
        for (value, expected) in [(r#""plain""#, "plain"), (r#""a\"\u00e9""#, "a\"é"), ("7", ""), (r#"""#, ""), ("null", ""), ("", "")] {
            assert_eq!(text(value.as_bytes()), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_object_is_taken_apart(
            fields in prop::collection::btree_map("[a-z]{0,5}", "[a-z\"\\\\{},\\[\\]: é]{0,9}", 0..6),
            lists in prop::collection::vec("[a-z\"}\\]]{0,4}", 0..4),
        ) {
            let mut object: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
            object.insert("lists".into(), serde_json::json!([{"x": lists}, 1.5]));
            let json = Value::from(object.clone()).to_string();
            let mut walk = super::fields(json.as_bytes()).unwrap();
            let read: Map<String, Value> = walk
                .by_ref()
                .map(|(name, value)| (String::from_utf8(name.to_vec()).unwrap(), serde_json::from_slice(value).unwrap()))
                .collect();
            prop_assert_eq!(read, object);
            prop_assert!(walk.is_whole());
        }

        #[test]
        fn no_bytes_panic(json in r#"[\[\]{}:, "\\a1]{0,40}"#) {
            let read = super::fields(json.as_bytes()).into_iter().flatten().count() + items(json.as_bytes()).count();
            prop_assert!(read <= json.len());
        }
    }
}
