//! Verdicts of each kind with nothing known yet, and the sentence for a limit that was reached.

use std::time::Duration;

use crate::domain::dimension::Meter;
use crate::domain::{Dimension, Period, ScopeKind, Verdict, VerdictKind, Whose};

/// A verdict about which only its kind is known.
pub(super) fn ruling(kind: VerdictKind, reason: impl Into<String>, advice: impl Into<String>) -> Verdict {
    Verdict {
        kind,
        dimension: None,
        period: None,
        limit: None,
        used: None,
        requested: None,
        retry_after: None,
        scope: None,
        whose: if kind == VerdictKind::Overload { Whose::Provider } else { Whose::Account },
        reason: reason.into(),
        advice: advice.into(),
    }
}

/// The start of advice that gets its time when everything is read.
const UNTIMED: &str = "wait";

/// The verdict with its time in the advice, if the advice is to wait.
pub(super) fn timed(mut verdict: Verdict) -> Verdict {
    if let Some(rest) = verdict.advice.strip_prefix(UNTIMED)
        && rest.starts_with(',')
    {
        verdict.advice = match verdict.retry_after {
            Some(wait) => format!("wait {}{rest}", spoken(wait)),
            None => format!("wait with growing pauses, as the answer gives no time{rest}"),
        };
    }
    verdict
}

/// `0.6 s`, `41 s`, `7 min 12 s`, `20 h 0 min`.
fn spoken(wait: Duration) -> String {
    let secs = wait.as_secs();
    match secs {
        0..10 => format!("{:.1} s", wait.as_secs_f64()),
        10..60 => format!("{secs} s"),
        60..3_600 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!("{} h {} min", secs / 3_600, secs % 3_600 / 60),
    }
}

/// The account must pay, or raise a ceiling of its own.
pub(super) fn money(reason: impl Into<String>, advice: impl Into<String>) -> Verdict {
    ruling(VerdictKind::Money, reason, advice)
}

/// The provider has no room, whatever the account's limits are.
pub(super) fn overload(reason: impl Into<String>) -> Verdict {
    ruling(VerdictKind::Overload, reason, "retry with growing pauses; if it lasts, use another model, region or service tier")
}

/// The model is not to be had.
pub(super) fn model(reason: impl Into<String>) -> Verdict {
    ruling(
        VerdictKind::Model,
        reason,
        "check the name against the provider's list of models, replace a retired one, or ask for access to it",
    )
}

/// The request is wrong.
pub(super) fn request(reason: impl Into<String>) -> Verdict {
    ruling(VerdictKind::Request, reason, "change the request; sending it again unchanged gives the same answer")
}

/// What a refusal says about the limit that was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) dimension: Option<Dimension>,
    pub(super) period: Option<Period>,
    pub(super) limit: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) requested: Option<u64>,
    pub(super) scope: Option<ScopeKind>,
}

impl Reached {
    /// Wait; or never, if the request is larger than the limit or the limit is zero.
    pub(super) fn verdict(self) -> Verdict {
        let Self { dimension, period, limit, used, requested, scope } = self;
        let what = self.name();
        let (kind, reason, advice) = match (limit, requested) {
            (Some(0), _) => (
                VerdictKind::Never,
                format!("{what} is 0: this model or feature is not open to the account's tier"),
                "use another model, or move the account to a tier that includes this one".to_owned(),
            ),
            (Some(limit), Some(requested)) if requested > limit => (
                VerdictKind::Never,
                format!("the request counts as {requested}, and {what} is {limit}: it can never pass as it is"),
                "make the request smaller (shorter input, lower output ceiling), split it, or raise the limit".to_owned(),
            ),
            _ => (VerdictKind::Wait, self.used_up(&what), format!("{UNTIMED}, then send the same request again; slow down until then")),
        };
        Verdict { dimension, period, limit, used, requested, scope, ..ruling(kind, reason, advice) }
    }

    fn used_up(self, what: &str) -> String {
        match (self.limit, self.used, self.requested) {
            (Some(limit), Some(used), Some(requested)) => {
                format!("{what} is {limit}, {used} of it are used, and this request wants {requested}")
            }
            (Some(limit), Some(used), None) => format!("{what} is {limit}, and {used} are used"),
            (Some(limit), None, _) => format!("{what} is {limit}, and it is used up"),
            (None, ..) => format!("{what} is used up"),
        }
    }

    /// `the limit of input tokens a minute (ITPM) of the organization`, as far as it is known.
    fn name(self) -> String {
        let limit = match (self.dimension, self.period) {
            (Some(Dimension::Concurrent), _) => "the limit of requests at once".to_owned(),
            (Some(dimension), Some(period)) => {
                format!("the limit of {} a {} ({})", dimension.unit(), period.name(), Meter(dimension, period))
            }
            (Some(dimension), None) => format!("a limit of {}", dimension.unit()),
            (None, _) => "a limit".to_owned(),
        };
        match self.scope {
            Some(scope) => format!("{limit} of the {}", scope.name()),
            None => limit,
        }
    }
}
