//! Google: the Gemini API, Vertex, and the subscription path behind Gemini CLI.
//!
//! A key's refusal carries quota violations and a delay. Only `quotaId` tells the window: the same metric serves the minute and the
//! day, and the delay of a day's quota is some seconds, which is false.

use std::time::Duration;

use super::prose;
use super::ruling::{Reached, money, overload, ruling};
use super::said::{Said, Violation};
use crate::domain::dimension::Zone;
use crate::domain::{Dialect, Dimension, Period, ScopeKind, Verdict, VerdictKind};
use crate::provider::delay;

/// The API cuts its delays down to whole seconds.
const CUT_OFF: Duration = Duration::from_secs(1);

pub(super) fn read(said: &Said) -> Option<Verdict> {
    if !is_google(said) {
        return None;
    }
    key(said)
        .or_else(|| spend(said))
        .or_else(|| no_capacity(said))
        .or_else(|| quota(said))
        .or_else(|| named_quota(said))
        .or_else(|| exhausted(said))
}

fn is_google(said: &Said) -> bool {
    matches!(said.dialect, Dialect::Gemini | Dialect::Vertex)
        || !said.violations.is_empty()
        || said.coded(&["resource_exhausted", "model_capacity_exhausted", "api_key_invalid", "quota_exhausted"])
        || said.says(&["quota exceeded for", "ai.google.dev", "ai.studio", "cloud.google.com", "googleapis.com"])
}

/// A bad key is a 400 here.
fn key(said: &Said) -> Option<Verdict> {
    let (reason, advice) = if said.says(&["multiple authentication credentials"]) {
        ("two credentials came with the request", "send exactly one: x-goog-api-key, or a bearer token, and no OpenAI organisation headers")
    } else if said.coded(&["access_token_type_unsupported"]) {
        ("this kind of key is not accepted on this path", "use the key kind that this path takes, or another path of the API")
    } else if said.coded(&["api_key_invalid"]) || said.says(&["api key not valid", "api key expired"]) {
        ("the API key is not valid", "make a new key in AI Studio")
    } else if said.says(&["reported as leaked"]) {
        ("the API key was blocked because it leaked", "make a new key in AI Studio and keep it out of code")
    } else {
        return None;
    };
    Some(ruling(VerdictKind::Key, reason, advice))
}

fn spend(said: &Said) -> Option<Verdict> {
    let (scope, reason, advice) = if said.says(&["spending cap", "spend cap"]) {
        (
            Some(ScopeKind::Project),
            "the project's monthly spending cap is reached",
            "raise the cap in AI Studio, or wait for the next month",
        )
    } else if said.status == 402 || said.says(&["prepayment credits", "credits are depleted"]) || said.coded(&["payment_required"]) {
        (None, "the prepaid credits are used up", "add credits in AI Studio")
    } else if said.coded(&["insufficient_g1_credits_balance"]) {
        (None, "the AI credits of the subscription are used up", "add credits, or wait for the quota to reset")
    } else {
        return None;
    };
    Some(Verdict { scope, ..money(reason, advice) })
}

fn no_capacity(said: &Said) -> Option<Verdict> {
    let reason = if said.coded(&["model_capacity_exhausted", "model_capacity_exceeded"]) || said.says(&["no capacity available"]) {
        "there is no capacity for this model now; this is not one of your limits"
    } else if said.says(&["error-code-429", "error code 429 for more"]) || (said.dialect == Dialect::Vertex && is_bare_429(said)) {
        "the capacity that all customers share is used up; Vertex has no fixed quota to wait for"
    } else if said.says(&["experiencing high demand", "model is overloaded"]) {
        "the model is overloaded; this is not one of your limits"
    } else {
        return None;
    };
    Some(Verdict { retry_after: said.wait(), ..overload(reason) })
}

fn is_bare_429(said: &Said) -> bool {
    said.status == 429 && said.violations.is_empty() && !said.says(&["quota exceeded", "quota metric"])
}

/// Violations in `details`, else in the message; of several the worst decides: zero, then the longest window.
fn quota(said: &Said) -> Option<Verdict> {
    let spelled_out = in_message(&said.lower);
    let violations: Vec<Violation> = if said.violations.is_empty() {
        spelled_out
    } else {
        said.violations.iter().map(|violation| completed(violation, &spelled_out)).collect()
    };
    let worst = violations.iter().max_by_key(|violation| {
        let reached = violation.reached(said);
        let requests = reached.dimension == Some(Dimension::Requests);
        (reached.limit == Some(0), reached.period.map(Period::as_secs), requests)
    })?;
    let reached = worst.reached(said);
    let mut verdict = reached.verdict();
    if verdict.kind == VerdictKind::Never {
        return Some(verdict);
    }
    if reached.period == Some(Period::DAY) && !is_subscription(said) {
        verdict.retry_after = delay::next_midnight(Zone::Pacific, said.at).map(|midnight| delay::until(midnight, said.at));
        verdict.reason.push_str("; it comes back at midnight Pacific, whatever shorter delay the answer offers");
        "wait for midnight Pacific, use another model, or move the project to a higher tier".clone_into(&mut verdict.advice);
        return Some(verdict);
    }
    verdict.retry_after = if is_subscription(said) {
        longest_wait(said)
    } else {
        said.stated_wait.or_else(|| said.wait_in_prose()).or(said.snapshot.retry_after).map(|wait| wait + CUT_OFF)
    };
    match (reached.dimension, reached.period) {
        (Some(Dimension::InputTokens), _) => {
            verdict.advice.push_str("; if it is refused when sent alone, the request itself is larger than the limit and must shrink");
        }
        (_, None) => verdict.advice.push_str("; the answer does not say whether a minute or a day is meant: if it repeats, it is the day"),
        _ => {}
    }
    Some(verdict)
}

/// `Quota exceeded for quota metric '...' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service '...'`.
fn named_quota(said: &Said) -> Option<Verdict> {
    let (_, name) = said.lower.split_once("and limit '").or_else(|| said.lower.split_once("quota metric '"))?;
    let name = name.split('\'').next().unwrap_or_default();
    let mention = prose::mentions(name).into_iter().next();
    let reached = Reached {
        dimension: mention.map(|mention| mention.dimension),
        period: mention.map(|mention| mention.period),
        scope: if name.contains("per user") { Some(ScopeKind::Account) } else { None },
        ..Reached::default()
    };
    let mut verdict = Verdict { retry_after: longest_wait(said), ..reached.verdict() };
    if reached.period == Some(Period::DAY) && said.says(&["generativelanguage.googleapis.com"]) {
        verdict.retry_after = delay::next_midnight(Zone::Pacific, said.at).map(|midnight| delay::until(midnight, said.at));
    }
    Some(verdict)
}

/// A 429 that names no quota.
fn exhausted(said: &Said) -> Option<Verdict> {
    if !matches!(said.status, 0 | 429)
        || !said.coded(&["resource_exhausted", "too_many_requests", "rate_limit_exceeded", "quota_exhausted"]) && said.status != 429
    {
        return None;
    }
    let (reason, advice) = if said.says(&["exhausted your capacity"]) || said.coded(&["quota_exhausted"]) {
        ("the quota of this model is used up; the answer names no number and no window", "wait until it resets, or use another model")
    } else {
        (
            "a limit is reached that the answer does not name: a quota, the spend of the last ten minutes, or the provider's capacity",
            "retry with growing pauses, up to ten minutes; AI Studio shows the project's limits",
        )
    };
    Some(Verdict { retry_after: longest_wait(said), ..ruling(VerdictKind::Wait, reason, advice) })
}

/// The subscription path does not cut its delays, but its field and its sentence may differ.
fn longest_wait(said: &Said) -> Option<Duration> {
    said.snapshot.retry_after.or_else(|| said.stated_wait.max(said.wait_in_prose()))
}

fn is_subscription(said: &Said) -> bool {
    said.says(&["cloudcode"])
}

/// `* Quota exceeded for metric: M, limit: N, model: ...`, once for every violation; on Vertex `Quota exceeded for M with base model ...`.
fn in_message(lower: &str) -> Vec<Violation> {
    let parts = lower.split("quota exceeded for ").skip(1).take(64).map(|part| part.strip_prefix("metric: ").unwrap_or(part));
    let violation = |part: &str| {
        let metric = part.split([',', ' ', '\n']).next().unwrap_or_default();
        let line = part.split('\n').next().unwrap_or_default();
        // a metric is a path; `quota metric '...'` is another sentence
        metric.contains('/').then(|| Violation { id: String::new(), metric: metric.to_owned(), value: prose::labelled(line, "limit") })
    };
    parts.filter_map(violation).collect()
}

/// A violation without a value takes the one that the message gives for its metric, if it gives one only.
fn completed(violation: &Violation, spelled_out: &[Violation]) -> Violation {
    let mut values = spelled_out.iter().filter(|said| said.metric == violation.metric).map(|said| said.value);
    let first = values.next().flatten();
    let value = violation.value.or(if values.all(|value| value == first) { first } else { None });
    Violation { value, ..violation.clone() }
}

impl Violation {
    fn reached(&self, said: &Said) -> Reached {
        let name = format!("{} {}", self.id, self.metric);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let dimension = if has(&["inputtoken", "input_token"]) {
            Some(Dimension::InputTokens)
        } else if has(&["token"]) {
            Some(Dimension::Tokens)
        } else if has(&["image"]) {
            Some(Dimension::Images)
        } else if has(&["request"]) {
            Some(Dimension::Requests)
        } else {
            None
        };
        let period = if has(&["perday", "per_day", "daily"]) {
            Some(Period::DAY)
        } else if has(&["perminute", "per_minute"]) {
            Some(Period::MINUTE)
        } else if has(&["perhour", "per_hour"]) {
            Some(Period::HOUR)
        } else {
            None
        };
        // JSON of this kind leaves a zero out, and on the free tier a zero means "not on this tier"
        let limit = self.value.or(if self.id.ends_with("freetier") { Some(0) } else { None });
        let scope = match (has(&["peruser"]), is_subscription(said)) {
            (true, _) => Some(ScopeKind::Account),
            (false, true) => None,
            (false, false) => Some(ScopeKind::Project),
        };
        Reached { dimension, period, limit, scope, ..Reached::default() }
    }
}
