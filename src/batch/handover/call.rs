//! One request to the batch API through the gateway, and how much is certain afterwards.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;

use super::super::judge::{Answered, Next, judge};
use super::super::run::reopen;
use super::super::send::Sender;
use super::super::{Gateways, Route, Way};
use super::api::Errand;
use crate::domain::{Clock, Problem};
use crate::upstream::{Failure, Upstream, UpstreamResponse};

/// The way to the batch API.
pub(super) struct Line {
    sender: Sender,
    /// What stands before `/v1` in paths is in the account's base URL already.
    base_has_version: bool,
    route: Route,
    gateways: Arc<dyn Gateways>,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
}

/// What is certain after a call.
pub(super) enum Called {
    /// The provider took it; its answer, not yet read.
    Took(UpstreamResponse),
    /// It did not, and this is why.
    Refused(Refusal),
    /// It may have, or not.
    Unsure(String),
}

/// Why a call was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    /// `None`: it never reached the provider.
    pub(super) status: Option<StatusCode>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) next: Next,
    pub(super) reason: String,
}

/// How long a look may wait for room, the gateway's own retries included.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same for what changes something: a queue that is full stays so for longer than anybody should hold a large body.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);
/// An error's body is not longer.
const MOST_ERROR: usize = 1 << 20;

impl Line {
    pub(super) async fn open(
        route: Route,
        base_has_version: bool,
        gateways: Arc<dyn Gateways>,
        upstream: Arc<dyn Upstream>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Problem> {
        let way = gateways.open().await?;
        let sender = Sender::new(Arc::clone(&upstream), Arc::clone(&clock), &route, &way)?;
        Ok(Self { sender, base_has_version, route, gateways, upstream, clock })
    }

    /// Calls; a gateway that has gone is replaced first, because then nothing has left.
    pub(super) async fn call(&mut self, errand: &Errand) -> Result<Called, Problem> {
        let path = errand.path.strip_prefix("/v1").filter(|rest| self.base_has_version && rest.starts_with('/')).unwrap_or(&errand.path);
        let patience = if errand.method == Method::GET { PATIENCE } else { SHORT_PATIENCE };
        loop {
            let sent = self.sender.call(errand.method.clone(), path, &errand.content_type, errand.body.clone(), patience).await;
            match sent {
                Ok(response) => return Ok(self.judged(response).await),
                Err(error) if error.failure() == Failure::Connect => {
                    let way: Way = reopen(self.gateways.as_ref()).await?;
                    self.sender = Sender::new(Arc::clone(&self.upstream), Arc::clone(&self.clock), &self.route, &way)?;
                }
                Err(error) => return Ok(Called::Unsure(error.to_string())),
            }
        }
    }

    async fn judged(&self, response: UpstreamResponse) -> Called {
        if response.status.is_success() {
            return Called::Took(response);
        }
        let UpstreamResponse { status, headers, body, .. } = response;
        let by_gateway = headers.get("x-tierline-refused-by").is_some_and(|by| by == "gateway");
        let body =
            http_body_util::Limited::new(body, MOST_ERROR).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let mut answered = Answered { body: body.clone(), ..Answered::head(status, &headers) };
        let next = judge(self.route.dialect, status, &headers, &mut answered, self.now());
        let reason = answered.error.as_ref().and_then(|error| error.get("reason")?.as_str()).unwrap_or("no reason was given").to_owned();
        // behind a server error there may be a batch all the same
        if status.is_server_error() && !matches!(status.as_u16(), 503 | 529) {
            return Called::Unsure(reason);
        }
        Called::Refused(Refusal { status: (!by_gateway).then_some(status), headers, body, next, reason })
    }

    fn now(&self) -> Timestamp {
        self.clock.now().wall
    }
}

/// An answer's body, if it is JSON of a reasonable size.
pub(super) async fn json(response: UpstreamResponse, most: usize) -> Result<(Bytes, serde_json::Value), String> {
    let body = http_body_util::Limited::new(response.body, most).collect().await.map_err(|error| error.to_string())?.to_bytes();
    let value = serde_json::from_slice(&body).map_err(|error| format!("the answer is not JSON: {error}"))?;
    Ok((body, value))
}
