//! Reads configured limits and reports with an admin key, which is used for this and kept nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;

use super::Prober;
use crate::catalog::Catalog;
use crate::domain::{Account, AdminReport, BaseUrl, Clock, Dialect, Dimension, ModelClass, Period, Problem, Secret};
use crate::provider::{self, AdminPage, ConfiguredLimit};

/// How to get at an admin API.
#[derive(Clone, Copy)]
pub struct AdminAccess<'a> {
    /// For whom it is asked.
    pub account: &'a Account,
    /// Where the API is, if not at the account's own address.
    pub base_url: Option<&'a BaseUrl>,
    /// The admin key.
    pub key: &'a Secret,
    /// Tells the time.
    pub clock: &'a Arc<dyn Clock>,
}

/// What the admin API said about limits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// Limits by class; the lowest, where models of one class have different ones.
    pub limits: BTreeMap<(ModelClass, Dimension, Period), u64>,
    /// What the workspace that was asked about has instead.
    pub overrides: BTreeMap<(ModelClass, Dimension, Period), u64>,
    /// Limits of batch queues, files and the like, a line each.
    pub others: Vec<String>,
    /// The organisation that the key belongs to, if the answers said.
    pub organization: Option<String>,
}

impl Prober {
    /// More pages than any organisation has.
    const PAGES: usize = 50;

    /// Asks for the limits that are configured: of an OpenAI project, of an Anthropic organisation and, if it is named, of a
    /// workspace in it.
    ///
    /// # Errors
    /// The provider has no such API, cannot be reached, refuses, or answers something else.
    pub async fn configured_limits(
        &self,
        access: AdminAccess<'_>,
        project: Option<&str>,
        workspace: Option<&str>,
    ) -> Result<Configured, Problem> {
        let dialect = access.account.dialect();
        provider::admin_limits_path(dialect, project, None).map_err(unasked)?;
        let mut found = Configured::default();
        let path = |page: Option<&str>| provider::admin_limits_path(dialect, project, page).unwrap_or_default();
        let mut take = |page: AdminPage| {
            lowest(dialect, &mut found.limits, page.limits);
            found.others.extend(page.others);
            page.next
        };
        found.organization =
            self.pages(access, path, "a list of limits", |body| provider::read_admin_limits(dialect, body).map(&mut take)).await?;
        if let Some(workspace) = workspace {
            self.overrides(access, workspace, &mut found).await?;
        }
        Ok(found)
    }

    async fn overrides(&self, access: AdminAccess<'_>, workspace: &str, found: &mut Configured) -> Result<(), Problem> {
        let dialect = access.account.dialect();
        if provider::admin_workspace_path(dialect, workspace, None).is_none() {
            return Err(Problem::new("this provider has no workspaces").hint("leave --workspace out"));
        }
        let path = |page: Option<&str>| provider::admin_workspace_path(dialect, workspace, page).unwrap_or_default();
        let mut take = |page: AdminPage| {
            lowest(dialect, &mut found.overrides, page.limits);
            found.others.extend(page.others.into_iter().map(|other| format!("{other} ({workspace})")));
            page.next
        };
        self.pages(access, path, "a list of limits", |body| provider::read_admin_limits(dialect, body).map(&mut take)).await?;
        Ok(())
    }

    /// Asks for the reports of the days from `from` to `until`, and of which organisation they are, if the answers said.
    ///
    /// # Errors
    /// The provider has no such API, cannot be reached, refuses, or answers something else.
    pub async fn reported(
        &self,
        access: AdminAccess<'_>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(AdminReport, Option<String>), Problem> {
        let dialect = access.account.dialect();
        let mut found = AdminReport::default();
        let mut organization = None;
        for first in provider::admin_usage_paths(dialect, from, until).map_err(unasked)? {
            let path = |page: Option<&str>| provider::admin_page(&first, page);
            let read = |body: &[u8]| {
                let page = provider::read_admin_usage(dialect, body)?;
                found.usage.extend(page.rows);
                Some(page.next)
            };
            organization = self.pages(access, path, "a usage report", read).await?.or(organization);
        }
        let first = provider::admin_costs_path(dialect, from, until).map_err(unasked)?;
        let read = |body: &[u8]| {
            let page = provider::read_admin_costs(dialect, body)?;
            found.costs.extend(page.rows);
            Some(page.next)
        };
        self.pages(access, |page| provider::admin_page(&first, page), "a cost report", read).await?;
        Ok((found, organization))
    }

    /// Reads page after page: `read` takes one in and names the next. What organisation the answers said they are of.
    async fn pages(
        &self,
        access: AdminAccess<'_>,
        path: impl Fn(Option<&str>) -> String,
        what: &str,
        mut read: impl FnMut(&[u8]) -> Option<Option<String>>,
    ) -> Result<Option<String>, Problem> {
        let AdminAccess { account, base_url, key, clock } = access;
        let dialect = account.dialect();
        let at = Account { base_url: base_url.unwrap_or(&account.base_url).clone(), ..account.clone() };
        let mut organization = None;
        let mut page: Option<String> = None;
        for _ in 0..Self::PAGES {
            let plan = provider::admin_plan(dialect, path(page.as_deref()));
            let answer = self.send(&at, key, &plan, clock).await?;
            let identity = provider::snapshot(dialect, answer.status, &answer.headers, answer.at).identity;
            organization = organization.or(identity.organization);
            if answer.status == StatusCode::NOT_FOUND && plan.path.contains("/workspaces/") {
                // the default workspace has no limits of its own
                break;
            }
            if let Some(refusal) = provider::verdict(dialect, answer.status, &answer.headers, &answer.body, answer.at) {
                return Err(Problem::new(format!("the admin API answered {}", answer.status.as_u16()))
                    .because(refusal.reason)
                    .hint("use an admin key, not an ordinary one; individual accounts have none"));
            }
            let next = read(&answer.body).ok_or_else(|| Problem::new(format!("{} did not answer with {what}", at.base_url)))?;
            // a page that names itself as the next would never end
            if next.is_none() || next == page {
                break;
            }
            page = next;
        }
        Ok(organization)
    }
}

/// Of models that share a class, the lowest limit holds.
fn lowest(dialect: Dialect, limits: &mut BTreeMap<(ModelClass, Dimension, Period), u64>, more: Vec<ConfiguredLimit>) {
    for ConfiguredLimit { model, dimension, period, capacity } in more {
        let class = Catalog::bundled().class_of(dialect, &model);
        let lowest = limits.entry((class, dimension, period)).or_insert(capacity);
        *lowest = capacity.min(*lowest);
    }
}

fn unasked(why: provider::NoAdminApi) -> Problem {
    Problem::new(why.to_string())
}
