//! Budgets between the store, which keeps them and knows what was spent, and the limiter, which holds to them.

use jiff::Timestamp;

use crate::domain::budget::{Budget, BudgetView, Spent};
use crate::domain::{Clock, Problem};
use crate::limiter::Limiter;
use crate::limiter::purse::{began_at, ends_at};
use crate::store::{Reader, Store};

/// Tells the limiter what budgets there are; of those that it does not know yet, also what the history says was spent.
pub(super) fn load(store: &Store, reader: &Reader, limiter: &Limiter, clock: &dyn Clock) -> Result<(), Problem> {
    let budgets = reader.budgets()?;
    let known = limiter.with(|core, _| budgets.iter().map(|budget| core.has_budget(budget)).collect::<Vec<_>>());
    if known.contains(&false) {
        // what has just ended may still be on its way to the disk
        store.flush()?;
    }
    let now = clock.now().wall;
    let spent = |(budget, known): (Budget, bool)| {
        let spent = if known { Spent::default() } else { reader.spent(budget.account, began_at(&budget, now))? };
        Ok((budget, spent))
    };
    let budgets = budgets.into_iter().zip(known).map(spent).collect::<Result<Vec<_>, Problem>>()?;
    limiter.with(|core, now| core.set_budgets(budgets, now));
    Ok(())
}

/// Every budget as the history has it, while nobody serves.
///
/// # Errors
/// The history cannot be read.
pub fn budgets_of(reader: &Reader, now: Timestamp) -> Result<Vec<BudgetView>, Problem> {
    let accounts = reader.accounts()?;
    let view = |budget: Budget| {
        let label = budget.account.and_then(|id| accounts.iter().find(|account| account.id == id)).map(|account| account.label.clone());
        let spent = reader.spent(budget.account, began_at(&budget, now))?;
        Ok(BudgetView { label, spent, held_nanos: 0, resets_at: ends_at(&budget, now), budget })
    };
    reader.budgets()?.into_iter().map(view).collect()
}
