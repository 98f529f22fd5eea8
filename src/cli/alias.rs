//! `tierline alias ...`

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::{Done, print_json, table};
use crate::domain::{AccountId, Alias, ModelId, Problem};

#[derive(Debug, Subcommand)]
pub(super) enum AliasCommand {
    /// Let a retired model name stand for its replacement in an account's requests.
    Set(SetArgs),
    /// Every alias, with its end.
    List,
    /// Let requests name what they name again.
    Remove {
        /// The account's label.
        #[arg(long)]
        account: String,
        /// The name in requests.
        #[arg(long, value_name = "MODEL")]
        from: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The account's label.
    #[arg(long)]
    account: String,
    /// The name in requests.
    #[arg(long, value_name = "MODEL")]
    from: String,
    /// The name that leaves.
    #[arg(long, value_name = "MODEL")]
    to: String,
    /// The last day on which it holds, in UTC; for good if it is left out.
    #[arg(long, value_name = "DATE", value_parser = end_of_day)]
    until: Option<Timestamp>,
    /// Top-level fields of the request to set along with it: '{"thinking":{"type":"disabled"}}'.
    #[arg(long, value_name = "JSON", value_parser = object)]
    set_json: Option<Value>,
}

fn end_of_day(text: &str) -> Result<Timestamp, String> {
    let day: Date = text.parse().map_err(|_| format!("{text:?} is not a date such as 2026-12-31"))?;
    let next = day.tomorrow().map_err(|error| error.to_string())?;
    Offset::UTC.to_timestamp(next.at(0, 0, 0, 0)).map_err(|error| error.to_string())
}

fn object(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
    if value.is_object() { Ok(value) } else { Err("this is not a JSON object".into()) }
}

pub(super) fn run(context: &Context, command: AliasCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    match command {
        AliasCommand::Set(args) => {
            let account = context.reader()?.account(&args.account)?.id;
            let set = args.set_json.and_then(|value| value.as_object().cloned()).unwrap_or_else(Map::new);
            let (from, to) = (ModelId::new(&args.from), ModelId::new(&args.to));
            context.store.set_alias(Alias { account, from, to, set, until: args.until })?;
            context.tell_server()?;
        }
        AliasCommand::Remove { account, from } => {
            let account = context.reader()?.account(&account)?.id;
            context.store.remove_alias(account, ModelId::new(&from))?;
            context.tell_server()?;
        }
        AliasCommand::List => {}
    }
    list(context, out)
}

fn list(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    let reader = context.reader()?;
    let accounts = reader.accounts()?;
    let aliases = reader.aliases()?;
    let now = context.clock.now().wall;
    let label = |id: AccountId| accounts.iter().find(|account| account.id == id).map_or_else(|| "?".to_owned(), |a| a.label.clone());
    if context.json {
        let rows: Vec<_> = aliases
            .iter()
            .map(|alias| {
                json!({
                    "account": label(alias.account),
                    "from": alias.from,
                    "to": alias.to,
                    "set": alias.set,
                    "until": alias.until,
                    "holds": alias.holds(&alias.from, now),
                })
            })
            .collect();
        return print_json(out, &rows);
    }
    let rows: Vec<Vec<String>> = aliases
        .iter()
        .map(|alias| {
            let until = match alias.until {
                Some(until) if until <= now => format!("ended {until}"),
                Some(until) => until.to_string(),
                None => "for good".into(),
            };
            let set = if alias.set.is_empty() { String::new() } else { Value::Object(alias.set.clone()).to_string() };
            vec![label(alias.account), alias.from.to_string(), alias.to.to_string(), until, set]
        })
        .collect();
    table::print(out, &["account", "name in requests", "leaves as", "until", "with"], &rows)?;
    Ok(Done::Well)
}
