//! What answers say by the way about the end of models: OpenAI's list of models, and Gemini's `modelStatus`.

use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::Value;

use crate::domain::{ModelEnd, ModelId};

/// No list of models is longer.
const MAX_LISTED: usize = 10_000;

/// The models of `GET /v1/models` that have a `shutdown_date` (observed 2026-10: a date, or null; the day begins in UTC).
#[must_use]
pub fn listed_ends(body: &[u8]) -> Vec<ModelEnd> {
    listed(&serde_json::from_slice(body).unwrap_or_default())
}

pub(super) fn listed(list: &Value) -> Vec<ModelEnd> {
    let models = list["data"].as_array().into_iter().flatten().take(MAX_LISTED);
    models
        .filter_map(|model| {
            let date: Date = model["shutdown_date"].as_str()?.parse().ok()?;
            let at = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
            Some(ModelEnd { model: ModelId::new(model["id"].as_str()?), at: Some(at), field: "shutdown_date".into() })
        })
        .collect()
}

/// Gemini's `modelStatus` (python-genai types, 2026-08): `None` for a stage that is not one of an end, without a time of its own.
pub(super) fn of_status(model: &ModelId, stage: &str, retirement_time: &str) -> Option<ModelEnd> {
    let at = retirement_time.parse().ok();
    let field = match stage {
        "LEGACY" | "DEPRECATED" | "RETIRED" => format!("modelStatus {stage}"),
        _ => "modelStatus".to_owned(),
    };
    (at.is_some() || field != "modelStatus").then(|| ModelEnd { model: model.clone(), at, field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_is_told() {
        let list = br#"{"object":"list","data":[{"id":"a","shutdown_date":"2026-10-23"},{"id":"b","shutdown_date":null},{"id":"c"},{"shutdown_date":"2026-10-23"},{"id":"d","shutdown_date":"soon"}]}"#;
        assert_eq!(listed_ends(list).iter().map(ToString::to_string).collect::<Vec<_>>(), ["`a` ends 2026-10-23 (shutdown_date)"]);
        assert!(listed_ends(b"{\"data\":7}").is_empty() && listed_ends(b"<html>").is_empty());

        let gemini = ModelId::new("gemini-2.5-pro");
        for (stage, time, says) in [
            ("STABLE", "", None),
            ("STABLE", "2026-12-01T00:00:00Z", Some("`gemini-2.5-pro` ends 2026-12-01 (modelStatus)")),
            ("DEPRECATED", "", Some("`gemini-2.5-pro` is to end, without a date (modelStatus DEPRECATED)")),
            ("RETIRED", "2026-12-01T00:00:00Z", Some("`gemini-2.5-pro` ends 2026-12-01 (modelStatus RETIRED)")),
            ("", "never", None),
        ] {
            assert_eq!(of_status(&gemini, stage, time).map(|end| end.to_string()).as_deref(), says, "{stage} {time}");
        }
    }
}
