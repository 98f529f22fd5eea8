//! One request from its head to the moment it is understood: who asks, for which account, what, and with which body.

use std::sync::Arc;

use http::header::CONNECTION;
use http::request::Parts as Head;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::forward::{self, Job, shutting_down};
use super::guard::Guard;
use super::headers::{is_oddly_framed, strip_request};
use super::late::{self, Listener, Stage};
use super::parts::Parts;
use super::request_body::{self, Budget, Share, Whole};
use super::respond::{AnswerBody, front_page, local, text};
use super::routes::{Turned, Visitor};
use super::target::{ProviderTarget, Target};
use super::trail::Trail;
use super::wishes::Wishes;
use crate::domain::event::Arrival;
use crate::domain::{Api, Dialect, LocalReason, LocalRefusal, ModelClass, RequestFacts};
use crate::limiter::Ask;
use crate::provider::{
    LocalAnswer, authorize, bad_request, forbidden, local_refusal, not_found, presented, request_facts, unauthorized, without_credentials,
};
use crate::upstream::UpstreamRequest;

/// What all connections share.
pub(super) struct Front {
    pub(super) parts: Arc<Parts>,
    pub(super) guard: Guard,
    pub(super) budget: Arc<Budget>,
    pub(super) draining: watch::Receiver<bool>,
}

impl Front {
    /// Answers one request.
    pub(super) async fn serve(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        if let Err((status, why)) = self.guard.check(&head.uri, &head.headers) {
            return text(status, why);
        }
        if is_oddly_framed(&head.headers) {
            let mut response = text(StatusCode::BAD_REQUEST, "the only transfer-encoding understood is chunked");
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
        match Target::of(&head.uri) {
            Target::Front => front_page(),
            Target::Health => text(StatusCode::OK, "ok\n"),
            Target::Provider(target) => self.forward(target, head, body).await.unwrap_or_else(local),
            Target::Climbing => text(StatusCode::BAD_REQUEST, "a path may not contain the segments . or .."),
            Target::Unknown => text(StatusCode::NOT_FOUND, "no such route; see / for the routes there are"),
        }
    }

    async fn forward(&self, target: ProviderTarget, head: Head, body: Incoming) -> Result<Response<AnswerBody>, LocalAnswer> {
        let ProviderTarget { provider, label, path, query } = target;
        let routes = self.parts.routes.borrow().clone();
        let (headers, query_left) = without_credentials(&head.headers, query.as_deref());
        let path_and_query = query_left.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        let turn_away = |dialect: Dialect, answer: fn(Dialect, Api, &str) -> LocalAnswer, why: &str| {
            let api = request_facts(dialect, &head.method, &path_and_query, &headers, b"").api;
            answer(dialect, api, why)
        };
        let wishes = Wishes::read(&headers);
        let wanted = label.as_deref().or(wishes.as_ref().ok().and_then(|w| w.account.as_deref()));
        let known = routes.identify(provider, wanted, &presented(&head.headers, query.as_deref()));
        let Visitor { endpoint, client } = known.map_err(|turned| {
            let answer = match turned {
                Turned::NoCredential | Turned::WrongCredential => unauthorized,
                Turned::NoAccount(_) => not_found,
                Turned::NotThatAccount(_) => forbidden,
            };
            turn_away(routes.dialect(provider, label.as_deref()), answer, &turned.to_string())
        })?;
        let dialect = endpoint.dialect;
        let wishes = wishes.map_err(|why| turn_away(dialect, bad_request, &why))?;
        let Whole { bytes, share } = request_body::read(body, &self.budget, self.parts.patience.body).await.map_err(|bad| {
            let answer = turn_away(dialect, bad_request, bad.message());
            LocalAnswer { status: bad.status(), ..answer }
        })?;
        let facts = request_facts(dialect, &head.method, &path_and_query, &headers, &bytes);
        let refuse = |refusal: &LocalRefusal| local_refusal(dialect, facts.api, refusal);
        let Some(key) = &endpoint.key else { return Err(refuse(&key_missing(&endpoint.account.label))) };
        let url = join(endpoint.account.base_url.as_str(), &path_and_query)
            .ok_or_else(|| bad_request(dialect, facts.api, "the path and the account's base URL do not make a URL together"))?;
        let mut headers = headers;
        strip_request(&mut headers);
        authorize(dialect, &path_and_query, &mut headers, key);
        let request = UpstreamRequest { method: head.method, url, headers, body: bytes };

        let Some(slot) = self.parts.sink.slot().await else { return Err(refuse(&shutting_down())) };
        let class = facts.model.as_ref().map_or_else(ModelClass::any, |model| (self.parts.class_of)(provider, model));
        let arrival = Arrival {
            id: self.parts.take_id(),
            at: self.parts.clock.now().wall,
            account: endpoint.account.id,
            account_label: endpoint.account.label.clone(),
            provider,
            client: wishes.client.unwrap_or(client),
            lane: wishes.lane,
            api: facts.api,
            model: facts.model.clone(),
            class,
        };
        let facts = Arc::new(facts);
        let ask = Ask {
            id: arrival.id,
            account: arrival.account,
            class: arrival.class.clone(),
            client: arrival.client.clone(),
            lane: arrival.lane,
            facts: facts.clone(),
            patience: wishes.patience,
        };
        let trail = Trail::begin(self.parts.clone(), slot, &endpoint, arrival, request.body.len() as u64);
        Ok(self.answer(dialect, &facts, ask, request, share, trail).await)
    }

    async fn answer(
        &self,
        dialect: Dialect,
        facts: &RequestFacts,
        ask: Ask,
        request: UpstreamRequest,
        share: Share,
        trail: Trail,
    ) -> Response<AnswerBody> {
        let stage = Arc::new(Stage::default());
        let listens = hears_comments(facts, request.url.query());
        let mut marks = HeaderMap::new();
        if listens {
            trail.mark(&mut marks);
        }
        let (parts, draining) = (self.parts.clone(), self.draining.clone());
        let run = forward::run(Job { parts, dialect, ask, request, share, trail, stage: stage.clone(), draining });
        if !listens {
            return run.await;
        }
        let listener = Listener { dialect, api: facts.api, comment: self.parts.patience.comment };
        late::or_comments(Box::pin(run), stage, listener, marks).await
    }
}

/// Whether the client reads server-sent events. Gemini streams a JSON array instead, unless it is asked for events.
fn hears_comments(facts: &RequestFacts, query: Option<&str>) -> bool {
    facts.stream && (facts.api != Api::GenerateContent || query.is_some_and(|q| q.split('&').any(|pair| pair == "alt=sse")))
}

/// The account's base URL and the provider's path, joined as text so that no byte of either changes.
fn join(base: &str, path_and_query: &str) -> Option<Uri> {
    format!("{base}{path_and_query}").parse().ok()
}

fn key_missing(label: &str) -> LocalRefusal {
    LocalRefusal {
        reason: LocalReason::AccountStopped,
        bucket: None,
        retry_after: None,
        ready_at: None,
        message: format!(
            "the key of account {label:?} could not be read; unlock the keyring, or set the variable it is kept in, and start again"
        ),
    }
}
