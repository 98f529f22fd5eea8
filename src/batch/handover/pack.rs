//! Takes planned rows together into a part that the provider takes at once.

use bytes::Bytes;

use super::super::keeper::Keeper;
use super::super::source::{Source, estimated_input};
use super::api::{Api, Most, Target};
use crate::domain::{Now, Problem};
use crate::store::{BatchRow, NewPart};

/// Rows that belong together, as they leave.
pub(super) struct Parcel {
    pub(super) part: NewPart,
    pub(super) target: Target,
    pub(super) text: Bytes,
    /// The only row, if there is but one.
    pub(super) single: Option<BatchRow>,
}

/// What was found to pack.
pub(super) enum Packed {
    Parcel(Box<Parcel>),
    /// No row is planned.
    Nothing,
    /// The next row could cost more than is left.
    TooDear,
}

/// What may go into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) rows: usize,
    pub(super) tokens: Option<u64>,
    /// Nano-dollars that may still be spent.
    pub(super) cost_nanos: Option<u64>,
}

/// How many planned rows are read from the journal at a time.
const FEED: u32 = 1_024;

/// Packs the first planned row and those after it that can be in one batch with it, as many as fit.
///
/// # Errors
/// The journal or the input cannot be read, or the input has changed.
pub(super) async fn pack(api: Api, source: &Source, keeper: &Keeper, allowed: Allowed, now: Now) -> Result<Packed, Problem> {
    let dialect = source.reading.dialect;
    let tag = tag()?;
    let mut text = api.open(&tag);
    let mut part = NewPart { tag, endpoint: String::new(), model: String::new(), rows: Vec::new(), tokens: 0, may_cost_nanos: 0 };
    let mut bound: Option<(Target, Most)> = None;
    let (mut after, mut first) = (None, None);
    'rows: loop {
        let rows = keeper.rows(after, FEED).await?;
        let last = rows.len() < FEED as usize;
        after = rows.last().map(|row| row.row).or(after);
        for row in rows {
            let request = source.read(&row)?;
            let unfit = |why| Problem::new(format!("line {} of the input cannot be handed over", row.line)).because(why);
            let target = api.target(&request).map_err(unfit)?;
            let (of, most) = bound.get_or_insert_with(|| {
                let on = jiff::tz::Offset::UTC.to_datetime(now.wall).date();
                let most = api.most(dialect, &target, on);
                (target.clone(), most)
            });
            if *of != target {
                continue;
            }
            let tokens = estimated_input(&request.facts);
            let cost = source.may_cost(&request.facts, Some("batch"), now.wall);
            let queue = allowed.tokens.into_iter().chain(most.tokens).min();
            let is_full = part.rows.len() >= most.rows.min(allowed.rows)
                || text.len() + request.body.len() + 200 > most.bytes
                || queue.is_some_and(|queue| part.tokens + tokens > queue);
            if is_full && !part.rows.is_empty() {
                break 'rows;
            }
            if allowed.cost_nanos.is_some_and(|left| part.may_cost_nanos + cost > left) {
                if part.rows.is_empty() {
                    return Ok(Packed::TooDear);
                }
                break 'rows;
            }
            api.add(&mut text, part.rows.is_empty(), of, &wire_id(&part.tag, row.row), &request.body);
            part.rows.push(row.row);
            part.tokens += tokens;
            part.may_cost_nanos += cost;
            first.get_or_insert(row);
        }
        if last {
            break;
        }
    }
    let Some((target, _)) = bound else { return Ok(Packed::Nothing) };
    api.close(&mut text);
    part.endpoint.clone_from(&target.endpoint);
    part.model.clone_from(&target.model);
    let single = first.filter(|_| part.rows.len() == 1);
    Ok(Packed::Parcel(Box::new(Parcel { part, target, text: text.into(), single })))
}

/// A row's name on the wire: letters, digits and a dash, well under 64 of them.
pub(super) fn wire_id(tag: &str, row: u64) -> String {
    format!("{tag}-{row}")
}

/// The row of a name on the wire, if it is of the part with this tag.
pub(super) fn row_of(tag: &str, id: &str) -> Option<u64> {
    id.strip_prefix(tag)?.strip_prefix('-')?.parse().ok()
}

/// A name that no other part has.
fn tag() -> Result<String, Problem> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new("the system gave no random numbers").because(error))?;
    Ok(bytes.iter().fold(String::from("tl"), |text, byte| format!("{text}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_name_on_the_wire() {
        let tag = tag().unwrap();
        assert_eq!(row_of(&tag, &wire_id(&tag, 41)), Some(41));
        assert_eq!(row_of(&tag, "another-41"), None);
        assert!(wire_id(&tag, u64::MAX).len() <= 64);
    }
}
