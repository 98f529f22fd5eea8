//! Money as a limit: what budgets allow, what is spent of them, and what requests under way may still cost.
//!
//! Unlike a provider's bucket, a budget that is used up refuses at once: it may be hours until it begins anew. A request waits
//! only while others hold what it needs, because they may cost less than they were expected to.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar;
use super::core::{Core, Effect, Flight};
use super::estimate::Expectation;
use super::handle::Ask;
use super::line::Ticket;
use crate::domain::budget::{Budget, BudgetView, Dollars, Spent};
use crate::domain::{
    AccountId, BucketKey, Certainty, Dimension, LocalReason, LocalRefusal, ModelClass, ModelId, Notice, Now, Period, Provider,
    RequestFacts, Severity, Usage,
};

/// What an answer of this model with this usage costs in nano-dollars; `None` if a price is unknown.
pub type Prices = Arc<dyn Fn(Provider, &ModelId, &Usage) -> Option<u64> + Send + Sync>;

/// Every budget, and what things cost.
#[derive(Clone, Default)]
pub(super) struct Purses {
    purses: Vec<Purse>,
    prices: Option<Prices>,
}

/// What one request holds in one purse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    purse: u64,
    nanos: u64,
}

/// One budget's books.
#[derive(Debug, Clone)]
struct Purse {
    /// Its number, which no later purse gets.
    id: u64,
    budget: Budget,
    zone: TimeZone,
    spent: Spent,
    held: u64,
    resets_at: Timestamp,
    told: Told,
}

/// What the user was told of a purse in this window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Nearly,
    Empty,
}

impl Purse {
    /// The user is warned at this share.
    const NEARLY_PERCENT: u64 = 80;

    fn new(id: u64, budget: Budget, spent: Spent, now: Now) -> Self {
        let zone = zone(&budget.zone);
        let resets_at = resets_at(&zone, budget.period, now.wall);
        Self { id, budget, zone, spent, held: 0, resets_at, told: Told::Nothing }
    }

    fn concerns(&self, account: AccountId) -> bool {
        self.budget.account.is_none_or(|own| own == account)
    }

    fn turn(&mut self, now: Timestamp) {
        if now >= self.resets_at {
            self.spent = Spent::default();
            self.resets_at = resets_at(&self.zone, self.budget.period, now);
        }
    }

    fn is_spent(&self, need: u64) -> bool {
        self.spent.nanos.saturating_add(need) > self.budget.nanos
    }

    fn is_held(&self, need: u64) -> bool {
        self.spent.nanos.saturating_add(self.held).saturating_add(need) > self.budget.nanos
    }

    fn level(&self) -> Told {
        match self.spent.nanos {
            spent if spent >= self.budget.nanos => Told::Empty,
            spent if spent >= self.budget.nanos / 100 * Self::NEARLY_PERCENT => Told::Nearly,
            _ => Told::Nothing,
        }
    }

    fn name(&self, label: Option<&str>) -> String {
        let whose = label.map_or_else(|| "all accounts".to_owned(), |label| format!("account {label}"));
        format!("the budget of {whose}, {} a {},", Dollars(self.budget.nanos), self.budget.period.name())
    }

    fn begins_anew(&self) -> String {
        let at = self.resets_at.to_zoned_datetime(self.zone.clone());
        format!("it begins anew at {} ({})", at.strftime("%Y-%m-%d %H:%M"), self.budget.zone)
    }
}

impl Purses {
    fn of(&mut self, account: AccountId, now: Timestamp) -> impl Iterator<Item = &mut Purse> {
        self.purses.iter_mut().for_each(|purse| purse.turn(now));
        self.purses.iter_mut().filter(move |purse| purse.concerns(account))
    }
}

impl Core {
    /// What things cost: without it, budgets stand still.
    pub fn set_prices(&mut self, prices: Prices) {
        self.purses.prices = Some(prices);
    }

    /// Whether what was spent of this budget is known here.
    #[must_use]
    pub fn has_budget(&self, budget: &Budget) -> bool {
        self.purses.purses.iter().any(|purse| is_same(&purse.budget, budget))
    }

    /// The user's budgets, all of them. What is known to be spent counts for those that are new here; the others know better.
    pub fn set_budgets(&mut self, budgets: Vec<(Budget, Spent)>, now: Now) {
        let mut old = std::mem::take(&mut self.purses.purses);
        for (budget, spent) in budgets {
            let known = old.iter().position(|purse| is_same(&purse.budget, &budget)).map(|at| old.swap_remove(at));
            let purse = if let Some(purse) = known {
                Purse { budget, ..purse }
            } else {
                self.next_purse += 1;
                Purse::new(self.next_purse, budget, spent, now)
            };
            self.purses.purses.push(purse);
        }
        for gone in old {
            self.effects.push(Effect::Notice(notice(&gone, now, Severity::Info, String::new())));
        }
        self.tell_of_budgets(now);
    }

    /// Every budget as it stands.
    #[must_use]
    pub fn budgets(&mut self, now: Now) -> Vec<BudgetView> {
        let views = self.purses.purses.iter_mut().map(|purse| {
            purse.turn(now.wall);
            let label = purse.budget.account.and_then(|id| self.accounts.get(&id)).map(|account| account.setup.label.clone());
            BudgetView { budget: purse.budget.clone(), label, spent: purse.spent, held_nanos: purse.held, resets_at: purse.resets_at }
        });
        views.collect()
    }

    /// What a request may cost, if a budget asks and its price is known.
    pub(super) fn price(&self, ask: &Ask, expected: &Expectation) -> Option<u64> {
        if !self.purses.purses.iter().any(|purse| purse.concerns(ask.account)) {
            return None;
        }
        let account = self.accounts.get(&ask.account)?;
        let RequestFacts { model, service_tier, .. } = &*ask.facts;
        let usage = Usage {
            input: expected.input,
            output: expected.output,
            certainty: Certainty::Exact,
            service_tier: service_tier.clone(),
            ..Usage::default()
        };
        self.purses.prices.as_ref().and_then(|prices| prices(account.setup.provider, model.as_ref()?, &usage))
    }

    /// Refuses what a budget does not allow any more.
    pub(super) fn check_budgets(&mut self, account: AccountId, need: Option<u64>, now: Now) -> Result<(), LocalRefusal> {
        let Some(need) = need else { return Ok(()) };
        // of several that refuse, the one that holds longest says when
        let Some(purse) = self.purses.of(account, now.wall).filter(|purse| purse.is_spent(need)).max_by_key(|purse| purse.resets_at) else {
            return Ok(());
        };
        let purse = &*purse;
        let label = purse.budget.account.and_then(|id| self.accounts.get(&id)).map(|account| account.setup.label.as_str());
        let wait = Duration::try_from(purse.resets_at.duration_since(now.wall)).unwrap_or(Duration::ZERO);
        Err(LocalRefusal {
            reason: LocalReason::OverBudget,
            bucket: None,
            retry_after: Some(wait),
            ready_at: Some(purse.resets_at),
            message: format!(
                "{} has {} spent and this request may cost {}; {}, or raise it with `tierline budgets set`",
                purse.name(label),
                Dollars(purse.spent.nanos),
                Dollars(need),
                purse.begins_anew(),
            ),
        })
    }

    /// The next in line is refused if a budget has come to its end while it waited.
    pub(super) fn refuse_if_spent(&mut self, ticket: Ticket, now: Now) -> bool {
        if self.purses.purses.is_empty() {
            return false;
        }
        let Some((account, need)) = self.waiting.get(&ticket).map(|waiting| (waiting.ask.account, waiting.price)) else { return false };
        let Err(refusal) = self.check_budgets(account, need, now) else { return false };
        self.refuse_waiting(ticket, refusal);
        true
    }

    /// Whether requests under way hold what is left for one of this price.
    pub(super) fn is_money_held(&self, account: AccountId, need: Option<u64>) -> bool {
        self.money_holds_up(account, need).is_some()
    }

    /// The window of the budget of which requests under way hold what is left for one of this price.
    pub(super) fn money_holds_up(&self, account: AccountId, need: Option<u64>) -> Option<Period> {
        let need = need?;
        self.purses.purses.iter().find(|purse| purse.concerns(account) && purse.is_held(need)).map(|purse| purse.budget.period)
    }

    /// The budget whose held money a request of this price waits for, as a limit of all models.
    pub(super) fn money_awaited(&self, account: AccountId, need: Option<u64>) -> Option<BucketKey> {
        let need = need?;
        let purse = self.purses.purses.iter().find(|purse| purse.concerns(account) && purse.is_held(need))?;
        let scope = self.accounts.get(&account)?.scope.clone();
        Some(BucketKey { scope, class: ModelClass::any(), dimension: Dimension::Money, period: purse.budget.period })
    }

    /// Holds what a request may cost.
    pub(super) fn hold_money(&mut self, account: AccountId, need: Option<u64>) -> Vec<Held> {
        let Some(nanos) = need else { return Vec::new() };
        let concerned = self.purses.purses.iter_mut().filter(|purse| purse.concerns(account));
        concerned
            .map(|purse| {
                purse.held = purse.held.saturating_add(nanos);
                Held { purse: purse.id, nanos }
            })
            .collect()
    }

    /// Gives back what was held for a request.
    pub(super) fn release_money(&mut self, held: &[Held]) {
        for Held { purse, nanos } in held {
            if let Some(purse) = self.purses.purses.iter_mut().find(|known| known.id == *purse) {
                purse.held = purse.held.saturating_sub(*nanos);
            }
        }
    }

    /// A request is over: what it cost is spent. Only exact usage costs less than was expected.
    pub(super) fn settle_money(&mut self, flight: &Flight, usage: &Usage, now: Now) {
        if self.purses.purses.is_empty() {
            return;
        }
        self.release_money(&flight.money);
        let account = flight.waiting.ask.account;
        let Some(provider) = self.accounts.get(&account).map(|account| account.setup.provider) else { return };
        let Some(model) = usage.model.as_ref().or(flight.waiting.ask.facts.model.as_ref()) else { return };
        let told = (usage.certainty != Certainty::Unknown)
            .then(|| self.purses.prices.as_ref().and_then(|prices| prices(provider, model, usage)))
            .flatten();
        let cost = match usage.certainty {
            Certainty::Exact => told,
            Certainty::AtLeast | Certainty::Unknown => told.max(flight.waiting.price),
        };
        for purse in self.purses.of(account, now.wall) {
            match cost {
                Some(cost) => purse.spent.nanos = purse.spent.nanos.saturating_add(cost),
                None => purse.spent.unpriced += 1,
            }
        }
        if cost.is_none() && self.purses.of(account, now.wall).next().is_some() {
            self.effects.push(Effect::Notice(Notice {
                key: format!("budget/unpriced/{model}"),
                at: now.wall,
                severity: Severity::Info,
                text: format!("{model} has no known price: its requests do not count toward budgets"),
                hint: None,
            }));
        }
        self.tell_of_budgets(now);
    }

    /// Something was paid for that no request of the gateway was: it counts in the windows in which it was sent.
    pub fn paid(&mut self, account: AccountId, cost: Option<u64>, sent_at: Timestamp, now: Now) {
        for purse in self.purses.of(account, now.wall).filter(|purse| sent_at >= began_at(&purse.budget, now.wall)) {
            match cost {
                Some(cost) => purse.spent.nanos = purse.spent.nanos.saturating_add(cost),
                None => purse.spent.unpriced += 1,
            }
        }
        self.tell_of_budgets(now);
    }

    /// Tells of budgets that are nearly or wholly spent, once for each, and takes it back when they begin anew.
    fn tell_of_budgets(&mut self, now: Now) {
        for purse in &mut self.purses.purses {
            purse.turn(now.wall);
            let level = purse.level();
            if level == purse.told {
                continue;
            }
            purse.told = level;
            let label = purse.budget.account.and_then(|id| self.accounts.get(&id)).map(|account| account.setup.label.as_str());
            let (name, spent, anew) = (purse.name(label), Dollars(purse.spent.nanos), purse.begins_anew());
            let (severity, text) = match level {
                Told::Nothing => (Severity::Info, String::new()),
                Told::Nearly => (Severity::Warning, format!("{name} is nearly spent: {spent}; {anew}")),
                Told::Empty => (Severity::Error, format!("{name} is spent: {spent}; its requests are refused; {anew}")),
            };
            self.effects.push(Effect::Notice(notice(purse, now, severity, text)));
        }
    }
}

/// The same money over the same days, however much it is.
fn is_same(a: &Budget, b: &Budget) -> bool {
    (a.account, a.period, &a.zone) == (b.account, b.period, &b.zone)
}

fn notice(purse: &Purse, now: Now, severity: Severity, text: String) -> Notice {
    let whose = purse.budget.account.map_or_else(|| "all".to_owned(), |id| id.0.to_string());
    let hint = (!text.is_empty()).then(|| "see `tierline budgets list`; `tierline budgets set` changes it".to_owned());
    Notice { key: format!("budget/{whose}/{}", purse.budget.period.name()), at: now.wall, severity, text, hint }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn resets_at(zone: &TimeZone, period: Period, now: Timestamp) -> Timestamp {
    calendar::next_reset_in(zone, period, now).unwrap_or(Timestamp::MAX)
}

/// When the window of a budget began in which `now` lies.
#[must_use]
pub fn began_at(budget: &Budget, now: Timestamp) -> Timestamp {
    calendar::start_in(&zone(&budget.zone), budget.period, now).unwrap_or(now)
}

/// When the window of a budget ends in which `now` lies.
#[must_use]
pub fn ends_at(budget: &Budget, now: Timestamp) -> Timestamp {
    resets_at(&zone(&budget.zone), budget.period, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Api, ClientName, Dialect, Lane, RequestId, Tick};
    use crate::limiter::{AccountSetup, Settings};

    const ONE: AccountId = AccountId(1);
    const TWO: AccountId = AccountId(2);
    /// An answer of `dear` costs what its output says, in nano-dollars; nobody knows what others cost.
    const DEAR: &str = "dear";

    fn at(wall: &str) -> Now {
        let start: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
        let wall: Timestamp = wall.parse().unwrap();
        Now { tick: Tick::ZERO + Duration::try_from(wall.duration_since(start)).unwrap(), wall }
    }

    struct Books {
        core: Core,
        next: u64,
    }

    impl Books {
        /// A core with two accounts and these budgets of a day: whose, how much, what is spent of it.
        fn new(budgets: &[(Option<AccountId>, u64, u64)], zone: &str) -> Self {
            let now = at("2026-11-24T12:00:00Z");
            let mut core = Core::new(Settings::default(), Arc::new(|_, _| Vec::new()));
            for (id, label) in [(ONE, "one"), (TWO, "two")] {
                let setup = AccountSetup { id, provider: Provider::OpenAi, dialect: Dialect::XAi, label: label.into(), scope: None };
                core.set_account(setup);
            }
            core.set_prices(Arc::new(|_, model, usage| (model.as_str() == DEAR).then_some(usage.output)));
            let budget = |(account, nanos, spent): &(Option<AccountId>, u64, u64)| {
                let budget = Budget { account: *account, period: Period::DAY, nanos: *nanos, zone: zone.to_owned() };
                (budget, Spent { nanos: *spent, unpriced: 0 })
            };
            core.set_budgets(budgets.iter().map(budget).collect(), now);
            Self { core, next: 1 }
        }

        /// A request that may make `output` tokens.
        fn ask(&mut self, account: AccountId, model: &str, output: u64, now: Now) -> Result<Ticket, LocalRefusal> {
            let facts = RequestFacts {
                model: Some(ModelId::new(model)),
                max_output: Some(output),
                ..RequestFacts::opaque(Api::ChatCompletions, 10)
            };
            let ask = Ask {
                id: RequestId(self.next),
                account,
                class: ModelClass::new(model),
                client: ClientName::new("test"),
                lane: Lane::Interactive,
                facts: Arc::new(facts),
                patience: None,
                elsewhere: false,
            };
            self.next += 1;
            let ticket = self.core.enqueue(ask, now)?;
            self.core.pump(now);
            Ok(ticket)
        }

        fn settle(&mut self, ticket: Ticket, output: u64, certainty: Certainty, now: Now) {
            self.core.settle(ticket, &Usage { input: 1, output, certainty, ..Usage::default() }, now);
            self.core.pump(now);
        }

        /// Spent and held, of every budget.
        fn stands(&mut self, now: Now) -> Vec<(u64, u64)> {
            self.core.budgets(now).iter().map(|view| (view.spent.nanos, view.held_nanos)).collect()
        }

        fn granted(&mut self) -> Vec<Ticket> {
            let effects = self.core.take_effects();
            effects.iter().filter_map(|effect| if let Effect::Grant(ticket) = effect { Some(*ticket) } else { None }).collect()
        }

        fn notices(&mut self) -> Vec<(Severity, String)> {
            let effects = self.core.take_effects();
            effects.into_iter().filter_map(|e| if let Effect::Notice(n) = e { Some((n.severity, n.text)) } else { None }).collect()
        }
    }

    #[test]
    fn what_a_request_may_cost_is_held_and_what_it_cost_is_spent() {
        let now = at("2026-11-24T12:00:00Z");
        let mut books = Books::new(&[(Some(ONE), 1_000, 0), (None, 2_000, 0)], "UTC");
        let first = books.ask(ONE, DEAR, 400, now).unwrap();
        assert_eq!(books.stands(now), [(0, 400), (0, 400)]);
        books.settle(first, 100, Certainty::Exact, now);
        assert_eq!(books.stands(now), [(100, 0), (100, 0)]);
        let cut = books.ask(ONE, DEAR, 300, now).unwrap();
        books.settle(cut, 20, Certainty::AtLeast, now);
        assert!(books.stands(now)[0].0 > 120, "of one that broke off nothing is given back: {:?}", books.stands(now));
        let other = books.ask(TWO, DEAR, 50, now).unwrap();
        books.core.withdraw(other, now);
        assert_eq!(books.stands(now)[1].1, 0, "one that was never sent costs nothing");
    }

    #[test]
    fn one_waits_for_what_others_hold_and_is_refused_when_it_is_spent() {
        let now = at("2026-11-24T12:00:00Z");
        let mut books = Books::new(&[(Some(ONE), 1_000, 0)], "UTC");
        let first = books.ask(ONE, DEAR, 600, now).unwrap();
        let second = books.ask(ONE, DEAR, 600, now).unwrap();
        let third = books.ask(ONE, DEAR, 500, now).unwrap();
        assert_eq!(books.granted(), [first], "the others may cost more than is left");
        books.settle(first, 300, Certainty::Exact, now);
        assert_eq!(books.granted(), [second]);
        books.settle(second, 600, Certainty::Exact, now);
        let refused = books.core.take_effects().into_iter().find_map(|e| if let Effect::Refuse(t, r) = e { Some((t, r)) } else { None });
        let (ticket, refusal) = refused.unwrap();
        assert_eq!((ticket, refusal.reason), (third, LocalReason::OverBudget));
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(12 * 3_600)));
        assert!(refusal.message.contains("account one") && refusal.message.contains("2026-11-25 00:00 (UTC)"), "{}", refusal.message);
        assert_eq!(books.ask(ONE, DEAR, 500, now).unwrap_err().reason, LocalReason::OverBudget);
        assert!(books.ask(TWO, DEAR, 5_000, now).is_ok(), "the other account has no budget");
        assert!(books.ask(ONE, DEAR, 100, now).is_ok(), "a smaller one still fits");
    }

    #[test]
    fn a_day_begins_at_the_users_midnight_with_daylight_saving() {
        for (zone, now, resets_at) in [
            ("UTC", "2026-11-24T12:00:00Z", "2026-11-25T00:00:00Z"),
            ("Europe/Berlin", "2026-11-24T12:00:00Z", "2026-11-24T23:00:00Z"),
            ("America/Los_Angeles", "2026-11-24T12:00:00Z", "2026-11-25T08:00:00Z"),
            ("Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T22:00:00Z"),
        ] {
            let budget = Budget { account: None, period: Period::DAY, nanos: 1, zone: zone.into() };
            assert_eq!(ends_at(&budget, now.parse().unwrap()), resets_at.parse().unwrap(), "{zone}");
        }
        let mut books = Books::new(&[(Some(ONE), 100, 100)], "Europe/Berlin");
        assert!(books.ask(ONE, DEAR, 50, at("2026-11-24T22:59:59Z")).is_err());
        assert!(books.ask(ONE, DEAR, 50, at("2026-11-24T23:00:00Z")).is_ok());
    }

    #[test]
    fn a_budget_warns_once_when_it_is_nearly_spent_and_once_when_it_is() {
        let now = at("2026-11-24T12:00:00Z");
        let mut books = Books::new(&[(Some(ONE), 1_000, 0)], "UTC");
        for (output, says) in [(700, None), (150, Some((Severity::Warning, "nearly spent"))), (10, None), (200, None)] {
            if let Ok(ticket) = books.ask(ONE, DEAR, output, now) {
                books.settle(ticket, output, Certainty::Exact, now);
            }
            let told = books.notices();
            assert_eq!(told.len(), usize::from(says.is_some()), "{output}: {told:?}");
            for ((severity, text), (wanted, words)) in told.iter().zip(says) {
                assert!(*severity == wanted && text.contains(words), "{text}");
            }
        }
        let ticket = books.ask(ONE, DEAR, 140, now).unwrap();
        books.settle(ticket, 140, Certainty::Exact, now);
        assert!(books.notices().iter().any(|(severity, text)| *severity == Severity::Error && text.contains("requests are refused")));
        let tomorrow = at("2026-11-25T00:00:01Z");
        let ticket = books.ask(ONE, DEAR, 1, tomorrow).unwrap();
        books.settle(ticket, 1, Certainty::Exact, tomorrow);
        assert_eq!(books.notices(), [(Severity::Info, String::new())], "a new day takes it back");
    }

    #[test]
    fn what_has_no_known_price_is_said_and_not_counted() {
        let now = at("2026-11-24T12:00:00Z");
        let mut books = Books::new(&[(Some(ONE), 100, 100)], "UTC");
        books.notices();
        let ticket = books.ask(ONE, "mystery", 5_000, now).unwrap();
        books.settle(ticket, 5_000, Certainty::Exact, now);
        assert_eq!(books.core.budgets(now)[0].spent, Spent { nanos: 100, unpriced: 1 });
        assert!(books.notices().iter().any(|(_, text)| text.contains("mystery has no known price")));
    }

    #[test]
    fn a_changed_amount_keeps_what_is_spent_and_a_removed_budget_allows_all() {
        let now = at("2026-11-24T12:00:00Z");
        let mut books = Books::new(&[(Some(ONE), 1_000, 900)], "UTC");
        let under_way = books.ask(ONE, DEAR, 50, now).unwrap();
        let raised = Budget { account: Some(ONE), period: Period::DAY, nanos: 2_000, zone: "UTC".into() };
        assert!(books.core.has_budget(&raised));
        books.core.set_budgets(vec![(raised, Spent::default())], now);
        assert_eq!(books.stands(now), [(900, 50)]);
        books.core.set_budgets(Vec::new(), now);
        books.settle(under_way, 50, Certainty::Exact, now);
        assert!(books.ask(ONE, DEAR, 1_000_000, now).is_ok());
    }
}
