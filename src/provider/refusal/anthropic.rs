//! Anthropic: `{"type":"error","error":{"type","message","details"}}`, also on its OpenAI-compatible path.

use super::prose::{self, Mention};
use super::ruling::{Reached, money, overload, request, ruling};
use super::said::Said;
use crate::domain::{Dimension, Period, ScopeKind, Verdict, VerdictKind};
use crate::provider::delay;

pub(super) fn read(said: &Said) -> Option<Verdict> {
    spend(said)
        .or_else(|| too_large(said))
        .or_else(|| no_capacity(said))
        .or_else(|| acceleration(said))
        .or_else(|| concurrency(said))
        .or_else(|| rate(said))
        .or_else(|| rate_in_old_words(said))
}

/// The tier's cap (429), the user's own caps (400) and an empty balance (400).
fn spend(said: &Said) -> Option<Verdict> {
    let tier_cap = said.coded(&["enforced_spend_limit_reached"]);
    let own_cap =
        said.says(&["you have reached your specified api usage limits", "you have reached your specified workspace api usage limits"]);
    if tier_cap || own_cap || said.says(&["you have reached your api usage limits"]) {
        // the tier's cap is lifted at 00:00 UTC on the first of the month, also where the text does not say so
        let back = delay::date_in_prose(&said.lower).or_else(|| if tier_cap { delay::next_month(said.at) } else { None });
        let scope = if said.says(&["workspace api usage"]) { ScopeKind::Workspace } else { ScopeKind::Organization };
        let (reason, advice) = if own_cap {
            ("a monthly spend limit that was set in the Console is reached", "raise the limit in the Console, or wait for the next month")
        } else {
            ("the monthly spend cap of the organization's tier is reached", "ask for a higher tier, or wait for the first of the month")
        };
        return Some(Verdict {
            scope: Some(scope), // a date that has passed shows that the text is old, and says nothing about now
            retry_after: back.and_then(|back| delay::ahead(back, said.at)),
            ..money(reason, advice)
        });
    }
    said.says(&["credit balance is too low"])
        .then(|| money("the credit balance is too low", "buy credits under Plans & Billing in the Console"))
}

fn too_large(said: &Said) -> Option<Verdict> {
    (said.coded(&["request_too_large"])).then(|| {
        ruling(
            VerdictKind::Never,
            "the request is larger than this endpoint takes",
            "send files through the Files API, or make the request smaller",
        )
    })
}

fn no_capacity(said: &Said) -> Option<Verdict> {
    let reason = if said.coded(&["overloaded_error"]) {
        "the provider is overloaded; this is not one of your limits"
    } else if said.coded(&["timeout_error"]) {
        "the provider did not finish in time; a stream would have kept the connection alive"
    } else if said.coded(&["api_error"]) && (said.status == 0 || said.status >= 500) {
        "the provider failed inside"
    } else {
        return None;
    };
    Some(Verdict { retry_after: said.wait(), ..overload(reason) })
}

/// `Your current limit is 58,276 input tokens per minute, and will increase to 68,276 at the next minute boundary.`
fn acceleration(said: &Said) -> Option<Verdict> {
    if !said.says(&["usage increase rate", "acceleration limit"]) {
        return None;
    }
    let mentions = prose::mentions(&said.lower);
    let current = mentions.iter().find(|mention| mention.limit.is_some()).or(mentions.first());
    let next_minute = said.says(&["next minute boundary"]).then(|| {
        let second = said.at.as_second().rem_euclid(60).unsigned_abs();
        std::time::Duration::from_secs(60 - second)
    });
    Some(Verdict {
        dimension: current.map(|mention| mention.dimension),
        period: current.map(|mention| mention.period),
        limit: current.and_then(|mention| mention.limit),
        scope: scope(&said.lower),
        retry_after: said.wait().or(next_minute),
        ..ruling(
            VerdictKind::Wait,
            "traffic grew faster than the provider lets it: an acceleration limit, below the real one and rising every minute",
            "raise the load in steps, a minute each",
        )
    })
}

fn concurrency(said: &Said) -> Option<Verdict> {
    said.says(&["number of concurrent connections", "concurrent requests has exceeded", "concurrency limit reached"]).then(|| Verdict {
        dimension: Some(Dimension::Concurrent),
        period: Some(Period::AT_ONCE),
        retry_after: said.wait(),
        ..ruling(
            VerdictKind::Wait,
            "more requests are in flight than the provider allows at the same time",
            "keep fewer requests in flight; a place is free when one ends",
        )
    })
}

/// `... rate limit of 30,000 input tokens per minute (org: ...)`, `... rate limit for your organization of 20,000 ...`.
fn rate(said: &Said) -> Option<Verdict> {
    if !said.says(&["would exceed"]) || !said.says(&["rate limit"]) {
        return None;
    }
    let mentions = prose::mentions(&said.lower);
    let mention: Option<&Mention> = mentions.iter().find(|mention| mention.limit.is_some()).or(mentions.first());
    let reached = Reached {
        dimension: mention.map(|mention| mention.dimension),
        period: mention.map(|mention| mention.period),
        // words may stand between the number and what it counts, as in `100,000 fast mode input tokens`
        limit: mention.and_then(|mention| mention.limit.or_else(|| prose::labelled(&said.lower, "rate limit of"))),
        scope: scope(&said.lower),
        ..Reached::default()
    };
    Some(Verdict { retry_after: said.wait(), ..reached.verdict() })
}

/// `Number of request tokens has exceeded your per-minute rate limit`, until 2024.
fn rate_in_old_words(said: &Said) -> Option<Verdict> {
    let (_, rest) = said.lower.split_once("number of ")?;
    let (what, rest) = rest.split_once(" has exceeded your ")?;
    let dimension = match what {
        "requests" => Dimension::Requests,
        "input tokens" => Dimension::InputTokens,
        "output tokens" => Dimension::OutputTokens,
        "tokens" | "request tokens" => Dimension::Tokens,
        _ => return None,
    };
    let period = [("per-minute", Period::MINUTE), ("per minute", Period::MINUTE), ("daily", Period::DAY), ("per-day", Period::DAY)];
    let period = period.iter().find(|(word, _)| rest.starts_with(word)).map(|(_, period)| *period);
    let reached = Reached { dimension: Some(dimension), period, ..Reached::default() };
    Some(Verdict { retry_after: said.wait(), ..reached.verdict() })
}

/// A context window that is too small is no limit in time: the request itself must change.
pub(super) fn prompt_too_long(said: &Said) -> Option<Verdict> {
    said.says(&["prompt is too long", "maximum context length", "context_length_exceeded", "context window"])
        .then(|| request(format!("the input does not fit the model's context window: {}", said.quote())))
}

fn scope(lower: &str) -> Option<ScopeKind> {
    [("workspace", ScopeKind::Workspace), ("organization", ScopeKind::Organization), ("your account", ScopeKind::Account)]
        .iter()
        .find(|(word, _)| lower.contains(word))
        .map(|(_, scope)| *scope)
}
