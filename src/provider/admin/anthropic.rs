//! Anthropic's admin API (official reference, 2026-09): rate limits, where every model is in exactly one group, the lower
//! ones that a workspace has instead, and reports of usage and cost.

use jiff::Timestamp;
use serde_json::Value;

use super::report::nanos;
use super::{AdminPage, ConfiguredLimit, escaped};
use crate::domain::{DayCost, DayUsage, Dimension, ModelId, Period};

pub(super) fn path(page: Option<&str>) -> String {
    format!("/v1/organizations/rate_limits{}", query(page))
}

/// Only what the workspace has of its own. The default workspace can have nothing of its own: it is answered with 404.
pub(super) fn workspace_path(workspace: &str, page: Option<&str>) -> String {
    format!("/v1/organizations/workspaces/{}/rate_limits{}", escaped(workspace), query(page))
}

fn query(page: Option<&str>) -> String {
    page.map(|page| format!("?page={}", escaped(page))).unwrap_or_default()
}

pub(super) fn usage_path(from: Timestamp, until: Timestamp) -> String {
    format!("/v1/organizations/usage_report/messages?{}&group_by%5B%5D=model&group_by%5B%5D=workspace_id", days(from, until))
}

pub(super) fn costs_path(from: Timestamp, until: Timestamp) -> String {
    format!("/v1/organizations/cost_report?{}&group_by%5B%5D=description&group_by%5B%5D=workspace_id", days(from, until))
}

fn days(from: Timestamp, until: Timestamp) -> String {
    let [from, until] = [from, until].map(|at| escaped(&at.to_string()));
    format!("starting_at={from}&ending_at={until}&bucket_width=1d&limit=31")
}

pub(super) fn usage(day: Timestamp, result: &Value) -> DayUsage {
    let number = |field: &str| result[field].as_u64().unwrap_or(0);
    let written = |life: &str| result["cache_creation"][life].as_u64().unwrap_or(0);
    DayUsage {
        day,
        model: result["model"].as_str().map(ModelId::new),
        part: part(result),
        requests: None,
        input: number("uncached_input_tokens"),
        cache_read: number("cache_read_input_tokens"),
        cache_write: written("ephemeral_5m_input_tokens").saturating_add(written("ephemeral_1h_input_tokens")),
        output: number("output_tokens"),
    }
}

/// The amount is a decimal text in cents.
pub(super) fn cost(day: Timestamp, result: &Value) -> DayCost {
    const CENT: usize = 7;
    let dollars = result["currency"].as_str().is_some_and(|currency| currency.eq_ignore_ascii_case("usd"));
    let item = result["description"].as_str().or_else(|| result["cost_type"].as_str()).unwrap_or_default();
    let cost_nanos = result["amount"].as_str().filter(|_| dollars).and_then(|amount| nanos(amount, CENT));
    DayCost { day, item: item.to_owned(), part: part(result), cost_nanos }
}

fn part(result: &Value) -> Option<String> {
    result["workspace_id"].as_str().map(str::to_owned)
}

pub(super) fn read(page: &Value, groups: &[Value]) -> AdminPage {
    let mut found = AdminPage { next: page["next_page"].as_str().map(str::to_owned), ..AdminPage::default() };
    for group in groups {
        let models: Vec<&str> = group["models"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let limits: Vec<(&str, u64)> = group["limits"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|limit| Some((limit["type"].as_str()?, limit["value"].as_u64()?)))
            .collect();
        for model in &models {
            let of_model = limits.iter().filter_map(|(kind, capacity)| {
                Some(ConfiguredLimit {
                    model: ModelId::new(model),
                    dimension: dimension(kind)?,
                    period: Period::MINUTE,
                    capacity: *capacity,
                })
            });
            found.limits.extend(of_model);
        }
        let is_other = |kind: &str| models.is_empty() || dimension(kind).is_none();
        let name = group["group_type"].as_str().unwrap_or("unnamed group");
        found.others.extend(limits.iter().filter(|(kind, _)| is_other(kind)).map(|(kind, value)| format!("{name}: {kind} {value}")));
    }
    found
}

fn dimension(kind: &str) -> Option<Dimension> {
    Some(match kind {
        "requests_per_minute" => Dimension::Requests,
        "input_tokens_per_minute" => Dimension::InputTokens,
        "output_tokens_per_minute" => Dimension::OutputTokens,
        _ => return None,
    })
}
