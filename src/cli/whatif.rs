//! `tierline whatif`: recorded traffic played again with another tier, other limits or another model.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::context::Context;
use super::plan::{GivenLimits, duration};
use super::{Common, Done, print_json, table, unwritable};
use crate::catalog::Catalog;
use crate::domain::{Dialect, Limit, ModelClass, ModelId, Problem};
use crate::planner::whatif::{Past, WhatIf, replay};
use crate::planner::words::dollars;
use crate::store::RecordedRequest;

#[derive(Debug, Args)]
pub(super) struct WhatIfArgs {
    /// The traffic of this time (7d, 12h).
    #[arg(long, value_name = "TIME", default_value = "7d")]
    from: String,
    /// Only that of this account, by its label.
    #[arg(long)]
    account: Option<String>,
    /// With the limits of this tier.
    #[arg(long)]
    tier: Option<String>,
    /// With this model instead of those that were asked for.
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    limits: GivenLimits,
}

/// The answer for one account.
struct Played {
    account: String,
    /// With what it was played.
    with: String,
    result: WhatIf,
    /// Classes for which nothing is known there.
    unlimited: Vec<ModelClass>,
}

pub(super) fn run(common: &Common, args: &WhatIfArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let given = args.limits.limits();
    if args.tier.is_none() && args.model.is_none() && given.is_empty() {
        return Err(Problem::new("nothing differs").hint("say what would: --tier, --model, or limits such as --rpm and --itpm"));
    }
    let context = Context::open(common)?;
    let now = context.clock.now().wall;
    let since = now.saturating_sub(duration(&args.from)?).unwrap_or(Timestamp::MIN);
    let reader = context.reader()?;
    let mut accounts: BTreeMap<String, Vec<RecordedRequest>> = BTreeMap::new();
    for recorded in reader.recorded_traffic(since)? {
        if args.account.as_ref().is_none_or(|account| *account == recorded.record.account_label) {
            accounts.entry(recorded.record.account_label.clone()).or_default().push(recorded);
        }
    }
    let dialects: BTreeMap<String, Dialect> =
        reader.accounts()?.into_iter().map(|account| (account.label.clone(), account.dialect())).collect();
    let mut played = Vec::new();
    for (account, recorded) in accounts {
        let Some(first) = recorded.first() else { continue };
        let dialect = dialects.get(&account).copied().unwrap_or_else(|| first.record.provider.into());
        played.extend(play(args, (!given.is_empty()).then_some(given.as_slice()), account, dialect, &recorded, now)?);
    }
    if played.is_empty() {
        return Err(Problem::new(format!("no request was recorded in the last {}", args.from))
            .hint("send some through the gateway first, or look further back with --from"));
    }
    if context.json {
        let rows: Vec<_> = played
            .iter()
            .map(|p| json!({ "account": p.account, "with": p.with, "what_if": p.result, "unlimited_classes": p.unlimited }))
            .collect();
        return print_json(out, &rows);
    }
    played.iter().try_for_each(|played| show(played, out))?;
    Ok(Done::Well)
}

/// Plays one account's traffic; `None` if its provider has no such tier and nothing else differs.
fn play(
    args: &WhatIfArgs,
    given: Option<&[Limit]>,
    account: String,
    dialect: Dialect,
    recorded: &[RecordedRequest],
    now: Timestamp,
) -> Result<Option<Played>, Problem> {
    let catalog = Catalog::bundled();
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let tiers = catalog.tiers(dialect, today);
    let tier = match &args.tier {
        None => None,
        Some(wanted) => match tiers.iter().find(|tier| tier.is_called(wanted)) {
            Some(tier) => Some(tier),
            None if args.account.is_some() => {
                let names: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
                return Err(Problem::new(format!("no tier {wanted:?}")).hint(format!("there are {}", names.join(", "))));
            }
            None => return Ok(None),
        },
    };
    let model = args.model.as_deref().map(ModelId::new);
    let past: Vec<Past> = recorded.iter().map(|recorded| past(recorded, dialect, model.as_ref(), now)).collect();
    let mut limits: BTreeMap<ModelClass, Vec<Limit>> = BTreeMap::new();
    for one in &past {
        limits.entry(one.class.clone()).or_insert_with_key(|class| match (given, tier) {
            (Some(given), _) => given.to_vec(),
            (None, Some(tier)) => catalog.limits(dialect, class, &tier.name, today),
            (None, None) => catalog.default_limits(dialect, class, today),
        });
    }
    let unlimited = limits.iter().filter(|(_, limits)| limits.is_empty()).map(|(class, _)| class.clone()).collect();
    let parts = [
        given.map(|_| "the given limits".to_owned()),
        tier.filter(|_| given.is_none()).map(|tier| format!("tier {}", tier.title)),
        model.map(|model| format!("model {model}")),
    ];
    let with = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    Ok(Some(Played { account, with, result: replay(&past, dialect, &limits), unlimited }))
}

fn past(recorded: &RecordedRequest, dialect: Dialect, model: Option<&ModelId>, now: Timestamp) -> Past {
    let RecordedRequest { record, refused_at } = recorded;
    let catalog = Catalog::bundled();
    let usage = &record.usage;
    let whole = record.finished_at.duration_since(record.arrived_at).unsigned_abs();
    let waited = Duration::from_millis(record.wait_millis);
    let cost_then_nanos = match model {
        None => record.cost_nanos,
        Some(model) => catalog
            .price_at_service(dialect, model, usage.service_tier.as_deref(), now, usage.total_input())
            .and_then(|price| price.cost_nanos(usage)),
    };
    Past {
        at: record.arrived_at,
        class: model.map_or_else(|| record.class.clone(), |model| catalog.class_of(dialect, model)),
        client: record.client.clone(),
        lane: record.lane,
        api: record.api,
        bytes: record.request_bytes,
        usage: usage.clone(),
        counted_input: record.counted_input,
        took: whole.saturating_sub(waited),
        waited,
        refused_at: refused_at.clone(),
        cost_nanos: record.cost_nanos,
        cost_then_nanos,
    }
}

fn show(played: &Played, out: &mut dyn Write) -> Result<(), Problem> {
    let Played { account, with, result, unlimited } = played;
    let WhatIf { requests, was, would_be, turned_away } = result;
    let mut lines = vec![format!("{account}: {requests} requests, played again with {with}")];
    lines.push(match was.refusals {
        0 => "the provider refused none of them".into(),
        all => format!("{with} would have avoided {} of {all} refusals", all.saturating_sub(would_be.refusals)),
    });
    let print = |lines: &[String], out: &mut dyn Write| {
        lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))
    };
    print(&lines, out)?;
    let rows: Vec<Vec<String>> = [("as recorded", was), ("through the limiter", would_be)]
        .into_iter()
        .map(|(name, side)| {
            let cost = if side.unpriced > 0 {
                format!("{} and {} without a price", dollars(side.cost_nanos), side.unpriced)
            } else {
                dollars(side.cost_nanos)
            };
            vec![name.to_owned(), format!("{} ms", side.wait_p50_millis), format!("{} ms", side.wait_p95_millis), cost]
        })
        .collect();
    table::print(out, &["", "wait p50", "wait p95", "cost"], &rows)?;
    let mut lines = Vec::new();
    if *turned_away > 0 {
        lines.push(format!("{turned_away} requests would not have got in: too large, or too long to wait"));
    }
    if !unlimited.is_empty() {
        let names: Vec<&str> = unlimited.iter().map(ModelClass::as_str).collect();
        lines.push(format!("no limit is known there for {}: played without any", names.join(", ")));
    }
    print(&lines, out)
}
