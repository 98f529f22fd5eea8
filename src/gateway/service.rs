//! What happens to one request on a connection: the door, our own pages, or the way to a provider.

use std::sync::Arc;

use http::header::{CONNECTION, EXPECT};
use http::request::Parts as Head;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::call::{Call, Outgoing};
use super::forward::{self, Job};
use super::guard::Guard;
use super::headers::is_oddly_framed;
use super::late::{self, Listener, Stage};
use super::parts::{Parts, Patience};
use super::request_body::{self, BadBody, Budget, Whole};
use super::respond::{AnswerBody, front_page, local, metrics, text};
use super::routes::Routes;
use super::socket::{Pipe, Socket};
use super::target::Target;
use super::trail::Trail;
use super::ways::Ways;
use crate::domain::event::Arrival;
use crate::domain::{Api, LocalRefusal, ModelClass, RequestFacts};
use crate::limiter::Ask;
use crate::provider::{LocalAnswer, bad_request, local_refusal, presented};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What all connections share.
pub(super) struct Front {
    pub(super) parts: Arc<Parts>,
    pub(super) guard: Guard,
    pub(super) budget: Arc<Budget>,
    pub(super) draining: watch::Receiver<bool>,
}

impl Front {
    /// Answers one request. A WebSocket goes into `pipe`.
    pub(super) async fn serve(&self, request: Request<Incoming>, pipe: &Pipe) -> Response<AnswerBody> {
        let (mut head, mut body) = request.into_parts();
        if let Err((status, why)) = self.guard.check(head.version, &head.uri, &head.headers) {
            return text(status, why);
        }
        if is_oddly_framed(&head.headers) {
            let mut response = text(StatusCode::BAD_REQUEST, "the only transfer-encoding understood is chunked");
            response.headers_mut().insert(CONNECTION, CLOSE);
            return response;
        }
        let target = match Target::of(&head.uri) {
            Target::Provider(target) => target,
            Target::Front => return front_page(),
            Target::Health => return text(StatusCode::OK, "ok\n"),
            Target::Metrics => return self.metrics(&head),
            Target::Climbing => return text(StatusCode::BAD_REQUEST, "a path may not contain the segments . or .."),
            Target::Unknown => return text(StatusCode::NOT_FOUND, "no such route; see / for the routes there are"),
        };
        let asks_first = head.headers.contains_key(EXPECT);
        let routes = self.parts.routes.borrow().clone();
        let socket = Socket::asked(&mut head, pipe);
        let answer = match Call::let_in(&routes, target, head, socket.is_some()) {
            Ok(call) => self.forward(call, &routes, &mut body, socket).await,
            Err(answer) => Err(answer),
        };
        match answer {
            Ok(response) => response,
            Err(answer) => {
                // a client that is still sending would see a broken connection instead of the answer
                if !asks_first && !answer.headers.contains_key(CONNECTION) {
                    request_body::discard(body, self.parts.patience.body).await;
                }
                local(answer)
            }
        }
    }

    /// Shows the figures to whoever has a local token. It must be in a header: a URL ends up in logs and histories.
    fn metrics(&self, head: &Head) -> Response<AnswerBody> {
        if !self.parts.routes.borrow().knows_token(&presented(&head.headers, None)) {
            return text(
                StatusCode::UNAUTHORIZED,
                "a local token is needed: authorization: Bearer tl-..., from `tierline token new --client NAME`",
            );
        }
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "the figures can only be read, with GET");
        }
        metrics((self.parts.metrics)())
    }

    /// Takes in the body and sees the request through; an error if it never arrived.
    async fn forward(
        &self,
        mut call: Call,
        routes: &Routes,
        body: &mut Incoming,
        socket: Option<Socket>,
    ) -> Result<Response<AnswerBody>, LocalAnswer> {
        let Whole { bytes, trailers, share } = request_body::read(body, &self.budget, &self.parts.patience).await.map_err(|bad| {
            let answer = bad_request(call.endpoint.dialect, call.api(), bad.message());
            let mut answer = LocalAnswer { status: bad.status(), ..answer };
            if bad == BadBody::TooSlow {
                answer.headers.insert(CONNECTION, CLOSE);
            }
            answer
        })?;
        call.with_trailers(trailers);
        let ways = Ways::open(&mut call, routes, &bytes, &self.parts);
        let (provider, endpoint, client) = (call.provider, call.endpoint.clone(), call.client.clone());
        let wishes = call.wishes.clone();
        let (dialect, account) = (endpoint.dialect, &endpoint.account);
        let now = self.parts.clock.now();
        let Outgoing { request, facts, asked, alias } = call.with_body(bytes, now.wall)?;
        let refuse = |refusal| local_refusal(dialect, facts.api, &refusal);
        let slot = self.parts.sink.slot().await.ok_or_else(|| refuse(LocalRefusal::shutting_down()))?;

        let id = self.parts.take_id();
        let class = match &facts.model {
            Some(model) => (self.parts.class_of)(provider, model),
            None if facts.api == Api::Batches => ModelClass::batches(),
            None => ModelClass::any(),
        };
        let arrival = Arrival {
            id,
            at: now.wall,
            account: account.id,
            account_label: account.label.clone(),
            provider,
            client: client.clone(),
            lane: wishes.lane,
            api: facts.api,
            model: asked,
            class: class.clone(),
        };
        let trail = Trail::begin(self.parts.clone(), slot, dialect, arrival, now.tick, request.body.len() as u64).aliased(alias.as_deref());
        let hears = socket.is_none()
            && !wishes.no_comments
            && self.parts.patience.comment != Patience::NEVER
            && hears_comments(&facts, request.url.query());
        let comments = hears.then(|| {
            let mut marks = HeaderMap::new();
            trail.mark(&mut marks);
            (Listener { dialect, api: facts.api, comment: self.parts.patience.comment }, marks)
        });
        let (lane, patience, elsewhere) = (wishes.lane, wishes.patience(hears), ways.is_some());
        let ask = Ask { id, account: account.id, class, client, lane, facts: Arc::new(facts), patience, elsewhere };
        let stage = Arc::new(Stage::default());
        let (parts, draining) = (self.parts.clone(), self.draining.clone());
        let run = forward::run(Job { parts, dialect, ask, request, ways, share, trail, stage: stage.clone(), draining, socket });
        Ok(match comments {
            None => run.await,
            Some((listener, marks)) => late::or_comments(Box::pin(run), stage, listener, marks).await,
        })
    }
}

/// Whether the client reads server-sent events. Gemini streams a JSON array instead, unless it is asked for events.
fn hears_comments(facts: &RequestFacts, query: Option<&str>) -> bool {
    facts.stream && (facts.api != Api::GenerateContent || query.is_some_and(|q| q.split('&').any(|pair| pair == "alt=sse")))
}
