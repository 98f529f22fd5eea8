//! Brings any refusal (status, headers, body, or an error inside a 200 stream) to one verdict.
//!
//! First `said` lists what the answer says, without judging; then these decide, the first that knows the case wins:
//!
//! 1. `gateway`: Tierline's own answers, by their header;
//! 2. the reader of the account's dialect;
//! 3. the readers of the other dialects, whose sentences and codes are their own: behind a custom endpoint may be anyone;
//! 4. `common`: money, key, model by code and words, then the HTTP status.
//!
//! Inside each reader the order is: what needs the user (money, key, model), what can never pass, the provider's own trouble, and
//! only then waiting. At last `exhausted` fills in from the headers what the body left open. What nobody says stays `None`.

mod anthropic;
mod common;
mod deepseek;
mod exhausted;
mod gateway;
mod gemini;
mod lenient;
mod openai;
mod openrouter;
mod others;
mod prose;
mod ruling;
mod said;
mod unwrap;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use self::said::Said;
use crate::domain::{Dialect, Verdict};

type Reader = fn(&Said) -> Option<Verdict>;

/// What an answer means if it is a refusal or an error; `None` for an answer below 400 without an error inside.
///
/// `body` may be cut; only its first 64 KiB are looked at.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tierline::domain::{Dialect, VerdictKind};
/// use tierline::provider::verdict;
///
/// let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
/// let at = "2026-11-24T12:00:00Z".parse().unwrap();
/// let verdict = verdict(Dialect::Anthropic, StatusCode::OK, &HeaderMap::new(), body, at).unwrap();
/// assert_eq!(verdict.kind, VerdictKind::Overload);
/// ```
#[must_use]
pub fn verdict(dialect: Dialect, status: StatusCode, headers: &HeaderMap, body: &[u8], at: Timestamp) -> Option<Verdict> {
    let said = Said::read(dialect, status, headers, body, at)?;
    if let Some(own) = gateway::read(&said, headers) {
        return Some(own);
    }
    let verdict = own_reader(dialect).into_iter().chain(READERS).find_map(|reader| reader(&said)).unwrap_or_else(|| common::read(&said));
    Some(ruling::timed(exhausted::fill(verdict, &said)))
}

const READERS: [Reader; 6] = [anthropic::read, openai::read, gemini::read, deepseek::read, openrouter::read, others::read];

fn own_reader(dialect: Dialect) -> Option<Reader> {
    Some(match dialect {
        Dialect::Anthropic => anthropic::read,
        Dialect::OpenAi | Dialect::Groq | Dialect::AzureOpenAi => openai::read,
        Dialect::Gemini | Dialect::Vertex => gemini::read,
        Dialect::DeepSeek => deepseek::read,
        Dialect::OpenRouter => openrouter::read,
        Dialect::XAi | Dialect::Mistral | Dialect::Together | Dialect::Fireworks | Dialect::Cerebras => others::read,
        Dialect::OpenAiCompatible => return None,
    })
}

#[cfg(test)]
mod tests;
