//! What differs between providers whatever the API: headers, and the words in which they refuse. One file for each.

mod anthropic;
mod deepseek;
mod gemini;
mod openai;

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::ask::BadAsk;
use super::clock::SECOND;
use super::config::{HeaderMode, SimProvider};
use super::meters::{Levels, Refusal};
use super::state::{Class, Shared};
use super::wire::Wire;

/// Why a request gets no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// No key, or a wrong one.
    BadKey,
    /// More than one key (Gemini).
    ManyKeys,
    BadRequest(BadAsk),
    NoSuchPath,
    NoSuchModel(String),
    TooLarge,
    Limited(Box<Refusal>),
    /// A 429 that names no limit.
    Unexplained,
    Overloaded,
    Internal,
    NoCredit,
}

/// A failure as it goes out.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// Writes a failure down as this provider does on this API.
pub(super) fn refuse(shared: &Shared, wire: Option<Wire>, model: &str, failure: &Failure) -> Refused {
    match shared.config.provider {
        SimProvider::Anthropic => anthropic::refuse(shared, wire, model, failure),
        SimProvider::OpenAi => openai::refuse(shared, model, failure),
        SimProvider::Gemini => gemini::refuse(shared, wire, model, failure),
        SimProvider::DeepSeek => deepseek::refuse(shared, model, failure),
    }
}

/// The headers of a good answer: whose it is, and the limits as this mode of operation shows them.
pub(super) fn headers(shared: &Shared, class: &Class, wire: Wire, levels: &Levels, took_ms: u64) -> HeaderMap {
    let mut headers = match shared.config.provider {
        SimProvider::Anthropic => anthropic::identity(shared, wire),
        SimProvider::OpenAi => openai::identity(shared, took_ms),
        SimProvider::Gemini => gemini::identity(took_ms),
        SimProvider::DeepSeek => deepseek::identity(shared),
    };
    // whether counting a prompt shows limits is not known, so it does not
    if !wire.only_counts() {
        headers.extend(limits(shared, class, wire, levels));
    }
    headers
}

/// The limit headers alone.
pub(super) fn limits(shared: &Shared, class: &Class, wire: Wire, levels: &Levels) -> HeaderMap {
    let present = match shared.config.provider {
        SimProvider::Anthropic if wire == Wire::Chat => anthropic::compatible_limits(levels),
        SimProvider::Anthropic => anthropic::limits(shared.clock, levels),
        SimProvider::OpenAi => openai::limits(levels),
        SimProvider::Gemini | SimProvider::DeepSeek => HeaderMap::new(),
    };
    match shared.config.headers {
        HeaderMode::Normal => present,
        HeaderMode::Missing => HeaderMap::new(),
        HeaderMode::Delayed => class.swap_headers(present),
    }
}

/// The model that answers to this name.
pub(super) fn answering_model(shared: &Shared, wire: Wire, model: &str) -> Result<String, Failure> {
    let known = &shared.config.models;
    if !known.is_empty() {
        return if known.iter().any(|known| known == model) { Ok(model.to_owned()) } else { Err(Failure::NoSuchModel(model.to_owned())) };
    }
    match shared.config.provider {
        SimProvider::DeepSeek => deepseek::answering_model(wire, model),
        SimProvider::Anthropic | SimProvider::OpenAi | SimProvider::Gemini => Ok(model.to_owned()),
    }
}

/// The models that a list shows.
pub(super) fn models(shared: &Shared) -> Vec<&str> {
    if !shared.config.models.is_empty() {
        return shared.config.models.iter().map(String::as_str).collect();
    }
    match shared.config.provider {
        SimProvider::Anthropic => vec!["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-sonnet-4-6"],
        SimProvider::OpenAi => vec!["gpt-6-sol", "gpt-6-luna", "gpt-5.5", "text-embedding-3-small"],
        SimProvider::Gemini => vec!["gemini-3.8-flash", "gemini-3.6-flash", "gemini-2.5-flash"],
        SimProvider::DeepSeek => vec!["deepseek-flash", "deepseek-v4-pro"],
    }
}

/// Sets a header; what cannot stand in one is left out.
fn put(headers: &mut HeaderMap, name: &'static str, value: impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Whole seconds to wait, at least one.
fn retry_after(wait: u64) -> u64 {
    wait.div_ceil(SECOND).max(1)
}

/// A duration in milliseconds as Go writes it: `0s`, `120ms`, `8.64s`, `1m13.595s`, `6m0s`, `1h0m0s`.
fn go_duration(millis: u64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (hours, minutes, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis % 60_000);
    let seconds = match rest % 1_000 {
        0 => format!("{}s", rest / 1_000),
        fraction => format!("{}.{}s", rest / 1_000, format!("{fraction:03}").trim_end_matches('0')),
    };
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_recorded() {
        for (millis, text) in [
            (0, "0s"),
            (2, "2ms"),
            (600, "600ms"),
            (8_640, "8.64s"),
            (11_054, "11.054s"),
            (20_000, "20s"),
            (73_595, "1m13.595s"),
            (229_814, "3m49.814s"),
            (304_090, "5m4.09s"),
            (360_000, "6m0s"),
            (432_000, "7m12s"),
            (1_728_000, "28m48s"),
        ] {
            assert_eq!(go_duration(millis), text);
        }
    }
}
