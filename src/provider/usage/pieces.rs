//! Finds the JSON objects in a stream of bytes and keeps each without what makes it long.
//!
//! Base64 images, long texts and embeddings would not fit into a bounded buffer, and nothing that is looked for is in
//! them: long strings are cut, and in a list of numbers only the first is kept. What comes out is still valid JSON.

use memchr::{memchr, memchr2};

/// Longest string that is kept whole, in bytes as they stand; an error's message fits, a generated text need not.
const MAX_STRING: usize = 16 * 1024;

/// Longest object that is kept.
pub(super) const MAX_PIECE: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    /// Between tokens, or in a number or word.
    #[default]
    Token,
    String,
    /// After a backslash.
    Escape,
    /// In `\uXXXX`, with this many digits to come.
    Unicode(u8),
    /// After a comma that is kept only if no number follows.
    Comma,
    /// In a number that is not kept.
    Number,
}

/// The object that is being read.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    kept: Vec<u8>,
    at: At,
    /// How many brackets are open; outside of all, everything but `{` is skipped: blank lines, commas, `[`.
    depth: usize,
    /// Bytes kept of the present string.
    string: usize,
    /// The rest of the present string is dropped.
    cut: bool,
    /// The string so far ends in the first half of a surrogate pair.
    half: bool,
    /// The present object was too long after all.
    lost: bool,
}

impl Pieces {
    /// Takes the next bytes; `on` gets every object that ends in them, `None` for one that was too long to keep.
    pub(super) fn push(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Option<&[u8]>)) {
        while let [byte, rest @ ..] = bytes {
            if self.depth == 0 {
                let Some(start) = memchr(b'{', bytes) else { return };
                self.open(b'{');
                bytes = bytes.get(start + 1..).unwrap_or_default();
                continue;
            }
            bytes = match self.at {
                At::String => self.in_string(bytes),
                At::Escape => {
                    self.at = if *byte == b'u' { At::Unicode(4) } else { At::String };
                    self.keep_in_string(&[*byte]);
                    rest
                }
                At::Unicode(digits) => {
                    self.at = if digits > 1 { At::Unicode(digits - 1) } else { At::String };
                    self.keep_in_string(&[*byte]);
                    self.half = digits == 1 && self.ends_in_half();
                    rest
                }
                At::Comma => match byte {
                    b' ' | b'\t' | b'\n' | b'\r' | b',' => rest,
                    b'-' | b'0'..=b'9' => {
                        self.at = At::Number;
                        rest
                    }
                    // a comma before a closing bracket is one too many
                    b'}' | b']' => {
                        self.at = At::Token;
                        bytes
                    }
                    _ => {
                        self.keep(b",");
                        self.at = At::Token;
                        bytes
                    }
                },
                At::Number => {
                    if matches!(byte, b',' | b'}' | b']' | b'"' | b'{' | b'[') {
                        self.at = At::Token;
                        bytes
                    } else {
                        rest
                    }
                }
                At::Token => {
                    self.token(*byte, on);
                    rest
                }
            };
        }
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.kept.capacity()
    }

    fn token(&mut self, byte: u8, on: &mut impl FnMut(Option<&[u8]>)) {
        match byte {
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => {
                self.keep(&[byte]);
                self.depth -= 1;
                if self.depth == 0 {
                    on(Some(self.kept.as_slice()).filter(|_| !self.lost));
                    self.kept.clear();
                    self.lost = false;
                }
            }
            b',' => self.at = At::Comma,
            b'"' => {
                self.keep(b"\"");
                self.at = At::String;
                (self.string, self.cut, self.half) = (0, false, false);
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => self.keep(&[byte]),
        }
    }

    /// Takes a string up to its next quote or backslash; gives back what follows.
    fn in_string<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let (run, rest) = bytes.split_at(end);
        self.half &= run.is_empty();
        let room = MAX_STRING.saturating_sub(self.string);
        if run.len() > room {
            self.keep_in_string(run.get(..room).unwrap_or_default());
            self.cut_string();
        } else {
            self.keep_in_string(run);
        }
        match rest {
            [b'"', rest @ ..] => {
                self.keep(b"\"");
                self.at = At::Token;
                rest
            }
            [backslash, rest @ ..] => {
                if self.string >= MAX_STRING {
                    self.cut_string();
                }
                self.keep_in_string(&[*backslash]);
                self.at = At::Escape;
                rest
            }
            [] => rest,
        }
    }

    /// Drops the rest of the string; no character is left in halves.
    fn cut_string(&mut self) {
        if std::mem::replace(&mut self.cut, true) {
            return;
        }
        if self.half {
            self.kept.truncate(self.kept.len() - br"\ud83e".len());
            return;
        }
        let Some(lead) = self.kept.iter().rposition(|byte| byte & 0xC0 != 0x80) else { return };
        let whole = match self.kept.get(lead) {
            Some(0xC0..0xE0) => 2,
            Some(0xE0..0xF0) => 3,
            Some(0xF0..) => 4,
            _ => 1,
        };
        if self.kept.len() - lead < whole {
            self.kept.truncate(lead);
        }
    }

    /// Whether the last four digits are those of a high surrogate, U+D800 to U+DBFF.
    fn ends_in_half(&self) -> bool {
        matches!(self.kept.as_slice(), [.., b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _])
    }

    fn keep_in_string(&mut self, bytes: &[u8]) {
        if !self.cut {
            self.string += bytes.len();
            self.keep(bytes);
        }
    }

    fn open(&mut self, bracket: u8) {
        self.depth += 1;
        self.at = At::Token;
        self.keep(&[bracket]);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.lost {
            return;
        }
        if self.kept.len() + bytes.len() > MAX_PIECE {
            self.lost = true;
            self.kept = Vec::new();
            return;
        }
        self.kept.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Option<String>> {
        let (mut pieces, mut found) = (Pieces::default(), Vec::new());
        for chunk in chunks {
            pieces.push(chunk, &mut |piece: Option<&[u8]>| found.push(piece.map(|p| String::from_utf8(p.to_vec()).unwrap())));
            assert!(pieces.held() <= 2 * MAX_PIECE);
        }
        found
    }

    fn check(text: &str, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|piece| Some((*piece).to_owned())).collect();
        assert_eq!(pieces([text.as_bytes()]), expected, "{text}");
        assert_eq!(pieces(text.as_bytes().chunks(1)), expected, "{text}, byte by byte");
    }

    #[test]
    fn every_object_comes_out_once() {
        check("", &[]);
        check("null 5 \"x\" ]}", &[]);
        check(r#"{"a":1}"#, &[r#"{"a":1}"#]);
        check("\n\n\n{\"a\" : true }\n", &[r#"{"a":true}"#]);
        check("[{\"a\":1}\n,\r\n{\"b\":[{}]}]", &[r#"{"a":1}"#, r#"{"b":[{}]}"#]);
        check(r#"{"a":"}\"{","b":"\\"}{}"#, &[r#"{"a":"}\"{","b":"\\"}"#, "{}"]);
        check(r#"{"a":1,,"b":[1,],}"#, &[r#"{"a":1,"b":[1]}"#]);
        check(r#"{"cut":{"a":"#, &[]);
    }

    #[test]
    fn of_a_list_of_numbers_the_first_is_kept() {
        check(r#"{"e":[0.1,-2e9, 3 ],"n":5,"m":[[1,2],[3,4]],"s":["a","b"]}"#, &[r#"{"e":[0.1],"n":5,"m":[[1],[3]],"s":["a","b"]}"#]);
    }

    #[test]
    fn long_strings_are_cut_between_characters() {
        for long in ["x", "é", "☃", "🦀", "ab🦀", "\\n", "\\u00e9", "\\ud83e\\udd80"] {
            let text = format!(r#"{{"a":"{}","usage":7}}"#, long.repeat(MAX_STRING));
            let whole = pieces([text.as_bytes()]);
            let piece: serde_json::Map<String, serde_json::Value> = serde_json::from_str(whole[0].as_ref().unwrap()).unwrap();
            assert_eq!(piece["usage"], 7, "{long}");
            assert!(piece["a"].as_str().unwrap().len() <= MAX_STRING, "{long}");
            assert_eq!(whole, pieces(text.as_bytes().chunks(7)), "{long}");
        }
    }

    #[test]
    fn what_stays_too_long_is_said_to_be_lost_and_costs_no_memory() {
        let text = format!(r#"[{{"a":[{}""]}},{{"b":1}}]"#, r#""word","#.repeat(MAX_PIECE));
        assert_eq!(pieces([text.as_bytes()]), [None, Some(r#"{"b":1}"#.to_owned())]);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(text in r#"[\[\]{}:, "\\a1u\n-]{0,60}"#, size in 1_usize..8) {
            prop_assert_eq!(pieces(text.as_bytes().chunks(size)), pieces([text.as_bytes()]));
        }
    }
}
