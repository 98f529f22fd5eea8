//! Asks a provider for an account's limits with the cheapest request that tells about them.
//!
//! What to ask and how to read the answer is the adapter's business; here it is sent, once, and never redirected. What is free
//! is asked first, and what costs is held to a daily budget.

mod admin;
mod budget;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::domain::command::ProbeReport;
use crate::domain::{Account, Clock, ModelEnd, ModelId, Problem, Secret, Snapshot, Tick, Usage, VerdictKind};
use crate::provider::{self, ProbePlan};

pub use self::admin::{AdminAccess, Configured};
pub use self::budget::Budget;

/// What a probe brought.
#[derive(Debug)]
pub struct Probed {
    /// For people.
    pub report: ProbeReport,
    /// For the limiter and the history.
    pub snapshot: Snapshot,
    /// The model that was asked about, if the request named one.
    pub model: Option<ModelId>,
    /// When the request left.
    pub sent_at: Tick,
    /// Models whose end the provider tells.
    pub ends: Vec<ModelEnd>,
}

/// An answer, whatever it says.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    at: Timestamp,
}

/// Sends probes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prober {
    client: reqwest::Client,
}

impl Prober {
    /// How long a provider may take to answer.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// More of an answer is not looked at.
    const BODY_BYTES: usize = 1024 * 1024;

    /// A client that follows no redirect, so that a key goes only where the account says.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new() -> Result<Self, Problem> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Self::PATIENCE)
            .user_agent(concat!("tierline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Problem::new("no HTTPS client could be made").because(error))?;
        Ok(Self { client })
    }

    /// Asks for the limits of `account` now: with the free check that its provider has, then with what tells the limits. What
    /// that costs is in `cost_nanos`, and is to be taken out of the budget before.
    ///
    /// # Errors
    /// The provider cannot be reached. An answer that is an error is no error here: it is what was learned.
    pub async fn probe(&self, account: &Account, key: &Secret, model: Option<&str>, clock: &Arc<dyn Clock>) -> Result<Probed, Problem> {
        let dialect = account.dialect();
        let plans = provider::probe_check(dialect).into_iter().chain([provider::probe_plan(dialect, model)]);
        self.ask(account, key, plans.collect(), clock).await
    }

    /// Asks only whether the key works. It costs nothing.
    ///
    /// # Errors
    /// The provider cannot be reached.
    pub async fn test(&self, account: &Account, key: &Secret, clock: &Arc<dyn Clock>) -> Result<Probed, Problem> {
        let dialect = account.dialect();
        // where there is no check before the probe, the probe itself is free
        let plan = provider::probe_check(dialect).unwrap_or_else(|| provider::probe_plan(dialect, None));
        self.ask(account, key, vec![plan], clock).await
    }

    async fn ask(&self, account: &Account, key: &Secret, plans: Vec<ProbePlan>, clock: &Arc<dyn Clock>) -> Result<Probed, Problem> {
        let dialect = account.dialect();
        let sent_at = clock.now().tick;
        let mut report = ProbeReport {
            account: account.label.clone(),
            at: clock.now().wall,
            request: String::new(),
            status: 0,
            cost_nanos: Some(0),
            learned: Vec::new(),
            unknown: Vec::new(),
        };
        let mut requests = Vec::new();
        let mut probed = Probed { report: report.clone(), snapshot: Snapshot::empty(report.at, 0), model: None, sent_at, ends: Vec::new() };
        for plan in plans {
            let Answer { status, headers, body, at } = self.send(account, key, &plan, clock).await?;
            let (learned, unknown) = provider::read_probe(dialect, &plan, status, &headers, &body, at);
            requests.push(format!("{} {} ({})", plan.method, plan.path, plan.cost_note));
            (report.at, report.status) = (at, status.as_u16());
            report.cost_nanos = report.cost_nanos.zip(cost_nanos(account, &plan, at)).map(|(before, more)| before + more);
            report.learned.extend(learned);
            report.unknown = unknown;
            probed.ends.extend(provider::listed_ends(&body));
            probed.snapshot = provider::snapshot(dialect, status, &headers, at);
            probed.model = provider::request_facts(dialect, &plan.method, &plan.path, &plan.headers, &plan.body).model;
            let verdict = provider::verdict(dialect, status, &headers, &body, at);
            if verdict.is_some_and(|verdict| verdict.kind == VerdictKind::Key) {
                // a key that may not even list models is not worth a request that costs
                break;
            }
        }
        report.request = requests.join(", then ");
        Ok(Probed { report, ..probed })
    }

    async fn send(&self, account: &Account, key: &Secret, plan: &ProbePlan, clock: &Arc<dyn Clock>) -> Result<Answer, Problem> {
        let url = format!("{}{}", account.base_url.as_str(), plan.path);
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned())).unwrap_or_default();
        let mut headers = plan.headers.clone();
        provider::authorize(account.dialect(), &path, &mut headers, key);
        let unreachable = |error: reqwest::Error| {
            Problem::new(format!("{} does not answer", account.base_url))
                .because(innermost(&error.without_url()))
                .hint("check the network and the account's base URL")
        };
        let answer =
            self.client.request(plan.method.clone(), &url).headers(headers).body(plan.body.clone()).send().await.map_err(unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = answer.bytes().await.map_err(unreachable)?;
        body.truncate(Self::BODY_BYTES);
        Ok(Answer { status, headers, body, at: clock.now().wall })
    }
}

/// What a probe will cost in nano-dollars: by its plan, else by the catalogue; `None` if neither knows.
#[must_use]
pub fn cost_nanos(account: &Account, plan: &ProbePlan, at: Timestamp) -> Option<u64> {
    plan.expected_cost_nanos.or_else(|| {
        let model = provider::request_facts(account.dialect(), &plan.method, &plan.path, &plan.headers, &plan.body).model?;
        // the plan that costs sends one character and asks for one token
        let usage = Usage { input: 10, output: 1, ..Usage::default() };
        Catalog::bundled().cost_nanos(account.provider, &usage, Some(&model), at)
    })
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
