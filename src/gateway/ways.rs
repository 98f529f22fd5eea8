//! The ways that are open to a request where one account is not the only one: which serves it first, and which may after that.
//!
//! Another way is taken before the first byte of an answer and never after it. Where there is only one way, none of this is made.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::call::{Call, Outgoing};
use super::parts::Parts;
use super::routes::Endpoint;
use crate::domain::{AccountId, LocalReason, ModelClass, ModelId, Tick, VerdictKind};
use crate::limiter::Choice;
use crate::provider::is_tied;

/// What is kept of a request so that it can go another way.
pub(super) struct Ways {
    call: Call,
    body: Bytes,
    /// Accounts of the same provider that have not been asked, the preferred one first.
    accounts: Vec<Arc<Endpoint>>,
    /// Since when it is on its present way.
    since: Tick,
}

/// Why a way came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// Tierline itself refused it.
    Refused(LocalReason),
    /// The provider refused it, and no retry is left.
    Answered(VerdictKind),
    /// The provider was not reached, and nothing can have been processed.
    Unreachable,
}

/// The next way.
pub(super) struct Way {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) class: ModelClass,
    pub(super) outgoing: Outgoing,
    /// What is left of the patience.
    pub(super) patience: Option<Duration>,
}

impl Ways {
    /// Puts the account that should serve it first into `call`. `None` if it is the only one.
    pub(super) fn open(call: &mut Call, body: &Bytes, parts: &Parts) -> Option<Box<Self>> {
        if call.others.is_empty() {
            return None;
        }
        let others = std::mem::take(&mut call.others);
        let facts = call.facts(body);
        if is_tied(facts.api, body) {
            return None;
        }
        let now = parts.clock.now();
        let mut accounts = vec![Arc::clone(&call.endpoint)];
        accounts.extend(others);
        let model = facts.model.as_ref();
        let candidates: Vec<(AccountId, ModelClass)> =
            accounts.iter().map(|endpoint| (endpoint.account.id, class_at(endpoint, model, parts, now.wall))).collect();
        let choice = Choice { candidates: &candidates, facts: &facts, client: &call.client, lane: call.wishes.lane };
        let chosen = parts.admission.choose(choice).min(accounts.len() - 1);
        call.endpoint = accounts.remove(chosen);
        Some(Box::new(Self { call: call.clone(), body: body.clone(), accounts, since: now.tick }))
    }

    /// Whether a way is left.
    pub(super) fn is_left(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// The next way that may help after the last one died of this.
    /// `patience` is what it had on the last one.
    pub(super) fn next(&mut self, dead: Dead, patience: Option<Duration>, parts: &Parts) -> Option<Way> {
        let now = parts.clock.now();
        let patience = patience.map(|patience| patience.saturating_sub(now.tick.since(self.since)));
        self.since = now.tick;
        while dead.is_of_the_account() && !self.accounts.is_empty() {
            let endpoint = self.accounts.remove(0);
            let mut call = self.call.clone();
            call.endpoint = Arc::clone(&endpoint);
            // one that cannot be prepared is no way; the client hears of the way before
            if let Ok(outgoing) = call.with_body(self.body.clone(), now.wall) {
                let class = class_at(&endpoint, outgoing.asked.as_ref(), parts, now.wall);
                return Some(Way { endpoint, class, outgoing, patience });
            }
        }
        None
    }
}

impl Dead {
    /// Whether another account of the same provider may do better.
    const fn is_of_the_account(self) -> bool {
        match self {
            Self::Refused(reason) => {
                matches!(
                    reason,
                    LocalReason::Deadline
                        | LocalReason::NeverFits
                        | LocalReason::AccountStopped
                        | LocalReason::OverBudget
                        | LocalReason::BreakerOpen
                )
            }
            Self::Answered(kind) => {
                matches!(kind, VerdictKind::Wait | VerdictKind::Never | VerdictKind::Money | VerdictKind::Key)
            }
            Self::Unreachable => false,
        }
    }
}

/// Which models' buckets a request for `model` draws on at this endpoint, where the name may stand for another.
fn class_at(endpoint: &Endpoint, model: Option<&ModelId>, parts: &Parts, now: Timestamp) -> ModelClass {
    let Some(model) = model else { return ModelClass::any() };
    let model = endpoint.aliases.iter().find(|alias| alias.holds(model, now)).map_or(model, |alias| &alias.to);
    (parts.class_of)(endpoint.account.provider, model)
}
