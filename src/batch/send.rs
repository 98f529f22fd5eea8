//! One row through the gateway.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;

use super::input::Row;
use super::judge::{Answered, Next, broken, judge};
use super::{Route, Way};
use crate::catalog::Catalog;
use crate::domain::{Api, Clock, Dialect, ModelId, Problem};
use crate::provider::UsageReader;
use crate::upstream::{Failure, Timing, Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};

/// How long the gateway may take: longer than the limiter lets anything wait and a provider takes for an answer.
pub const TIMING: Timing = Timing { connect: Duration::from_secs(10), head: Duration::from_hours(1), idle: Duration::from_mins(10) };

/// Sends rows through one gateway.
#[derive(Clone)]
pub(super) struct Sender {
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
    dialect: Dialect,
    base: String,
    headers: HeaderMap,
    /// Counts the gateways that were used one after the other.
    generation: u32,
}

/// How it went.
pub(super) enum Sent {
    Answered(Box<Answered>, Next),
    /// The gateway is not there: the row has certainly not gone out.
    NoGateway,
}

impl Sender {
    pub(super) fn new(upstream: Arc<dyn Upstream>, clock: Arc<dyn Clock>, route: &Route, way: &Way) -> Result<Self, Problem> {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| -> Result<(), Problem> {
            let value = HeaderValue::from_str(value).map_err(|_| Problem::new(format!("the value of {name} cannot stand in a header")))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok(())
        };
        set("x-tierline-priority", "batch")?;
        set("x-tierline-client", &route.client)?;
        set("x-tierline-account", &route.account)?;
        if route.dialect == Dialect::Anthropic {
            set("anthropic-version", "2023-06-01")?;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut token = HeaderValue::from_str(&format!("Bearer {}", way.token.expose()))
            .map_err(|_| Problem::new("the local token cannot stand in a header"))?;
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
        Ok(Self { upstream, clock, dialect: route.dialect, base: format!("{}{}", way.url, route.path), headers, generation: 0 })
    }

    /// The same as the successor of this one.
    pub(super) fn after(self, generation: u32) -> Self {
        Self { generation: generation + 1, ..self }
    }

    pub(super) const fn generation(&self) -> u32 {
        self.generation
    }

    /// Any other request to the provider, which waits this long for room at most.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
        patience: Duration,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let url = format!("{}{path}", self.base).parse().unwrap_or_default();
        let mut headers = self.headers.clone();
        headers
            .insert(HeaderName::from_static("x-tierline-deadline-ms"), HeaderValue::from(u64::try_from(patience.as_millis()).unwrap_or(0)));
        match HeaderValue::from_str(content_type) {
            Ok(kind) if !content_type.is_empty() => headers.insert(CONTENT_TYPE, kind),
            _ => headers.remove(CONTENT_TYPE),
        };
        self.upstream.send(UpstreamRequest { method, url, headers, body, trailers: HeaderMap::new() }).await
    }

    pub(super) async fn send(&self, row: Row) -> Sent {
        let Ok(url) = format!("{}{}", self.base, row.path).parse() else {
            return Sent::Answered(Box::new(Answered::none("its url is not a path")), Next::Done);
        };
        let (headers, trailers) = (self.headers.clone(), HeaderMap::new());
        let request = UpstreamRequest { method: Method::POST, url, headers, body: row.body.into(), trailers };
        match self.upstream.send(request).await {
            Ok(response) => self.read(row.facts.api, row.facts.model.as_ref(), response).await,
            Err(error) if error.failure() == Failure::Connect => Sent::NoGateway,
            Err(error) => Sent::Answered(Box::new(Answered::none(&error.to_string())), broken()),
        }
    }

    async fn read(&self, api: Api, model: Option<&ModelId>, response: UpstreamResponse) -> Sent {
        let UpstreamResponse { status, headers, body, .. } = response;
        let mut answered = Answered::head(status, &headers);
        match body.collect().await {
            Ok(body) => answered.body = body.to_bytes(),
            Err(error) => {
                return Sent::Answered(Box::new(Answered { error: Answered::none(&error.to_string()).error, ..answered }), broken());
            }
        }
        let now = self.clock.now().wall;
        if status.is_success() {
            let mut reader = UsageReader::new(self.dialect, api, &headers);
            reader.push(&answered.body);
            answered.usage = reader.finish(true);
            answered.cost_nanos = Catalog::bundled().cost_nanos(self.dialect, &answered.usage, model, now);
        }
        let next = judge(self.dialect, status, &headers, &mut answered, now);
        Sent::Answered(Box::new(answered), next)
    }
}
