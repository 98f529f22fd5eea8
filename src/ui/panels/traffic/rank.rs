//! By what a request is sorted, column by column.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::super::super::format;
use super::super::super::widgets::sort::{Order, Rank};
use super::row::Row;

/// Which of two rows comes first in this order; the newer one, where the column makes no difference.
#[must_use]
pub fn compare(order: &Order, now: Timestamp, a: &Row<'_>, b: &Row<'_>) -> Ordering {
    order.compare(rank(a, &order.by, now), rank(b, &order.by, now)).then_with(|| b.id().cmp(&a.id()))
}

/// What stands in a column, as a number or a name; nothing where a dash stands.
#[must_use]
pub fn rank<'a>(row: &Row<'a>, column: &str, now: Timestamp) -> Option<Rank<'a>> {
    let text = |text: &'a str| (!text.is_empty()).then_some(Rank::Text(text));
    let number = |n: u64| (n > 0).then_some(Rank::Number(n));
    match column {
        "Time" => Some(Rank::Number(u64::try_from(row.at().as_millisecond()).unwrap_or(0))),
        "Client" => text(row.client()),
        "Account" => text(row.account()),
        "Model" => row.models().0.or(row.models().1).map(|model| Rank::Text(model.as_str())),
        "State" => text(row.state_word()),
        "Waited" => number(match row {
            Row::Waiting(w) => millis(now, w.since),
            Row::Running(r) => r.waited_millis,
            Row::Done(r) => r.wait_millis,
        }),
        "Ran" => match row {
            Row::Waiting(_) => None,
            Row::Running(r) => Some(Rank::Number(millis(now, r.sent_at))),
            Row::Done(r) if r.attempts == 0 => None,
            Row::Done(r) => Some(Rank::Number(millis(r.finished_at, r.arrived_at).saturating_sub(r.wait_millis))),
        },
        "Tries" => match row {
            Row::Waiting(_) => None,
            Row::Running(r) => Some(Rank::Number(r.attempt.into())),
            Row::Done(r) => Some(Rank::Number(r.attempts.into())),
        },
        _ => {
            let Row::Done(r) = row else { return None };
            match column {
                "In" => number(r.usage.total_input()),
                "Cached" => number(r.usage.cache_read),
                "Out" => number(r.usage.output),
                "Cost" => r.cost_nanos.map(Rank::Number),
                "Status" => number(r.status.into()),
                _ => None,
            }
        }
    }
}

fn millis(now: Timestamp, then: Timestamp) -> u64 {
    u64::try_from(format::since(now, then).as_millis()).unwrap_or(u64::MAX)
}
