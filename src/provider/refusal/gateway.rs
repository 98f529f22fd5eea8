//! Tierline's own refusals, when they come back to us: another Tierline upstream, or a pasted answer.

use http::HeaderMap;

use super::ruling::ruling;
use super::said::Said;
use crate::domain::{Verdict, VerdictKind, Whose};

/// The header that marks our answers.
const MARK: &str = "x-tierline-refused-by";

/// The verdict on an answer of our own.
pub(super) fn read(said: &Said, headers: &HeaderMap) -> Option<Verdict> {
    headers.get(MARK).filter(|by| by.as_bytes() == b"gateway")?;
    let wait = said.snapshot.retry_after;
    let (kind, advice) = match said.status {
        401 | 403 => (VerdictKind::Key, "use a local token of this Tierline, made with `tierline token new`"),
        402 => (VerdictKind::Money, "see `tierline budgets list`: a budget of yours is spent; raise it, or wait until it begins anew"),
        400 | 404 | 422 => (VerdictKind::Request, "check the route and the request"),
        // our refusals say when, or say never
        _ if wait.is_none() => (VerdictKind::Never, "make the request smaller, or raise the limit in Tierline"),
        _ => (VerdictKind::Wait, "wait that long; raise the deadline if Tierline should do the waiting"),
    };
    let said_so = said.quote();
    let reason = if said_so.is_empty() { "Tierline itself refused the request".to_owned() } else { said_so };
    Some(Verdict { retry_after: wait, whose: Whose::Gateway, ..ruling(kind, reason, advice) })
}
