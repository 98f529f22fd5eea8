//! The ways that are open to a request where one account is not the only one: which serves it first, and which may after that.
//!
//! Another way is taken before the first byte of an answer and never after it. Where there is only one way, none of this is made.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::call::{Call, Outgoing};
use super::parts::Parts;
use super::routes::{Endpoint, Refuge, Routes};
use crate::domain::{AccountId, LocalReason, ModelClass, ModelId, Tick, VerdictKind};
use crate::limiter::Choice;
use crate::provider::is_tied;

/// What is kept of a request so that it can go another way.
pub(super) struct Ways {
    call: Call,
    body: Bytes,
    /// Accounts of the same provider that have not been asked, the preferred one first.
    accounts: VecDeque<Arc<Endpoint>>,
    /// Where fallback routes lead, in their order.
    refuges: VecDeque<Refuge>,
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
    /// The model that takes the place of the one that was asked for, if it is a fallback route.
    pub(super) refuge: Option<ModelId>,
    /// What is left of the patience.
    pub(super) patience: Option<Duration>,
}

impl Ways {
    /// Puts the account that should serve it first into `call`. `None` if there is one way only.
    pub(super) fn open(call: &mut Call, routes: &Routes, body: &Bytes, parts: &Parts) -> Option<Box<Self>> {
        let may_flee = call.roams && routes.has_fallbacks();
        if call.others.is_empty() && !may_flee {
            return None;
        }
        let others = std::mem::take(&mut call.others);
        let facts = call.facts(body);
        if is_tied(facts.api, body) {
            return None;
        }
        let now = parts.clock.now();
        let model = facts.model.as_ref();
        let refuges: VecDeque<Refuge> = model.filter(|_| may_flee).into_iter().flat_map(|model| routes.refuges(model)).cloned().collect();
        let mut accounts = VecDeque::from(others);
        if !accounts.is_empty() {
            accounts.push_front(Arc::clone(&call.endpoint));
            let candidates: Vec<(AccountId, ModelClass)> =
                accounts.iter().map(|endpoint| (endpoint.account.id, class_at(endpoint, model, parts, now.wall))).collect();
            let choice = Choice { candidates: &candidates, facts: &facts, client: &call.client, lane: call.wishes.lane };
            call.endpoint = accounts.remove(parts.admission.choose(choice)).unwrap_or_else(|| Arc::clone(&call.endpoint));
        }
        let ways = Self { call: call.clone(), body: body.clone(), accounts, refuges, since: now.tick };
        ways.is_left().then(|| Box::new(ways))
    }

    /// Whether a way is left.
    pub(super) fn is_left(&self) -> bool {
        !self.accounts.is_empty() || !self.refuges.is_empty()
    }

    /// The next way that may help after the last one died of this. `patience` is what it had on the last one.
    pub(super) fn next(&mut self, dead: Dead, patience: Option<Duration>, parts: &Parts) -> Option<Way> {
        let now = parts.clock.now();
        let patience = patience.map(|patience| patience.saturating_sub(now.tick.since(self.since)));
        self.since = now.tick;
        loop {
            let (call, body, refuge) = if dead.is_of_the_account() && !self.accounts.is_empty() {
                let mut call = self.call.clone();
                call.endpoint = self.accounts.pop_front()?;
                (call, self.body.clone(), None)
            } else if dead.is_of_the_provider() {
                let refuge = self.refuges.pop_front()?;
                let Some((call, body)) = self.call.sheltered(&refuge, &self.body) else { continue };
                (call, body, Some(refuge.model))
            } else {
                return None;
            };
            let endpoint = Arc::clone(&call.endpoint);
            // one that cannot be prepared is no way; the client hears of the way before
            if let Ok(outgoing) = call.with_body(body, now.wall) {
                let class = class_at(&endpoint, outgoing.asked.as_ref(), parts, now.wall);
                return Some(Way { endpoint, class, outgoing, refuge, patience });
            }
        }
    }
}

impl Dead {
    /// Whether another account of the same provider may do better.
    const fn is_of_the_account(self) -> bool {
        match self {
            Self::Refused(reason) => matches!(reason, LocalReason::NeverFits) || is_down(reason),
            Self::Answered(kind) => {
                matches!(kind, VerdictKind::Wait | VerdictKind::Never | VerdictKind::Money | VerdictKind::Key)
            }
            Self::Unreachable => false,
        }
    }

    /// Whether a fallback route is for this: too late, out of credit, or down. A request that is itself at fault stays.
    const fn is_of_the_provider(self) -> bool {
        match self {
            Self::Refused(reason) => is_down(reason),
            Self::Answered(kind) => {
                matches!(kind, VerdictKind::Wait | VerdictKind::Money | VerdictKind::Key | VerdictKind::Overload)
            }
            Self::Unreachable => true,
        }
    }
}

const fn is_down(reason: LocalReason) -> bool {
    matches!(reason, LocalReason::Deadline | LocalReason::AccountStopped | LocalReason::OverBudget | LocalReason::BreakerOpen)
}

/// Which models' buckets a request for `model` draws on at this endpoint, where the name may stand for another.
fn class_at(endpoint: &Endpoint, model: Option<&ModelId>, parts: &Parts, now: Timestamp) -> ModelClass {
    let Some(model) = model else { return ModelClass::any() };
    let model = endpoint.aliases.iter().find(|alias| alias.holds(model, now)).map_or(model, |alias| &alias.to);
    (parts.class_of)(endpoint.account.provider, model)
}
