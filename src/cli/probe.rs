//! `tierline probe [L]`

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::{Done, print_json, serve, table, unwritable};
use crate::catalog::{Catalog, Usd};
use crate::domain::command::ProbeReport;
use crate::domain::{ModelClass, Problem, RequestId};
use crate::engine::{self, Answer, Lesson, Request};
use crate::probe::{Budget, Prober, cost_nanos};
use crate::provider;
use crate::store::Write as Row;
use crate::upstream::HttpUpstream;

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// The account's label; all accounts if it is left out.
    label: Option<String>,
    /// Ask about this model, where the provider's limits depend on it.
    #[arg(long)]
    model: Option<String>,
    /// Send nothing, but let the next request of the process that serves try at once what keeps failing or was stopped.
    #[arg(long, conflicts_with_all = ["model", "dry_run", "daily_budget"])]
    now: bool,
    /// Only say what would be asked and what it would cost.
    #[arg(long)]
    dry_run: bool,
    /// From now on let the probes of a UTC day cost this much in dollars [default: 0.01].
    #[arg(long, value_name = "USD", value_parser = dollars)]
    daily_budget: Option<Usd>,
}

fn dollars(text: &str) -> Result<Usd, String> {
    Usd::try_from(text.to_owned())
}

pub(super) fn run(context: &Context, args: &ProbeArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let accounts = match &args.label {
        Some(label) => vec![context.reader()?.account(label)?],
        None => context.reader()?.accounts()?,
    };
    if let Some(limit) = args.daily_budget {
        Budget::set(&context.store, limit)?;
    }
    if accounts.is_empty() {
        return Err(Problem::new("there is no account to probe").hint("add one with `tierline accounts add`"));
    }
    if args.now {
        return try_now(context, args, out);
    }
    if args.dry_run {
        let plans = accounts.iter().flat_map(|account| {
            let dialect = account.dialect();
            let plans = provider::probe_check(dialect).into_iter().chain([provider::probe_plan(dialect, args.model.as_deref())]);
            plans.map(move |plan| (account, plan))
        });
        if context.json {
            let now = context.clock.now().wall;
            let rows: Vec<_> = plans
                .map(|(account, plan)| {
                    json!({
                        "account": account.label,
                        "request": format!("{} {}", plan.method, plan.path),
                        "what": plan.what,
                        "cost": plan.cost_note,
                        "cost_nanos": if plan.free { Some(0) } else { cost_nanos(account, &plan, now) },
                    })
                })
                .collect();
            return print_json(out, &rows);
        }
        for (account, plan) in plans {
            writeln!(out, "{}: {} {}: {}; {}", account.label, plan.method, plan.path, plan.what, plan.cost_note)
                .map_err(|error| unwritable(&error))?;
        }
        return Ok(Done::Well);
    }
    let runtime = serve::runtime()?;
    let prober = Prober::new(Arc::new(HttpUpstream::default()));
    let mut reports = Vec::new();
    for account in &accounts {
        let key = runtime.block_on(context.vault.get_for(account))?;
        let plan = provider::probe_plan(account.dialect(), args.model.as_deref());
        let now = context.clock.now().wall;
        let mut budget = Budget::load(&context.reader()?, now)?;
        budget.spend(cost_nanos(account, &plan, now))?;
        budget.save(&context.store)?;
        let probed = runtime.block_on(prober.probe(account, &key, args.model.as_deref(), &context.clock))?;
        let class = probed.model.as_ref().map_or_else(ModelClass::any, |model| Catalog::bundled().class_of(account.provider, model));
        // a probe is no request of the user's: it has no number
        let row =
            Row::Answered { id: RequestId(0), account: account.id, class: class.clone(), snapshot: Arc::new(probed.snapshot.clone()) };
        let _ = context.store.write(row);
        let age = context.clock.now().tick.since(probed.sent_at);
        let lesson = Lesson { account: account.id, class, snapshot: probed.snapshot, age };
        runtime.block_on(engine::teach(&context.dir, &context.store, &context.clock, lesson))?;
        context.store.flush()?;
        if !context.json {
            show(&probed.report, out)?;
        }
        reports.push(probed.report);
    }
    if context.json {
        return match (&args.label, reports.as_slice()) {
            (Some(_), [report]) => print_json(out, report),
            _ => print_json(out, &reports),
        };
    }
    Ok(Done::Well)
}

fn try_now(context: &Context, args: &ProbeArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = args.label.as_ref().map(|label| context.reader()?.account(label)).transpose()?;
    let tried = match engine::ask(context.dir.path(), &Request::TryNow(account.map(|account| account.id))) {
        Some(Answer::Trying(tried)) => tried,
        Some(Answer::Failed(problem)) => return Err(problem),
        _ => return Err(Problem::new("no Tierline serves from this data folder").hint("start one with `tierline` or `tierline serve`")),
    };
    if context.json {
        return print_json(out, &json!({ "trying": tried }));
    }
    let lines = if tried.is_empty() { vec!["nothing keeps failing".to_owned()] } else { tried };
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}

fn show(report: &ProbeReport, out: &mut dyn Write) -> Result<(), Problem> {
    let cost = match report.cost_nanos {
        Some(0) => "free".to_owned(),
        Some(nanos) => format!("about ${:.7}", nanos as f64 / 1e9),
        None => "cost unknown".to_owned(),
    };
    // an answer of the provider's is quoted
    let mut line = |text: String| writeln!(out, "{}", table::clean(&text)).map_err(|error| unwritable(&error));
    line(format!("{}: {} answered {}, {cost}", report.account, report.request, report.status))?;
    for learned in &report.learned {
        line(format!("  {learned}"))?;
    }
    for unknown in &report.unknown {
        line(format!("  unknown: {unknown}"))?;
    }
    Ok(())
}
