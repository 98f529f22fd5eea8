//! The cheapest request per provider that tells about limits, and what its answer taught. Plans only: nobody is called here.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::snapshot::limits;
use super::{delay, ends, snapshot, verdict};
use crate::domain::dimension::Meter;
use crate::domain::{Dialect, Reading, VerdictKind};

/// What to send, and what it will cost.
#[derive(Debug, Clone)]
pub struct ProbePlan {
    /// The HTTP method.
    pub method: Method,
    /// The path, with its query, after the account's base URL. A compatible endpoint's base URL ends in its version, as SDKs want it.
    pub path: String,
    /// All headers but the credential.
    pub headers: HeaderMap,
    /// The body; empty for GET.
    pub body: Bytes,
    /// What it costs, in a sentence.
    pub cost_note: String,
    /// What it costs in nano-dollars; `None` if the price is not known here.
    pub expected_cost_nanos: Option<u64>,
    /// What it is, for people.
    pub what: &'static str,
    /// Whether it costs nothing.
    pub free: bool,
}

/// The model that Anthropic is asked with if none is named: the cheapest one.
const ANTHROPIC_MODEL: &str = "claude-haiku-5-5";

/// About ten input tokens at $0.10 and one output token at $0.50 a million (price page, 2026-11).
const ANTHROPIC_COST_NANOS: u64 = 10 * 100 + 500;

/// The model that OpenAI is asked with if none is named.
const OPENAI_MODEL: &str = "gpt-6-luna";

/// The cheapest request that tells about the limits of an account, or at least proves its key.
#[must_use]
pub fn probe_plan(dialect: Dialect, model: Option<&str>) -> ProbePlan {
    match dialect {
        Dialect::Anthropic => anthropic(model.unwrap_or(ANTHROPIC_MODEL)),
        Dialect::OpenAi => openai(model.unwrap_or(OPENAI_MODEL)),
        Dialect::Gemini => list("/v1beta/models", "lists the models: proves the key, and nothing more"),
        // from Google's API reference; not tried: an answer with an error is reported as such
        Dialect::Vertex => list("/v1beta1/publishers/google/models", "lists the models: proves the credential, and nothing more"),
        Dialect::DeepSeek => list("/user/balance", "reads the balance, which bounds the concurrency"),
        Dialect::OpenRouter => list("/key", "reads the key's limits and use"),
        Dialect::AzureOpenAi => list("/openai/models?api-version=2024-08-01-preview", "lists the models: proves the key, and nothing more"),
        _ => list("/models", "lists the models: proves the key; some endpoints send their limits along"),
    }
}

/// A free request that proves the key before [`probe_plan`] is sent; `None` where that one is as good a check itself.
#[must_use]
pub fn probe_check(dialect: Dialect) -> Option<ProbePlan> {
    match dialect {
        Dialect::Anthropic => Some(ProbePlan {
            headers: headers(&[("anthropic-version", "2023-06-01")]),
            ..list("/v1/models?limit=1000", "lists the models: proves the key before anything costs")
        }),
        Dialect::OpenAi => Some(list("/v1/models", "lists the models, with the dates on which they end")),
        _ => None,
    }
}

/// A request to an admin API. It costs nothing.
#[must_use]
pub fn admin_plan(dialect: Dialect, path: String) -> ProbePlan {
    let version: &[_] = if dialect == Dialect::Anthropic { &[("anthropic-version", "2023-06-01")] } else { &[] };
    ProbePlan { headers: headers(version), path, ..list("", "reads the limits that are configured") }
}

/// What the answer taught and what this provider does not tell, a sentence each, numbers with where they came from.
#[must_use]
pub fn read_probe(
    dialect: Dialect,
    plan: &ProbePlan,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    at: Timestamp,
) -> (Vec<String>, Vec<String>) {
    let mut report = Report::default();
    let expected_refusal = dialect == Dialect::OpenAi && plan.free && status == StatusCode::BAD_REQUEST;
    match verdict(dialect, status, headers, body, at) {
        Some(refusal) if !expected_refusal || refusal.kind == VerdictKind::Key => {
            report.learn(format!("HTTP {}: {}; {}", status.as_u16(), refusal.reason, refusal.advice));
        }
        _ => report.learn(format!("the key works ({} {}, HTTP {})", plan.method, plan.path, status.as_u16())),
    }
    report.read_headers(dialect, headers, at);
    if status.is_success() {
        report.read_body(dialect, &serde_json::from_slice(body).unwrap_or_default(), at);
    }
    report.name_unknowns(dialect);
    (report.learned, report.unknown)
}

fn anthropic(model: &str) -> ProbePlan {
    let known = model == ANTHROPIC_MODEL;
    let cost_note = if known {
        "about 10 input tokens and 1 output token, $0.0000015".to_owned()
    } else {
        format!("about 10 input tokens and 1 output token of {model}")
    };
    let body = json!({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "."}]});
    ProbePlan {
        headers: headers(&[("content-type", "application/json"), ("anthropic-version", "2023-06-01")]),
        ..post("/v1/messages", &body, cost_note, known.then_some(ANTHROPIC_COST_NANOS), "asks for one token")
    }
}

/// Empty messages are refused with a 400 that carries all limit headers and costs nothing (recorded 2025-08).
fn openai(model: &str) -> ProbePlan {
    let body = json!({"model": model, "messages": []});
    let cost_note = "free: a request that is refused on purpose; it counts as one request and one token of the limits".to_owned();
    post("/v1/chat/completions", &body, cost_note, Some(0), "sends no messages and reads the limits from the refusal")
}

fn post(path: &str, body: &Value, cost_note: String, cost: Option<u64>, what: &'static str) -> ProbePlan {
    ProbePlan {
        method: Method::POST,
        path: path.to_owned(),
        headers: headers(&[("content-type", "application/json")]),
        body: body.to_string().into(),
        cost_note,
        expected_cost_nanos: cost,
        what,
        free: cost == Some(0),
    }
}

fn list(path: &str, what: &'static str) -> ProbePlan {
    ProbePlan {
        method: Method::GET,
        path: path.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        cost_note: "free".to_owned(),
        expected_cost_nanos: Some(0),
        what,
        free: true,
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[derive(Default)]
struct Report {
    learned: Vec<String>,
    unknown: Vec<String>,
    has_limits: bool,
}

impl Report {
    fn learn(&mut self, sentence: impl Into<String>) {
        self.learned.push(sentence.into());
    }

    fn read_headers(&mut self, dialect: Dialect, headers: &HeaderMap, at: Timestamp) {
        for (family, reading) in limits(dialect, headers, at) {
            self.has_limits = true;
            if reading.period.is_none() {
                self.unknown
                    .push(format!("whether {} counts per minute or per day: nothing was used that it could be told from", family.limit));
            }
            self.learn(format!("{} ({})", said(&reading, at), family.limit));
        }
        let snapshot = snapshot(dialect, StatusCode::OK, headers, at);
        for (what, id, header) in [
            ("organization", &snapshot.identity.organization, "anthropic-organization-id or openai-organization"),
            ("project", &snapshot.identity.project, "openai-project"),
            ("workspace", &snapshot.identity.workspace, "anthropic-workspace-id"),
        ] {
            if let Some(id) = id {
                self.learn(format!("the key belongs to {what} {id} ({header})"));
            }
        }
        for oddity in snapshot.oddities {
            self.unknown.push(format!("what {} means: {}", oddity.header, oddity.what));
        }
    }

    fn read_body(&mut self, dialect: Dialect, body: &Value, at: Timestamp) {
        match dialect {
            Dialect::DeepSeek => self.read_balance(body),
            Dialect::OpenRouter => self.read_key(&body["data"]),
            _ => {
                let models = body["data"].as_array().or(body["models"].as_array());
                if let Some(models) = models {
                    self.learn(format!("{} models are listed for this key", models.len()));
                }
                let ends = ends::listed(body);
                if let Some(next) = ends.iter().filter(|end| end.at.is_some_and(|ends_at| ends_at > at)).min_by_key(|end| end.at) {
                    self.learn(format!("{} of them have a date on which they end; {next}", ends.len()));
                }
            }
        }
    }

    /// Amounts are decimal strings, one entry a currency.
    fn read_balance(&mut self, body: &Value) {
        for info in body["balance_infos"].as_array().into_iter().flatten().take(8) {
            let amount = |key: &str| info[key].as_str().filter(|text| text.len() <= 32).map(str::to_owned);
            if let (Some(currency), Some(total)) = (amount("currency"), amount("total_balance")) {
                let granted = amount("granted_balance").map_or(String::new(), |granted| format!(", {granted} of it granted"));
                self.learn(format!("the balance is {total} {currency}{granted} (balance_infos)"));
            }
        }
        if body["is_available"] == Value::Bool(false) {
            self.learn("the balance does not suffice for API calls (is_available)");
        }
    }

    fn read_key(&mut self, data: &Value) {
        for (key, what) in [
            ("limit", "the key's spending limit is ${}"),
            ("limit_remaining", "${} of the key's limit are left"),
            ("usage", "the key has spent ${} in all"),
            ("usage_daily", "the key has spent ${} this UTC day"),
        ] {
            if let Some(dollars) = data[key].as_f64() {
                self.learn(format!("{} (data.{key})", what.replace("{}", &dollars.to_string())));
            }
        }
        if data["is_free_tier"] == Value::Bool(true) {
            self.learn("no credits were ever bought (data.is_free_tier)");
        }
        let free = &data["free_model_daily_requests"];
        if let (Some(used), Some(limit)) = (free["used"].as_u64(), free["limit"].as_u64()) {
            self.has_limits = true;
            self.learn(format!("{used} of {limit} requests to free models are used this UTC day (data.free_model_daily_requests)"));
        }
    }

    fn name_unknowns(&mut self, dialect: Dialect) {
        match dialect {
            Dialect::Gemini => {
                self.unknown.push("the limits (RPM, TPM, RPD) of this project: only the rate-limit page of AI Studio shows them".into());
                self.unknown.push("what is left of them: no header tells; Tierline counts for itself and learns from refusals".into());
            }
            Dialect::Vertex => {
                self.unknown.push("any limit: the capacity is shared by all customers and no number is given".into());
            }
            Dialect::DeepSeek => self.unknown.push(
                "the concurrency limit: 2500 for deepseek-flash and 500 for deepseek-v4-pro are documented, but it shrinks with the \
                 balance by a rule that is not"
                    .into(),
            ),
            Dialect::OpenRouter if !self.has_limits => {
                self.unknown.push("request limits: OpenRouter sends them only with a refusal".into());
            }
            _ if !self.has_limits => self.unknown.push("the limits: the answer carried no limit headers".into()),
            _ => {}
        }
        if dialect == Dialect::Groq {
            self.unknown.push("RPM and TPD: Groq's headers show only requests per day and tokens per minute".into());
        }
    }
}

/// `RPM: 499 of 500 left, full in 0.12 s`.
fn said(reading: &Reading, at: Timestamp) -> String {
    let meter = match reading.period {
        Some(period) => Meter(reading.dimension, period).to_string(),
        None => reading.dimension.unit().to_owned(),
    };
    let left = match (reading.remaining, reading.limit) {
        (Some(left), Some(limit)) => format!("{left} of {limit} left"),
        (None, Some(limit)) => format!("a limit of {limit}"),
        (Some(left), None) => format!("{left} left, the limit unknown"),
        (None, None) => "limit and rest unknown".to_owned(),
    };
    let rounded = if reading.grain > 1 { format!(", rounded to {}", reading.grain) } else { String::new() };
    let pool = match reading.pool {
        crate::domain::Pool::Standard => String::new(),
        other => format!(" of the {} pool", format!("{other:?}").to_lowercase()),
    };
    let full = match reading.full_at {
        Some(full) if full > at => format!(", full in {} s", delay::until(full, at).as_secs_f64()),
        Some(_) => ", full now".to_owned(),
        None => String::new(),
    };
    format!("{meter}{pool}: {left}{rounded}{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-24T12:00:00Z";

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        headers(lines)
    }

    fn read(dialect: Dialect, status: u16, headers: &HeaderMap, body: &str) -> (Vec<String>, Vec<String>) {
        let plan = probe_plan(dialect, None);
        read_probe(dialect, &plan, StatusCode::from_u16(status).unwrap(), headers, body.as_bytes(), AT.parse().unwrap())
    }

    #[test]
    fn every_dialect_has_a_plan_that_says_its_cost() {
        for dialect in Dialect::ALL {
            let plan = probe_plan(dialect, None);
            assert!(plan.path.starts_with('/') && !plan.cost_note.is_empty() && !plan.what.is_empty(), "{plan:?}");
            assert_eq!(plan.free, plan.expected_cost_nanos == Some(0), "{plan:?}");
            assert_eq!(plan.free, dialect != Dialect::Anthropic, "{plan:?}");
            assert_eq!(plan.body.is_empty(), plan.method == Method::GET, "{plan:?}");
            assert!(!plan.headers.contains_key("authorization") && !plan.headers.contains_key("x-api-key"));
            // nothing that costs goes out before something free has proved the key
            assert!(plan.free || probe_check(dialect).is_some_and(|check| check.free && check.method == Method::GET), "{plan:?}");
        }
        assert_eq!(probe_plan(Dialect::Anthropic, None).expected_cost_nanos, Some(1_500));
        let named = probe_plan(Dialect::Anthropic, Some("claude-opus-5-5"));
        assert_eq!(named.expected_cost_nanos, None);
        assert!(std::str::from_utf8(&named.body).unwrap().contains("claude-opus-5-5"));
    }

    #[test]
    fn openai_learns_from_the_refusal_it_asked_for() {
        let headers = head(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("openai-project", "proj_x"),
        ]);
        let body = r#"{"error":{"code":"empty_array","message":"Invalid 'messages': empty array.","param":"messages","type":"invalid_request_error"}}"#;
        let (learned, unknown) = read(Dialect::OpenAi, 400, &headers, body);
        assert_eq!(
            learned,
            [
                "the key works (POST /v1/chat/completions, HTTP 400)",
                "RPM: 499 of 500 left, full in 0.12 s (x-ratelimit-limit-requests)",
                "the key belongs to project proj_x (openai-project)",
            ]
        );
        assert!(unknown.is_empty(), "{unknown:?}");
        let (learned, unknown) = read(Dialect::OpenAi, 401, &HeaderMap::new(), "{\"error\":{\"code\":\"invalid_api_key\"}}");
        assert_eq!(learned, ["HTTP 401: the key is missing, wrong or revoked (invalid_api_key); store the right key, or make a new one"]);
        assert_eq!(unknown, ["the limits: the answer carried no limit headers"]);
    }

    #[test]
    fn a_list_of_models_tells_the_next_end() {
        let body =
            r#"{"data":[{"id":"a","shutdown_date":"2026-10-23"},{"id":"b","shutdown_date":"2026-12-11"},{"id":"c","shutdown_date":null}]}"#;
        let check = probe_check(Dialect::OpenAi).unwrap();
        let (learned, _) = read_probe(Dialect::OpenAi, &check, StatusCode::OK, &HeaderMap::new(), body.as_bytes(), AT.parse().unwrap());
        assert_eq!(
            learned[1..],
            ["3 models are listed for this key", "2 of them have a date on which they end; `b` ends 2026-12-11 (shutdown_date)"]
        );
    }

    #[test]
    fn anthropic_learns_rounded_limits() {
        let headers = head(&[
            ("anthropic-ratelimit-output-tokens-limit", "80000"),
            ("anthropic-ratelimit-output-tokens-remaining", "74000"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-11-24T12:00:04Z"),
        ]);
        let (learned, _) = read(Dialect::Anthropic, 200, &headers, "{}");
        assert_eq!(learned[1], "OTPM: 74000 of 80000 left, rounded to 1000, full in 4 s (anthropic-ratelimit-output-tokens-limit)");
    }

    #[test]
    fn those_without_headers_say_what_stays_unknown() {
        let (learned, unknown) = read(Dialect::Gemini, 200, &HeaderMap::new(), r#"{"models":[{"name":"a"},{"name":"b"}]}"#);
        assert_eq!(learned, ["the key works (GET /v1beta/models, HTTP 200)", "2 models are listed for this key"]);
        assert!(unknown[0].contains("AI Studio"), "{unknown:?}");

        let balance = r#"{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00","granted_balance":"10.00","topped_up_balance":"100.00"}]}"#;
        let (learned, unknown) = read(Dialect::DeepSeek, 200, &HeaderMap::new(), balance);
        assert_eq!(learned[1], "the balance is 110.00 CNY, 10.00 of it granted (balance_infos)");
        assert!(unknown[0].contains("shrinks with the balance"), "{unknown:?}");

        let key =
            r#"{"data":{"limit":null,"usage":1.5,"is_free_tier":true,"free_model_daily_requests":{"used":3,"limit":50,"remaining":47}}}"#;
        let (learned, unknown) = read(Dialect::OpenRouter, 200, &HeaderMap::new(), key);
        assert_eq!(
            learned[1..],
            [
                "the key has spent $1.5 in all (data.usage)",
                "no credits were ever bought (data.is_free_tier)",
                "3 of 50 requests to free models are used this UTC day (data.free_model_daily_requests)",
            ]
        );
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
