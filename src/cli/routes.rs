//! `tierline routes ...`

use std::io::{self, BufRead, Write};

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::{Done, print_json, table, unwritable};
use crate::domain::fallback::{Fallback, FallbackView};
use crate::domain::{AccountId, Api, ModelId, Problem};
use crate::engine;

#[derive(Debug, Subcommand)]
pub(super) enum RoutesCommand {
    /// Let another account serve a model when its own cannot: too late for the deadline, failing, out of credit.
    Add(AddArgs),
    /// Every route, in the order in which they are tried.
    List,
    /// Take routes away.
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The model's name in requests.
    #[arg(long, value_name = "MODEL")]
    from: String,
    /// Who serves it instead, and as which model.
    #[arg(long, value_name = "ACCOUNT/MODEL", value_parser = destination)]
    to: Destination,
    /// Switch it on without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The model's name in requests.
    #[arg(long, value_name = "MODEL")]
    from: String,
    /// Only this route of several.
    #[arg(long, value_name = "ACCOUNT/MODEL", value_parser = destination)]
    to: Option<Destination>,
}

#[derive(Debug, Clone)]
struct Destination {
    account: String,
    model: String,
}

/// A label has no slash; a model's name may.
fn destination(text: &str) -> Result<Destination, String> {
    let (account, model) = text.split_once('/').unwrap_or_default();
    if account.is_empty() || model.is_empty() {
        return Err(format!("{text:?} is not an account and a model such as work/deepseek-flash"));
    }
    Ok(Destination { account: account.to_owned(), model: model.to_owned() })
}

pub(super) fn run(context: &Context, command: RoutesCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    match command {
        RoutesCommand::Add(AddArgs { from, to, yes }) => {
            let (account, to) = resolved(context, &to)?;
            let route = Fallback { from: ModelId::new(&from), account, to };
            let view = engine::preview(route, &context.reader()?.accounts()?, context.clock.now().wall)?;
            if !yes {
                tell(out, &view).map_err(|error| unwritable(&error))?;
                if !is_wanted(out).map_err(|error| unwritable(&error))? {
                    return Err(Problem::new("the route was not added").hint("answer y, or give --yes"));
                }
            }
            context.store.add_fallback(view.route)?;
            context.tell_server()?;
        }
        RoutesCommand::Remove(RemoveArgs { from, to }) => {
            let to = to.map(|to| resolved(context, &to)).transpose()?;
            context.store.remove_fallbacks(ModelId::new(&from), to)?;
            context.tell_server()?;
        }
        RoutesCommand::List => {}
    }
    list(context, out)
}

fn resolved(context: &Context, to: &Destination) -> Result<(AccountId, ModelId), Problem> {
    Ok((context.reader()?.account(&to.account)?.id, ModelId::new(&to.model)))
}

/// Says what would happen.
fn tell(out: &mut dyn Write, view: &FallbackView) -> io::Result<()> {
    let FallbackView { route, label, .. } = view;
    writeln!(out, "requests for {} ({}) go to {} of account {label}", route.from, names(&view.apis), route.to)?;
    writeln!(out, "when their own account cannot meet their deadline, has no credit, or fails; before the first byte of an answer")?;
    writeln!(out, "the model's name, the key and the address change, and nothing else. What differs there:")?;
    view.differences.iter().try_for_each(|text| writeln!(out, "- {text}"))
}

fn is_wanted(out: &mut dyn Write) -> io::Result<bool> {
    write!(out, "Switch it on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn names(apis: &[Api]) -> String {
    apis.iter().map(|api| api.name()).collect::<Vec<_>>().join(", ")
}

fn list(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    let reader = context.reader()?;
    let (accounts, now) = (reader.accounts()?, context.clock.now().wall);
    let routes = reader.fallbacks()?.into_iter().map(|route| engine::preview(route, &accounts, now)).collect::<Result<Vec<_>, _>>()?;
    if context.json {
        let rows: Vec<_> = routes
            .iter()
            .map(|view| {
                json!({
                    "from": view.route.from,
                    "account": view.label,
                    "to": view.route.to,
                    "apis": view.apis,
                    "differences": view.differences,
                })
            })
            .collect();
        return print_json(out, &rows);
    }
    if routes.is_empty() {
        writeln!(out, "no routes; a request is served by the account that it names, or not at all").map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    let rows: Vec<Vec<String>> = routes
        .iter()
        .map(|view| vec![view.route.from.to_string(), view.label.clone(), view.route.to.to_string(), names(&view.apis)])
        .collect();
    table::print(out, &["name in requests", "served by", "as", "in"], &rows)?;
    Ok(Done::Well)
}
