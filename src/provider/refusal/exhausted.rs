//! Fills in from the headers what the body of a refusal left open: the bucket whose `remaining` is zero is the one.

use super::ruling::Reached;
use super::said::Said;
use crate::domain::{Dimension, Reading, Verdict, VerdictKind, Whose};
use crate::provider::delay;

/// The verdict with what the headers add. Nothing that the body said is changed.
pub(super) fn fill(mut verdict: Verdict, said: &Said) -> Verdict {
    if verdict.kind != VerdictKind::Wait || verdict.whose != Whose::Account {
        return verdict;
    }
    let Some(reading) = the_one(&verdict, &said.snapshot.readings) else { return verdict };
    let in_numbers = verdict.dimension.is_none() || verdict.reason == in_words(&verdict);
    let level_is_told = reading.limit.is_some() || reading.remaining.is_some();
    verdict.dimension = verdict.dimension.or(Some(reading.dimension));
    verdict.period = verdict.period.or(reading.period.filter(|_| level_is_told));
    verdict.limit = verdict.limit.or(reading.limit);
    if verdict.dimension == Some(Dimension::Tokens) {
        verdict.requested = verdict.requested.or(said.query_cost.filter(|cost| reading.limit.is_none_or(|limit| *cost <= limit)));
    }
    if reading.remaining == Some(0) {
        verdict.used = verdict.used.or(reading.limit);
    }
    if reading.remaining == Some(0) || !level_is_told {
        // the time until the bucket is full is longer than needed, and better than nothing
        verdict.retry_after = verdict.retry_after.or_else(|| delay::ahead(reading.full_at?, said.at));
    }
    if in_numbers {
        verdict.reason = format!("{}, as the headers show", in_words(&verdict));
    }
    verdict
}

/// The reason in a sentence of ours.
fn in_words(verdict: &Verdict) -> String {
    let Verdict { dimension, period, limit, used, requested, scope, .. } = *verdict;
    Reached { dimension, period, limit, used, requested, scope }.verdict().reason
}

/// The bucket that the verdict is about; `None` if several could be meant.
fn the_one<'a>(verdict: &Verdict, readings: &'a [Reading]) -> Option<&'a Reading> {
    let empty = |reading: &&Reading| reading.remaining == Some(0);
    let fits = |reading: &&Reading| {
        verdict.dimension == Some(reading.dimension)
            // a header without a window can only be meant if it is the empty one
            && (verdict.period.is_none() || verdict.period == reading.period || (reading.period.is_none() && empty(reading)))
            && (verdict.limit.is_none() || verdict.limit == reading.limit)
    };
    let mut found = match verdict.dimension {
        Some(_) => readings.iter().filter(fits).collect::<Vec<_>>(),
        None => readings.iter().filter(empty).collect(),
    };
    if found.len() > 1 {
        found.retain(|reading| empty(reading));
    }
    match found.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}
