//! What an admin API says: limits that are configured, and reports of usage and cost. What to ask, page by page, and how to
//! read a page; nobody is called here.
//!
//! Limits are what the provider would allow, not what is left; and neither API is open to every account: Anthropic's needs an
//! organisation that was set up in the Console, OpenAI's the key of an organisation's owner.

mod anthropic;
mod openai;
mod report;

use serde_json::Value;

use crate::domain::{Dialect, Dimension, ModelId, Period};

pub use report::{ReportPage, admin_costs_path, admin_usage_paths, read_admin_costs, read_admin_usage};

/// One limit of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredLimit {
    /// For which model.
    pub model: ModelId,
    /// Of what.
    pub dimension: Dimension,
    /// Over how long.
    pub period: Period,
    /// How much.
    pub capacity: u64,
}

/// One page of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AdminPage {
    /// Limits of requests that pass through a gateway.
    pub limits: Vec<ConfiguredLimit>,
    /// Limits of anything else (batch queues, files, audio by size), a line each.
    pub others: Vec<String>,
    /// What names the next page, if there is one.
    pub next: Option<String>,
}

/// Why there is nothing to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAdminApi {
    /// Only Anthropic and OpenAI have such an API.
    #[error("this provider has no admin API that Tierline knows; only Anthropic and OpenAI have")]
    Provider,
    /// OpenAI's limits are a project's.
    #[error("OpenAI's limits belong to a project; name it with --project proj_...")]
    Project,
}

/// The path and query of a page of limits, after the base URL.
///
/// # Errors
/// [`NoAdminApi`] says what is missing.
pub fn admin_limits_path(dialect: Dialect, project: Option<&str>, page: Option<&str>) -> Result<String, NoAdminApi> {
    match dialect {
        Dialect::Anthropic => Ok(anthropic::path(page)),
        Dialect::OpenAi => project.map(|project| openai::path(project, page)).ok_or(NoAdminApi::Project),
        _ => Err(NoAdminApi::Provider),
    }
}

/// The path and query of a page of the limits that a workspace has instead of its organisation's, after the base URL; `None`
/// where there are no workspaces. An answer of 404 means that it has none of its own.
#[must_use]
pub fn admin_workspace_path(dialect: Dialect, workspace: &str, page: Option<&str>) -> Option<String> {
    (dialect == Dialect::Anthropic).then(|| anthropic::workspace_path(workspace, page))
}

/// `path`, or its page of this name.
#[must_use]
pub fn admin_page(path: &str, page: Option<&str>) -> String {
    page.map_or_else(|| path.to_owned(), |page| format!("{path}&page={}", escaped(page)))
}

/// Reads a page of limits; `None` if it is no such page.
#[must_use]
pub fn read_admin_limits(dialect: Dialect, body: &[u8]) -> Option<AdminPage> {
    let page: Value = serde_json::from_slice(body).ok()?;
    let rows = page["data"].as_array()?;
    match dialect {
        Dialect::Anthropic => Some(anthropic::read(&page, rows)),
        Dialect::OpenAi => Some(openai::read(&page, rows)),
        _ => None,
    }
}

/// An id or page token as it may stand in a path or query.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(page: &AdminPage) -> Vec<String> {
        let line = |limit: &ConfiguredLimit| {
            let ConfiguredLimit { model, dimension, period, capacity } = limit;
            format!("{model} {} {capacity}", crate::domain::dimension::Meter(*dimension, *period))
        };
        page.limits.iter().map(line).chain(page.others.iter().cloned()).collect()
    }

    #[test]
    fn anthropic_lists_groups_of_models() {
        let body = br#"{"data":[{"type":"rate_limit","group_type":"model_group","models":["claude-opus-4-7","claude-opus-4-8"],"limits":[{"type":"requests_per_minute","value":4000},{"type":"input_tokens_per_minute","value":10000000},{"type":"output_tokens_per_minute","value":800000}]},{"type":"rate_limit","group_type":"batch","models":null,"limits":[{"type":"enqueued_batch_requests","value":500000}]},{"type":"rate_limit","group_type":"token_count","models":null,"limits":[{"type":"requests_per_minute","value":8000},{"type":"requests_per_fortnight","value":"many"}]}],"next_page":"page_2"}"#;
        let page = read_admin_limits(Dialect::Anthropic, body).unwrap();
        assert_eq!(
            lines(&page),
            [
                "claude-opus-4-7 RPM 4000",
                "claude-opus-4-7 ITPM 10000000",
                "claude-opus-4-7 OTPM 800000",
                "claude-opus-4-8 RPM 4000",
                "claude-opus-4-8 ITPM 10000000",
                "claude-opus-4-8 OTPM 800000",
                "batch: enqueued_batch_requests 500000",
                "token_count: requests_per_minute 8000",
            ]
        );
        assert_eq!(admin_limits_path(Dialect::Anthropic, None, page.next.as_deref()).unwrap(), "/v1/organizations/rate_limits?page=page_2");
    }

    #[test]
    fn openai_lists_models_of_a_project() {
        let body = br#"{"object":"list","data":[{"object":"project.rate_limit","id":"rl-ada","model":"ada","max_requests_per_1_minute":600,"max_tokens_per_1_minute":150000,"max_images_per_1_minute":10,"max_audio_megabytes_per_1_minute":0},{"object":"project.rate_limit","id":"rl-b","model":"b","max_requests_per_1_minute":-1,"max_requests_per_1_day":10000,"batch_1_day_max_input_tokens":900000}],"first_id":"rl-ada","last_id":"rl-b","has_more":true}"#;
        let page = read_admin_limits(Dialect::OpenAi, body).unwrap();
        assert_eq!(lines(&page), ["ada RPM 600", "ada TPM 150000", "ada IPM 10", "b RPD 10000", "b: batch_1_day_max_input_tokens 900000"]);
        assert_eq!(
            admin_limits_path(Dialect::OpenAi, Some("proj_1/x"), page.next.as_deref()).unwrap(),
            "/v1/organization/projects/proj_1%2Fx/rate_limits?limit=100&after=rl-b"
        );
    }

    #[test]
    fn what_is_no_page_is_told_apart() {
        for body in [&b""[..], b"{}", b"{\"data\":{}}", b"<html>"] {
            assert_eq!(read_admin_limits(Dialect::Anthropic, body), None);
        }
        let last = read_admin_limits(Dialect::OpenAi, br#"{"data":[7,{"model":"m"}],"has_more":false,"last_id":"rl-m"}"#);
        assert_eq!(last, Some(AdminPage::default()));
        assert_eq!(admin_limits_path(Dialect::OpenAi, None, None), Err(NoAdminApi::Project));
        assert_eq!(admin_limits_path(Dialect::Gemini, None, None), Err(NoAdminApi::Provider));
    }
}
