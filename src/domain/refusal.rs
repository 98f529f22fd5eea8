//! Refusals: the provider's, brought to one [`Verdict`], and our own, which always say when or never.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{BucketKey, Dimension, Period, ScopeKind};

/// What a refusal means for the request that got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A limit of the account: wait, then the same request passes.
    Wait,
    /// This request can never pass here unchanged: larger than the bucket, or the limit is zero.
    Never,
    /// No credit or a spending limit: nothing passes until the user acts or the month turns.
    Money,
    /// The key is wrong, blocked or of a refused kind.
    Key,
    /// The model is retired, unknown or not open to this account.
    Model,
    /// The provider has no capacity; the account's limits have nothing to do with it.
    Overload,
    /// The request itself is wrong.
    Request,
}

impl VerdictKind {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Never => "never",
            Self::Money => "money",
            Self::Key => "key",
            Self::Model => "model",
            Self::Overload => "overload",
            Self::Request => "request",
        }
    }
}

/// Who caused a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The user's own limits, money, key or request.
    Account,
    /// The provider's state.
    Provider,
    /// Tierline itself.
    Gateway,
}

impl Whose {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Gateway => "gateway",
        }
    }
}

/// One refusal, read. What the provider did not say is `None`, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it means.
    pub kind: VerdictKind,
    /// Which dimension was short.
    pub dimension: Option<Dimension>,
    /// Over which window.
    pub period: Option<Period>,
    /// The limit it named.
    pub limit: Option<u64>,
    /// What it said was used.
    pub used: Option<u64>,
    /// What it said this request wanted.
    pub requested: Option<u64>,
    /// How long to wait before the same request can pass.
    pub retry_after: Option<Duration>,
    /// How wide the limit is.
    pub scope: Option<ScopeKind>,
    /// Who caused it.
    pub whose: Whose,
    /// What happened, in a sentence.
    pub reason: String,
    /// What to do, in a sentence.
    pub advice: String,
}

impl Verdict {
    /// The verdict as one JSON object; what is not known is null.
    ///
    /// `verdict` (`wait`, `never`, `money`, `key`, `model`, `overload`, `request`), `dimension`, `window` (`minute`, `day`, ...),
    /// `limit`, `used`, `requested` (in the dimension's unit), `retry_after_ms`, `scope`, `whose` (`account`, `provider`,
    /// `gateway`), `reason`, `advice`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "verdict": self.kind.name(),
            "dimension": self.dimension.map(Dimension::name),
            "window": self.period.map(Period::name),
            "limit": self.limit,
            "used": self.used,
            "requested": self.requested,
            "retry_after_ms": self.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            "scope": self.scope.map(ScopeKind::name),
            "whose": self.whose.name(),
            "reason": self.reason,
            "advice": self.advice,
        })
    }
}

/// Why Tierline itself refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalReason {
    /// The wait would outlast the request's deadline.
    Deadline,
    /// The request is larger than the bucket can ever hold.
    NeverFits,
    /// The account's money, key or state needs the user first.
    AccountStopped,
    /// The endpoint keeps failing; trying again now would only add load.
    BreakerOpen,
    /// More waits in the queue than it can hold.
    QueueFull,
    /// The keyring has not answered yet.
    KeysUnread,
    /// The app is shutting down.
    ShuttingDown,
}

/// A refusal of our own: it says when, or says never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalRefusal {
    /// Why.
    pub reason: LocalReason,
    /// The bucket that decided, if one did.
    pub bucket: Option<BucketKey>,
    /// How long until it would pass; `None` means never, as it is.
    pub retry_after: Option<Duration>,
    /// The same as a time of day.
    pub ready_at: Option<Timestamp>,
    /// What happened and what to do, in a sentence or two.
    pub message: String,
}

impl LocalRefusal {
    /// The refusal of a request that comes before the keyring has answered.
    #[must_use]
    pub fn keys_unread() -> Self {
        Self {
            reason: LocalReason::KeysUnread,
            bucket: None,
            retry_after: Some(Duration::from_secs(2)),
            ready_at: None,
            message: "Tierline has just started, and the keyring has not answered yet; if it shows a dialog, unlock it".into(),
        }
    }

    /// The refusal of a request that waits, or comes, while the app stops.
    #[must_use]
    pub fn shutting_down() -> Self {
        Self {
            reason: LocalReason::ShuttingDown,
            bucket: None,
            retry_after: None,
            ready_at: None,
            message: "Tierline is shutting down; the request was not sent, send it again when it runs".into(),
        }
    }
}
