//! Those of whom a few sentences or codes are known: xAI, Mistral, Together, Fireworks, Azure.

use super::prose;
use super::ruling::{Reached, model, money, overload};
use super::said::Said;
use crate::domain::{Dialect, Dimension, Verdict};

pub(super) fn read(said: &Said) -> Option<Verdict> {
    xai(said).or_else(|| mistral(said)).or_else(|| together(said)).or_else(|| fireworks(said)).or_else(|| azure(said))
}

/// `... Tokens per Minute (actual/limit): 65605/16000`; of several pairs the first that is exceeded decides.
fn xai(said: &Said) -> Option<Verdict> {
    if said.says(&["used all available credits", "reached its monthly spending limit"]) {
        let advice = "buy credits or raise the spending limit in the console";
        return Some(money("the team's credits are used up, or its monthly spending limit is reached", advice));
    }
    let pairs: Vec<Reached> = prose::mentions(&said.lower)
        .into_iter()
        .filter_map(|mention| {
            let (actual, limit) = said.lower[mention.end..].strip_prefix(" (actual/limit):")?.trim_start().split_once('/')?;
            Some(Reached {
                dimension: Some(mention.dimension),
                period: Some(mention.period),
                limit: Some(prose::leading_count(limit)?),
                used: Some(prose::leading_count(actual.trim())?),
                ..Reached::default()
            })
        })
        .collect();
    let reached = pairs.iter().find(|pair| pair.used >= pair.limit).or(pairs.first())?;
    Some(Verdict { retry_after: said.wait(), ..reached.verdict() })
}

fn mistral(said: &Said) -> Option<Verdict> {
    if said.says(&["service tier capacity exceeded"]) || said.coded(&["service_tier_capacity_exceeded"]) {
        let reason = "the service tier has no capacity for this model; this is not one of your limits";
        return Some(Verdict { retry_after: said.wait(), ..overload(reason) });
    }
    said.says(&["invalid model:"]).then(|| model(format!("the model is unknown or retired: {}", said.quote())))
}

/// Dynamic limits: they follow the recent load, so no number is said.
fn together(said: &Said) -> Option<Verdict> {
    let dimension = if said.coded(&["dynamic_request_limited"]) {
        Dimension::Requests
    } else if said.coded(&["dynamic_token_limited"]) {
        Dimension::Tokens
    } else {
        return None;
    };
    let reached = Reached { dimension: Some(dimension), ..Reached::default() };
    Some(Verdict { retry_after: said.wait(), ..reached.verdict() })
}

fn fireworks(said: &Said) -> Option<Verdict> {
    (said.status == 412 && said.says(&["suspended", "spending limit", "billing"]))
        .then(|| money("the account is suspended, possibly for its monthly spending limit", "see the billing page of the account"))
}

fn azure(said: &Said) -> Option<Verdict> {
    if said.coded(&["deploymentnotfound"]) {
        return Some(model("there is no deployment of that name in this resource"));
    }
    // a policy of API management in front of the deployments; it answers 403
    if said.says(&["out of call volume quota", "out of bandwidth quota"]) {
        let dimension = if said.says(&["out of call volume quota"]) { Some(Dimension::Requests) } else { None };
        return Some(Verdict { retry_after: said.wait(), ..Reached { dimension, ..Reached::default() }.verdict() });
    }
    let busy = said.dialect == Dialect::AzureOpenAi && said.coded(&["nocapacity", "enginebusy"]);
    busy.then(|| Verdict { retry_after: said.wait(), ..overload("the deployment's capacity is busy") })
}
