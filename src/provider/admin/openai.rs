//! OpenAI's admin API (official specification, 2026): a project's rate limits, one row a model, and reports of usage and cost.

use jiff::Timestamp;
use serde_json::Value;

use super::report::nanos;
use super::{AdminPage, ConfiguredLimit, escaped};
use crate::domain::{DayCost, DayUsage, Dimension, ModelId, Period};

const METERS: [(&str, Dimension, Period); 4] = [
    ("max_requests_per_1_minute", Dimension::Requests, Period::MINUTE),
    ("max_tokens_per_1_minute", Dimension::Tokens, Period::MINUTE),
    ("max_images_per_1_minute", Dimension::Images, Period::MINUTE),
    ("max_requests_per_1_day", Dimension::Requests, Period::DAY),
];

/// Fields that limit something else than a request's own meters.
const OTHERS: [&str; 2] = ["max_audio_megabytes_per_1_minute", "batch_1_day_max_input_tokens"];

pub(super) fn path(project: &str, page: Option<&str>) -> String {
    let after = page.map(|page| format!("&after={}", escaped(page))).unwrap_or_default();
    format!("/v1/organization/projects/{}/rate_limits?limit=100{after}", escaped(project))
}

/// Usage is reported by kind; these are the kinds that are counted in tokens.
pub(super) fn usage_paths(from: Timestamp, until: Timestamp) -> Vec<String> {
    ["completions", "embeddings", "moderations"]
        .iter()
        .map(|kind| format!("/v1/organization/usage/{kind}?{}&group_by=model&group_by=project_id", days(from, until)))
        .collect()
}

pub(super) fn costs_path(from: Timestamp, until: Timestamp) -> String {
    format!("/v1/organization/costs?{}&group_by=line_item&group_by=project_id", days(from, until))
}

fn days(from: Timestamp, until: Timestamp) -> String {
    format!("start_time={}&end_time={}&bucket_width=1d&limit=31", from.as_second(), until.as_second())
}

/// `input_tokens` includes what was read from a cache and what was written to it.
pub(super) fn usage(day: Timestamp, result: &Value) -> DayUsage {
    let number = |field: &str| result[field].as_u64();
    let (cache_read, cache_write) = (number("input_cached_tokens").unwrap_or(0), number("input_cache_write_tokens").unwrap_or(0));
    let all = number("input_tokens").unwrap_or(0);
    DayUsage {
        day,
        model: result["model"].as_str().map(ModelId::new),
        part: part(result),
        requests: number("num_model_requests"),
        input: number("input_uncached_tokens").unwrap_or_else(|| all.saturating_sub(cache_read).saturating_sub(cache_write)),
        cache_read,
        cache_write,
        output: number("output_tokens").unwrap_or(0),
    }
}

/// The amount is a number of dollars.
pub(super) fn cost(day: Timestamp, result: &Value) -> DayCost {
    const DOLLAR: usize = 9;
    let amount = &result["amount"];
    let dollars = amount["currency"].as_str().is_some_and(|currency| currency.eq_ignore_ascii_case("usd"));
    // nine decimals are written out: a small number would come as 2e-7
    let value = amount["value"].as_f64().filter(|_| dollars).map(|value| format!("{value:.9}"));
    let cost_nanos = value.and_then(|text| nanos(&text, DOLLAR));
    DayCost { day, item: result["line_item"].as_str().unwrap_or_default().to_owned(), part: part(result), cost_nanos }
}

fn part(result: &Value) -> Option<String> {
    result["project_id"].as_str().map(str::to_owned)
}

/// A limit of zero is one that the model does not have, as rows of text models with no images show.
pub(super) fn read(page: &Value, rows: &[Value]) -> AdminPage {
    let more = page["has_more"] == Value::Bool(true);
    let mut found = AdminPage { next: page["last_id"].as_str().filter(|_| more).map(str::to_owned), ..AdminPage::default() };
    for row in rows {
        let Some(model) = row["model"].as_str() else { continue };
        let number = |field: &str| row[field].as_u64().filter(|number| *number > 0);
        found.limits.extend(METERS.iter().filter_map(|(field, dimension, period)| {
            Some(ConfiguredLimit { model: ModelId::new(model), dimension: *dimension, period: *period, capacity: number(field)? })
        }));
        found.others.extend(OTHERS.iter().filter_map(|field| Some(format!("{model}: {field} {}", number(field)?))));
    }
    found
}
