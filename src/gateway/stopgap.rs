//! Stands in for a part of `provider` that is not there yet; goes away when it is.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::domain::{Dialect, Verdict, VerdictKind, Whose};
use crate::provider;

/// What an answer means; by its status alone while nothing better is known.
pub(super) fn verdict(dialect: Dialect, status: StatusCode, headers: &HeaderMap, body: &[u8], at: Timestamp) -> Option<Verdict> {
    provider::verdict(dialect, status, headers, body, at).or_else(|| {
        let (kind, whose) = match status.as_u16() {
            429 => (VerdictKind::Wait, Whose::Account),
            402 => (VerdictKind::Money, Whose::Account),
            503 | 529 => (VerdictKind::Overload, Whose::Provider),
            _ => return None,
        };
        Some(Verdict {
            kind,
            dimension: None,
            period: None,
            limit: None,
            used: None,
            requested: None,
            retry_after: None,
            scope: None,
            whose,
            reason: format!("the provider answered {status}"),
            advice: String::new(),
        })
    })
}
