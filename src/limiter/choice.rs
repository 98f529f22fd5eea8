//! Which of several accounts serves a request: who starts it soonest, then who has most slack; one conversation stays where it was.

use std::collections::BTreeMap;
use std::time::Duration;

use super::core::{Core, LineKey};
use super::estimate::Kind;
use super::handle::Ask;
use super::line::Ticket;
use crate::domain::{AccountId, Api, ClientName, Dimension, Lane, LocalReason, LocalRefusal, ModelClass, Now, RequestFacts, Scope, Tick};

/// A request that more than one account could serve.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The accounts, the preferred one first, each with the class of the model that it would serve the request with.
    pub candidates: &'a [(AccountId, ModelClass)],
    /// What is known of the request.
    pub facts: &'a RequestFacts,
    /// Which program sent it.
    pub client: &'a ClientName,
    /// Which queue it will stand in.
    pub lane: Lane,
}

/// Where conversations were served, because their prompt cache is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Homes(BTreeMap<(ModelClass, u64), (AccountId, Tick)>);

impl Homes {
    /// The longest that a provider keeps a prompt cache for which one can pay (Anthropic's long lifetime).
    const MEMORY: Duration = Duration::from_secs(3_600);
    const MOST: usize = 4_096;

    fn of(&self, class: &ModelClass, conversation: u64, now: Tick) -> Option<AccountId> {
        let (account, at) = self.0.get(&(class.clone(), conversation))?;
        (now.since(*at) < Self::MEMORY).then_some(*account)
    }

    fn settle(&mut self, class: &ModelClass, conversation: u64, account: AccountId, now: Tick) {
        let key = (class.clone(), conversation);
        if self.0.len() >= Self::MOST && !self.0.contains_key(&key) {
            let quietest = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone());
            quietest.map(|key| self.0.remove(&key));
        }
        self.0.insert(key, (account, now));
    }
}

/// How an account stands toward one request.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    /// Nothing is sent with it now: its money, its key, or its endpoint.
    down: bool,
    /// When it can be expected to send the request.
    start: Tick,
    /// What is left of the bucket that is nearest to its end, as a share, after those who wait for it; negative if they take more.
    slack: f64,
    /// Requests that wait or are under way, for accounts of which no limit is known.
    load: u64,
}

impl Standing {
    fn before(&self, other: &Self) -> bool {
        let order = self.down.cmp(&other.down).then(self.start.cmp(&other.start)).then(other.slack.total_cmp(&self.slack));
        order.then(self.load.cmp(&other.load)).is_lt()
    }
}

impl Core {
    /// With less slack than this a conversation leaves its account, and its prompt cache.
    const STAYS_ABOVE: f64 = 0.10;

    /// The place among the candidates of the one that should serve the request.
    ///
    /// Accounts that share a scope share its buckets: the first of them that works stands for all.
    pub fn choose(&mut self, choice: Choice<'_>, now: Now) -> usize {
        let standings: Vec<Standing> =
            choice.candidates.iter().map(|(account, class)| self.standing((*account, class.clone()), &choice, now)).collect();
        let chosen = self.home(&choice, &standings, now).unwrap_or_else(|| self.best(&choice, &standings));
        if let (Some(conversation), Some((account, class))) = (choice.facts.conversation, choice.candidates.get(chosen)) {
            self.homes.settle(class, conversation, *account, now.tick);
        }
        chosen
    }

    /// Where the conversation was served before, if that account works and has room.
    fn home(&self, choice: &Choice<'_>, standings: &[Standing], now: Now) -> Option<usize> {
        let conversation = choice.facts.conversation?;
        let at = choice.candidates.iter().position(|(account, class)| self.homes.of(class, conversation, now.tick) == Some(*account))?;
        standings.get(at).filter(|standing| !standing.down && standing.slack >= Self::STAYS_ABOVE).map(|_| at)
    }

    fn best(&self, choice: &Choice<'_>, standings: &[Standing]) -> usize {
        let mut scopes: Vec<&Scope> = Vec::new();
        let mut best: Option<(usize, Standing)> = None;
        for (at, ((account, _), standing)) in choice.candidates.iter().zip(standings).enumerate() {
            let scope = self.accounts.get(account).map(|account| &account.scope);
            if scope.is_some_and(|scope| scopes.contains(&scope)) {
                continue;
            }
            scopes.extend(scope.filter(|_| !standing.down));
            if best.is_none_or(|(_, best)| standing.before(&best)) {
                best = Some((at, *standing));
            }
        }
        best.map_or(0, |(at, _)| at)
    }

    fn standing(&mut self, mut key: LineKey, choice: &Choice<'_>, now: Now) -> Standing {
        self.open_line(&key, now);
        let api = choice.facts.api;
        let kind = Kind { class: key.1.clone(), api, client: choice.client.clone(), media: choice.facts.media > 0 };
        let expected = self.estimator.expect(&kind, choice.facts);
        if let Some(class) = self.pooled(&key, choice.facts, &expected) {
            key.1 = class;
            self.open_line(&key, now);
        }
        let start = self.expected_start(&key, choice.lane, &expected, now).map_or(now.tick, |(_, at)| at);
        let mut standing = Standing { down: false, start, slack: 1.0, load: 0 };
        if let Some(until) = self.down_until(key.0, &key.1, api, now) {
            standing.down = true;
            standing.start = standing.start.max(until);
        }
        let Some(state) = self.lines.get(&key) else { return standing };
        let waiting = [Lane::Interactive, Lane::Batch].map(|lane| state.line.queued(lane));
        standing.load = state.in_flight + waiting.iter().map(|queued| queued.count).sum::<u64>();
        for id in &state.buckets {
            let entry = self.book.get_mut(*id);
            entry.bucket.refill(now);
            let (dimension, rule) = (entry.key.dimension, entry.evidence.rule());
            let wanted: u64 = waiting
                .iter()
                .map(|queued| match dimension {
                    Dimension::Requests | Dimension::Concurrent => queued.count,
                    _ => rule.need(dimension, &queued.sum).total(),
                })
                .sum();
            let left = entry.bucket.available() as f64 - wanted as f64;
            standing.slack = standing.slack.min(left / entry.bucket.limit().capacity.max(1) as f64);
        }
        standing
    }

    /// Until when nothing is sent with an account, if that is so now: no money, a refused key, or an endpoint that fails.
    #[must_use]
    pub fn down_until(&self, account: AccountId, class: &ModelClass, api: Api, now: Now) -> Option<Tick> {
        let account = self.accounts.get(&account)?;
        let stopped = account.stopped.as_ref().filter(|stop| stop.trying || now.tick < stop.until).map(|stop| stop.until.max(now.tick));
        let refused = account.key_refused_until.filter(|until| now.tick < *until);
        let open = account.breakers.get(&(class.clone(), api)).and_then(|breaker| Some(breaker.forbids(now.tick)?.next_try));
        stopped.max(refused).max(open)
    }

    /// The provider does not take this account's key: others are asked first for a while.
    pub(super) fn key_refused(&mut self, id: AccountId, now: Tick) {
        const PAUSE: Duration = Duration::from_secs(300);
        if let Some(account) = self.accounts.get_mut(&id) {
            account.key_refused_until = Some(now + PAUSE);
        }
    }

    /// A request that can go elsewhere does not stand in the queue of an account that serves nothing now.
    pub(super) fn check_serves(&self, ask: &Ask, now: Now) -> Result<(), LocalRefusal> {
        if !ask.elsewhere {
            return Ok(());
        }
        let Some(until) = self.down_until(ask.account, &ask.class, ask.facts.api, now) else { return Ok(()) };
        let label = self.accounts.get(&ask.account).map(|account| account.setup.label.as_str()).unwrap_or_default();
        let wait = until.since(now.tick).max(Duration::from_secs(1));
        Err(LocalRefusal {
            reason: LocalReason::AccountStopped,
            bucket: None,
            retry_after: Some(wait),
            ready_at: Some(now.wall_at(now.tick + wait)),
            message: format!("account {label} serves nothing now: it has no credit, its key is refused, or its endpoint fails"),
        })
    }

    /// Those who wait for an account that has just stopped to serve, and can go elsewhere, go.
    pub(super) fn send_elsewhere(&mut self, id: AccountId, now: Now) {
        let leaving: Vec<(Ticket, LocalRefusal)> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.ask.account == id)
            .filter_map(|(ticket, waiting)| Some((*ticket, self.check_serves(&waiting.ask, now).err()?)))
            .collect();
        for (ticket, refusal) in leaving {
            self.refuse_waiting(ticket, refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Dialect, Identity, Limit, LimitSource, Provider, RequestId, Snapshot, Usage, Verdict, VerdictKind, Whose, Window};
    use crate::limiter::core::Effect;
    use crate::limiter::{AccountSetup, Settings};

    const ONE: AccountId = AccountId(1);
    const TWO: AccountId = AccountId(2);

    fn at(secs: u64) -> Now {
        let wall = Timestamp::from_second(1_800_000_000 + secs.cast_signed()).unwrap();
        Now { tick: Tick::from_nanos(secs * 1_000_000_000), wall }
    }

    /// Two accounts of ten requests a minute each.
    struct Pair {
        core: Core,
        next: u64,
    }

    impl Pair {
        fn new() -> Self {
            let limit = Limit {
                dimension: crate::domain::Dimension::Requests,
                window: Window::PER_MINUTE,
                capacity: 10,
                source: LimitSource::User,
            };
            let mut core = Core::new(Settings { trust_bursts: true, ..Settings::default() }, Arc::new(move |_, _| vec![limit]));
            for (id, label) in [(ONE, "one"), (TWO, "two")] {
                let label = label.to_owned();
                core.set_account(AccountSetup { id, provider: Provider::Gemini, dialect: Dialect::Gemini, label, scope: None });
            }
            Self { core, next: 1 }
        }

        fn facts(conversation: Option<u64>) -> RequestFacts {
            RequestFacts { conversation, ..RequestFacts::opaque(Api::GenerateContent, 100) }
        }

        fn choose(&mut self, conversation: Option<u64>, now: Now) -> AccountId {
            let candidates = [ONE, TWO].map(|id| (id, ModelClass::new("m")));
            let client = ClientName::new("test");
            let facts = Self::facts(conversation);
            let chosen = self.core.choose(Choice { candidates: &candidates, facts: &facts, client: &client, lane: Lane::Interactive }, now);
            candidates[chosen].0
        }

        /// Sends one request through an account.
        fn send(&mut self, account: AccountId, now: Now) -> Ticket {
            let ask = Ask {
                id: RequestId(self.next),
                account,
                class: ModelClass::new("m"),
                client: ClientName::new("test"),
                lane: Lane::Interactive,
                facts: Arc::new(Self::facts(None)),
                patience: None,
                elsewhere: true,
            };
            self.next += 1;
            let ticket = self.core.enqueue(ask, now).unwrap();
            self.core.pump(now);
            ticket
        }

        fn refuse(&mut self, account: AccountId, kind: VerdictKind, now: Now) {
            let ticket = self.send(account, now);
            self.core.refused(ticket, &verdict(kind), now);
        }
    }

    #[test]
    fn the_one_with_most_slack_goes_first() {
        let mut pair = Pair::new();
        let served: Vec<AccountId> = (0..6)
            .map(|_| {
                let account = pair.choose(None, at(0));
                pair.send(account, at(0));
                account
            })
            .collect();
        assert_eq!(served, [ONE, TWO, ONE, TWO, ONE, TWO]);
    }

    #[test]
    fn a_conversation_stays_until_its_account_is_nearly_used_up() {
        let mut pair = Pair::new();
        let mut served = Vec::new();
        for _ in 0..18 {
            let account = pair.choose(Some(7), at(0));
            pair.send(account, at(0));
            served.push(account);
        }
        let moved = served.iter().position(|account| *account == TWO).unwrap();
        assert_eq!(moved, 10, "with the last tenth it may still stay");
        assert!(served[moved..].iter().all(|account| *account == TWO), "and then it stays there: {served:?}");
        assert_eq!(pair.core.homes.of(&ModelClass::new("m"), 7, at(3_599).tick), Some(TWO));
        assert_eq!(pair.core.homes.of(&ModelClass::new("m"), 7, at(3_600).tick), None, "no prompt cache is left to stay for");
    }

    #[test]
    fn who_cannot_serve_is_passed_over_until_the_pause_is_over() {
        for (kind, pause) in [(VerdictKind::Money, 61), (VerdictKind::Key, 301)] {
            let mut pair = Pair::new();
            assert_eq!(pair.choose(Some(7), at(0)), ONE);
            pair.refuse(ONE, kind, at(0));
            assert_eq!(pair.choose(Some(7), at(1)), TWO, "{kind:?}");
            assert_eq!(pair.choose(None, at(1)), TWO, "{kind:?}");
            assert_eq!(pair.choose(None, at(pause)), ONE, "{kind:?}");
        }
    }

    #[test]
    fn those_who_wait_leave_an_account_that_stops() {
        let mut pair = Pair::new();
        let sent: Vec<Ticket> = (0..12).map(|_| pair.send(ONE, at(0))).collect();
        let granted = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Grant(_))).count();
        let under_way = granted(&pair.core.take_effects());
        assert!(under_way < sent.len());
        pair.refuse(TWO, VerdictKind::Money, at(0));
        assert!(!pair.core.take_effects().iter().any(|effect| matches!(effect, Effect::Refuse(..))), "those of another account stay");
        pair.core.refused(sent[0], &verdict(VerdictKind::Money), at(1));
        let gone: Vec<Ticket> =
            pair.core.take_effects().iter().filter_map(|e| if let Effect::Refuse(ticket, _) = e { Some(*ticket) } else { None }).collect();
        assert_eq!(gone, sent[under_way..]);
    }

    fn verdict(kind: VerdictKind) -> Verdict {
        Verdict {
            kind,
            dimension: None,
            period: None,
            limit: None,
            used: None,
            requested: None,
            retry_after: None,
            scope: None,
            whose: Whose::Account,
            reason: "no".into(),
            advice: String::new(),
        }
    }

    /// How many of endless requests are sent within a minute, with these accounts to choose from.
    fn sent_in_a_minute(accounts: &[AccountId]) -> usize {
        let mut pair = Pair::new();
        let mut sent = 0;
        for n in 0..50 {
            let account = if accounts.len() == 1 { ONE } else { pair.choose(Some(n), at(0)) };
            pair.send(account, at(0));
        }
        for second in 0..=60 {
            pair.core.pump(at(second));
            for effect in pair.core.take_effects() {
                let Effect::Grant(ticket) = effect else { continue };
                sent += 1;
                pair.core.observe(ticket, &Snapshot::empty(at(second).wall, 200), at(second));
                pair.core.settle(ticket, &Usage::default(), at(second));
            }
        }
        sent
    }

    #[test]
    fn two_accounts_send_twice_as_much_as_one() {
        let one = sent_in_a_minute(&[ONE]);
        assert_eq!(one, 20, "the bucket that was full, and what came back");
        assert_eq!(sent_in_a_minute(&[ONE, TWO]), 2 * one);
    }

    #[test]
    fn accounts_of_one_scope_are_one() {
        let mut pair = Pair::new();
        let identity = Identity { organization: Some("org".into()), ..Identity::default() };
        for account in [ONE, TWO] {
            let ticket = pair.send(account, at(0));
            pair.core.observe(ticket, &Snapshot { identity: identity.clone(), ..Snapshot::empty(at(0).wall, 200) }, at(0));
        }
        for _ in 0..3 {
            let account = pair.choose(None, at(0));
            assert_eq!(account, ONE, "spreading would only cost the prompt cache");
            pair.send(account, at(0));
        }
        pair.refuse(ONE, VerdictKind::Key, at(1));
        assert_eq!(pair.choose(None, at(1)), TWO);
    }
}
