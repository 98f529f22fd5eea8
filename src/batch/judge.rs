//! What an answer means for its row: done, again later, or nothing more goes. Pure.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::{Dialect, Problem, Usage, Verdict, VerdictKind, Whose};
use crate::provider::verdict;

/// An answer, or the lack of one, as far as its row is concerned.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered {
    /// HTTP status; `None` if there was no answer.
    pub(super) status: Option<u16>,
    /// The provider's id for the request.
    pub(super) request_id: Option<String>,
    pub(super) body: Bytes,
    /// What is wrong, if something is, with its verdict.
    pub(super) error: Option<Value>,
    pub(super) usage: Usage,
    pub(super) cost_nanos: Option<u64>,
    /// How often the gateway sent it to the provider.
    pub(super) attempts: u64,
    pub(super) wait_millis: u64,
    pub(super) bound_by: Option<String>,
}

/// What becomes of the row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Its line can be written.
    Done,
    /// It goes again after this time, unless it went so many times already.
    Again(Duration, u32),
    /// No row would fare better before the user has done something.
    Stop(Problem),
}

/// For lack of room a row goes again and again: only the limit of a day can take longer than all these tries.
const TRIES_FOR_ROOM: u32 = 200;
/// A provider that fails on a row this often fails because of it.
const TRIES_ON_ERROR: u32 = 4;
/// Before the second try, if nobody says how long.
const PAUSE: Duration = Duration::from_secs(2);

impl Answered {
    pub(super) const fn is_well(&self) -> bool {
        self.error.is_none()
    }

    /// No whole answer came, for this reason.
    pub(super) fn none(why: &str) -> Self {
        Self { error: Some(json!({ "kind": "broken", "reason": why })), ..Self::default() }
    }

    /// What the head of an answer says in the gateway's own headers.
    pub(super) fn head(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let request_id = ["request-id", "x-request-id", "openai-request-id"].iter().find_map(|name| text(name));
        Self {
            status: Some(status.as_u16()),
            request_id: request_id.map(str::to_owned),
            attempts: number("x-tierline-attempts"),
            wait_millis: number("x-tierline-wait-ms"),
            bound_by: text("x-tierline-bound-by").map(str::to_owned),
            ..Self::default()
        }
    }
}

/// Judges a whole answer; writes the error into it if it is one.
pub(super) fn judge(dialect: Dialect, status: StatusCode, headers: &HeaderMap, answered: &mut Answered, now: Timestamp) -> Next {
    if status.is_success() {
        return Next::Done;
    }
    let verdict = verdict(dialect, status, headers, &answered.body, now);
    answered.error = Some(error(status, verdict.as_ref()));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let wait = verdict.as_ref().and_then(|verdict| verdict.retry_after);
    let for_room = Next::Again(wait.unwrap_or(PAUSE).clamp(Duration::from_millis(200), Duration::from_mins(10)), TRIES_FOR_ROOM);
    let by_gateway = text("x-tierline-refused-by") == Some("gateway");
    match (text("x-tierline-reason"), &verdict) {
        (Some("never_fits"), _) if by_gateway => Next::Done,
        (Some("deadline" | "queue_full" | "breaker_open" | "keys_unread" | "shutting_down"), _) if by_gateway => for_room,
        (_, Some(verdict)) if by_gateway && status.is_client_error() => Next::Stop(stopped(verdict)),
        // 500, 502, 504: something broke, perhaps over this very row; 503 and 529 are about room
        _ if matches!(status.as_u16(), 500 | 502 | 504) => Next::Again(PAUSE, TRIES_ON_ERROR),
        (_, Some(verdict)) => match verdict.kind {
            VerdictKind::Wait | VerdictKind::Overload => for_room,
            VerdictKind::Money | VerdictKind::Key => Next::Stop(stopped(verdict)),
            VerdictKind::Never | VerdictKind::Model | VerdictKind::Request => Next::Done,
        },
        (_, None) if status.is_server_error() => Next::Again(PAUSE, TRIES_ON_ERROR),
        (_, None) => Next::Done,
    }
}

/// No whole answer came.
pub(super) const fn broken() -> Next {
    Next::Again(PAUSE, TRIES_ON_ERROR)
}

fn stopped(verdict: &Verdict) -> Problem {
    Problem::new(verdict.reason.clone()).hint(verdict.advice.clone())
}

fn error(status: StatusCode, verdict: Option<&Verdict>) -> Value {
    let Some(verdict) = verdict else {
        return json!({ "kind": "error", "reason": format!("the provider answered {status}"), "whose": Whose::Provider });
    };
    json!({
        "kind": verdict.kind,
        "reason": verdict.reason,
        "advice": verdict.advice,
        "whose": verdict.whose,
        "dimension": verdict.dimension,
        "limit": verdict.limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, headers: &[(&'static str, &'static str)], body: &'static str, expect: fn(&Next) -> bool) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        let mut answered = Answered { body: body.into(), ..Answered::head(status, &headers) };
        let next = judge(Dialect::Anthropic, status, &headers, &mut answered, Timestamp::UNIX_EPOCH);
        assert!(expect(&next), "{status} {body}: {next:?}");
        assert_eq!(answered.is_well(), status.is_success(), "{status} {body}");
    }

    #[test]
    fn only_what_another_try_can_mend_goes_again() {
        let again = |next: &Next| matches!(next, Next::Again(_, tries) if *tries > 100);
        let few = |next: &Next| matches!(next, Next::Again(_, tries) if *tries < 10);
        let done = |next: &Next| *next == Next::Done;
        let stop = |next: &Next| matches!(next, Next::Stop(_));
        let gateway =
            |reason| vec![("x-tierline-refused-by", "gateway"), ("x-tierline-reason", reason), ("content-type", "application/json")];
        let error = r#"{"type":"error","error":{"type":"rate_limit_error","message":"TPM is full"}}"#;
        check(200, &[], "{}", done);
        check(429, &[("retry-after", "7")], error, |next| matches!(next, Next::Again(wait, _) if wait.as_secs() == 7));
        check(529, &[], r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, again);
        check(500, &[], r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#, few);
        check(401, &[], r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#, stop);
        check(400, &[], r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: required"}}"#, done);
        check(429, &gateway("deadline"), error, again);
        check(429, &gateway("queue_full"), error, again);
        check(413, &gateway("never_fits"), error, done);
        check(403, &gateway("account_stopped"), r#"{"type":"error","error":{"type":"permission_error","message":"no credit"}}"#, stop);
        check(502, &gateway("bad_gateway"), r#"{"type":"error","error":{"type":"api_error","message":"no connection"}}"#, few);
    }
}
