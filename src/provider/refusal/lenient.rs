//! Reads JSON as it is seen in the wild: raw newlines in strings, stray or missing commas, Python and JavaScript spelling
//! (`'`, `None`, bare keys), keys with spaces around them, and bodies that were cut off.
//!
//! Not a validator: whatever is a JSON document reads as `serde_json` reads it, much else reads as what was meant.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::{Map, Number, Value};

/// Deeper nesting is not an error body.
const DEEPEST: usize = 64;

/// More values than this are not an error body.
const MOST_VALUES: usize = 20_000;

/// The object or array at the start of `text`, and how many bytes it takes. `None` if there is none.
pub(super) fn parse(text: &str) -> Option<(Value, usize)> {
    let mut reader = Reader { text, chars: text.char_indices().peekable(), values: 0 };
    reader.skip_blank();
    let value = match reader.chars.peek()?.1 {
        '{' | '[' => reader.value(0)?,
        _ => return None,
    };
    Some((value, reader.at()))
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    values: usize,
}

impl Reader<'_> {
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn skip_blank(&mut self) {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn skip_separators(&mut self) {
        while self.chars.next_if(|(_, c)| c.is_whitespace() || *c == ',').is_some() {}
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.values += 1;
        if depth > DEEPEST || self.values > MOST_VALUES {
            return None;
        }
        self.skip_blank();
        Some(match self.chars.peek().map(|(_, c)| *c) {
            // cut off after the colon
            None => Value::Null,
            Some('{') => Value::Object(self.object(depth)?),
            Some('[') => Value::Array(self.array(depth)?),
            Some(quote @ ('"' | '\'')) => Value::String(self.string(quote)),
            Some(_) => self.word(depth)?,
        })
    }

    fn object(&mut self, depth: usize) -> Option<Map<String, Value>> {
        self.chars.next();
        let mut map = Map::new();
        loop {
            self.skip_separators();
            let key = match self.chars.peek().map(|(_, c)| *c) {
                None => return Some(map),
                Some('}') => {
                    self.chars.next();
                    return Some(map);
                }
                Some(quote @ ('"' | '\'')) => self.string(quote),
                Some(_) => self.bare(),
            };
            self.skip_blank();
            if !self.next_is(':') {
                // cut off inside a key, or not JSON at all
                return if self.chars.peek().is_none() { Some(map) } else { None };
            }
            let value = self.value(depth + 1)?;
            map.insert(key.trim().to_owned(), value);
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Value>> {
        self.chars.next();
        let mut items = Vec::new();
        loop {
            self.skip_separators();
            match self.chars.peek() {
                None => return Some(items),
                Some((_, ']')) => {
                    self.chars.next();
                    return Some(items);
                }
                Some(_) => items.push(self.value(depth + 1)?),
            }
        }
    }

    /// A string up to its closing quote, or to the end of the text.
    fn string(&mut self, quote: char) -> String {
        self.chars.next();
        let mut out = String::new();
        while let Some((_, c)) = self.chars.next() {
            match c {
                _ if c == quote => break,
                '\\' => self.escape(&mut out),
                _ => out.push(c),
            }
        }
        out
    }

    fn escape(&mut self, out: &mut String) {
        let Some((_, c)) = self.chars.next() else { return };
        out.push(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => self.unicode(),
            other => other,
        });
    }

    fn unicode(&mut self) -> char {
        let first = self.hex4();
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        if !(self.next_is('\\') && self.next_is('u')) {
            return char::REPLACEMENT_CHARACTER;
        }
        let second = self.hex4();
        let joined = 0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00);
        if (0xDC00..0xE000).contains(&second) { char::from_u32(joined) } else { None }.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> u32 {
        let mut code = 0;
        for _ in 0..4 {
            let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_hexdigit()) else { break };
            code = code * 16 + c.to_digit(16).unwrap_or(0);
        }
        code
    }

    /// Letters, digits and what stands in numbers and bare keys.
    fn bare(&mut self) -> String {
        let mut out = String::new();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_alphanumeric() || "_@$.+-".contains(*c)) {
            out.push(c);
        }
        out
    }

    /// A literal or a number. Other words (`[Object]` in a JavaScript dump) are null, but not as the first thing of all:
    /// then this is prose in brackets.
    fn word(&mut self, depth: usize) -> Option<Value> {
        let word = self.bare();
        Some(match word.as_str() {
            "" => return None,
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" => Value::Null,
            _ => match word.parse::<Number>() {
                Ok(number) => Value::Number(number),
                Err(_) if depth >= 2 => Value::Null,
                Err(_) => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_meant_is_read() {
        for (text, expect) in [
            ("{\"a\": 1}", json!({"a": 1})),
            ("{\"message\": \"two\nlines\"}", json!({"message": "two\nlines"})),
            ("{\" @type\": \"x\", , \"b\": [1,,2,],}", json!({"@type": "x", "b": [1, 2]})),
            ("{'error': {'code': None, 'ok': True, 'text': \"it's\"}}", json!({"error": {"code": null, "ok": true, "text": "it's"}})),
            ("{ error: { code: 429, details: [ [Object] ] } }", json!({"error": {"code": 429, "details": [[null]]}})),
            ("{\"error\": {\"message\": \"cut o", json!({"error": {"message": "cut o"}})),
            ("{\"error\": {\"mess", json!({"error": {}})),
            ("{\"error\":", json!({"error": null})),
            ("{\"a\": \"\\u00e9\\ud83d\\ude00\\ud83dx\"}", json!({"a": "é😀\u{fffd}x"})),
        ] {
            assert_eq!(parse(text).map(|(value, _)| value), Some(expect), "{text}");
        }
        assert_eq!(parse("{} tail").map(|(_, len)| len), Some(2));
    }

    #[test]
    fn prose_is_not_json() {
        for text in ["", "Rate limit", "[links {\n  url: \"x\"\n}\n]", "[Object]", "{not json at all}", "\"text\"", "12"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(parse(&format!("[{}", "1,".repeat(50_000))), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_json_document_reads_as_serde_reads_it(inner in any_json()) {
            let value = json!({ "v": inner });
            prop_assert_eq!(parse(&value.to_string()), Some((value.clone(), value.to_string().len())));
            prop_assert_eq!(parse(&format!("{value:#}")).map(|(value, _)| value), Some(value));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[{]{0,3}[ -~\\n\"'{}\\[\\]:,\\\\u0-9aé]{0,200}") {
            let _ = parse(&text);
        }
    }
}
