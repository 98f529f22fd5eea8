//! Asks a provider for an account's limits with the cheapest request that tells about them.
//!
//! What to ask and how to read the answer is the adapter's business; here it is sent, once, and never redirected.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::command::ProbeReport;
use crate::domain::{Account, Clock, ModelId, Problem, Secret, Snapshot, Tick};
use crate::provider;

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
    const BODY_BYTES: usize = 256 * 1024;

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

    /// Asks for the limits of `account` now.
    ///
    /// # Errors
    /// The provider cannot be reached. An answer that is an error is no error here: it is what was learned.
    pub async fn probe(&self, account: &Account, key: &Secret, model: Option<&str>, clock: &Arc<dyn Clock>) -> Result<Probed, Problem> {
        let dialect = account.dialect();
        let plan = provider::probe_plan(dialect, model);
        let url = format!("{}{}", account.base_url.as_str(), plan.path);
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned())).unwrap_or_default();
        let mut headers = plan.headers.clone();
        provider::authorize(dialect, &path, &mut headers, key);
        let sent_at = clock.now().tick;
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
        let at = clock.now().wall;
        let (learned, unknown) = provider::read_probe(dialect, &plan, status, &headers, &body, at);
        let asked = provider::request_facts(dialect, &plan.method, &plan.path, &plan.headers, &plan.body);
        let report = ProbeReport {
            account: account.label.clone(),
            at,
            request: format!("{} {} ({})", plan.method, plan.path, plan.cost_note),
            status: status.as_u16(),
            cost_nanos: if plan.free { Some(0) } else { plan.expected_cost_nanos },
            learned,
            unknown,
        };
        Ok(Probed { report, snapshot: provider::snapshot(dialect, status, &headers, at), model: asked.model, sent_at })
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
