//! Asks a provider for an account's limits with the cheapest request that tells about them.
//!
//! What to ask and how to read the answer is the adapter's business; here it is sent, once, and never redirected. What is free
//! is asked first, and what costs is held to a daily budget.

mod admin;
mod budget;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::catalog::Catalog;
use crate::domain::command::ProbeReport;
use crate::domain::{Account, Clock, ModelEnd, ModelId, Problem, Secret, Snapshot, Tick, Usage, VerdictKind};
use crate::provider::{self, ProbePlan};
use crate::upstream::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};

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
#[derive(Clone)]
pub struct Prober(Arc<dyn Upstream>);

impl Prober {
    /// How long a provider may take to answer.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// More of an answer is not looked at.
    const BODY_BYTES: usize = 1024 * 1024;

    /// One that sends as the gateway does: to the account's address and nowhere else.
    #[must_use]
    pub fn new(upstream: Arc<dyn Upstream>) -> Self {
        Self(upstream)
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
        let no_answer = || Problem::new(format!("{} does not answer", account.base_url));
        let unreachable = |error: UpstreamError| no_answer().because(error.reason()).hint(error.hint());
        let url: http::Uri = format!("{}{}", account.base_url.as_str(), plan.path)
            .parse()
            .map_err(|error| Problem::new("the account's base URL and the probe's path make no URL together").because(error))?;
        let mut headers = plan.headers.clone();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tierline/", env!("CARGO_PKG_VERSION"))));
        provider::authorize(account.dialect(), url.path(), &mut headers, key);
        let (method, body) = (plan.method.clone(), plan.body.clone());
        let asked = async {
            let request = UpstreamRequest { method, url, headers, body, trailers: HeaderMap::new() };
            let UpstreamResponse { status, headers, mut body, .. } = self.0.send(request).await?;
            let mut start = BytesMut::new();
            while let Some(frame) = body.frame().await.transpose()? {
                start.extend(frame.into_data());
                if start.len() > Self::BODY_BYTES {
                    start.truncate(Self::BODY_BYTES);
                    break;
                }
            }
            Ok(Answer { status, headers, body: start.freeze(), at: clock.now().wall })
        };
        match timeout(Self::PATIENCE, asked).await {
            Ok(answer) => answer.map_err(unreachable),
            Err(_) => Err(no_answer().because(format!("nothing came within {} s", Self::PATIENCE.as_secs())).hint("try again later")),
        }
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
