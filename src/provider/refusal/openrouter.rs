//! OpenRouter: limits of its own, errors of the providers behind it, and budgets, told apart by `metadata` and `availability`.

use crate::domain::dimension::Zone;
use crate::domain::{Dialect, Dimension, Period, ScopeKind, Verdict, VerdictKind};
use crate::provider::delay;

use super::prose;
use super::ruling::{Reached, model, money, overload, ruling};
use super::said::Said;

pub(super) fn read(said: &Said) -> Option<Verdict> {
    budget(said).or_else(|| free_models(said)).or_else(|| not_found(said)).or_else(|| behind_it(said)).or_else(|| copied(said))
}

/// `limit_source`, and the words of 402.
fn budget(said: &Said) -> Option<Verdict> {
    let source = said.limit_source.as_deref().unwrap_or_default();
    let verdict = match source {
        "openrouter_in_flight_budget" => Verdict {
            dimension: Some(Dimension::Money),
            retry_after: said.wait(),
            scope: Some(ScopeKind::Account),
            ..ruling(
                VerdictKind::Wait,
                "the requests in flight already take up the budget for requests in flight; the balance itself is not empty",
                "wait until some of them have ended, keep fewer in flight, or add credits",
            )
        },
        "openrouter_guardrail_budget" | "openrouter_workspace_budget" | "openrouter_key_limit" => {
            let (scope, whose) = match source {
                "openrouter_workspace_budget" => (Some(ScopeKind::Workspace), "the workspace's budget"),
                "openrouter_key_limit" => (None, "the key's own spending limit"),
                _ => (None, "a guardrail's budget"),
            };
            let back = said.resets_at.and_then(|at| delay::ahead(at, said.at));
            let advice = "raise that budget, or wait for it to reset";
            Verdict { scope, retry_after: back, ..money(format!("{whose} is spent"), advice) }
        }
        "openrouter_credits" => money("the credits do not cover this request", "add credits, or lower max_tokens"),
        _ if said.says(&["requires more credits", "insufficient credits", "add more credits"]) => {
            money(format!("the credits do not cover this request: {}", said.quote()), "add credits, or lower max_tokens")
        }
        _ if said.says(&["key limit exceeded"]) => {
            money("the key's own spending limit is spent", "raise that limit, or wait for it to reset")
        }
        _ => return None,
    };
    Some(verdict)
}

/// `Rate limit exceeded: free-models-per-day...`: counted for the whole account, the day ends at midnight UTC.
fn free_models(said: &Said) -> Option<Verdict> {
    let daily = said.says(&["free-models-per-day"]) || said.limit_source.as_deref() == Some("openrouter_free_tier_daily");
    let period = match (daily, said.says(&["free-models-per-min"])) {
        (true, _) => Period::DAY,
        (false, true) => Period::MINUTE,
        (false, false) => return None,
    };
    let in_headers = said.snapshot.readings.iter().filter(|reading| reading.remaining == Some(0)).find_map(|reading| reading.full_at);
    let reset = match said.resets_at.or(in_headers) {
        Some(reset) => Some(reset),
        None if daily && said.wait().is_none() => delay::next_midnight(Zone::Utc, said.at),
        None => None,
    };
    let reached = Reached {
        dimension: Some(Dimension::Requests),
        period: Some(period),
        limit: said.copied_limit,
        used: said.copied_limit.filter(|_| said.copied_remaining == Some(0)),
        scope: Some(ScopeKind::Account),
        ..Reached::default()
    };
    let mut verdict = reached.verdict();
    verdict.retry_after = said.wait().or_else(|| delay::ahead(reset?, said.at));
    verdict.reason.push_str("; all free models count together, for the whole account");
    if verdict.kind == VerdictKind::Wait && daily {
        "wait for midnight UTC, use a paid model, or buy credits once: that raises the free allowance".clone_into(&mut verdict.advice);
    }
    Some(verdict)
}

fn not_found(said: &Said) -> Option<Verdict> {
    said.says(&["no endpoints found", "is not a valid model id", "no allowed providers are available"])
        .then(|| model(format!("no provider serves this model to the account: {}", said.quote())))
}

/// The trouble of a provider behind OpenRouter, or of the way there.
fn behind_it(said: &Said) -> Option<Verdict> {
    let capacity = said.coded(&["capacity_exhausted", "temporarily_unavailable", "provider_overloaded", "provider_unavailable"]);
    let upstream_limit = said.says(&["rate-limited upstream"])
        || said.limit_source.as_deref().is_some_and(|source| source.starts_with("upstream"))
        || (said.from_upstream && matches!(said.status, 429 | 502 | 503 | 529));
    if !capacity && !upstream_limit {
        return None;
    }
    if said.retryable == Some(false) {
        return Some(Verdict {
            retry_after: None,
            ..ruling(
                VerdictKind::Overload,
                "no provider behind the router has room for this model, and it advises against a retry",
                "use another model or one of the fallback models that the answer names",
            )
        });
    }
    let reason = if upstream_limit && said.dialect == Dialect::OpenRouter {
        format!("a provider behind OpenRouter refused it, not one of your own limits: {}", said.quote())
    } else {
        format!("a provider behind the endpoint has no room: {}", said.quote())
    };
    Some(Verdict { retry_after: said.wait(), ..overload(reason) })
}

/// A limit of OpenRouter's own, of which the body repeats the headers: they count requests, over a window that only the message may name.
fn copied(said: &Said) -> Option<Verdict> {
    if said.dialect != Dialect::OpenRouter || said.status != 429 {
        return None;
    }
    let limit = said.copied_limit?;
    let used = Some(limit).filter(|_| said.copied_remaining == Some(0));
    let period = prose::mentions(&said.lower).first().map(|mention| mention.period);
    let reached = Reached { dimension: Some(Dimension::Requests), period, limit: Some(limit), used, ..Reached::default() };
    Some(Verdict { retry_after: said.wait().or_else(|| delay::ahead(said.resets_at?, said.at)), ..reached.verdict() })
}
