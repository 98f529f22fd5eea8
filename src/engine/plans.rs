//! Plans with the catalogue's tiers and prices, for loads that were recorded, stand in a file, or are typed in.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::batch::input::{Checks, InputFile, Reading, scan};
use crate::catalog::Catalog;
use crate::domain::command::Progress;
use crate::domain::plan::{Demand, Load, PlanQuery, PlanView, Prices};
use crate::domain::{Dialect, ModelClass, ModelId, Problem, Provider, Usage};
use crate::planner::{self, Choice, Counting};
use crate::store::{Reader, RecordedLoad};

/// Holds a load against the tiers of its provider, or against the limits that are given.
///
/// # Errors
/// There is no tier of the name that was given.
pub fn plan(query: &PlanQuery, now: Timestamp) -> Result<PlanView, Problem> {
    let PlanQuery { provider, model, demand, tier, given, tiers_too } = query;
    let catalog = Catalog::bundled();
    let dialect = Dialect::of(*provider, "");
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let class = catalog.class_of(dialect, model);
    let mut ladder = if given.is_empty() || *tiers_too { ladder(dialect, &class, tier.as_deref(), today)? } else { Ladder::default() };
    if !given.is_empty() {
        ladder.choices.insert(0, Choice { name: GIVEN.into(), title: "given limits".into(), limits: given.clone() });
        ladder.current = None; // the first choice is where the user stands
    }
    let Ladder { choices, unknown, current } = ladder;
    let prices = prices(catalog, dialect, model, demand, now);
    let plan = planner::plan(demand, Counting::of(dialect, model), &choices, current.as_deref(), &prices);
    let end = catalog.retirement(dialect, model, now).map(|end| {
        let instead = end.replacement().map(|model| format!("; use {model}")).unwrap_or_default();
        format!("{model} {}{instead}", end.when())
    });
    Ok(PlanView {
        provider: *provider,
        model: model.clone(),
        evidence: choices.iter().map(|choice| evidence(catalog, dialect, &class, choice, today)).collect(),
        price_evidence: catalog.price(dialect, model, now, demand.input_tokens).map(|price| price.about.to_string()),
        class,
        plan,
        unknown,
        current,
        end,
    })
}

/// The name of the choice that the user gave.
pub const GIVEN: &str = "given";
/// The name of the only choice where a provider limits every account alike.
const EVERYBODY: &str = "default";

/// What was answered since then, a load for each model, the most used first. The busiest minute is what has to fit.
pub fn recorded_loads(reader: &Reader, since: Timestamp) -> Result<Vec<Load>, Problem> {
    Ok(reader.recorded_load(since)?.into_iter().map(recorded).collect())
}

/// What stands in a batch's input file, a load for each model.
///
/// # Errors
/// The file cannot be read, no row of it can be sent, or it was stopped.
pub fn file_loads(
    input: &InputFile,
    provider: Provider,
    reading: &Reading,
    progress: &Progress,
    now: Timestamp,
) -> Result<Vec<Load>, Problem> {
    let checks = Checks { reading, catalog: Catalog::bundled(), now, rooms: Vec::new() };
    let mut first_bad = None;
    let going_on = &mut |planned: crate::batch::input::Planned| {
        if progress.advance(planned.row + 1) { Ok(()) } else { Err(Problem::new("stopped")) }
    };
    let scan = scan(input, &checks, going_on, &mut |bad| {
        first_bad.get_or_insert(bad);
    })?;
    let path = input.path().display();
    if let (0, Some(bad)) = (scan.rows, &first_bad) {
        return Err(Problem::new(format!("no row of {path} can be sent")).because(format!("line {}: {}", bad.line, bad.reason)));
    }
    let left_out = if scan.bad > 0 { format!(", {} rows left out that cannot be sent", scan.bad) } else { String::new() };
    let load = |(model, tally): (&ModelId, &crate::batch::input::Tally)| Load {
        provider,
        model: model.clone(),
        demand: Demand {
            rows: Some(tally.rows),
            input_tokens: tally.mean_input(),
            output_tokens: tally.max_output / (tally.rows - tally.without_max).max(1),
            ..Demand::default()
        },
        basis: format!("{} rows of {path}, input estimated at 4 bytes a token{left_out}", tally.rows),
        open_ended: tally.without_max,
    };
    Ok(scan.models.iter().map(load).collect())
}

fn recorded(load: RecordedLoad) -> Load {
    #[expect(clippy::cast_precision_loss, reason = "a plan is no ledger")]
    let real = |number: u64| number as f64;
    let RecordedLoad { provider, model, requests, busiest_minute, input, output, cached_share, latency_millis } = load;
    let basis = format!(
        "{requests} recorded requests, {busiest_minute} in the busiest minute; input {} at the median, {} at the 95th percentile; \
         output {} and {}; latency {} ms and {} ms; {:.0} % of the input cached",
        input.p50,
        input.p95,
        output.p50,
        output.p95,
        latency_millis.p50,
        latency_millis.p95,
        cached_share * 100.0
    );
    let demand = Demand {
        requests_per_min: Some(real(busiest_minute)),
        rows: None,
        input_tokens: input.mean,
        output_tokens: output.mean,
        cached_share,
        latency_secs: Some(real(latency_millis.mean) / 1_000.0),
    };
    Load { provider, model, demand, basis, open_ended: 0 }
}

/// A provider's ladder for one class of models.
#[derive(Default)]
struct Ladder {
    choices: Vec<Choice>,
    /// Tiers without a known limit.
    unknown: Vec<String>,
    /// Where the user stands.
    current: Option<String>,
}

fn ladder(dialect: Dialect, class: &ModelClass, wanted: Option<&str>, today: Date) -> Result<Ladder, Problem> {
    let catalog = Catalog::bundled();
    let tiers = catalog.tiers(dialect, today);
    let current = match wanted {
        None => tiers.iter().find(|tier| tier.entry),
        Some(wanted) => {
            let found = tiers.iter().find(|tier| tier.is_called(wanted));
            Some(found.ok_or_else(|| {
                let names: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
                let known =
                    if names.is_empty() { "no tier of this provider is known".into() } else { format!("there are {}", names.join(", ")) };
                Problem::new(format!("no tier {wanted:?}")).hint(known)
            })?)
        }
    };
    let current = current.map(|tier| tier.name.clone());
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
            choices.push(Choice { name: EVERYBODY.into(), title: "every account".into(), limits });
        }
    }
    Ok(Ladder { choices, unknown, current })
}

fn evidence(catalog: &Catalog, dialect: Dialect, class: &ModelClass, choice: &Choice, today: Date) -> String {
    if choice.name == GIVEN {
        return "given by you".into();
    }
    let tier = Some(choice.name.as_str()).filter(|name| *name != EVERYBODY);
    limit_rows(catalog, dialect, class, tier, today)
}

/// The rows of the catalogue that limits come from, a line each.
pub(super) fn limit_rows(catalog: &Catalog, dialect: Dialect, class: &ModelClass, tier: Option<&str>, today: Date) -> String {
    let mut rows: Vec<String> = catalog.limits_evidence(dialect, class, tier, today).into_iter().map(ToString::to_string).collect();
    rows.dedup();
    rows.join("\n")
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
