//! `tierline budgets ...`

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::context::Context;
use super::{Done, print_json, table, unwritable};
use crate::domain::budget::{Budget, BudgetView, Dollars};
use crate::domain::{AccountId, Period, Problem};
use crate::engine::{self, Answer, Request};

#[derive(Debug, Subcommand)]
pub(super) enum BudgetsCommand {
    /// Allow an account, or all of them together, so much a day or a month; beyond it requests are refused.
    Set(SetArgs),
    /// Every budget: what is spent of it, and when it begins anew.
    List,
    /// Take budgets away.
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The account's label; without it the budget is for all accounts together.
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    amounts: Amounts,
    /// Whose midnights begin the days, such as Europe/Berlin [default: this machine's time zone].
    #[arg(long, value_name = "ZONE", value_parser = known_zone)]
    time_zone: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Amounts {
    /// US dollars a day.
    #[arg(long, value_name = "N", value_parser = nanos)]
    usd_per_day: Option<u64>,
    /// US dollars a calendar month.
    #[arg(long, value_name = "N", value_parser = nanos)]
    usd_per_month: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The account's label; without it, the budgets of all accounts together.
    #[arg(long)]
    account: Option<String>,
    /// Only the budget of a day.
    #[arg(long, conflicts_with = "month")]
    day: bool,
    /// Only the budget of a month.
    #[arg(long)]
    month: bool,
}

fn nanos(text: &str) -> Result<u64, String> {
    Dollars::parse(text).map(|Dollars(nanos)| nanos).ok_or_else(|| format!("{text:?} is not an amount of US dollars such as 5 or 12.50"))
}

fn known_zone(name: &str) -> Result<String, String> {
    TimeZone::get(name).map(|_| name.to_owned()).map_err(|_| format!("no time zone is called {name:?}; write it like Europe/Berlin"))
}

fn own_zone() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

pub(super) fn run(context: &Context, command: BudgetsCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    match command {
        BudgetsCommand::Set(SetArgs { account, amounts, time_zone }) => {
            let account = id(context, account.as_deref())?;
            let zone = time_zone.unwrap_or_else(own_zone);
            for (period, nanos) in [(Period::DAY, amounts.usd_per_day), (Period::MONTH, amounts.usd_per_month)] {
                if let Some(nanos) = nanos {
                    context.store.set_budget(Budget { account, period, nanos, zone: zone.clone() })?;
                }
            }
            context.tell_server()?;
        }
        BudgetsCommand::Remove(RemoveArgs { account, day, month }) => {
            let account = id(context, account.as_deref())?;
            let wanted = |period| !(day && period != Period::DAY || month && period != Period::MONTH);
            let there: Vec<Period> =
                context.reader()?.budgets()?.into_iter().filter(|b| b.account == account && wanted(b.period)).map(|b| b.period).collect();
            if there.is_empty() {
                return Err(Problem::new("there is no such budget").hint("see `tierline budgets list`"));
            }
            for period in there {
                context.store.remove_budget(account, period)?;
            }
            context.tell_server()?;
        }
        BudgetsCommand::List => {}
    }
    let budgets = standing(context)?;
    if context.json {
        return print_json(out, &documents(&budgets));
    }
    if budgets.is_empty() {
        writeln!(out, "no budgets; requests cost what they cost").map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    print(out, &budgets, context.clock.now().wall)?;
    Ok(Done::Well)
}

fn id(context: &Context, label: Option<&str>) -> Result<Option<AccountId>, Problem> {
    label.map(|label| Ok(context.reader()?.account(label)?.id)).transpose()
}

/// Every budget as the process that serves has it; as the history has it, if none does.
pub(super) fn standing(context: &Context) -> Result<Vec<BudgetView>, Problem> {
    match engine::ask(context.dir.path(), &Request::Status) {
        Some(Answer::Status { budgets, .. }) => Ok(budgets),
        _ => engine::budgets_of(&context.reader()?, context.clock.now().wall),
    }
}

/// As JSON, amounts in nano-dollars.
pub(super) fn documents(budgets: &[BudgetView]) -> Vec<Value> {
    budgets
        .iter()
        .map(|view| {
            json!({
                "account": view.label,
                "window": view.budget.period.name(),
                "limit_nanos": view.budget.nanos,
                "spent_nanos": view.spent.nanos,
                "held_nanos": view.held_nanos,
                "unpriced": view.spent.unpriced,
                "time_zone": view.budget.zone,
                "resets_at": view.resets_at,
            })
        })
        .collect()
}

/// As a table.
pub(super) fn print(out: &mut dyn Write, budgets: &[BudgetView], now: Timestamp) -> Result<(), Problem> {
    let rows: Vec<Vec<String>> = budgets
        .iter()
        .map(|view| {
            let hours = view.resets_at.duration_since(now).as_secs_f64().max(0.0) / 3_600.0;
            let remark = match view.spent.unpriced {
                0 => String::new(),
                n => format!("{n} answers of unknown price are not in it"),
            };
            vec![
                view.label.clone().unwrap_or_else(|| "all accounts".into()),
                view.budget.period.name(),
                Dollars(view.spent.nanos).to_string(),
                Dollars(view.held_nanos).to_string(),
                Dollars(view.budget.nanos).to_string(),
                format!("{hours:.1} h ({})", view.budget.zone),
                remark,
            ]
        })
        .collect();
    table::print(out, &["budget of", "a", "spent", "held", "limit", "begins anew in", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_last_digit() {
        for (text, expect) in [
            ("5", Some(5_000_000_000)),
            ("$12.50", Some(12_500_000_000)),
            ("0.000000001", Some(1)),
            ("0", None),
            ("", None),
            ("-1", None),
            ("1.", None),
            ("1e3", None),
            ("5 USD", None),
            ("18446744074", None),
        ] {
            assert_eq!(nanos(text).ok(), expect, "{text}");
        }
    }
}
