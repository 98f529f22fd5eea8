//! What a refusal says, in fields: status, messages, codes, Google's quota violations, stated waits. No judgement here.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::unwrap::{self, Body};
use crate::domain::{Dialect, Snapshot};
use crate::provider::delay;

/// JSON inside JSON inside JSON ... as far as proxies were seen to do it, and a little more.
const DEEPEST: usize = 12;

/// Messages beyond this add nothing.
const LONGEST_TEXT: usize = 16 * 1024;

/// Everything that a refusal says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) dialect: Dialect,
    /// When it came, on our clock.
    pub(super) at: Timestamp,
    /// The HTTP status if it is an error; else the one that the body gives for the error; else 0.
    pub(super) status: u16,
    /// What the headers say.
    pub(super) snapshot: Snapshot,
    /// All messages, outermost first, one a line.
    pub(super) text: String,
    /// The same in lower case.
    pub(super) lower: String,
    /// Every code, type, status word and reason, in lower case.
    pub(super) codes: BTreeSet<String>,
    /// Google's quota violations.
    pub(super) violations: Vec<Violation>,
    /// A wait that the body states in a field of its own.
    pub(super) stated_wait: Option<Duration>,
    /// A time that the body states in a field of its own.
    pub(super) resets_at: Option<Timestamp>,
    /// Where OpenRouter says the limit is.
    pub(super) limit_source: Option<String>,
    /// Whether the body itself says that a retry makes sense.
    pub(super) retryable: Option<bool>,
    /// `X-RateLimit-Limit`, where OpenRouter copies headers into the body.
    pub(super) copied_limit: Option<u64>,
    /// `X-RateLimit-Remaining`, from there too.
    pub(super) copied_remaining: Option<u64>,
    /// What Mistral's headers say that this request costs in tokens.
    pub(super) query_cost: Option<u64>,
    /// Whether OpenRouter names an upstream provider as the origin.
    pub(super) from_upstream: bool,
    /// A web page came instead of an answer of the API.
    pub(super) html: bool,
    statuses: Vec<u16>,
}

/// One of Google's quota violations, as far as it is spelled out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Violation {
    /// `quotaId`: the only field that tells the window.
    pub(super) id: String,
    /// `quotaMetric`.
    pub(super) metric: String,
    /// `quotaValue`: the limit. Google leaves a zero out.
    pub(super) value: Option<u64>,
}

impl Said {
    /// Reads an answer; `None` if it is no error at all.
    pub(super) fn read(dialect: Dialect, status: StatusCode, headers: &HeaderMap, bytes: &[u8], at: Timestamp) -> Option<Self> {
        let refused = status.as_u16() >= 400;
        if !refused && !may_hold_error(bytes) {
            return None;
        }
        let Body { documents, prose, html } = unwrap::body(bytes);
        let mut said = Self {
            dialect,
            at,
            status: status.as_u16(),
            snapshot: snapshot(dialect, status, headers, at),
            text: String::new(),
            lower: String::new(),
            codes: BTreeSet::new(),
            violations: Vec::new(),
            stated_wait: None,
            resets_at: None,
            limit_source: None,
            retryable: None,
            copied_limit: None,
            copied_remaining: None,
            query_cost: ["x-ratelimit-tokens-query-cost", "ratelimitbysize-query-cost"]
                .iter()
                .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok()),
            from_upstream: false,
            html,
            statuses: Vec::new(),
        };
        let mut errors = documents.iter().filter(|document| refused || is_error(document)).peekable();
        if !refused && errors.peek().is_none() {
            return None;
        }
        if refused {
            said.message(&prose, 0);
        }
        for document in errors {
            said.node(document, 0);
        }
        if !refused {
            said.status = said.statuses.first().copied().unwrap_or(0);
        }
        said.lower = plain_spaces(&said.text).to_lowercase();
        said.read_grpc_text();
        Some(said)
    }

    /// Whether any code, type or reason is one of these.
    pub(super) fn coded(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| self.codes.contains(*code))
    }

    /// Whether the messages contain any of these.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.lower.contains(phrase))
    }

    /// The wait that is asked for: header first, then a field, then prose.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.snapshot.retry_after.or(self.stated_wait).or_else(|| self.wait_in_prose())
    }

    /// The wait in the messages, as a length of time or as the day on which it ends.
    pub(super) fn wait_in_prose(&self) -> Option<Duration> {
        delay::in_prose(&self.lower).or_else(|| delay::ahead(delay::date_in_prose(&self.lower)?, self.at))
    }

    /// The start of the first message for a reason, without what might be a key.
    pub(super) fn quote(&self) -> String {
        const LONGEST: usize = 200;
        let words = self.text.split_whitespace().map(|word| if looks_secret(word) { "…" } else { word });
        let line = words.collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", line[..end].trim_end()),
            None => line,
        }
    }

    fn node(&mut self, value: &Value, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::Object(map) => self.object(map, depth),
            Value::Array(items) => items.iter().for_each(|item| self.node(item, depth + 1)),
            Value::String(text) => self.message(text, depth),
            _ => {}
        }
    }

    fn object(&mut self, map: &Map<String, Value>, depth: usize) {
        // the message first: it is what people are told
        for key in ["message", "raw", "msg", "title"] {
            if let Some(text) = map.get(key).and_then(Value::as_str) {
                self.message(text, depth);
            }
        }
        // Google repeats the message in `detail` of an entry of `details`, Mistral puts its own there
        if let (Some(Value::String(text)), true) = (map.get("detail"), self.text.is_empty()) {
            self.message(text, depth);
        }
        for (key, value) in map {
            match key.as_str() {
                "code" | "type" | "status" | "reason" | "error_code" | "error_type" | "provider_code" | "statusCode" | "http_status"
                | "raw_status_code" | "finish_reason" => self.code(key, value),
                "error" | "errors" | "details" | "detail" | "metadata" | "availability" | "response" | "cause" | "body" | "choices"
                | "message" => match value {
                    Value::Object(_) | Value::Array(_) => self.node(value, depth + 1),
                    Value::String(text) if key == "error" || key == "body" => self.word_or_message(text, depth),
                    _ => {}
                },
                _ => self.field(key, value),
            }
        }
        if let (Some(Value::String(id)), metric) = (map.get("quota_limit"), map.get("quota_metric")) {
            let metric = metric.and_then(Value::as_str).unwrap_or_default();
            self.violation(id, metric, map.get("quota_limit_value"));
        }
    }

    fn field(&mut self, key: &str, value: &Value) {
        let text = value.as_str();
        match key {
            "violations" => self.violations_in(value),
            "retryDelay" => self.stated_wait = text.and_then(delay::duration).or(self.stated_wait),
            "retry_after" | "retry_after_seconds" | "retryAfter" => {
                self.stated_wait = delay::duration(&scalar(value)).or(self.stated_wait);
            }
            "retry_after_ms" | "retryAfterMs" => self.stated_wait = delay::millis(&scalar(value)).or(self.stated_wait),
            "retryable" => self.retryable = value.as_bool().or(self.retryable),
            "resets_at" => self.resets_at = delay::moment(&scalar(value), self.at).or(self.resets_at),
            "limit_source" => self.limit_source = text.map(str::to_lowercase),
            "provider_name" => self.from_upstream |= text.is_some(),
            "headers" => self.copied_headers(value),
            _ => {}
        }
    }

    fn code(&mut self, key: &str, value: &Value) {
        let text = scalar(value);
        let number = text.parse::<u16>().ok().filter(|status| (400..600).contains(status));
        match number {
            Some(status) => self.statuses.push(status),
            None if text.len() <= 80 && !text.is_empty() => {
                self.from_upstream |= key == "provider_code";
                // xAI puts sentences into `code`
                if text.contains(' ') {
                    self.message(&text, DEEPEST);
                } else {
                    self.codes.insert(text.to_lowercase());
                }
            }
            None => {}
        }
    }

    fn word_or_message(&mut self, text: &str, depth: usize) {
        if text.len() <= 80 && !text.is_empty() && !text.contains([' ', '{']) {
            self.codes.insert(text.to_lowercase());
        }
        self.message(text, depth);
    }

    /// Keeps a message, and reads the JSON inside it if there is one.
    fn message(&mut self, text: &str, depth: usize) {
        let nested = if depth < DEEPEST { unwrap::inside(text) } else { None };
        let end = if nested.is_some() { text.find('{') } else { None }.unwrap_or(text.len());
        let words = text[..end].trim();
        let room = self.text.len() + words.len() <= LONGEST_TEXT;
        if !words.is_empty() && room && !self.text.lines().any(|line| line == words) {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(words);
        }
        if let Some(value) = nested {
            self.node(&value, depth + 1);
        }
    }

    fn violations_in(&mut self, value: &Value) {
        for item in value.as_array().into_iter().flatten().filter_map(Value::as_object).take(64) {
            let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
            let id = if text("quotaId").is_empty() { text("subject") } else { text("quotaId") };
            let metric = if text("quotaMetric").is_empty() { text("description") } else { text("quotaMetric") };
            self.violation(id, metric, item.get("quotaValue"));
        }
    }

    fn violation(&mut self, id: &str, metric: &str, value: Option<&Value>) {
        let value = value.and_then(|value| scalar(value).parse().ok());
        let violation = Violation { id: id.to_lowercase(), metric: metric.to_lowercase(), value };
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// `violations { quota_metric: "..." quota_id: "..." quota_value: 20 }`, as Google's Python SDK prints it.
    fn read_grpc_text(&mut self) {
        let lower = self.lower.clone();
        for block in lower.split("violations {").skip(1).take(64) {
            let block = block.split("violations {").next().unwrap_or_default();
            let field = |name: &str| {
                let (_, rest) = block.split_once(name)?;
                let rest = rest.trim_start();
                Some(match rest.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                    None => rest.split(|c: char| c.is_whitespace() || c == '}').next().unwrap_or_default(),
                })
            };
            let value = field("quota_value:").map(Value::from);
            self.violation(field("quota_id:").unwrap_or_default(), field("quota_metric:").unwrap_or_default(), value.as_ref());
        }
    }

    fn copied_headers(&mut self, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let text = scalar(value);
            match name.to_ascii_lowercase().as_str() {
                "x-ratelimit-limit" => self.copied_limit = text.parse().ok(),
                "x-ratelimit-remaining" => self.copied_remaining = text.parse().ok(),
                "x-ratelimit-reset" => self.resets_at = delay::moment(&text, self.at),
                "retry-after" => self.stated_wait = delay::retry_after(&text, self.at).or(self.stated_wait),
                _ => {}
            }
        }
    }
}

/// Of Fireworks' two limits of input, the one that is used up.
fn snapshot(dialect: Dialect, status: StatusCode, headers: &HeaderMap, at: Timestamp) -> Snapshot {
    let is_empty = |name: &str| headers.get(name).is_some_and(|value| value.as_bytes() == b"0");
    if dialect == Dialect::Fireworks && is_empty("x-ratelimit-remaining-tokens-prompt") {
        let adjusted = ["x-ratelimit-limit-tokens-cache-adjusted-prompt", "x-ratelimit-remaining-tokens-cache-adjusted-prompt"];
        if !is_empty(adjusted[1]) {
            let mut plain = headers.clone();
            for name in adjusted {
                plain.remove(name);
            }
            return crate::provider::snapshot(dialect, status, &plain, at);
        }
    }
    crate::provider::snapshot(dialect, status, headers, at)
}

/// With one plain blank for all white space within a line, and none inside a number: some languages part thousands with blanks
/// that do not break.
fn plain_spaces(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\n' || !c.is_whitespace() {
            plain.push(c);
            continue;
        }
        let unbreaking = matches!(c, '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}');
        let digits = plain.ends_with(|c: char| c.is_ascii_digit()) && {
            let next: Vec<bool> = rest.clone().take(4).map(|c| c.is_ascii_digit()).collect();
            next.starts_with(&[true, true, true]) && next.get(3) != Some(&true)
        };
        if unbreaking && digits {
            continue;
        }
        while rest.next_if(|c| *c != '\n' && c.is_whitespace()).is_some() {}
        plain.push(' ');
    }
    plain
}

/// A cheap look before a body with a good status is taken apart.
fn may_hold_error(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(unwrap::LONGEST_BODY)];
    [&b"error"[..], b"failed"].iter().any(|word| bytes.windows(word.len()).any(|window| window == *word))
}

/// Whether a document of an answer with a good status is an error.
fn is_error(document: &Value) -> bool {
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let holds_error = |value: &Value| {
        value.get("error").is_some_and(|error| match error {
            Value::Object(map) => !map.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        })
    };
    text("type") == "error"
        || text("event_type") == "error"
        || text("type").ends_with(".failed")
        || holds_error(document)
        || document.get("response").is_some_and(holds_error)
        || document.get("choices").and_then(Value::as_array).is_some_and(|choices| choices.iter().any(holds_error))
}

/// A string or number as text.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Keys and their masked tails, as error messages of 401 quote them.
fn looks_secret(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let key = ["sk-", "sk_", "aiza", "aq.", "gsk_", "xai-", "csk-", "pk-", "key-", "fw_", "bearer"];
    let lower = word.to_ascii_lowercase();
    word.contains("***") || key.iter().any(|prefix| lower.starts_with(prefix) && word.len() > prefix.len() + 3)
}
