//! A verdict as `tierline explain --json` prints it. The keys are a contract with scripts.

use serde_json::{Value, json};

use crate::domain::{Dimension, Period, ScopeKind, Verdict};

/// The verdict as one JSON object; what is not known is null.
///
/// `verdict` (`wait`, `never`, `money`, `key`, `model`, `overload`, `request`), `dimension`, `window` (`minute`, `day`, ...),
/// `limit`, `used`, `requested` (in the dimension's unit), `retry_after_ms`, `scope`, `whose` (`account`, `provider`,
/// `gateway`), `reason`, `advice`.
#[must_use]
pub fn explain_json(verdict: &Verdict) -> Value {
    json!({
        "verdict": verdict.kind.name(),
        "dimension": verdict.dimension.map(Dimension::name),
        "window": verdict.period.map(Period::name),
        "limit": verdict.limit,
        "used": verdict.used,
        "requested": verdict.requested,
        "retry_after_ms": verdict.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        "scope": verdict.scope.map(ScopeKind::name),
        "whose": verdict.whose.name(),
        "reason": verdict.reason,
        "advice": verdict.advice,
    })
}
