//! What an admin API reports as used and as costing, by UTC day: what to ask, page by page, and how to read a page.
//!
//! The reports are the organisation's, whoever's key was used; each row says of which project or workspace it is. They lag
//! behind by minutes (Anthropic: normally within 5), and should not be asked for more than once a minute.

use jiff::Timestamp;
use serde_json::Value;

use super::{NoAdminApi, anthropic, openai};
use crate::domain::{DayCost, DayUsage, Dialect};

/// One page of a report.
#[derive(Debug, PartialEq, Eq)]
pub struct ReportPage<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// What names the next page, if there is one.
    pub next: Option<String>,
}

/// The paths and queries of the first pages of a usage report, after the base URL.
///
/// # Errors
/// The provider has no such API.
pub fn admin_usage_paths(dialect: Dialect, from: Timestamp, until: Timestamp) -> Result<Vec<String>, NoAdminApi> {
    match dialect {
        Dialect::Anthropic => Ok(vec![anthropic::usage_path(from, until)]),
        Dialect::OpenAi => Ok(openai::usage_paths(from, until)),
        _ => Err(NoAdminApi::Provider),
    }
}

/// The path and query of the first page of a cost report, after the base URL.
///
/// # Errors
/// The provider has no such API.
pub fn admin_costs_path(dialect: Dialect, from: Timestamp, until: Timestamp) -> Result<String, NoAdminApi> {
    match dialect {
        Dialect::Anthropic => Ok(anthropic::costs_path(from, until)),
        Dialect::OpenAi => Ok(openai::costs_path(from, until)),
        _ => Err(NoAdminApi::Provider),
    }
}

/// Reads a page of a usage report; `None` if it is no such page.
#[must_use]
pub fn read_admin_usage(dialect: Dialect, body: &[u8]) -> Option<ReportPage<DayUsage>> {
    let one = match dialect {
        Dialect::Anthropic => anthropic::usage,
        Dialect::OpenAi => openai::usage,
        _ => return None,
    };
    read(body, day_of(dialect)?, one)
}

/// Reads a page of a cost report; `None` if it is no such page.
#[must_use]
pub fn read_admin_costs(dialect: Dialect, body: &[u8]) -> Option<ReportPage<DayCost>> {
    let one = match dialect {
        Dialect::Anthropic => anthropic::cost,
        Dialect::OpenAi => openai::cost,
        _ => return None,
    };
    read(body, day_of(dialect)?, one)
}

fn day_of(dialect: Dialect) -> Option<fn(&Value) -> Option<Timestamp>> {
    match dialect {
        Dialect::Anthropic => Some(|bucket| bucket["starting_at"].as_str()?.parse().ok()),
        Dialect::OpenAi => Some(|bucket| Timestamp::from_second(bucket["start_time"].as_i64()?).ok()),
        _ => None,
    }
}

/// Both providers answer with buckets of results, under these names.
fn read<T>(body: &[u8], day: fn(&Value) -> Option<Timestamp>, one: fn(Timestamp, &Value) -> T) -> Option<ReportPage<T>> {
    let page: Value = serde_json::from_slice(body).ok()?;
    let buckets = page["data"].as_array()?;
    let mut rows = Vec::new();
    for bucket in buckets {
        // a bucket without a day belongs to no page that this can read
        let at = day(bucket)?;
        rows.extend(bucket["results"].as_array().into_iter().flatten().map(|result| one(at, result)));
    }
    let more = page["has_more"] != Value::Bool(false);
    Some(ReportPage { rows, next: page["next_page"].as_str().filter(|_| more).map(str::to_owned) })
}

/// Nano-dollars of a decimal amount, one unit of which is `10^unit` of them: digits beyond a nano-dollar are cut.
/// `None` for anything negative or that is no such number.
pub(super) fn nanos(amount: &str, unit: usize) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let kept = fraction.get(..unit.min(fraction.len()))?;
    format!("{whole}{kept:0<unit$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ModelId;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_to_the_nano_dollar() {
        for (amount, unit, expect) in [
            // cents
            ("123.78912", 7, Some(1_237_891_200)),
            ("0", 7, Some(0)),
            ("0.123456789", 7, Some(1_234_567)),
            // dollars
            ("0.06", 9, Some(60_000_000)),
            ("12", 9, Some(12_000_000_000)),
            ("-1.5", 9, None),
            ("", 9, None),
            (".5", 9, None),
            ("1e-7", 9, None),
            ("99999999999999999999", 9, None),
        ] {
            assert_eq!(nanos(amount, unit), expect, "{amount} {unit}");
        }
    }

    /// The documented samples of both providers.
    #[test]
    fn usage_is_read_by_day_model_and_part() {
        let anthropic = br#"{"data":[{"starting_at":"2025-08-01T00:00:00Z","ending_at":"2025-08-02T00:00:00Z","results":[{"api_key_id":"apikey_01Rj2N8SVvo6BePZj99NhmiT","workspace_id":"wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ","model":"claude-opus-4-6","context_window":"0-200k","service_tier":"standard","inference_geo":"global","uncached_input_tokens":1500,"cache_read_input_tokens":200,"cache_creation":{"ephemeral_5m_input_tokens":500,"ephemeral_1h_input_tokens":1000},"output_tokens":500,"server_tool_use":{"web_search_requests":10}}]},{"starting_at":"2025-08-02T00:00:00Z","results":[]}],"has_more":true,"next_page":"page_2"}"#;
        let row = DayUsage {
            day: at("2025-08-01T00:00:00Z"),
            model: Some(ModelId::new("claude-opus-4-6")),
            part: Some("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ".into()),
            requests: None,
            input: 1500,
            cache_read: 200,
            cache_write: 1500,
            output: 500,
        };
        let page = ReportPage { rows: vec![row], next: Some("page_2".into()) };
        assert_eq!(read_admin_usage(Dialect::Anthropic, anthropic), Some(page));

        let openai = br#"{"object":"page","data":[{"object":"bucket","start_time":1730419200,"end_time":1730505600,"results":[{"object":"organization.usage.completions.result","input_tokens":1000,"input_cached_tokens":400,"input_cache_write_tokens":100,"input_uncached_tokens":500,"output_tokens":500,"num_model_requests":5,"project_id":null,"user_id":null,"api_key_id":null,"model":"gpt-6-luna","batch":null,"service_tier":null},{"input_tokens":70,"input_cached_tokens":30,"num_model_requests":1,"model":null}]}],"has_more":false,"next_page":"page_2"}"#;
        let page = read_admin_usage(Dialect::OpenAi, openai).unwrap();
        let counts: Vec<_> = page.rows.iter().map(|row| (row.requests, row.input, row.cache_read, row.cache_write, row.output)).collect();
        assert_eq!(counts, [(Some(5), 500, 400, 100, 500), (Some(1), 40, 30, 0, 0)]);
        assert_eq!((page.rows[0].day, &page.rows[1].model, page.next), (at("2024-11-01T00:00:00Z"), &None, None));
    }

    #[test]
    fn costs_are_cents_here_and_dollars_there() {
        let anthropic = br#"{"data":[{"starting_at":"2025-08-01T00:00:00Z","ending_at":"2025-08-02T00:00:00Z","results":[{"amount":"123.78912","currency":"USD","cost_type":"tokens","token_type":"uncached_input_tokens","model":"claude-opus-4-6","description":"Claude Opus 4.6 Usage - Input Tokens","workspace_id":"wrkspc_1"},{"amount":"5","currency":"EUR","cost_type":"web_search"}]}],"has_more":false,"next_page":null}"#;
        let rows = read_admin_costs(Dialect::Anthropic, anthropic).unwrap().rows;
        let lines: Vec<_> = rows.iter().map(|row| (row.item.as_str(), row.part.as_deref(), row.cost_nanos)).collect();
        assert_eq!(lines, [("Claude Opus 4.6 Usage - Input Tokens", Some("wrkspc_1"), Some(1_237_891_200)), ("web_search", None, None)]);

        let openai = br#"{"object":"page","data":[{"object":"bucket","start_time":1730419200,"end_time":1730505600,"results":[{"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":null,"project_id":"proj_1"},{"amount":{"value":-0.5,"currency":"usd"},"line_item":"credit"},{"amount":{"value":2e-7,"currency":"usd"},"line_item":"gpt-6-luna, input"}]}],"has_more":false,"next_page":null}"#;
        let rows = read_admin_costs(Dialect::OpenAi, openai).unwrap().rows;
        let lines: Vec<_> = rows.iter().map(|row| (row.item.as_str(), row.part.as_deref(), row.cost_nanos)).collect();
        assert_eq!(lines, [("", Some("proj_1"), Some(60_000_000)), ("credit", None, None), ("gpt-6-luna, input", None, Some(200))]);
    }

    #[test]
    fn a_report_is_asked_for_by_whole_days() {
        let (from, until) = (at("2026-11-18T00:00:00Z"), at("2026-11-25T00:00:00Z"));
        assert_eq!(
            admin_usage_paths(Dialect::Anthropic, from, until).unwrap(),
            [
                "/v1/organizations/usage_report/messages?starting_at=2026-11-18T00%3A00%3A00Z&ending_at=2026-11-25T00%3A00%3A00Z&bucket_width=1d&limit=31&group_by%5B%5D=model&group_by%5B%5D=workspace_id"
            ]
        );
        assert_eq!(
            admin_costs_path(Dialect::OpenAi, from, until).unwrap(),
            "/v1/organization/costs?start_time=1794960000&end_time=1795564800&bucket_width=1d&limit=31&group_by=line_item&group_by=project_id"
        );
        let paths = admin_usage_paths(Dialect::OpenAi, from, until).unwrap();
        assert!(paths[0].starts_with("/v1/organization/usage/completions?start_time=1794960000&"), "{paths:?}");
        assert_eq!(admin_usage_paths(Dialect::DeepSeek, from, until), Err(NoAdminApi::Provider));
        assert_eq!(admin_costs_path(Dialect::Gemini, from, until), Err(NoAdminApi::Provider));
    }

    #[test]
    fn what_is_no_report_is_told_apart() {
        for body in [&b""[..], b"{}", b"{\"data\":[{\"results\":[]}]}", b"{\"data\":{}}", b"<html>"] {
            for dialect in [Dialect::Anthropic, Dialect::OpenAi, Dialect::Gemini] {
                assert_eq!(read_admin_usage(dialect, body), None);
                assert_eq!(read_admin_costs(dialect, body), None);
            }
        }
    }
}
