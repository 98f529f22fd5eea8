//! Limits that a provider's admin API says are configured: what an answer says still comes first.

use super::book::usual_window;
use super::charge::ChargeRule;
use super::core::{Core, Effect, LineKey};
use crate::domain::{AccountId, BucketKey, Dimension, Limit, LimitSource, ModelClass, Now, Period, Scope};

/// One configured limit. It holds for every account that draws on the same buckets as the one it was read for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredLimit {
    /// The account it was read for.
    pub account: AccountId,
    /// For which models.
    pub class: ModelClass,
    /// Of what.
    pub dimension: Dimension,
    /// Over how long.
    pub period: Period,
    /// How much.
    pub capacity: u64,
}

impl Core {
    /// All configured limits, the oldest first: those that are not among them any more are lifted, and buckets that are open
    /// already take the new ones.
    pub fn set_configured(&mut self, limits: Vec<ConfiguredLimit>, now: Now) {
        self.configured = limits;
        for key in self.book.configured() {
            if !self.configured_in(&key.scope, &key.class).any(|limit| (limit.dimension, limit.period) == (key.dimension, key.period)) {
                let change = self.book.unset(&key, LimitSource::Admin, now);
                self.effects.extend(change.map(Effect::Limit));
            }
        }
        for line in self.lines.keys().cloned().collect::<Vec<_>>() {
            self.apply_configured(&line, now);
        }
        self.redraw();
    }

    /// Gives a line's buckets what is configured for them. Whoever calls draws the lines' lists of buckets anew.
    pub(super) fn apply_configured(&mut self, line: &LineKey, now: Now) {
        let Some(account) = self.accounts.get(&line.0) else { return };
        let (scope, rule) = (account.scope.clone(), ChargeRule::prior(account.setup.dialect));
        for limit in self.configured_in(&scope, &line.1).cloned().collect::<Vec<_>>() {
            let ConfiguredLimit { class, dimension, period, capacity, .. } = limit;
            let key = BucketKey { scope: scope.clone(), class, dimension, period };
            let limit = Limit { dimension, window: usual_window(dimension, period), capacity, source: LimitSource::Admin };
            let (_, change) = self.book.set(&key, limit, rule, now);
            self.effects.extend(change.map(Effect::Limit));
        }
    }

    fn configured_in(&self, scope: &Scope, class: &ModelClass) -> impl Iterator<Item = &ConfiguredLimit> {
        let in_scope = |id| self.accounts.get(&id).is_some_and(|account| account.scope == *scope);
        self.configured.iter().filter(move |limit| limit.class == *class && in_scope(limit.account))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Dialect, Identity, Pool, Provider, Reading, Snapshot, Tick};
    use crate::limiter::{AccountSetup, Settings};

    const NOW: Now = Now { tick: Tick::ZERO, wall: Timestamp::UNIX_EPOCH };

    /// Two accounts with an open line each.
    fn core() -> Core {
        let mut core = Core::new(Settings::default(), Arc::new(|_, _: &ModelClass| Vec::new()));
        for id in [AccountId(1), AccountId(2)] {
            let setup =
                AccountSetup { id, provider: Provider::Anthropic, dialect: Dialect::Anthropic, label: format!("{}", id.0), scope: None };
            core.set_account(setup);
            core.lines.insert((id, class()), super::super::core::LineState::default());
        }
        core
    }

    fn class() -> ModelClass {
        ModelClass::new("opus")
    }

    fn configured(dimension: Dimension, capacity: u64) -> ConfiguredLimit {
        ConfiguredLimit { account: AccountId(1), class: class(), dimension, period: Period::MINUTE, capacity }
    }

    fn of_organization(core: &mut Core, account: i64, requests: Option<u64>) {
        let mut snapshot = Snapshot::empty(NOW.wall, 200);
        snapshot.identity = Identity { organization: Some("org".into()), ..Identity::default() };
        snapshot.readings.extend(requests.map(|limit| Reading {
            dimension: Dimension::Requests,
            period: Some(Period::MINUTE),
            pool: Pool::Standard,
            limit: Some(limit),
            remaining: None,
            full_at: None,
            grain: 1,
        }));
        core.teach(AccountId(account), &class(), &snapshot, NOW.tick, NOW);
    }

    #[track_caller]
    fn check(core: &mut Core, account: i64, expect: &[&str]) {
        let ledger = core.ledger(AccountId(account), &class());
        let limits: Vec<String> =
            ledger.iter().filter_map(|line| Some(line.split_once(" of ")?.1.split_once(", ")?.0.to_owned())).collect();
        assert_eq!(limits, expect, "{ledger:?}");
    }

    #[test]
    fn an_open_line_takes_them_an_answer_outranks_them_and_they_are_lifted() {
        let mut core = core();
        core.set_configured(vec![configured(Dimension::Requests, 70), configured(Dimension::InputTokens, 900)], NOW);
        check(&mut core, 1, &["70 (admin)", "900 (admin)"]);
        check(&mut core, 2, &[]);
        of_organization(&mut core, 1, Some(50));
        check(&mut core, 1, &["50 (header)", "900 (admin)"]);
        core.set_configured(vec![configured(Dimension::Requests, 80)], NOW);
        check(&mut core, 1, &["50 (header)"]);
    }

    #[test]
    fn an_account_of_the_same_organization_draws_on_the_same_buckets() {
        for first in [1, 2] {
            let mut core = core();
            core.set_configured(vec![configured(Dimension::Requests, 70)], NOW);
            of_organization(&mut core, first, None);
            of_organization(&mut core, 3 - first, None);
            for account in [1, 2] {
                check(&mut core, account, &["70 (admin)"]);
            }
        }
    }

    #[test]
    fn the_newest_word_holds() {
        let mut core = core();
        core.set_configured(vec![configured(Dimension::Requests, 70), configured(Dimension::Requests, 60)], NOW);
        check(&mut core, 1, &["60 (admin)"]);
    }
}
