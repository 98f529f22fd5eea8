//! What the user set about limits, routes and names, and what an admin API said is configured: as it holds now.

use jiff::Timestamp;

use super::alias::Alias;
use super::command::UserLimit;
use super::fallback::FallbackView;

/// Every rule. Budgets are apart, because what is spent of them changes with every answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// The user's ceilings, then what was read with admin keys.
    pub limits: Vec<LimitRule>,
    /// Fallback routes, in the order in which they are tried.
    pub routes: Vec<FallbackView>,
    /// Names that stand for others, also those that do so no longer.
    pub aliases: Vec<Alias>,
}

/// A limit that somebody wrote down, whether or not anything was sent under it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRule {
    /// Which, and how much.
    pub limit: UserLimit,
    /// When it was read with an admin key; `None` if the user set it.
    pub read_at: Option<Timestamp>,
}
