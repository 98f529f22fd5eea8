//! `tierline tier`: the tier whose numbers an account's limits are, and what the next one would give.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::tz::Offset;
use serde_json::{Value, json};

use super::context::Context;
use super::status::Status;
use super::{Done, print_json, unwritable};
use crate::catalog::{Catalog, TierMatch};
use crate::domain::dimension::Meter;
use crate::domain::{Account, Dialect, Limit, ModelClass, Problem, Scope};
use crate::limiter::bucket::is_measured;

/// What a provider was seen to enforce for one scope.
#[derive(Default)]
struct Observed {
    accounts: Vec<String>,
    limits: Vec<(ModelClass, Limit)>,
}

pub(super) fn run(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    let now = context.clock.now().wall;
    let accounts = context.reader()?.accounts()?;
    let mut scopes: BTreeMap<Scope, Observed> = BTreeMap::new();
    for bucket in Status::read(context, now)?.buckets.into_iter().filter(|bucket| is_measured(bucket.source)) {
        let limit = bucket.limit();
        let observed = scopes.entry(bucket.key.scope).or_default();
        observed.limits.push((bucket.key.class, limit));
        observed.accounts = bucket.accounts;
    }
    let today = Offset::UTC.to_datetime(now).date();
    let found: Vec<(Scope, Observed, Option<TierMatch>)> = scopes
        .into_iter()
        .map(|(scope, observed)| {
            let dialect = dialect(&scope, &observed.accounts, &accounts);
            let found = Catalog::bundled().tier_matching(dialect, &observed.limits, today);
            (scope, observed, found)
        })
        .collect();
    if context.json {
        return print_json(out, &found.iter().map(document).collect::<Vec<_>>());
    }
    let mut lines: Vec<String> = found.iter().flat_map(sentences).collect();
    if lines.is_empty() {
        lines.push("no limit was seen yet: send a request, or ask with `tierline probe`".into());
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

/// A custom account may be at a provider that the catalogue knows.
fn dialect(scope: &Scope, labels: &[String], accounts: &[Account]) -> Dialect {
    accounts.iter().find(|account| labels.contains(&account.label)).map_or_else(|| scope.provider.into(), Account::dialect)
}

fn document((scope, observed, found): &(Scope, Observed, Option<TierMatch>)) -> Value {
    let limits: Vec<Value> = observed
        .limits
        .iter()
        .map(|(class, limit)| {
            json!({
                "model_class": class, "dimension": limit.dimension, "window": limit.window.period.name(), "limit": limit.capacity,
                "source": limit.source.to_string(),
            })
        })
        .collect();
    json!({ "scope": scope.to_string(), "provider": scope.provider, "accounts": observed.accounts, "observed": limits, "match": found })
}

fn sentences((scope, observed, found): &(Scope, Observed, Option<TierMatch>)) -> Vec<String> {
    let mut lines = vec![format!("{scope} ({})", observed.accounts.join(", "))];
    let Some(TierMatch { tier, or, agree, compared, superseded, next }) = found else {
        lines.push("  no tier of the catalogue has these numbers".into());
        return lines;
    };
    let others = if or.is_empty() { String::new() } else { format!(" or {}", or.join(", ")) };
    let old = if *superseded { ", of a scheme that no longer holds" } else { "" };
    lines.push(format!("  tier {}{others}{old}: {agree} of {compared} limits agree ({})", tier.title, tier.about));
    let Some(next) = next else { return lines };
    let gives: Vec<String> = next
        .gives
        .iter()
        .map(|(class, limits)| {
            let numbers = limits.iter().map(|limit| format!("{} {}", Meter(limit.dimension, limit.window.period), limit.capacity));
            format!("{class} {}", numbers.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let gives = if gives.is_empty() { "numbers that are not known".to_owned() } else { gives.join("; ") };
    lines.push(format!("  next {}: {}; it gives {gives}", next.tier.title, next.tier.qualifies));
    lines
}
