//! `tierline accounts import-limits`

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::admin::{AdminArgs, Covered};
use super::context::Context;
use super::{Done, print_json, serve, table, unwritable};
use crate::domain::dimension::Meter;
use crate::domain::{Account, Dialect, Identity, Problem};
use crate::probe::{AdminAccess, Configured, Prober};
use crate::store::AdminLimit;
use crate::upstream::HttpUpstream;

#[derive(Debug, Args)]
pub(super) struct ImportLimitsArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// The project whose limits are read (OpenAI).
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// The account's workspace: what it has below its organization's limits is read as well (Anthropic).
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
}

pub(super) fn run(context: &Context, args: &ImportLimitsArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = context.reader()?.account(&args.admin.account)?;
    let (base_url, key) = (args.admin.base_url()?, args.admin.key()?);
    let access = AdminAccess { account: &account, base_url: base_url.as_ref(), key: &key, clock: &context.clock };
    let prober = Prober::new(Arc::new(HttpUpstream::default()));
    let asked = prober.configured_limits(access, args.project.as_deref(), args.workspace.as_deref());
    let mut found = serve::runtime()?.block_on(asked)?;
    let covered = covered(context, &account, args, &found)?;
    apply_overrides(&mut found, &covered, args.workspace.as_deref().unwrap_or_default());
    let read_at = context.clock.now().wall;
    let limits: Vec<AdminLimit> = found
        .limits
        .into_iter()
        .map(|((class, dimension, period), capacity)| AdminLimit { account: account.id, class, dimension, period, capacity, read_at })
        .collect();
    context.store.set_admin_limits(account.id, limits.clone())?;
    context.tell_server()?;
    let (applies_to, unknown) = (Covered::labels(&covered.accounts), Covered::labels(&covered.unknown));
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
        let organization = found.organization;
        return print_json(
            out,
            &json!({
                "account": account.label, "at": read_at, "organization": organization, "applies_to": applies_to, "unknown": unknown,
                "limits": rows, "others": found.others,
            }),
        );
    }
    let rows: Vec<Vec<String>> = limits
        .iter()
        .map(|limit| vec![limit.class.to_string(), Meter(limit.dimension, limit.period).to_string(), limit.capacity.to_string()])
        .collect();
    table::print(out, &["models", "meter", "limit"], &rows)?;
    let mut lines = found.others;
    lines.push(format!("they hold for {}", applies_to.join(", ")));
    if !unknown.is_empty() {
        lines.push(format!("whether they hold for {} as well shows when an answer says whose it is", unknown.join(", ")));
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

/// OpenAI's limits are a project's; Anthropic's an organisation's.
fn covered(context: &Context, account: &Account, args: &ImportLimitsArgs, found: &Configured) -> Result<Covered, Problem> {
    Covered::new(context, account, |identity: &Identity| match account.dialect() {
        Dialect::OpenAi => Some(identity.project.as_ref()? == args.project.as_ref()?),
        _ => Some(identity.organization.as_ref()? == found.organization.as_ref()?),
    })
}

/// Accounts of one organisation draw on the same buckets here, so that a workspace's lower limits hold only where the account
/// is the only one that can be in it.
fn apply_overrides(found: &mut Configured, covered: &Covered, workspace: &str) {
    let alone = covered.accounts.len() + covered.unknown.len() == 1;
    for (key, capacity) in std::mem::take(&mut found.overrides) {
        if alone {
            found.limits.insert(key, capacity);
        } else {
            let (class, dimension, period) = key;
            let meter = Meter(dimension, period);
            found.others.push(format!("{workspace}: {meter} of {class} {capacity} (not applied: other accounts may share its buckets)"));
        }
    }
}
