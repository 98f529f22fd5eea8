//! `tierline status`

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::json;

use super::context::Context;
use super::{Done, budgets, print_json, table, unwritable};
use crate::domain::budget::BudgetView;
use crate::domain::view::{BucketView, WaitingView};
use crate::domain::{ClientName, Dimension, Problem, Refill, Scope};
use crate::engine::{self, Answer, Request};

/// So many of the queue are printed.
const LISTED: usize = 20;

/// How things stand, from the process that serves or from what was saved last.
pub(super) struct Status {
    live: bool,
    gateway: Option<String>,
    as_of: Timestamp,
    pub(super) buckets: Vec<BucketView>,
    waiting: Vec<WaitingView>,
    queued: BTreeMap<ClientName, u64>,
    budgets: Vec<BudgetView>,
    unrecorded: Option<String>,
}

pub(super) fn run(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    let now = context.clock.now().wall;
    let status = Status::read(context, now)?;
    if context.json {
        return print_json(out, &document(&status));
    }
    let head = match (&status.gateway, status.live) {
        (Some(url), _) => format!("gateway {url}"),
        (None, true) => "the gateway is not listening".to_owned(),
        (None, false) => format!("not serving; as saved at {:.0}", status.as_of),
    };
    writeln!(out, "{head}").map_err(|error| unwritable(&error))?;
    if let Some(why) = &status.unrecorded {
        writeln!(out, "{why}").map_err(|error| unwritable(&error))?;
    }
    if !status.budgets.is_empty() {
        budgets::print(out, &status.budgets, now)?;
    }
    if status.buckets.is_empty() {
        writeln!(out, "no limit is known yet: it will be with the first answer, or with `tierline probe`")
            .map_err(|error| unwritable(&error))?;
        return Ok(Done::Well);
    }
    let rows: Vec<Vec<String>> = status.buckets.iter().map(|bucket| row(bucket, now)).collect();
    table::print(out, &["scope", "models", "meter", "used", "held", "remaining", "limit", "full in", "source", ""], &rows)?;
    for (scope, labels) in shared(&status.buckets) {
        let (last, others) = labels.split_last().map_or(("", String::new()), |(last, others)| (last, others.join(", ")));
        writeln!(
            out,
            "{others} and {last} share {scope}: {} adds no room",
            if labels.len() == 2 { "the second" } else { "each further one" }
        )
        .map_err(|error| unwritable(&error))?;
    }
    for bucket in &status.buckets {
        for belief in &bucket.beliefs {
            let when = belief.at.map_or_else(String::new, |at| format!(", {} ago", seconds(now, at)));
            writeln!(
                out,
                "{} of {}: {} {}: {} ({}{when})",
                bucket.meter,
                bucket.key.class,
                belief.sureness.name(),
                belief.what,
                belief.value,
                belief.evidence
            )
            .map_err(|error| unwritable(&error))?;
        }
    }
    for waiting in status.waiting.iter().take(LISTED) {
        let bucket = match (&waiting.bucket, waiting.meter()) {
            (Some(key), _) => key.to_string(),
            (None, Some(money)) => format!("money that others hold ({money})"),
            (None, None) => "its turn".to_owned(),
        };
        let when = waiting.ready_at.map_or_else(String::new, |at| format!(", in about {}", seconds(at, now)));
        writeln!(out, "waiting #{} {} for {bucket}{when}", waiting.position, table::clean(waiting.client.as_str()))
            .map_err(|error| unwritable(&error))?;
    }
    let more = status.queued.values().sum::<u64>().saturating_sub(LISTED as u64);
    if more > 0 {
        writeln!(out, "and {more} more wait").map_err(|error| unwritable(&error))?;
    }
    Ok(Done::Well)
}

impl Status {
    pub(super) fn read(context: &Context, now: Timestamp) -> Result<Self, Problem> {
        match engine::ask(context.dir.path(), &Request::Status) {
            Some(Answer::Status { gateway, buckets, waiting, queued, budgets, unrecorded }) => {
                Ok(Self { live: true, gateway, as_of: now, buckets, waiting, queued, budgets, unrecorded })
            }
            _ => saved(context, now),
        }
    }
}

/// What was saved last, with what came back since.
fn saved(context: &Context, now: Timestamp) -> Result<Status, Problem> {
    let saved = context.reader()?.buckets()?;
    let as_of = saved.iter().map(|bucket| bucket.saved_at).max().unwrap_or(now);
    let buckets = saved
        .into_iter()
        .map(|saved| {
            let mut view = saved.view;
            // what was held has ended with the process that held it
            view.held = 0;
            if view.full_at.is_some_and(|at| at <= now) {
                (view.used, view.remaining, view.full_at) = (0, i64::try_from(view.capacity).unwrap_or(i64::MAX), None);
            }
            view
        })
        .collect();
    let budgets = engine::budgets_of(&context.reader()?, now)?;
    let (waiting, queued) = Default::default();
    Ok(Status { live: false, gateway: None, as_of, buckets, waiting, queued, budgets, unrecorded: None })
}

fn document(status: &Status) -> serde_json::Value {
    let buckets: Vec<_> = status
        .buckets
        .iter()
        .map(|bucket| {
            json!({
                "scope": bucket.key.scope.to_string(),
                "accounts": bucket.accounts,
                "model_class": bucket.key.class,
                "meter": bucket.meter,
                "dimension": bucket.key.dimension,
                "window": bucket.key.period.name(),
                "limit": bucket.capacity,
                "used": bucket.used,
                "held": bucket.held,
                "remaining": bucket.remaining,
                "full_at": bucket.full_at,
                "frozen_until": bucket.frozen_until,
                "source": bucket.source.to_string(),
                "binding": bucket.binding,
                "waiting": bucket.waiting,
                "own_per_minute": bucket.own_per_minute,
                "foreign_per_minute": bucket.foreign_per_minute,
                "confirmed_at": bucket.confirmed_at,
                "beliefs": bucket.beliefs,
            })
        })
        .collect();
    json!({
        "live": status.live,
        "gateway": status.gateway,
        "as_of": status.as_of,
        "buckets": buckets,
        "waiting": status.waiting,
        "waiting_by_client": status.queued,
        "budgets": budgets::documents(&status.budgets),
        "not_recorded": status.unrecorded,
    })
}

fn row(bucket: &BucketView, now: Timestamp) -> Vec<String> {
    let amount = |n: i64| if bucket.key.dimension == Dimension::Money { format!("${:.2}", n as f64 / 1e9) } else { n.to_string() };
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let full = match (bucket.full_at, bucket.refill) {
        (_, Refill::OnRelease) => "-".to_owned(),
        (Some(at), _) => seconds(at, now),
        (None, _) => "now".to_owned(),
    };
    let mut remark = Vec::new();
    if bucket.binding {
        remark.push("binding".to_owned());
    }
    if let Some(until) = bucket.frozen_until.filter(|until| *until > now) {
        remark.push(format!("frozen for {}", seconds(until, now)));
    }
    if bucket.waiting > 0 {
        remark.push(format!("{} waiting", bucket.waiting));
    }
    vec![
        bucket.key.scope.to_string(),
        bucket.key.class.to_string(),
        bucket.meter.clone(),
        amount(signed(bucket.used)),
        amount(signed(bucket.held)),
        amount(bucket.remaining),
        amount(signed(bucket.capacity)),
        full,
        bucket.source.to_string(),
        remark.join(", "),
    ]
}

/// Scopes on whose buckets more than one account draws, with the accounts' labels.
fn shared(buckets: &[BucketView]) -> BTreeMap<&Scope, &[String]> {
    buckets.iter().filter(|bucket| bucket.accounts.len() > 1).map(|bucket| (&bucket.key.scope, bucket.accounts.as_slice())).collect()
}

fn seconds(at: Timestamp, now: Timestamp) -> String {
    format!("{:.1} s", at.duration_since(now).as_secs_f64().max(0.0))
}
