//! `tierline accounts import-limits`

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::accounts::{read_key_env, read_key_stdin};
use super::context::Context;
use super::{Done, print_json, serve, table, unwritable};
use crate::domain::dimension::Meter;
use crate::domain::{BaseUrl, Problem};
use crate::probe::Prober;
use crate::store::AdminLimit;

#[derive(Debug, Args)]
pub(super) struct ImportLimitsArgs {
    /// The account's label.
    #[arg(long)]
    account: String,
    #[command(flatten)]
    key: AdminKeyArg,
    /// The project whose limits are read (OpenAI).
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Where the admin API lives, if not at the account's base URL.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct AdminKeyArg {
    /// Read the admin key from standard input. It is used once and not stored.
    #[arg(long)]
    admin_key_stdin: bool,
    /// Read the admin key from this environment variable.
    #[arg(long, value_name = "VAR")]
    admin_key_env: Option<String>,
}

pub(super) fn run(context: &Context, args: &ImportLimitsArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = context.reader()?.account(&args.account)?;
    let base_url = args.base_url.as_deref().map(BaseUrl::parse).transpose().map_err(|why| Problem::new(why.to_string()))?;
    let key = args.key.admin_key_env.as_deref().map_or_else(read_key_stdin, read_key_env)?;
    let prober = Prober::new()?;
    let asked = prober.configured_limits(&account, base_url, &key, args.project.as_deref(), &context.clock);
    let found = serve::runtime()?.block_on(asked)?;
    let read_at = context.clock.now().wall;
    let limits: Vec<AdminLimit> = found
        .limits
        .into_iter()
        .map(|((class, dimension, period), capacity)| AdminLimit { account: account.id, class, dimension, period, capacity, read_at })
        .collect();
    context.store.set_admin_limits(account.id, limits.clone())?;
    context.tell_server()?;
    if context.json {
        let rows: Vec<_> = limits
            .iter()
            .map(|limit| {
                json!({
                    "model_class": limit.class,
                    "dimension": limit.dimension,
                    "window": limit.period.name(),
                    "limit": limit.capacity,
                    "source": "admin",
                })
            })
            .collect();
        return print_json(out, &json!({ "account": account.label, "at": read_at, "limits": rows, "others": found.others }));
    }
    let rows: Vec<Vec<String>> = limits
        .iter()
        .map(|limit| vec![limit.class.to_string(), Meter(limit.dimension, limit.period).to_string(), limit.capacity.to_string()])
        .collect();
    table::print(out, &["models", "meter", "limit"], &rows)?;
    for other in &found.others {
        writeln!(out, "{other}").map_err(|error| unwritable(&error))?;
    }
    Ok(Done::Well)
}
