//! Puts another model's name into a request, and the fields that go with it into its body. Every other byte stays as it was.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::domain::{Alias, ModelId};
use crate::provider::path_with_model;

/// The path and body of a request that leaves under an alias; `None` if neither names the model in a way that is understood.
pub(super) fn applied(alias: &Alias, path: &str, body: &[u8]) -> Option<(String, Vec<u8>)> {
    match path_with_model(path, &alias.to) {
        Some(path) => Some((path, with_fields(&renamed(body, alias), &alias.set)?)),
        None => Some((path.to_owned(), rewritten(body, &alias.to, &alias.set)?)),
    }
}

/// Where the path names the model, the body may repeat it as `"model": "models/x"`, also for each part of a batch.
fn renamed(body: &[u8], alias: &Alias) -> Vec<u8> {
    let name = |model: &ModelId| Value::from(format!("models/{model}")).to_string();
    let (from, to) = (name(&alias.from), name(&alias.to));
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memchr::memmem::find(rest, from.as_bytes()) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let key = before.trim_ascii_end().strip_suffix(b":").map(<[u8]>::trim_ascii_end);
        out.extend_from_slice(before);
        out.extend_from_slice(if key.is_some_and(|key| key.ends_with(b"\"model\"")) { to.as_bytes() } else { from.as_bytes() });
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// The body with these top-level fields, which replace those of the same name; `None` if it has to be one JSON object and is none.
fn with_fields(body: &[u8], set: &Map<String, Value>) -> Option<Vec<u8>> {
    if set.is_empty() {
        return Some(body.to_vec());
    }
    let fields = top_fields(body)?;
    let mut missing: Vec<(&String, &Value)> = set.iter().collect();
    let mut splices = Vec::new();
    for (name, value) in fields {
        if let Some(wanted) = set.get(&name) {
            missing.retain(|(known, _)| **known != name);
            splices.push((value, wanted.to_string()));
        }
    }
    spliced(body, &missing, splices)
}

/// The body with `to` for its model and these top-level fields, which replace those of the same name; `None` if the body
/// is not one JSON object that names a model.
fn rewritten(body: &[u8], to: &ModelId, set: &Map<String, Value>) -> Option<Vec<u8>> {
    let fields = top_fields(body)?;
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    let mut missing: Vec<(&String, &Value)> = set.iter().filter(|(name, _)| *name != "model").collect();
    let mut named = false;
    for (name, value) in fields {
        if name == "model" {
            named = true;
            splices.push((value, Value::from(to.as_str()).to_string()));
        } else if let Some(wanted) = set.get(&name) {
            missing.retain(|(known, _)| **known != name);
            splices.push((value, wanted.to_string()));
        }
    }
    if !named {
        return None;
    }
    spliced(body, &missing, splices)
}

/// The object with fields put before its first one and others' values replaced.
fn spliced(body: &[u8], added: &[(&String, &Value)], replaced: Vec<(Range<usize>, String)>) -> Option<Vec<u8>> {
    let open = body.iter().position(|byte| *byte == b'{')? + 1;
    let mut first = added.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect::<Vec<_>>().join(",");
    let empty = body.get(open..)?.trim_ascii_start().starts_with(b"}");
    if !first.is_empty() && !empty {
        first.push(',');
    }
    let mut out = Vec::with_capacity(body.len() + first.len() + 64);
    let mut at = 0;
    for (range, text) in std::iter::once((open..open, first)).chain(replaced) {
        out.extend_from_slice(body.get(at..range.start)?);
        out.extend_from_slice(text.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(body.get(at..)?);
    Some(out)
}

/// Names and places of the values of an object's own fields, in order.
fn top_fields(body: &[u8]) -> Option<Vec<(String, Range<usize>)>> {
    // what is no JSON at all must not be read as if it were
    serde_json::from_slice::<IgnoredAny>(body).ok()?;
    let mut scan = Scan { body, at: 0 };
    scan.space();
    scan.take(b'{')?;
    let mut fields = Vec::new();
    loop {
        scan.space();
        if scan.take(b'}').is_some() {
            return Some(fields);
        }
        let name = serde_json::from_slice(body.get(scan.string()?)?).ok()?;
        scan.space();
        scan.take(b':')?;
        scan.space();
        fields.push((name, scan.value()?));
        scan.space();
        let _ = scan.take(b',');
    }
}

/// Walks over JSON that is known to be well formed.
struct Scan<'b> {
    body: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            let skip = memchr::memchr2(b'"', b'\\', self.body.get(self.at..)?)?;
            self.at += skip + 1;
            if self.body.get(self.at - 1) == Some(&b'"') {
                return Some(start..self.at);
            }
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b'}' | b',' if depth == 0 => break,
                byte if depth == 0 && byte.is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.body.get(self.at - 1), Some(b'"' | b'}' | b']')) {
                break;
            }
        }
        Some(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::AccountId;

    #[expect(clippy::needless_pass_by_value, reason = "json! in place reads better")]
    fn check(body: &str, set: Value, expect: Option<&str>) {
        let set = set.as_object().unwrap();
        let found = rewritten(body.as_bytes(), &ModelId::new("new"), set).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(found.as_deref(), expect, "{body}");
    }

    #[test]
    fn only_the_model_and_the_given_fields_change() {
        let off = json!({"thinking": {"type": "disabled"}});
        for (body, set, expect) in [
            (r#"{"model":"old"}"#, json!({}), Some(r#"{"model":"new"}"#)),
            (r#" { "n" : 1.0e0 , "model" : "old" } "#, json!({}), Some(r#" { "n" : 1.0e0 , "model" : "new" } "#)),
            (r#"{"model":"old","x":[]}"#, off.clone(), Some(r#"{"thinking":{"type":"disabled"},"model":"new","x":[]}"#)),
            (r#"{"thinking": {"a":"}"} ,"model":"old"}"#, off.clone(), Some(r#"{"thinking": {"type":"disabled"} ,"model":"new"}"#)),
            (r#"{"mod\u0065l":"old","q":"\"}"}"#, json!({}), Some(r#"{"mod\u0065l":"new","q":"\"}"}"#)),
            (r#"{"a":{"model":"old"},"model":"old"}"#, json!({}), Some(r#"{"a":{"model":"old"},"model":"new"}"#)),
            (r#"{"model":"old","model":"older"}"#, json!({}), Some(r#"{"model":"new","model":"new"}"#)),
            (r#"{"model":null,"b":true}"#, json!({"model": "x", "b": false}), Some(r#"{"model":"new","b":false}"#)),
            (r#"{"a":1}"#, off, None),
            (r#"{"model":"old""#, json!({}), None),
            (r#"["model"]"#, json!({}), None),
            ("{}", json!({}), None),
            ("", json!({}), None),
        ] {
            check(body, set, expect);
        }
    }

    #[test]
    fn where_the_path_names_the_model_it_changes_there_and_where_the_body_repeats_it() {
        const OLD: &str = "/v1beta/models/old:generateContent?alt=sse";
        const NEW: &str = "/v1beta/models/new:generateContent?alt=sse";
        let quoted = r#"{"text":"say \"model\": \"models/old\""}"#;
        let (nested, renamed) =
            (r#"{"r": {"model" : "models/old", "x": "models/old"}}"#, r#"{"r": {"model" : "models/new", "x": "models/old"}}"#);
        for (path, body, set, expect) in [
            (OLD, r#"{"contents":[]}"#, json!({}), Some((NEW, r#"{"contents":[]}"#))),
            ("/v1beta/models/old%3AcountTokens", nested, json!({}), Some(("/v1beta/models/new%3AcountTokens", renamed))),
            (OLD, quoted, json!({}), Some((NEW, quoted))),
            (OLD, r#"{"contents":[]}"#, json!({"n": 1}), Some((NEW, r#"{"n":1,"contents":[]}"#))),
            (OLD, r#"{"n":{},"contents":[]}"#, json!({"n": 1}), Some((NEW, r#"{"n":1,"contents":[]}"#))),
            (OLD, "{ }", json!({"n": 1, "m": []}), Some((NEW, r#"{"m":[],"n":1 }"#))),
            (OLD, "", json!({}), Some((NEW, ""))),
            (OLD, "", json!({"n": 1}), None),
            ("/v1beta/openai/responses", r#"{"model":"models/old"}"#, json!({}), Some(("/v1beta/openai/responses", r#"{"model":"new"}"#))),
        ] {
            let set = set.as_object().cloned().unwrap();
            let alias = Alias { account: AccountId(1), from: ModelId::new("old"), to: ModelId::new("new"), set, until: None };
            let found = applied(&alias, path, body.as_bytes()).map(|(path, body)| (path, String::from_utf8(body).unwrap()));
            assert_eq!(found, expect.map(|(path, body)| (path.to_owned(), body.to_owned())), "{path} {body}");
        }
    }

    proptest! {
        #[test]
        fn any_object_is_what_it_was_but_for_its_model(
            mut fields in prop::collection::btree_map("[a-z\"\\\\{}é]{0,5}", "[a-z\"\\\\{},\\[\\]: ]{0,9}", 0..6),
            nested in prop::collection::vec("[a-z\"}]{0,4}", 0..4),
        ) {
            fields.remove("model");
            let mut body = json!(fields);
            body["nested"] = json!({"model": nested});
            body["model"] = json!("old");
            let out = rewritten(body.to_string().as_bytes(), &ModelId::new("new"), &Map::new()).unwrap();
            body["model"] = json!("new");
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), body);
        }
    }
}
