//! Anthropic's `GET /v1/organizations/rate_limits` (official reference, 2026-09). Every model is in exactly one group.

use serde_json::Value;

use super::{AdminPage, ConfiguredLimit, escaped};
use crate::domain::{Dimension, ModelId, Period};

pub(super) fn path(page: Option<&str>) -> String {
    let query = page.map(|page| format!("?page={}", escaped(page))).unwrap_or_default();
    format!("/v1/organizations/rate_limits{query}")
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
