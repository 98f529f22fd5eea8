//! `tierline plan`: whether a load fits, before anything is sent.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::json;

use super::accounts::ProviderArg;
use super::context::Context;
use super::{Common, Done, print_json, table, unwritable};
use crate::batch::input::{Checks, InputFile, Reading, Tally, Template, scan};
use crate::catalog::{Catalog, Usd};
use crate::clock::SystemClock;
use crate::domain::{Clock, Dialect, Dimension, Limit, LimitSource, ModelClass, ModelId, Period, Problem, Provider, Usage, Window};
use crate::planner::{Choice, Counting, Demand, Plan, Prices, plan};
use crate::store::RecordedLoad;

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

/// One model's part of the answer.
struct Planned {
    provider: Provider,
    model: ModelId,
    class: ModelClass,
    plan: Plan,
    /// Tiers of which no limit is known for this class.
    unknown: Vec<String>,
    /// Where the demand came from, for people.
    basis: String,
    /// That the model ends, if it does.
    end: Option<String>,
}

pub(super) fn run(common: &Common, args: &PlanArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let now = SystemClock::new().now().wall;
    let plans = demands(common, args, now)?
        .into_iter()
        .map(|(provider, model, demand, basis)| planned(args, now, provider, model, &demand, basis))
        .collect::<Result<Vec<_>, _>>()?;
    if common.json {
        let rows: Vec<_> = plans
            .iter()
            .map(|p| {
                let Planned { provider, model, class, plan, unknown, basis, end } = p;
                json!({
                    "provider": provider, "model": model, "model_class": class, "basis": basis, "plan": plan,
                    "unknown_tiers": unknown, "end": end,
                })
            })
            .collect();
        return print_json(out, &rows);
    }
    for (index, planned) in plans.iter().enumerate() {
        if index > 0 {
            writeln!(out).map_err(|error| unwritable(&error))?;
        }
        show(planned, args.tier.as_deref(), out)?;
    }
    Ok(Done::Well)
}

type Wanted = (Provider, ModelId, Demand, String);

/// What is to be planned: typed in, from a file, or from what was recorded.
fn demands(common: &Common, args: &PlanArgs, now: Timestamp) -> Result<Vec<Wanted>, Problem> {
    if let Some(time) = &args.from_history {
        let since = now.saturating_sub(duration(time)?).unwrap_or(Timestamp::MIN);
        let loads = Context::open(common)?.reader()?.recorded_load(since)?;
        let wanted: Vec<Wanted> = loads
            .into_iter()
            .filter(|load| args.provider.is_none_or(|provider| Provider::from(provider) == load.provider))
            .filter(|load| args.model.as_ref().is_none_or(|model| load.model.as_str() == model))
            .map(|load| recorded(args, &load))
            .collect();
        if wanted.is_empty() {
            return Err(Problem::new(format!("no answered request was recorded in the last {time}"))
                .hint("send some through the gateway first, or type the numbers in: see `tierline plan --help`"));
        }
        return Ok(wanted);
    }
    let provider =
        args.provider.map(Provider::from).ok_or_else(|| Problem::new("whose API is not said").hint("name it with --provider"))?;
    if let Some(path) = &args.file {
        return file(args, path, provider, now);
    }
    if args.requests_per_min.is_none() && args.rows.is_none() {
        return Err(Problem::new("how many requests there are is not said").hint("give --requests-per-min, or --rows for a batch"));
    }
    let (input, output) = (args.input_tokens.unwrap_or(0), args.output_tokens.unwrap_or(0));
    let model = ModelId::new(args.model.as_deref().unwrap_or_default());
    Ok(vec![(provider, model, demand(args, input, output), "as given".into())])
}

fn demand(args: &PlanArgs, input_tokens: u64, output_tokens: u64) -> Demand {
    Demand {
        requests_per_min: args.requests_per_min,
        rows: args.rows,
        input_tokens,
        output_tokens,
        cached_share: args.cache_share.unwrap_or(0.0),
        latency_secs: args.latency_secs,
    }
}

/// The busiest minute is what has to fit.
fn recorded(args: &PlanArgs, load: &RecordedLoad) -> Wanted {
    #[expect(clippy::cast_precision_loss, reason = "a plan is no ledger")]
    let real = |number: u64| number as f64;
    let RecordedLoad { requests, busiest_minute, input, output, latency_millis, .. } = load;
    let demand = Demand {
        requests_per_min: args.requests_per_min.or(Some(real(*busiest_minute))),
        cached_share: args.cache_share.unwrap_or(load.cached_share),
        latency_secs: args.latency_secs.or(Some(real(latency_millis.mean) / 1_000.0)),
        ..demand(args, input.mean, args.output_tokens.unwrap_or(output.mean))
    };
    let basis = format!(
        "{requests} recorded requests, {busiest_minute} in the busiest minute; input {} at the median, {} at the 95th percentile; \
         output {} and {}; latency {} ms and {} ms; {:.0} % of the input cached",
        input.p50,
        input.p95,
        output.p50,
        output.p95,
        latency_millis.p50,
        latency_millis.p95,
        load.cached_share * 100.0
    );
    (load.provider, load.model.clone(), demand, basis)
}

fn file(args: &PlanArgs, path: &std::path::Path, provider: Provider, now: Timestamp) -> Result<Vec<Wanted>, Problem> {
    let input = InputFile::open(path)?;
    let reading = Reading {
        model: args.model.as_deref().map(ModelId::new),
        template: args.template.as_deref().map(Template::parse).transpose().map_err(Problem::new)?,
        columns: if input.is_csv() { Some(input.columns()?) } else { None },
        ..Reading::plain(Dialect::of(provider, ""))
    };
    let checks = Checks { reading: &reading, catalog: Catalog::bundled(), now, rooms: Vec::new() };
    let mut first_bad = None;
    let scan = scan(&input, &checks, &mut |_| Ok(()), &mut |bad| {
        first_bad.get_or_insert(bad);
    })?;
    if let (0, Some(bad)) = (scan.rows, &first_bad) {
        return Err(Problem::new(format!("no row of {} can be sent", path.display())).because(format!("line {}: {}", bad.line, bad.reason)));
    }
    let wanted = scan.models.iter().map(|(model, tally)| {
        let Tally { rows, text_bytes, max_output, without_max } = *tally;
        let output = match args.output_tokens {
            Some(output) => output,
            None if without_max == 0 => max_output / rows.max(1),
            None => {
                return Err(Problem::new(format!("{without_max} rows of {model} set no maximum for their answers"))
                    .hint("say how long answers are, on average, with --output-tokens"));
            }
        };
        // English has about four bytes a token; what it really is shows with the first answers
        let demand = Demand { rows: Some(rows), ..demand(args, text_bytes / 4 / rows.max(1), output) };
        let left_out = if scan.bad > 0 { format!(", {} rows left out that cannot be sent", scan.bad) } else { String::new() };
        let basis = format!("{rows} rows of {}, input estimated at 4 bytes a token{left_out}", path.display());
        Ok((provider, model.clone(), demand, basis))
    });
    wanted.collect()
}

fn planned(
    args: &PlanArgs,
    now: Timestamp,
    provider: Provider,
    model: ModelId,
    demand: &Demand,
    basis: String,
) -> Result<Planned, Problem> {
    let catalog = Catalog::bundled();
    let dialect = Dialect::of(provider, "");
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let class = catalog.class_of(dialect, &model);
    let Ladder { choices, unknown, current } = match args.given.choice() {
        Some(given) => Ladder { choices: vec![given], unknown: Vec::new(), current: None },
        None => ladder(args, dialect, &class, today)?,
    };
    let prices = prices(catalog, dialect, &model, demand, now);
    let plan = plan(demand, Counting::of(dialect, &model), &choices, current.as_deref(), &prices);
    let end = catalog.retirement(dialect, &model, now).map(|end| {
        let instead = end.replacement().map(|model| format!("; use {model}")).unwrap_or_default();
        format!("{model} {}{instead}", end.when())
    });
    Ok(Planned { provider, model, class, plan, unknown, basis, end })
}

/// A provider's ladder for one class of models.
struct Ladder {
    choices: Vec<Choice>,
    /// Tiers without a known limit.
    unknown: Vec<String>,
    /// Where the user stands.
    current: Option<String>,
}

fn ladder(args: &PlanArgs, dialect: Dialect, class: &ModelClass, today: Date) -> Result<Ladder, Problem> {
    let catalog = Catalog::bundled();
    let tiers = catalog.tiers(dialect, today);
    if let Some(wanted) = &args.tier
        && !tiers.iter().any(|tier| tier.name == *wanted)
    {
        let names: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
        let known = if names.is_empty() { "no tier of this provider is known".into() } else { format!("there are {}", names.join(", ")) };
        return Err(Problem::new(format!("no tier {wanted:?}")).hint(known));
    }
    let current = args.tier.clone().or_else(|| tiers.iter().find(|tier| tier.entry).map(|tier| tier.name.clone()));
    let mut choices: Vec<Choice> = tiers
        .into_iter()
        .map(|tier| Choice { limits: catalog.limits(dialect, class, &tier.name, today), name: tier.name, title: tier.title })
        .collect();
    let unknown = choices.iter().filter(|choice| choice.limits.is_empty()).map(|choice| choice.title.clone()).collect();
    choices.retain(|choice| !choice.limits.is_empty());
    if choices.is_empty() {
        // some providers limit every account alike
        let limits = catalog.default_limits(dialect, class, today);
        if !limits.is_empty() {
            choices.push(Choice { name: "default".into(), title: "every account".into(), limits });
        }
    }
    Ok(Ladder { choices, unknown, current })
}

impl GivenLimits {
    pub(super) fn choice(&self) -> Option<Choice> {
        let limits: Vec<Limit> = [
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
        .collect();
        (!limits.is_empty()).then(|| Choice { name: "given".into(), title: "given limits".into(), limits })
    }
}

fn prices(catalog: &Catalog, dialect: Dialect, model: &ModelId, demand: &Demand, now: Timestamp) -> Prices {
    let Demand { input_tokens, output_tokens, cached_share, .. } = *demand;
    let plain = Usage { input: input_tokens, output: output_tokens, ..Usage::default() };
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of tokens")]
    let cache_read = (input_tokens as f64 * cached_share).round() as u64;
    let cached = Usage { input: input_tokens.saturating_sub(cache_read), cache_read, ..plain.clone() };
    let at = |service, usage: &Usage| {
        catalog.price_at_service(dialect, model, service, now, input_tokens).and_then(|price| price.cost_nanos(usage))
    };
    Prices {
        now_nanos: at(None, &plain),
        batch_api_nanos: at(Some("batch"), &plain),
        cached_nanos: if cached_share > 0.0 { at(None, &cached) } else { None },
    }
}

fn show(planned: &Planned, tier: Option<&str>, out: &mut dyn Write) -> Result<(), Problem> {
    let Planned { provider, model, class, plan, unknown, basis, end } = planned;
    let Demand { requests_per_min, rows, input_tokens, output_tokens, .. } = &plan.demand;
    let mut lines = vec![format!("{} {model} ({class}): {basis}", provider.name())];
    let rate = requests_per_min.map(|rate| format!("{} requests a minute", short(rate)));
    let load: Vec<String> = rate.into_iter().chain(rows.map(|rows| format!("{rows} rows"))).collect();
    lines.push(format!("{}, {input_tokens} input and {output_tokens} output tokens each", load.join(", ")));
    print_lines(out, &mut lines)?;

    let shown: Vec<_> = plan.fits.iter().filter(|fit| tier.is_none_or(|tier| fit.name == tier || plan.fits.len() == 1)).collect();
    let mut cells = Vec::new();
    for fit in &shown {
        for check in &fit.limits {
            cells.push(vec![
                fit.title.clone(),
                check.meter.clone(),
                check.need.map_or_else(|| format!("{} each", short(check.each)), short),
                check.limit.to_string(),
                check.headroom_percent.map_or_else(String::new, |percent| format!("{percent:.0} %")),
                if check.fits { "fits" } else { "does not fit" }.to_owned(),
                if fit.binding.as_deref() == Some(&check.meter) { "binding" } else { "" }.to_owned(),
                check.source.clone(),
            ]);
        }
    }
    if cells.is_empty() {
        lines.push("no limit is known here; give yours with --rpm, --itpm, --otpm, --tpm or --rpd".into());
    } else {
        table::print(out, &["tier", "meter", "need", "limit", "headroom", "", "", "source"], &cells)?;
    }
    if !unknown.is_empty() {
        lines.push(format!("not published for {}", unknown.join(", ")));
    }
    for fit in &shown {
        if let Some(most) = fit.most_requests_per_min.filter(|most| most.is_finite()) {
            let workers = fit.workers_at_most.map(|workers| format!(", {} in flight", short(workers.ceil()))).unwrap_or_default();
            lines.push(format!("{}: at most {} requests a minute{workers}", fit.title, short(most)));
        }
        if let Some(time) = &fit.batch {
            lines.push(format!("{}: the batch takes at least {}, about {}", fit.title, long(time.least_secs), long(time.expected_secs)));
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

/// `$0.0105`, `$12.30`.
pub(super) fn dollars(nanos: u64) -> String {
    // below a dollar to a millionth, above it to a cent
    let grain = if nanos < 1_000_000_000 { 1_000 } else { 10_000_000 };
    format!("${}", Usd::from_nanos((nanos + grain / 2) / grain * grain))
}

fn short(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    rounded.to_string()
}

/// Seconds for people.
pub(super) fn long(secs: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let secs = secs.round() as u64;
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", (secs + 30) / 60),
        7_200..172_800 => format!("{} h {} min", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{} days {} h", secs / 86_400, secs % 86_400 / 3_600),
    }
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
