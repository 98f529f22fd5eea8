//! `tierline plan`: whether a load fits, before anything is sent.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::json;

use super::accounts::ProviderArg;
use super::context::Context;
use super::{Common, Done, print_json, table, unwritable};
use crate::batch::input::{InputFile, Reading, Template};
use crate::clock::SystemClock;
use crate::domain::command::Progress;
use crate::domain::plan::{Demand, Fit, Load, PlanQuery, PlanView};
use crate::domain::{Clock, Dialect, Dimension, Limit, LimitSource, ModelId, Period, Problem, Provider, Window};
use crate::engine;
use crate::planner::words::{dollars, long};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Whose API.
    #[arg(long, value_enum, required_unless_present = "from_history")]
    provider: Option<ProviderArg>,
    /// Which model; of a file's rows, those that name none.
    #[arg(long, required_unless_present_any = ["from_history", "file"])]
    model: Option<String>,
    /// The rate at which requests come.
    #[arg(long, value_name = "N", value_parser = positive)]
    requests_per_min: Option<f64>,
    /// How many requests there are, for a batch.
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Tokens of a prompt, on average.
    #[arg(long, value_name = "N", required_unless_present_any = ["from_history", "file"])]
    input_tokens: Option<u64>,
    /// Tokens of an answer, on average.
    #[arg(long, value_name = "N", required_unless_present_any = ["from_history", "file"])]
    output_tokens: Option<u64>,
    /// The part of the input that comes from the provider's cache, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    cache_share: Option<f64>,
    /// Seconds from sending a request to the end of its answer.
    #[arg(long, value_name = "S", value_parser = positive)]
    latency_secs: Option<f64>,
    /// Only this tier [default: every tier that is known].
    #[arg(long)]
    tier: Option<String>,
    #[command(flatten)]
    given: GivenLimits,
    /// Take the requests from a batch's input file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from_history", "rows", "input_tokens"])]
    file: Option<PathBuf>,
    /// The prompt for a file of plain rows, with {{column}} in it.
    #[arg(long, requires = "file")]
    template: Option<String>,
    /// Take the requests from what was recorded over this time (7d, 12h).
    #[arg(long, value_name = "TIME", conflicts_with_all = ["rows", "input_tokens"])]
    from_history: Option<String>,
}

/// Limits that the user knows better than the catalogue.
#[derive(Debug, Args)]
pub(super) struct GivenLimits {
    /// Requests a minute.
    #[arg(long, value_name = "N")]
    rpm: Option<u64>,
    /// Input tokens a minute.
    #[arg(long, value_name = "N")]
    itpm: Option<u64>,
    /// Output tokens a minute.
    #[arg(long, value_name = "N")]
    otpm: Option<u64>,
    /// Tokens a minute.
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// Requests a day.
    #[arg(long, value_name = "N")]
    rpd: Option<u64>,
}

pub(super) fn run(common: &Common, args: &PlanArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let now = SystemClock::new().now().wall;
    let plans = loads(common, args, now)?
        .into_iter()
        .map(|Load { provider, model, demand, basis, .. }| {
            let query = PlanQuery { provider, model, demand, tier: args.tier.clone(), given: args.given.limits(), tiers_too: true };
            Ok((engine::plan(&query, now)?, basis))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    if common.json {
        let rows: Vec<_> = plans
            .iter()
            .map(|(view, basis)| {
                let PlanView { provider, model, class, plan, unknown, current, end, .. } = view;
                json!({
                    "provider": provider, "model": model, "model_class": class, "basis": basis, "plan": plan,
                    "unknown_tiers": unknown, "current": current, "end": end,
                })
            })
            .collect();
        return print_json(out, &rows);
    }
    for (index, (view, basis)) in plans.iter().enumerate() {
        if index > 0 {
            writeln!(out).map_err(|error| unwritable(&error))?;
        }
        show(view, basis, args.tier.as_deref(), out)?;
    }
    Ok(Done::Well)
}

/// What is to be planned: typed in, from a file, or from what was recorded.
fn loads(common: &Common, args: &PlanArgs, now: Timestamp) -> Result<Vec<Load>, Problem> {
    if let Some(time) = &args.from_history {
        let since = now.saturating_sub(duration(time)?).unwrap_or(Timestamp::MIN);
        let loads: Vec<Load> = engine::recorded_loads(&Context::open(common)?.reader()?, since)?
            .into_iter()
            .filter(|load| args.provider.is_none_or(|provider| Provider::from(provider) == load.provider))
            .filter(|load| args.model.as_ref().is_none_or(|model| load.model.as_str() == model))
            .map(|load| Load { demand: args.over(&load.demand), ..load })
            .collect();
        if loads.is_empty() {
            return Err(Problem::new(format!("no answered request was recorded in the last {time}"))
                .hint("send some through the gateway first, or type the numbers in: see `tierline plan --help`"));
        }
        return Ok(loads);
    }
    let provider =
        args.provider.map(Provider::from).ok_or_else(|| Problem::new("whose API is not said").hint("name it with --provider"))?;
    if let Some(path) = &args.file {
        return file(args, path, provider, now);
    }
    if args.requests_per_min.is_none() && args.rows.is_none() {
        return Err(Problem::new("how many requests there are is not said").hint("give --requests-per-min, or --rows for a batch"));
    }
    let model = ModelId::new(args.model.as_deref().unwrap_or_default());
    let demand = args.over(&Demand { input_tokens: args.input_tokens.unwrap_or(0), rows: args.rows, ..Demand::default() });
    Ok(vec![Load { provider, model, demand, basis: "as given".into(), open_ended: 0 }])
}

impl PlanArgs {
    /// The same load, with what was typed in instead of what was found.
    fn over(&self, found: &Demand) -> Demand {
        Demand {
            requests_per_min: self.requests_per_min.or(found.requests_per_min),
            output_tokens: self.output_tokens.unwrap_or(found.output_tokens),
            cached_share: self.cache_share.unwrap_or(found.cached_share),
            latency_secs: self.latency_secs.or(found.latency_secs),
            ..found.clone()
        }
    }
}

fn file(args: &PlanArgs, path: &std::path::Path, provider: Provider, now: Timestamp) -> Result<Vec<Load>, Problem> {
    let input = InputFile::open(path)?;
    let reading = Reading {
        model: args.model.as_deref().map(ModelId::new),
        template: args.template.as_deref().map(Template::parse).transpose().map_err(Problem::new)?,
        columns: if input.is_csv() { Some(input.columns()?) } else { None },
        ..Reading::plain(Dialect::of(provider, ""))
    };
    let loads = engine::file_loads(&input, provider, &reading, &Progress::default(), now)?;
    let load = |load: Load| {
        if load.open_ended > 0 && args.output_tokens.is_none() {
            return Err(Problem::new(format!("{} rows of {} set no maximum for their answers", load.open_ended, load.model))
                .hint("say how long answers are, on average, with --output-tokens"));
        }
        Ok(Load { demand: args.over(&load.demand), ..load })
    };
    loads.into_iter().map(load).collect()
}

impl GivenLimits {
    /// Nothing is given if it is empty.
    pub(super) fn limits(&self) -> Vec<Limit> {
        [
            (Dimension::Requests, Period::MINUTE, self.rpm),
            (Dimension::InputTokens, Period::MINUTE, self.itpm),
            (Dimension::OutputTokens, Period::MINUTE, self.otpm),
            (Dimension::Tokens, Period::MINUTE, self.tpm),
            (Dimension::Requests, Period::DAY, self.rpd),
        ]
        .into_iter()
        .filter_map(|(dimension, period, capacity)| {
            let window = if period == Period::DAY { Window::PER_DAY } else { Window::PER_MINUTE };
            Some(Limit { dimension, window, capacity: capacity?, source: LimitSource::User })
        })
        .collect()
    }
}

fn show(view: &PlanView, basis: &str, tier: Option<&str>, out: &mut dyn Write) -> Result<(), Problem> {
    let PlanView { provider, model, class, plan, unknown, current, end, .. } = view;
    let Demand { requests_per_min, rows, input_tokens, output_tokens, .. } = &plan.demand;
    let mut lines = vec![format!("{} {model} ({class}): {basis}", provider.name())];
    let rate = requests_per_min.map(|rate| format!("{} requests a minute", short(rate)));
    let load: Vec<String> = rate.into_iter().chain(rows.map(|rows| format!("{rows} rows"))).collect();
    lines.push(format!("{}, {input_tokens} input and {output_tokens} output tokens each", load.join(", ")));
    print_lines(out, &mut lines)?;

    // of limits that are given nobody wants to read the tiers; which of them fits is among the advice
    let given = plan.fits.first().filter(|fit| fit.name == engine::GIVEN).map(|fit| &fit.name);
    let only = given.or(current.as_ref().filter(|_| tier.is_some()));
    let is_wanted = |fit: &&Fit| only.is_none_or(|name| fit.name == *name) || plan.fits.len() == 1;
    let shown: Vec<_> = plan.fits.iter().filter(is_wanted).collect();
    let mut cells = Vec::new();
    for fit in &shown {
        for check in &fit.limits {
            cells.push(vec![
                fit.title.clone(),
                check.meter.clone(),
                check.need.map_or_else(|| format!("{} each", short(check.each)), short),
                check.limit.to_string(),
                check.headroom_percent.map_or_else(String::new, |percent| format!("{percent:.0} %")),
                check.most_requests_per_min.map_or_else(String::new, |most| short((most * 100.0).floor() / 100.0)),
                if check.fits { "fits" } else { "does not fit" }.to_owned(),
                if fit.binding.as_deref() == Some(&check.meter) { "binding" } else { "" }.to_owned(),
                check.source.clone(),
            ]);
        }
    }
    if cells.is_empty() {
        lines.push("no limit is known here; give yours with --rpm, --itpm, --otpm, --tpm or --rpd".into());
    } else {
        table::print(out, &["tier", "meter", "need", "limit", "headroom", "at most a minute", "", "", "source"], &cells)?;
    }
    if !unknown.is_empty() && given.is_none() {
        lines.push(format!("not published for {}", unknown.join(", ")));
    }
    for fit in &shown {
        if let Some(most) = fit.most_requests_per_min.filter(|most| most.is_finite()) {
            let workers = fit.workers_at_most.map(|workers| format!(", {} in flight", short(workers.ceil()))).unwrap_or_default();
            lines.push(format!("{}: at most {} requests a minute{workers}", fit.title, short(most)));
        }
        if let Some(time) = &fit.batch {
            lines.push(if time.expected_secs > 0.0 {
                format!("{}: the batch takes at least {}, about {}", fit.title, long(time.least_secs), long(time.expected_secs))
            } else {
                format!("{}: the batch takes as long as its answers do", fit.title)
            });
        }
    }
    if let Some(workers) = plan.workers {
        lines.push(format!("{} requests in flight (Little's law)", short(workers)));
    }
    let per = if rows.is_some() { "the batch" } else { "an hour" };
    for (what, each, whole) in [
        ("cost", plan.each.now_nanos, plan.whole.now_nanos),
        ("with the provider's Batch API", plan.each.batch_api_nanos, plan.whole.batch_api_nanos),
        ("with that share read from the cache", plan.each.cached_nanos, plan.whole.cached_nanos),
    ] {
        if let (Some(each), Some(whole)) = (each, whole) {
            lines.push(format!("{what}: {} a request, {} {per}", dollars(each), dollars(whole)));
        }
    }
    if plan.each.now_nanos.is_none() {
        lines.push("cost: no price is known for this model".into());
    }
    lines.extend(end.clone());
    lines.extend(plan.advice.iter().map(ToString::to_string));
    print_lines(out, &mut lines)
}

fn print_lines(out: &mut dyn Write, lines: &mut Vec<String>) -> Result<(), Problem> {
    lines.drain(..).try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))
}

fn short(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    rounded.to_string()
}

/// `7d`, `90 min`, `2h30m`.
pub(super) fn duration(text: &str) -> Result<SignedDuration, Problem> {
    text.parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|error| Problem::new(format!("{text:?} is not a time such as 7d or 12h")).because(error))
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(|| "not a number above zero".into())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "not a number from 0 to 1".into())
}
