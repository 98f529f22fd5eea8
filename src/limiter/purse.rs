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
    AccountId, Certainty, LocalReason, LocalRefusal, ModelId, Notice, Now, Period, Provider, RequestFacts, Severity, Usage,
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
        self.purses.iter_mut().filter(move |purse| purse.concerns(account)).map(move |purse| {
            purse.turn(now);
            purse
        })
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
            let purse = match known {
                Some(purse) => Purse { budget, ..purse },
                None => {
                    self.next_purse += 1;
                    Purse::new(self.next_purse, budget, spent, now)
                }
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
        need.is_some_and(|need| self.purses.purses.iter().any(|purse| purse.concerns(account) && purse.is_held(need)))
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
