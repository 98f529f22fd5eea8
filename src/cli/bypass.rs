//! `tierline bypass`: the lines that point clients straight back at the provider.

use std::io::Write;

use clap::Args;

use super::connect::client;
use super::context::Context;
use super::{Done, print_json, unwritable};
use crate::domain::Problem;
use crate::domain::bypass::Bypass;
use crate::domain::snippet::Snippet;

#[derive(Debug, Args)]
pub(super) struct BypassArgs {
    /// For which client.
    #[arg(long, value_parser = client(), ignore_case = true, default_value = "shell")]
    client: Snippet,
    /// Only for the account with this label.
    #[arg(long, value_name = "LABEL")]
    account: Option<String>,
}

pub(super) fn run(context: &Context, args: &BypassArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let accounts = match &args.account {
        Some(label) => vec![context.reader()?.account(label)?],
        None => context.reader()?.accounts()?,
    };
    let ways: Vec<Bypass> = accounts.iter().filter_map(|account| Bypass::of(account, args.client)).collect();
    if context.json {
        return print_json(out, &ways);
    }
    if ways.is_empty() {
        return Err(Problem::new("no stored account is one that this client speaks to").hint("see `tierline accounts list`"));
    }
    let text: Vec<String> = ways.into_iter().map(|way| way.lines.join("\n")).collect();
    writeln!(out, "{}", text.join("\n\n")).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}
