//! The limiter without tasks: who waits, who may go, what was taken. Every method takes `now`; the same calls give the same answers.
//!
//! It does not know sockets or bodies. What it decides comes out as [`Effect`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, BucketId};
use super::breaker::Breaker;
use super::burst::Want;
use super::charge::{ChargeRule, Need};
use super::choice::Homes;
use super::configured::ConfiguredLimit;
use super::estimate::{Estimator, Expectation, Kind};
use super::handle::Ask;
use super::line::{Earliest, Line, Ticket};
use super::pools::LongAbove;
use super::purse::{Held, Purses};
use super::random::Random;
use crate::domain::command::UserLimit;
use crate::domain::{
    AccountId, Api, BucketKey, Dialect, Dimension, Limit, LimitChange, LimitSource, LocalReason, LocalRefusal, ModelClass, Notice, Now,
    Period, Provider, Scope, Tick,
};

/// What the user can set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The longest a request may wait for room if its client sets no deadline.
    pub max_wait: Duration,
    /// How many may wait.
    pub queue_capacity: usize,
    /// Whether a whole bucket may go out at once from the start. A provider that enforces a minute's limit by the second
    /// then refuses; one that does not is used to its edge at once.
    pub trust_bursts: bool,
    /// Fixes every random choice.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        // The official SDKs give up after 600 s and say so in a header; clients that say nothing may be scripts without any limit.
        Self { max_wait: Duration::from_secs(1_200), queue_capacity: 20_000, trust_bursts: false, seed: 0 }
    }
}

/// An account as the limiter knows it.
#[derive(Debug, Clone)]
pub struct AccountSetup {
    /// Which account.
    pub id: AccountId,
    /// Whose API.
    pub provider: Provider,
    /// How it writes headers and charges.
    pub dialect: Dialect,
    /// The user's name for it.
    pub label: String,
    /// Whose buckets it draws on, if that was found out before.
    pub scope: Option<Scope>,
}

/// What the core decided.
#[derive(Debug)]
pub enum Effect {
    /// This one may go.
    Grant(Ticket),
    /// This one may not, and waits no longer.
    Refuse(Ticket, LocalRefusal),
    /// A limit changed.
    Limit(LimitChange),
    /// Something the user should know.
    Notice(Notice),
}

/// What the catalogue says of a class of models, before any header was seen.
pub type Assumptions = Arc<dyn Fn(Provider, &ModelClass) -> Vec<Limit> + Send + Sync>;

/// The limiter's whole state.
pub struct Core {
    pub(super) settings: Settings,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) book: Book,
    pub(super) lines: BTreeMap<LineKey, LineState>,
    pub(super) waiting: BTreeMap<Ticket, Waiting>,
    pub(super) flights: BTreeMap<Ticket, Flight>,
    pub(super) estimator: Estimator,
    pub(super) homes: Homes,
    pub(super) long_above: Option<LongAbove>,
    pub(super) purses: Purses,
    pub(super) next_purse: u64,
    /// Whose buckets accounts were found to draw on, before the last start.
    pub(super) known_scopes: BTreeMap<AccountId, Scope>,
    pub(super) random: Random,
    pub(super) effects: Vec<Effect>,
    pub(super) configured: Vec<ConfiguredLimit>,
    assumptions: Assumptions,
    pub(super) deadlines: BTreeSet<(Tick, Ticket)>,
    next_ticket: u64,
    closing: bool,
}

pub(super) type LineKey = (AccountId, ModelClass);

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) setup: AccountSetup,
    pub(super) scope: Scope,
    /// Money or key: nothing goes before this, then one request tries.
    pub(super) stopped: Option<Stop>,
    /// The provider refused its key: another account is asked first until then.
    pub(super) key_refused_until: Option<Tick>,
    pub(super) retries: super::retry::Budget,
    pub(super) breakers: BTreeMap<(ModelClass, Api), Breaker>,
}

#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) until: Tick,
    pub(super) reason: String,
    pub(super) trying: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct LineState {
    pub(super) line: Line,
    pub(super) buckets: Vec<BucketId>,
    /// Prompts of more tokens than this draw on other buckets.
    pub(super) long_above: Option<u64>,
    pub(super) in_flight: u64,
    /// How many were let go since nobody waited.
    pub(super) since_idle: u64,
    /// Headers told the limits, or a refusal did.
    pub(super) verified: bool,
    /// Answers without a refusal, while nothing was known.
    pub(super) clean_answers: u64,
    pub(super) first_sent_at: Option<Tick>,
    /// The quickest that an answer ever began, and the slowest that a refusal came.
    pub(super) quickest: Option<Duration>,
    pub(super) slowest_refusal: Duration,
}

impl LineState {
    /// How long a request may be on its way: no longer than half of the quickest answer took.
    pub(super) fn on_way(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(500);
        self.quickest.map_or(LONGEST, |quickest| quickest / 2).min(LONGEST)
    }

    /// How long after a request was sent nobody need reckon with a refusal any more: no answer was ever quicker, and half as long
    /// again.
    pub(super) fn refusals_take(&self) -> Option<Duration> {
        self.quickest.map(|quickest| quickest.max(self.slowest_refusal) * 3 / 2)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) ask: Ask,
    pub(super) kind: Kind,
    pub(super) expected: Expectation,
    /// How much had been learned when that was expected.
    pub(super) learned: u64,
    /// What it may cost in nano-dollars, if a budget asks.
    pub(super) price: Option<u64>,
    pub(super) since: Tick,
    pub(super) deadline: Tick,
    pub(super) not_before: Option<Tick>,
    pub(super) bound_by: Option<BucketId>,
    /// The window of a budget that held it up, where no bucket did.
    pub(super) bound_by_budget: Option<Period>,
    pub(super) attempt: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) waiting: Waiting,
    pub(super) takes: Vec<(BucketId, Need)>,
    pub(super) money: Vec<Held>,
    pub(super) sent_at: Tick,
    /// How many of its kind were out when it was sent, itself included.
    pub(super) among: u64,
    pub(super) answered: bool,
    /// When the head of its answer came.
    pub(super) head_at: Option<Tick>,
}

impl Core {
    /// An empty limiter.
    #[must_use]
    pub fn new(settings: Settings, assumptions: Assumptions) -> Self {
        Self {
            random: Random::new(settings.seed),
            book: Book::new(settings.trust_bursts),
            settings,
            accounts: BTreeMap::new(),
            lines: BTreeMap::new(),
            waiting: BTreeMap::new(),
            flights: BTreeMap::new(),
            estimator: Estimator::default(),
            homes: Homes::default(),
            long_above: None,
            purses: Purses::default(),
            next_purse: 0,
            known_scopes: BTreeMap::new(),
            effects: Vec::new(),
            configured: Vec::new(),
            assumptions,
            deadlines: BTreeSet::new(),
            next_ticket: 1,
            closing: false,
        }
    }

    /// Makes an account known, or changes what is known of it.
    pub fn set_account(&mut self, setup: AccountSetup) {
        let known = setup.scope.clone().or_else(|| self.known_scopes.get(&setup.id).cloned());
        let scope = known.unwrap_or_else(|| Scope::account(setup.provider, &setup.label));
        if let Some(account) = self.accounts.get_mut(&setup.id) {
            account.setup = setup;
        } else {
            let account = Account {
                setup: setup.clone(),
                scope,
                stopped: None,
                key_refused_until: None,
                retries: super::retry::Budget::default(),
                breakers: BTreeMap::new(),
            };
            self.accounts.insert(setup.id, account);
        }
    }

    /// Forgets an account. Requests of it that wait are refused.
    pub fn remove_account(&mut self, id: AccountId) {
        self.accounts.remove(&id);
        let waiting: Vec<Ticket> = self.waiting.iter().filter(|(_, w)| w.ask.account == id).map(|(t, _)| *t).collect();
        for ticket in waiting {
            self.refuse_waiting(ticket, refusal(LocalReason::AccountStopped, "the account was removed"));
        }
        self.lines.retain(|(account, _), _| *account != id);
    }

    /// The user's own ceilings, all of them: those that are not among them any more are lifted.
    pub fn set_user_limits(&mut self, limits: &[UserLimit], now: Now) {
        let mut wanted = Vec::new();
        for limit in limits {
            let Some(account) = self.accounts.get(&limit.account) else { continue };
            let Some(capacity) = limit.capacity else { continue };
            let key = BucketKey {
                scope: account.scope.clone(),
                class: limit.class.clone().unwrap_or_else(ModelClass::any),
                dimension: limit.dimension,
                period: limit.period,
            };
            let window = super::book::usual_window(limit.dimension, limit.period);
            let rule = ChargeRule::prior(account.setup.dialect);
            wanted.push((key, Limit { dimension: limit.dimension, window, capacity, source: LimitSource::User }, rule));
        }
        for old in self.book.user_ceilings() {
            if !wanted.iter().any(|(key, ..)| *key == old) {
                let change = self.book.unset(&old, LimitSource::User, now);
                self.effects.extend(change.map(Effect::Limit));
            }
        }
        for (key, limit, rule) in wanted {
            let (_, change) = self.book.set(&key, limit, rule, now);
            self.effects.extend(change.map(Effect::Limit));
        }
        self.redraw();
    }

    /// Stands a request in the queue.
    ///
    /// # Errors
    /// A refusal that says when it would pass, or never: its account is stopped, it fits no bucket, its deadline cannot be met.
    pub fn enqueue(&mut self, ask: Ask, now: Now) -> Result<Ticket, LocalRefusal> {
        if self.closing {
            return Err(LocalRefusal::shutting_down());
        }
        if self.waiting.len() >= self.settings.queue_capacity {
            let message = format!("{} requests wait already; send fewer at once", self.waiting.len());
            return Err(LocalRefusal { retry_after: Some(Duration::from_secs(10)), ..refusal(LocalReason::QueueFull, &message) });
        }
        let Some(account) = self.accounts.get(&ask.account) else {
            return Err(refusal(LocalReason::AccountStopped, "the account was removed"));
        };
        if let Some(stop) = account.stopped.as_ref().filter(|stop| now.tick < stop.until || stop.trying) {
            let wait = stop.until.since(now.tick).max(Duration::from_secs(1));
            let mut refusal = refusal(
                LocalReason::AccountStopped,
                &format!("{}; Tierline sends nothing with account {} before it is mended", stop.reason, account.setup.label),
            );
            refusal.retry_after = Some(wait);
            refusal.ready_at = Some(now.wall_at(now.tick + wait));
            return Err(refusal);
        }
        self.check_serves(&ask, now)?;
        if let Some(refusal) = self.outage(&ask, now) {
            return Err(refusal);
        }
        let mut ask = ask;
        let mut key = (ask.account, ask.class.clone());
        self.open_line(&key, now);
        let kind = Kind { class: ask.class.clone(), api: ask.facts.api, client: ask.client.clone(), media: ask.facts.media > 0 };
        let expected = self.estimator.expect(&kind, &ask.facts);
        if let Some(class) = self.pooled(&key, &ask.facts, &expected) {
            key.1 = class.clone();
            ask.class = class;
            self.open_line(&key, now);
        }
        self.check_fits(&key, &expected)?;
        let price = self.price(&ask, &expected);
        self.check_budgets(ask.account, price, now)?;
        let patience = ask.patience.map_or(self.settings.max_wait, |own| own.min(self.settings.max_wait));
        self.check_deadline(&key, ask.lane, &expected, patience, now)?;

        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let waiting = Waiting {
            kind,
            expected,
            learned: self.estimator.learned(),
            price,
            since: now.tick,
            deadline: now.tick + patience,
            not_before: None,
            bound_by: None,
            bound_by_budget: None,
            attempt: 1,
            ask,
        };
        if let Some(state) = self.lines.get_mut(&key) {
            if state.line.is_empty() {
                state.since_idle = 0;
            }
            state.line.push(ticket, waiting.ask.lane, &waiting.ask.client, &expected);
        }
        self.deadlines.insert((waiting.deadline, ticket));
        self.waiting.insert(ticket, waiting);
        Ok(ticket)
    }

    /// A request that waits gives up its place.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.take_waiting(ticket);
    }

    /// Lets go who may go, refuses whose time is up, and says when to look again.
    pub fn pump(&mut self, now: Now) -> Option<Tick> {
        // most changes come while nobody waits
        if self.waiting.is_empty() {
            return None;
        }
        let mut wake = self.let_go(now);
        // after that: who may go at the very moment of its deadline goes. Those behind one that expired may go then
        if self.expire(now) {
            wake = self.let_go(now);
        }
        if let Some((deadline, _)) = self.deadlines.first() {
            wake.also(*deadline);
        }
        wake.0
    }

    fn let_go(&mut self, now: Now) -> Earliest {
        let mut wake = Earliest::default();
        let mut open: Vec<(Tick, LineKey)> = self
            .lines
            .iter()
            .filter_map(|(key, state)| state.line.next().and_then(|head| self.waiting.get(&head)).map(|head| (head.since, key.clone())))
            .collect();
        open.sort();
        let mut claims: BTreeMap<BucketId, u64> = BTreeMap::new();
        // a round lets one of each line go, so that lines that share a bucket take turns
        while !open.is_empty() {
            open.retain(|(_, key)| {
                let Some(head) = self.lines.get(key).and_then(|state| state.line.next()) else { return false };
                if self.refuse_if_spent(head, now) {
                    return true;
                }
                self.expect_anew(key, head);
                match self.obstacle(key, head, &claims, now) {
                    None => {
                        self.grant(key, head, now);
                        true
                    }
                    Some(obstacle) => {
                        if let Some(id) = obstacle.bucket {
                            if self.raise_cap(id, now) {
                                return true;
                            }
                            let next_try = self.book.get(id).cap.and_then(|cap| cap.next_try());
                            next_try.filter(|at| *at > now.tick).into_iter().for_each(|at| wake.also(at));
                        }
                        if let Some(until) = obstacle.until {
                            wake.also(until.max(now.tick));
                        }
                        match self.note_obstacle(key, head, obstacle, &mut claims, now) {
                            Want::Grew => return true,
                            Want::At(at) => wake.also(at),
                            Want::Unknown => {}
                        }
                        false
                    }
                }
            });
        }
        wake
    }

    /// What was decided since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Nobody is admitted any more; who waits is refused.
    pub fn close(&mut self) {
        self.closing = true;
        for ticket in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.refuse_waiting(ticket, LocalRefusal::shutting_down());
        }
    }

    fn grant(&mut self, key: &LineKey, ticket: Ticket, now: Now) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        self.deadlines.remove(&(waiting.deadline, ticket));
        let Some(state) = self.lines.get_mut(key) else { return };
        let mut takes = Vec::with_capacity(state.buckets.len());
        let mut weight = 1;
        let mut among = state.in_flight + 1;
        for id in &state.buckets {
            let entry = self.book.get_mut(*id);
            let dimension = entry.key.dimension;
            let need = entry.need(&waiting.expected);
            entry.bucket.take(need.on_arrival, need.held, now);
            entry.bucket.note_estimate(estimated(dimension, need, &waiting.expected));
            if matches!(dimension, Dimension::Tokens | Dimension::OutputTokens) {
                entry.evidence.sent(dimension, &waiting.expected, now.tick);
            }
            weight = weight.max(need.total().saturating_mul(1_000_000) / entry.bucket.limit().capacity.max(1));
            if let Some(cap) = &mut entry.cap {
                among = among.max(entry.bucket.held());
                cap.sent(entry.bucket.held(), now.tick);
                cap.closed_until().into_iter().for_each(|until| entry.bucket.freeze(until));
            }
            takes.push((*id, need));
        }
        state.line.served(ticket, waiting.ask.lane, &waiting.ask.client, &waiting.expected, weight);
        state.in_flight += 1;
        state.since_idle += 1;
        state.first_sent_at.get_or_insert(now.tick);
        if let Some(account) = self.accounts.get_mut(&waiting.ask.account) {
            if let Some(stop) = &mut account.stopped {
                stop.trying = true;
            }
            if waiting.attempt == 1 {
                account.retries.sent();
            }
            account.breakers.entry((key.1.clone(), waiting.ask.facts.api)).or_default().sent(now.tick);
        }
        let money = self.hold_money(waiting.ask.account, waiting.price);
        self.flights.insert(ticket, Flight { waiting, takes, money, sent_at: now.tick, among, answered: false, head_at: None });
        self.effects.push(Effect::Grant(ticket));
    }

    /// Puts a request that was sent back to the head of its line.
    pub(super) fn requeue(&mut self, ticket: Ticket, mut waiting: Waiting, not_before: Option<Tick>) {
        let key = (waiting.ask.account, waiting.ask.class.clone());
        waiting.attempt += 1;
        waiting.not_before = not_before;
        if let Some(state) = self.lines.get_mut(&key) {
            state.line.push_again(ticket);
        }
        self.deadlines.insert((waiting.deadline, ticket));
        self.waiting.insert(ticket, waiting);
    }

    /// Brings every line's list of buckets up to date.
    pub(super) fn redraw(&mut self) {
        for ((account, class), state) in &mut self.lines {
            if let Some(account) = self.accounts.get(account) {
                state.buckets = self.book.drawn_on(&account.scope, class);
            }
        }
    }

    pub(super) fn open_line(&mut self, key: &LineKey, now: Now) {
        if self.lines.contains_key(key) {
            return;
        }
        let Some(account) = self.accounts.get(&key.0) else { return };
        let (scope, rule) = (account.scope.clone(), ChargeRule::prior(account.setup.dialect));
        for limit in (self.assumptions)(account.setup.provider, &key.1) {
            let bucket = BucketKey { scope: scope.clone(), class: key.1.clone(), dimension: limit.dimension, period: limit.window.period };
            let (_, change) = self.book.set(&bucket, limit, rule, now);
            self.effects.extend(change.map(Effect::Limit));
        }
        let long_above = self.long_above(key);
        self.lines.insert(key.clone(), LineState { long_above, ..LineState::default() });
        self.apply_configured(key, now);
        self.redraw();
    }

    fn check_fits(&self, key: &LineKey, expected: &Expectation) -> Result<(), LocalRefusal> {
        let Some(state) = self.lines.get(key) else { return Ok(()) };
        for id in &state.buckets {
            let entry = self.book.get(*id);
            let capacity = entry.bucket.limit().capacity;
            let surely = match entry.key.dimension {
                Dimension::Requests | Dimension::Concurrent => 1,
                // the estimate may be off: only what is far too large is called so
                Dimension::InputTokens | Dimension::Tokens => expected.input_mean * 2 / 3,
                _ => 0,
            };
            if surely > capacity {
                let message = format!(
                    "this request needs about {} {}, and {} allows {capacity} ({}); make it smaller or use another model",
                    expected.input_mean.max(surely),
                    entry.key.dimension.unit(),
                    entry.key,
                    entry.bucket.limit().source,
                );
                return Err(LocalRefusal { bucket: Some(entry.key.clone()), ..refusal(LocalReason::NeverFits, &message) });
            }
        }
        Ok(())
    }

    pub(super) fn refuse_waiting(&mut self, ticket: Ticket, refusal: LocalRefusal) {
        if self.take_waiting(ticket).is_some() {
            self.effects.push(Effect::Refuse(ticket, refusal));
        }
    }

    fn take_waiting(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.waiting.remove(&ticket)?;
        self.deadlines.remove(&(waiting.deadline, ticket));
        if let Some(state) = self.lines.get_mut(&(waiting.ask.account, waiting.ask.class.clone())) {
            state.line.remove(ticket, waiting.ask.lane, &waiting.ask.client, &waiting.expected);
        }
        Some(waiting)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("waiting", &self.waiting.len()).field("flights", &self.flights.len()).finish_non_exhaustive()
    }
}

/// A refusal that says never, for now.
fn refusal(reason: LocalReason, message: &str) -> LocalRefusal {
    LocalRefusal { reason, bucket: None, retry_after: None, ready_at: None, message: message.to_owned() }
}

/// The part of a charge on arrival that rests on an estimate and is corrected when the usage is known.
pub(super) fn estimated(dimension: Dimension, need: Need, expected: &Expectation) -> u64 {
    match dimension {
        Dimension::InputTokens | Dimension::Tokens => need.on_arrival.min(expected.input),
        _ => 0,
    }
}
