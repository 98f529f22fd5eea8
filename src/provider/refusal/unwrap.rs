//! Takes an answer's body apart: JSON documents, event streams, JSON at the end of prose or of a stream, plain text, web pages.

use serde_json::Value;

use super::lenient;

/// Only this much of a body is looked at.
pub(super) const LONGEST_BODY: usize = 64 * 1024;

/// More documents than this are a stream of content.
const MOST_DOCUMENTS: usize = 4_096;

/// So many brackets in a text that are no JSON are tried before the rest counts as prose.
const MOST_BRACKETS: usize = 64;

/// What a body consists of.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Every JSON document, the elements of a top-level array one by one.
    pub(super) documents: Vec<Value>,
    /// What is not JSON.
    pub(super) prose: String,
    /// A web page: it came from something in front of the API, not from the API.
    pub(super) html: bool,
}

/// Takes the first 64 KiB of a body apart.
pub(super) fn body(bytes: &[u8]) -> Body {
    let bytes = &bytes[..bytes.len().min(LONGEST_BODY)];
    let text = String::from_utf8_lossy(bytes);
    // keep-alive lines come before the JSON at some providers
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut body = Body::default();
    if is_html(text) {
        body.html = true;
        body.prose = title(text);
    } else if is_stream(text) {
        body.read_stream(text);
    } else {
        body.read_text(text);
    }
    body
}

impl Body {
    /// Events one by one; lines that belong to no event are read as a text of their own: some proxies append the error bare.
    fn read_stream(&mut self, text: &str) {
        let mut rest = String::new();
        for line in text.lines() {
            if let Some(data) = line.strip_prefix("data:") {
                if let Some((value, _)) = lenient::parse(data) {
                    self.take(value);
                }
            } else if !["event:", "id:", "retry:", ":"].iter().any(|field| line.starts_with(field)) {
                rest.push_str(line);
                rest.push('\n');
            }
        }
        self.read_text(rest.trim());
    }

    /// JSON documents one after another, with prose before, between and after them.
    fn read_text(&mut self, text: &str) {
        let (mut prose_from, mut at, mut failures) = (0, 0, 0);
        while let Some(start) = text[at..].find(['{', '[']).map(|found| at + found) {
            match lenient::parse(&text[start..]) {
                Some((value, len)) if is_document(&value) => {
                    self.add_prose(&text[prose_from..start]);
                    self.take(value);
                    at = start + len;
                    prose_from = at;
                }
                // brackets in prose
                _ => {
                    at = start + 1;
                    failures += 1;
                }
            }
            if failures == MOST_BRACKETS {
                break;
            }
        }
        self.add_prose(&text[prose_from..]);
    }

    fn take(&mut self, value: Value) {
        match value {
            Value::Array(items) => items.into_iter().for_each(|item| self.take_one(item)),
            other => self.take_one(other),
        }
    }

    fn take_one(&mut self, value: Value) {
        if self.documents.len() < MOST_DOCUMENTS {
            self.documents.push(value);
        }
    }

    fn add_prose(&mut self, text: &str) {
        let text = text.trim().trim_matches(['"', ',']).trim();
        if !text.is_empty() {
            if !self.prose.is_empty() {
                self.prose.push(' ');
            }
            self.prose.push_str(text);
        }
    }
}

/// The JSON object inside a message, if SDKs or proxies put one there.
pub(super) fn inside(message: &str) -> Option<Value> {
    let start = message.find('{')?;
    lenient::parse(&message[start..]).map(|(value, _)| value).filter(is_document)
}

/// An object that has one of the keys of errors and answers, or an array of such: brackets in prose read as less.
fn is_document(value: &Value) -> bool {
    const KEYS: [&str; 14] = [
        "@type",
        "choices",
        "code",
        "data",
        "detail",
        "details",
        "error",
        "errors",
        "event_type",
        "message",
        "reason",
        "response",
        "status",
        "type",
    ];
    let known = |value: &Value| value.as_object().is_some_and(|map| KEYS.iter().any(|key| map.contains_key(*key)));
    match value {
        Value::Array(items) => items.iter().any(known),
        other => known(other),
    }
}

fn is_stream(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("data:") || line.starts_with("event:"))
}

fn is_html(text: &str) -> bool {
    let start: String = text.chars().take(32).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head") || start.starts_with("<!--")
}

fn title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let found = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        let len = lower[start..].find('<')?;
        page.get(start..start + len)
    });
    found.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, documents: &[&Value], prose: &str) {
        let body = body(text.as_bytes());
        assert_eq!(body.documents.iter().collect::<Vec<_>>(), documents, "{text}");
        assert_eq!(body.prose, prose, "{text}");
    }

    #[test]
    fn bodies_are_taken_apart() {
        let error = json!({"error": {"code": 429}});
        let chunk = json!({"choices": []});
        check("\n\n{\"error\":{\"code\":429}}", &[&error], "");
        check("[{\"error\":{\"code\":429}}\n]", &[&error], "");
        check("{\"choices\":[]}\n{\"error\":{\"code\":429}}", &[&chunk, &error], "");
        check("Error code: 429 - {'error': {'code': 429}}", &[&error], "Error code: 429 -");
        check("429 RESOURCE_EXHAUSTED. {'error': {'code': 429}}", &[&error], "429 RESOURCE_EXHAUSTED.");
        check("data: {\"choices\":[]}\n\ndata: {\"error\":{\"code\":429}}\n\ndata: [DONE]\n", &[&chunk, &error], "");
        check(": keep-alive\n\nevent: error\ndata: {\"error\":{\"code\":429}}", &[&error], "");
        check("data: {\"choices\":[]}\n\n{\n  \"error\": {\n    \"code\": 429\n  }\n}\n", &[&chunk, &error], "");
        check("data: {\"choices\":[]}\n\n,\n{\"error\": {\"code\": 429}}]", &[&chunk, &error], "]");
        check("Too many requests", &[], "Too many requests");
        check("Limit reached [see {docs}] now", &[], "Limit reached [see {docs}] now");
        check("[429 Too Many Requests] Quota. [{\"@type\":\"x\"}]", &[&json!({"@type": "x"})], "[429 Too Many Requests] Quota.");
        check(
            "Quota [links {\n url: \"x\"\n}\n, retry_delay { seconds: 23 }]",
            &[],
            "Quota [links {\n url: \"x\"\n}\n, retry_delay { seconds: 23 }]",
        );
        check("", &[], "");
    }

    #[test]
    fn a_web_page_is_known() {
        let page = body(b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>");
        assert!(page.html);
        assert_eq!(page.prose, "502 Bad Gateway");
    }
}
