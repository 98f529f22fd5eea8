//! OpenAI's `GET /v1/organization/projects/{id}/rate_limits` (official specification, 2026): one row a model.

use serde_json::Value;

use super::{AdminPage, ConfiguredLimit, escaped};
use crate::domain::{Dimension, ModelId, Period};

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
