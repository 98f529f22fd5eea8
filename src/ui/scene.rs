//! What every panel may look at while it draws: one view, one moment, one zone.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::view::WaitingView;
use crate::domain::{AccountId, BucketKey, Dimension, Scope};
use crate::journal::LiveView;
use crate::journal::live::AccountView;

use super::format;
use super::state::Density;

/// The subject of one frame.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What goes on.
    pub view: &'a Arc<LiveView>,
    /// The present, for countdowns.
    pub now: Timestamp,
    /// The user's time zone.
    pub zone: &'a TimeZone,
    /// The height of table lines.
    pub density: Density,
}

impl<'a> Scene<'a> {
    /// An account by its row.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&'a AccountView> {
        self.view.accounts.iter().find(|a| a.account.id == id)
    }

    /// The first account that draws on a scope.
    #[must_use]
    pub fn account_of(&self, scope: &Scope) -> Option<AccountId> {
        self.view.accounts.iter().find(|a| a.scope == *scope).map(|a| a.account.id)
    }

    /// Whose bucket it is, as a person knows it: the labels of the accounts that draw on it.
    #[must_use]
    pub fn whose(&self, scope: &Scope) -> String {
        let labels: Vec<&str> = self.view.accounts.iter().filter(|a| a.scope == *scope).map(|a| a.account.label.as_str()).collect();
        if labels.is_empty() { format!("{} {}", scope.kind.name(), format::short_id(&scope.id)) } else { labels.join(", ") }
    }

    /// `OTPM of claude-sonnet-5-5 (claude-work)`.
    #[must_use]
    pub fn bucket(&self, key: &BucketKey) -> String {
        if key.dimension == Dimension::Money {
            return format!("money of the budget a {} ({})", key.period.name(), self.whose(&key.scope));
        }
        format!("{} of {} ({})", key.meter(), key.class, self.whose(&key.scope))
    }

    /// What a request waits for, in words.
    #[must_use]
    pub fn waits_for(&self, waits: &WaitingView) -> String {
        waits.bucket.as_ref().map_or_else(|| "its turn".into(), |key| self.bucket(key))
    }

    /// Whether nothing is known yet, not even that there is nothing.
    #[must_use]
    pub fn starting(&self) -> bool {
        let unknown = |state: &Result<String, String>| state.as_ref().is_err_and(|why| why == "starting");
        unknown(&self.view.gateway) && unknown(&self.view.vault)
    }

    /// A moment in both zones, for hovers.
    #[must_use]
    pub fn both_zones(&self, at: Timestamp) -> String {
        format!("{} local\n{}", format::local(at, self.zone), format::utc(at))
    }

    /// The gateway's URL, or the one it would have.
    #[must_use]
    pub fn gateway_url(&self) -> &'a str {
        self.view.gateway.as_ref().map_or("http://127.0.0.1:4140", String::as_str)
    }
}
