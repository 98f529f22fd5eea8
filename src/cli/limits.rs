//! `tierline limits ...`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::{Done, print_json, table, unwritable};
use crate::domain::command::UserLimit;
use crate::domain::dimension::Meter;
use crate::domain::{AccountId, Dimension, ModelClass, Period, Problem};
use crate::store::AdminLimit;

#[derive(Debug, Subcommand)]
pub(super) enum LimitsCommand {
    /// Set your own ceilings for an account; 0 takes one away.
    Set(SetArgs),
    /// Your own ceilings, and limits that were read with an admin key.
    List,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The account's label.
    #[arg(long)]
    account: String,
    /// Only for this class of models (see `tierline status`).
    #[arg(long, value_name = "CLASS")]
    model_class: Option<String>,
    #[command(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Numbers {
    /// Requests a minute.
    #[arg(long, value_name = "N")]
    rpm: Option<u64>,
    /// Tokens a minute.
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// Input tokens a minute.
    #[arg(long, value_name = "N")]
    itpm: Option<u64>,
    /// Output tokens a minute.
    #[arg(long, value_name = "N")]
    otpm: Option<u64>,
    /// Requests a day.
    #[arg(long, value_name = "N")]
    rpd: Option<u64>,
    /// Tokens a day.
    #[arg(long, value_name = "N")]
    tpd: Option<u64>,
    /// Images a minute.
    #[arg(long, value_name = "N")]
    ipm: Option<u64>,
    /// Requests at the same time.
    #[arg(long, value_name = "N")]
    concurrency: Option<u64>,
}

impl Numbers {
    fn given(&self) -> Vec<(Dimension, Period, u64)> {
        [
            (Dimension::Requests, Period::MINUTE, self.rpm),
            (Dimension::Tokens, Period::MINUTE, self.tpm),
            (Dimension::InputTokens, Period::MINUTE, self.itpm),
            (Dimension::OutputTokens, Period::MINUTE, self.otpm),
            (Dimension::Requests, Period::DAY, self.rpd),
            (Dimension::Tokens, Period::DAY, self.tpd),
            (Dimension::Images, Period::MINUTE, self.ipm),
            (Dimension::Concurrent, Period::AT_ONCE, self.concurrency),
        ]
        .into_iter()
        .filter_map(|(dimension, period, number)| Some((dimension, period, number?)))
        .collect()
    }
}

pub(super) fn run(context: &Context, command: &LimitsCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    if let LimitsCommand::Set(args) = command {
        let account = context.reader()?.account(&args.account)?;
        for (dimension, period, number) in args.numbers.given() {
            let class = args.model_class.as_deref().map(ModelClass::new);
            let capacity = (number > 0).then_some(number);
            context.store.set_limit(UserLimit { account: account.id, class, dimension, period, capacity })?;
        }
        context.tell_server()?;
    }
    let rows = rows(context)?;
    if context.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "account": row.account,
                    "model_class": row.class,
                    "dimension": row.dimension,
                    "window": row.period.name(),
                    "limit": row.capacity,
                    "source": row.source,
                })
            })
            .collect();
        return print_json(out, &rows);
    }
    if rows.is_empty() {
        writeln!(out, "no ceilings of your own; the providers' limits hold").map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let class = row.class.as_ref().map_or_else(|| "all models".into(), ToString::to_string);
            let number = row.capacity.map_or_else(String::new, |n| n.to_string());
            vec![row.account.clone(), class, Meter(row.dimension, row.period).to_string(), number, row.source.into()]
        })
        .collect();
    table::print(out, &["account", "models", "meter", "limit", "source"], &cells)?;
    Ok(Done::Well)
}

/// One line of the list.
struct Row {
    account: String,
    class: Option<ModelClass>,
    dimension: Dimension,
    period: Period,
    capacity: Option<u64>,
    source: &'static str,
}

fn rows(context: &Context) -> Result<Vec<Row>, Problem> {
    let reader = context.reader()?;
    let accounts = reader.accounts()?;
    let label = |id: AccountId| accounts.iter().find(|account| account.id == id).map_or_else(|| "?".into(), |a| a.label.clone());
    let own = reader.user_limits()?.into_iter().map(|limit| {
        let UserLimit { account, class, dimension, period, capacity } = limit;
        Row { account: label(account), class, dimension, period, capacity, source: "user" }
    });
    let configured = reader.admin_limits()?.into_iter().map(|limit| {
        let AdminLimit { account, class, dimension, period, capacity, .. } = limit;
        Row { account: label(account), class: Some(class), dimension, period, capacity: Some(capacity), source: "admin" }
    });
    Ok(own.chain(configured).collect())
}
