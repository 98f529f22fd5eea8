//! What codes, words and the HTTP status mean at anybody's: the last word when no provider's own sentence was found.

use super::anthropic::prompt_too_long;
use super::ruling::{Reached, model, money, overload, request, ruling};
use super::said::Said;
use super::{openai, prose};
use crate::domain::{Dimension, Period, Verdict, VerdictKind, Whose};

/// The verdict by code, words and status, in this order: web page, money, key, model, then the status.
pub(super) fn read(said: &Said) -> Verdict {
    let status = if said.status == 0 { status_by_code(said) } else { said.status };
    if said.html {
        return web_page(said, status);
    }
    if matches!(status, 400 | 402 | 403 | 412 | 429) && is_money(said) {
        return money(told(said, "the account has no credit left, or a spending limit is reached"), "add credit, or raise the limit");
    }
    if matches!(status, 400 | 401 | 403) && is_key(said) {
        return key(said, status);
    }
    if matches!(status, 400 | 403 | 404 | 410 | 422) && is_model(said) {
        return model(told(said, "the model is unknown, retired or not open to this key"));
    }
    by_status(said, status)
}

fn by_status(said: &Said, status: u16) -> Verdict {
    match status {
        402 => money(told(said, "payment is required"), "add credit, or raise the spending limit"),
        403 if said.says(&["moderation", "flagged", "content policy", "usage guidelines"]) => {
            request(told(said, "the input was refused by moderation"))
        }
        401 | 403 => key(said, status),
        404 if said.codes.contains("not_found_error") && said.says(&["model:"]) => model(told(said, "the model is unknown or retired")),
        404 | 405 => request(told(said, "there is nothing at this address")),
        408 | 425 => Verdict { retry_after: said.wait(), ..overload(told(said, "the provider did not take the request in time")) },
        409 => request(told(said, "the request is in conflict with another one")),
        413 => ruling(
            VerdictKind::Never,
            told(said, "the request is larger than this endpoint takes"),
            "make the request smaller, or send large parts another way",
        ),
        429 => too_many(said),
        498 => Verdict { retry_after: said.wait(), ..overload(told(said, "there is no flex capacity now")) },
        499 => request("the client went away before the answer was ready"),
        500.. => Verdict { retry_after: said.wait(), ..overload(told(said, "the provider failed or is overloaded")) },
        _ => prompt_too_long(said).unwrap_or_else(|| request(told(said, "the provider refused the request as wrong"))),
    }
}

/// A 429 in words that no provider's reader knew.
fn too_many(said: &Said) -> Verdict {
    let lower = &said.lower;
    let mention = prose::mentions(lower).into_iter().next();
    // who names a number has limited the account, however busy the provider is
    let numbered = mention.is_some_and(|mention| mention.limit.is_some());
    let busy = said.coded(&["queue_exceeded", "overloaded", "unavailable", "capacity_exceeded"])
        || said.says(&["overloaded", "no capacity", "at capacity", "capacity exceeded", "high traffic", "high demand"]);
    if busy && !numbered {
        return Verdict { retry_after: said.wait(), ..overload(told(said, "the provider has no capacity now")) };
    }
    if said.says(&["concurrent request", "concurrent connection", "concurrency limit", "max concurrency"]) {
        let reached = Reached {
            dimension: Some(Dimension::Concurrent),
            period: Some(Period::AT_ONCE),
            limit: ["limit of", "limit", "concurrency"].iter().find_map(|label| prose::labelled(lower, label)),
            ..Reached::default()
        };
        return Verdict { retry_after: said.wait(), ..reached.verdict() };
    }
    let meter = mention.map(|mention| (mention.dimension, Some(mention.period)));
    let meter = meter.or_else(|| prose::abbreviation(lower).map(|(dimension, period)| (dimension, Some(period))));
    let meter = meter.or_else(|| kind_of_rate(said).map(|dimension| (dimension, None)));
    let reached = Reached {
        dimension: meter.map(|(dimension, _)| dimension),
        period: meter.and_then(|(_, period)| period),
        limit: mention.and_then(|mention| mention.limit).or_else(|| meter.and_then(|_| prose::labelled(lower, "limit"))),
        used: meter.and_then(|_| prose::labelled(lower, "used").or_else(|| prose::labelled(lower, "current"))),
        requested: meter.and_then(|_| prose::labelled(lower, "requested")),
        scope: openai::scope(said),
    };
    let mut verdict = Verdict { retry_after: said.wait(), ..reached.verdict() };
    if meter.is_none() {
        verdict.reason = told(said, "a rate limit is reached, and the answer does not say which");
    }
    verdict
}

/// `exceeded token rate limit`, `Requests rate limit exceeded`, Cerebras' codes: the dimension without its window.
fn kind_of_rate(said: &Said) -> Option<Dimension> {
    if said.coded(&["token_quota_exceeded"])
        || said.says(&["token rate limit", "tokens rate limit", "token limit exceeded", "token limit is exceeded", "too many tokens"])
    {
        Some(Dimension::Tokens)
    } else if said.coded(&["request_quota_exceeded"]) || said.says(&["call rate limit", "request rate limit", "requests rate limit"]) {
        Some(Dimension::Requests)
    } else {
        None
    }
}

/// A page of a content network or load balancer: it says nothing about the account.
fn web_page(said: &Said, status: u16) -> Verdict {
    let title = said.quote();
    let page = if title.is_empty() { "a web page".to_owned() } else { format!("a web page ({title})") };
    let reason = format!("{page} came instead of an answer of the API, from something in front of it");
    let verdict = match status {
        429 => ruling(VerdictKind::Wait, reason, "wait and slow down; the limit is that of the network in front of the API"),
        401 | 403 => ruling(VerdictKind::Key, reason, "check the base URL, proxies and the network before the key"),
        413 => ruling(VerdictKind::Never, reason, "make the request smaller, or send large parts another way"),
        500.. => overload(reason),
        _ => request(reason),
    };
    let waits = matches!(verdict.kind, VerdictKind::Wait | VerdictKind::Overload);
    Verdict { whose: Whose::Provider, retry_after: if waits { said.wait() } else { None }, ..verdict }
}

/// Never quotes the message: it may hold a part of the key. The provider's word for it is one of these.
fn key(said: &Said, status: u16) -> Verdict {
    const WORDS: [&str; 9] = [
        "authentication_error",
        "invalid_api_key",
        "unauthenticated",
        "invalid_authentication",
        "unauthorized",
        "permission_error",
        "permission_denied",
        "permission-denied",
        "unsupported_country_region_territory",
    ];
    let word = WORDS.iter().find(|word| said.codes.contains(**word)).map_or_else(String::new, |word| format!(" ({word})"));
    if status == 403 {
        ruling(
            VerdictKind::Key,
            format!("the key may not do this: blocked, restricted, or without permission for this endpoint{word}"),
            "check the key's permissions, project and region in the provider's console",
        )
    } else {
        ruling(VerdictKind::Key, format!("the key is missing, wrong or revoked{word}"), "store the right key, or make a new one")
    }
}

fn is_money(said: &Said) -> bool {
    said.coded(&["billing_error", "payment_required", "insufficient_balance", "insufficient_credits", "insufficient_funds"])
        || said.says(&[
            "insufficient balance",
            "insufficient credit",
            "insufficient funds",
            "credit balance",
            "credit limit",
            "credits exhausted",
            "spending limit",
            "spend limit",
            "spending cap",
            "out of credits",
            "payment required",
            "past due",
            "enable billing",
            "any credits or licenses",
        ])
}

fn is_key(said: &Said) -> bool {
    said.coded(&["invalid_api_key", "authentication_error", "unauthenticated", "invalid_authentication", "unauthorized"])
        || said.says(&["incorrect api key", "invalid api key", "invalid subscription key", "api key is invalid", "missing api key"])
}

fn is_model(said: &Said) -> bool {
    const STATES: [&str; 14] = [
        "does not exist",
        "not found",
        "not exist",
        "decommissioned",
        "deprecated",
        "no longer available",
        "no longer supported",
        "retired",
        "shut down",
        "unknown model",
        "invalid model",
        "not a valid model",
        "does not have access",
        "do not have access",
    ];
    said.coded(&["model_not_found", "model_decommissioned", "model_not_available", "model_deprecated", "invalid_model", "unknown_model"])
        || (said.says(&["model"]) && said.says(&STATES))
}

/// The status that an error inside a good answer stands for.
fn status_by_code(said: &Said) -> u16 {
    let known: [(u16, &[&str]); 7] = [
        (429, &["rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests", "resource_exhausted"]),
        (402, &["billing_error", "payment_required"]),
        (401, &["authentication_error", "invalid_api_key", "unauthenticated"]),
        (403, &["permission_error", "permission_denied"]),
        (404, &["not_found_error", "model_not_found", "not_found"]),
        (413, &["request_too_large"]),
        (400, &["invalid_request_error", "invalid_request", "invalid_argument", "invalid_prompt"]),
    ];
    // whatever else breaks off a stream that had begun is the provider's doing
    known.iter().find(|(_, codes)| said.coded(codes)).map_or(500, |(status, _)| *status)
}

/// What it means, and the provider's own words for it.
fn told(said: &Said, meaning: &str) -> String {
    let quote = said.quote();
    if quote.is_empty() { meaning.to_owned() } else { format!("{meaning}: {quote}") }
}
