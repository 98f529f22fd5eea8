//! Reads configured limits with an admin key, which is used for this and kept nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Prober;
use crate::catalog::Catalog;
use crate::domain::{Account, BaseUrl, Clock, Dimension, ModelClass, Period, Problem, Secret};
use crate::provider;

/// What the admin API said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// Limits by class; the lowest, where models of one class have different ones.
    pub limits: BTreeMap<(ModelClass, Dimension, Period), u64>,
    /// Limits of batch queues, files and the like, a line each.
    pub others: Vec<String>,
}

impl Prober {
    /// More pages than any organisation has.
    const PAGES: usize = 50;

    /// Asks for the limits that are configured for `account`, at `base_url` instead of its own if that is given.
    ///
    /// # Errors
    /// The provider has no such API, cannot be reached, refuses, or answers something else.
    pub async fn configured_limits(
        &self,
        account: &Account,
        base_url: Option<BaseUrl>,
        admin_key: &Secret,
        project: Option<&str>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Configured, Problem> {
        let dialect = account.dialect();
        let at = Account { base_url: base_url.unwrap_or_else(|| account.base_url.clone()), ..account.clone() };
        let mut found = Configured::default();
        let mut next = None;
        for _ in 0..Self::PAGES {
            let path = provider::admin_limits_path(dialect, project, next.as_deref()).map_err(|why| Problem::new(why.to_string()))?;
            let plan = provider::admin_plan(dialect, path);
            let answer = self.send(&at, admin_key, &plan, clock).await?;
            if let Some(refusal) = provider::verdict(dialect, answer.status, &answer.headers, &answer.body, answer.at) {
                return Err(Problem::new(format!("the admin API answered {}", answer.status.as_u16()))
                    .because(refusal.reason)
                    .hint("use an admin key, not an ordinary one; individual accounts have none"));
            }
            let page = provider::read_admin_limits(dialect, &answer.body)
                .ok_or_else(|| Problem::new(format!("{} did not answer with a list of limits", at.base_url)))?;
            for limit in page.limits {
                let class = Catalog::bundled().class_of(dialect, &limit.model);
                let lowest = found.limits.entry((class, limit.dimension, limit.period)).or_insert(limit.capacity);
                *lowest = limit.capacity.min(*lowest);
            }
            found.others.extend(page.others);
            // a page that names itself as the next would never end
            if page.next.is_none() || page.next == next {
                break;
            }
            next = page.next;
        }
        Ok(found)
    }
}
