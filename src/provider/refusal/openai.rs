//! OpenAI, and those who took over its sentences: Groq, Azure, many proxies. `error.code` decides; `error.type` may mislead.

use super::prose;
use super::ruling::{Reached, money, overload, ruling};
use super::said::Said;
use crate::domain::{Dimension, Period, ScopeKind, Verdict, VerdictKind};

/// Codes that mean money, whatever the status is.
const MONEY: [&str; 7] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
];

pub(super) fn read(said: &Said) -> Option<Verdict> {
    quota(said).or_else(|| growth(said)).or_else(|| no_capacity(said)).or_else(|| batch_queue(said)).or_else(|| rate(said))
}

fn quota(said: &Said) -> Option<Verdict> {
    // Gemini begins its rate limits with the same sentence
    let gemini = said.says(&["ai.google.dev", "quota exceeded for metric"]);
    let text = said.says(&["exceeded your current quota", "billing hard limit"]) && !gemini;
    if !said.coded(&MONEY) && !text {
        return None;
    }
    let (scope, reason, advice) = if said.coded(&["project_spend_limit_exceeded"]) {
        (Some(ScopeKind::Project), "the project's spend limit is reached", "raise the project's limit, or wait for the next month")
    } else if said.coded(&["organization_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached"]) {
        (Some(ScopeKind::Organization), "the organization's spend or usage limit is reached", "raise the limit in the billing settings")
    } else {
        (None, "the account has no credit or quota left", "add credit, or check the plan and the billing details; retrying does not help")
    };
    Some(Verdict { scope, ..money(reason, advice) })
}

fn no_capacity(said: &Said) -> Option<Verdict> {
    if said.coded(&["resource_unavailable"]) {
        let advice = "retry later, or send it with the default service tier; the refused request is not charged";
        let flex = ruling(VerdictKind::Overload, "there is no flex capacity now; this is not one of your limits", advice);
        return Some(Verdict { retry_after: said.wait(), ..flex });
    }
    let overloaded = said.coded(&["server_is_overloaded", "engine_overloaded", "capacity_exceeded", "service_unavailable_error"])
        || said.says(&["currently overloaded", "server is overloaded", "experiencing high demand", "experiencing high load"]);
    overloaded.then(|| Verdict { retry_after: said.wait(), ..overload("the provider has no capacity now; this is not one of your limits") })
}

fn growth(said: &Said) -> Option<Verdict> {
    said.coded(&["slow_down"]).then(|| Verdict {
        retry_after: said.wait(),
        ..ruling(
            VerdictKind::Wait,
            "traffic grew faster than the provider lets it; the limits themselves are not used up",
            "back off for minutes, then raise the load slowly: above 1M input tokens a minute by no more than half every 15 minutes",
        )
    })
}

/// `Enqueued token limit reached for gpt-4o in organization org-x. Limit: 90,000 enqueued tokens.`
fn batch_queue(said: &Said) -> Option<Verdict> {
    said.says(&["enqueued token limit reached"]).then(|| Verdict {
        dimension: Some(Dimension::Tokens),
        limit: prose::labelled(&said.lower, "limit"),
        scope: scope(said),
        ..ruling(
            VerdictKind::Wait,
            "the batch queue holds as many tokens as it may",
            "submit the batch again when one in progress has ended, or split it",
        )
    })
}

/// `Rate limit reached for M in organization O on tokens per min (TPM): Limit N, Used N, Requested N. Please try again in D.`
fn rate(said: &Said) -> Option<Verdict> {
    let lower = &said.lower;
    let too_large = said.says(&["request too large"]);
    if !too_large && !said.says(&["rate limit reached"]) {
        return None;
    }
    let mention = prose::mentions(lower).into_iter().next();
    let meter = mention.map(|mention| (mention.dimension, mention.period)).or_else(|| prose::abbreviation(lower));
    let typed = match (said.coded(&["tokens"]), said.coded(&["requests"])) {
        (true, false) => Some(Dimension::Tokens),
        (false, true) => Some(Dimension::Requests),
        _ => None,
    };
    let reached = Reached {
        dimension: meter.map(|(dimension, _)| dimension).or(typed),
        period: meter.map(|(_, period)| period).or_else(|| prose::window(lower)).or_else(|| slashed(lower)),
        limit: prose::labelled(lower, "limit").or_else(|| mention.and_then(|mention| mention.limit)),
        used: prose::labelled(lower, "used").or_else(|| prose::labelled(lower, "current")),
        requested: prose::labelled(lower, "requested"),
        scope: scope(said),
    };
    let mut verdict = reached.verdict();
    if too_large && verdict.kind != VerdictKind::Never {
        let advice = "make the request smaller: shorter input or a lower output ceiling";
        let too_large = ruling(VerdictKind::Never, "the request is larger than the whole limit: it can never pass as it is", advice);
        verdict = Verdict { kind: too_large.kind, reason: too_large.reason, advice: too_large.advice, ..verdict };
    }
    if verdict.kind == VerdictKind::Wait {
        verdict.retry_after = said.wait();
    }
    Some(verdict)
}

/// The window in `Limit: 10000 / min`, the form until 2023.
fn slashed(lower: &str) -> Option<Period> {
    [("/ min", Period::MINUTE), ("/min", Period::MINUTE), ("/ day", Period::DAY), ("/day", Period::DAY)]
        .iter()
        .find(|(form, _)| lower.contains(form))
        .map(|(_, period)| *period)
}

pub(super) fn scope(said: &Said) -> Option<ScopeKind> {
    if said.says(&["in organization"]) {
        Some(ScopeKind::Organization)
    } else if said.says(&["in project"]) {
        Some(ScopeKind::Project)
    } else {
        None
    }
}
