//! Fills in from the headers what the body of a refusal left open: the bucket whose `remaining` is zero is the one.

use super::said::Said;
use crate::domain::{Reading, Verdict, VerdictKind, Whose};
use crate::provider::delay;

/// The verdict with what the headers add. Nothing that the body said is changed.
pub(super) fn fill(mut verdict: Verdict, said: &Said) -> Verdict {
    if verdict.kind != VerdictKind::Wait || verdict.whose != Whose::Account {
        return verdict;
    }
    let Some(reading) = the_one(&verdict, &said.snapshot.readings) else { return verdict };
    verdict.dimension = verdict.dimension.or(Some(reading.dimension));
    verdict.period = verdict.period.or(reading.period);
    verdict.limit = verdict.limit.or(reading.limit);
    if reading.remaining == Some(0) {
        verdict.used = verdict.used.or(reading.limit);
        // the time until the bucket is full is longer than needed, and better than nothing
        let full = reading.full_at.filter(|at| *at > said.at).map(|at| delay::until(at, said.at));
        verdict.retry_after = verdict.retry_after.or(full);
    }
    verdict
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
