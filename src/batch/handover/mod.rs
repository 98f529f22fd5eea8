//! Hands a batch over to the provider's own batch API: for less money, within a day, in pools of its own.
//!
//! ```text
//! planned rows -> pack: a part that the provider takes -> journal (the part and its rows) -> submit -> journal (the provider's name)
//!   -> look, now and then -> collect: each result joined to its row -> journal -> keeper: the output
//! ```
//!
//! A part is in the journal before it leaves. If it is not certain that the provider has it (the answer was lost, or the
//! process ended), it is looked for among the provider's batches by the tag it carries, and only submitted again when it
//! is not there. On the wire a request's `custom_id` is made of the part's tag and the row's number: the user's own may be
//! longer than providers allow, and this one tells our batches from others.
//!
//! All of this goes through the gateway, like everything else that uses the account; the limiter has a class of its own for it.

mod anthropic;
mod api;
mod call;
mod collect;
mod ending;
mod gemini;
mod horizon;
mod openai;
mod pack;
mod pace;
mod run;
mod submit;

pub use run::hand_over;

use jiff::Timestamp;

use self::api::Api;
use super::input::Row;
use crate::catalog::Catalog;
use crate::domain::{Dialect, ModelClass, Problem};

/// Whether this provider has a batch API that rows can be handed over to.
///
/// # Errors
/// It has none, or none that is known here.
pub fn is_offered(dialect: Dialect) -> Result<(), Problem> {
    match (Api::of(dialect), dialect) {
        (Some(_), _) => Ok(()),
        (None, Dialect::DeepSeek) => Err(Problem::new("DeepSeek has no batch API").hint("leave --via out: rows then go at the limits")),
        (None, other) => Err(Problem::new(format!("no batch API of {} is known", other.name()))
            .hint("leave --via out: rows then go at the limits; Anthropic, OpenAI and Gemini have one")),
    }
}

/// Within how many hours a provider's batch API ends a batch, as it promises; `None` if it has none, or promises nothing.
#[must_use]
pub fn finish_hours(dialect: Dialect, now: Timestamp) -> Option<u64> {
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    Catalog::bundled().batch_limits(dialect, &ModelClass::any(), None, 0, today)?.finish_hours
}

/// Whether the provider's batch API takes a row.
///
/// # Errors
/// Why not.
pub(super) fn check(dialect: Dialect, row: &Row) -> Result<(), String> {
    Api::of(dialect).ok_or_else(|| format!("no batch API of {} is known", dialect.name()))?.target(row).map(drop)
}
