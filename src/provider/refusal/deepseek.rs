//! DeepSeek: one code for everything, so the status and the sentence decide. It meters only requests at once.

use super::prose;
use super::ruling::{Reached, model, money};
use super::said::Said;
use crate::domain::{Dimension, Period, ScopeKind, Verdict};

pub(super) fn read(said: &Said) -> Option<Verdict> {
    if said.says(&["supported api model names are"]) {
        return Some(model(format!("this model name is retired or unknown: {}", said.quote())));
    }
    if said.says(&["insufficient balance"]) {
        return Some(money("the balance is used up", "top up the balance; concurrency comes back with it"));
    }
    concurrency(said)
}

/// `Your current concurrency is N, which exceeds your concurrency limit of M based on your remaining balance.`
fn concurrency(said: &Said) -> Option<Verdict> {
    let limit = prose::labelled(&said.lower, "concurrency limit of").or_else(|| prose::labelled(&said.lower, "concurrency limit is"));
    let used = prose::labelled(&said.lower, "current concurrency is").or_else(|| prose::labelled(&said.lower, "current concurrency"));
    if limit.is_none() && used.is_none() {
        return None;
    }
    let reached = Reached {
        dimension: Some(Dimension::Concurrent),
        period: Some(Period::AT_ONCE),
        limit,
        used,
        scope: Some(ScopeKind::Account),
        ..Reached::default()
    };
    let mut verdict = Verdict { retry_after: said.wait(), ..reached.verdict() };
    "keep fewer requests in flight; a place is free when one ends".clone_into(&mut verdict.advice);
    if said.says(&["balance"]) {
        verdict.reason.push_str("; the limit shrinks with the balance");
        verdict.advice.push_str("; topping up raises the limit again");
    }
    Some(verdict)
}
