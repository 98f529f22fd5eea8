//! One request from its admission to the head of its answer, over as many attempts as the limiter allows.

use std::sync::Arc;

use http::Response;
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::admission::{Hold, Wait};
use super::headers::{strip_answer, want_identity};
use super::late::Stage;
use super::parts::Parts;
use super::replay::Replay;
use super::request_body::Share;
use super::respond::{AnswerBody, bare, local};
use super::socket::{self, Socket};
use super::tap::{self, Tap};
use super::trail::{Trail, is_refusal};
use super::ways::{Dead, Way, Ways};
use crate::domain::{Dialect, LocalRefusal, Now, Outcome, Usage, VerdictKind};
use crate::limiter::Ask;
use crate::provider::{LocalAnswer, bad_gateway, local_refusal, snapshot, verdict};
use crate::upstream::{UpstreamError, UpstreamRequest, UpstreamResponse};

/// A request that was understood and let in.
pub(super) struct Job {
    pub(super) parts: Arc<Parts>,
    pub(super) dialect: Dialect,
    pub(super) ask: Ask,
    pub(super) request: UpstreamRequest,
    /// Where else it may go, if there is more than one way.
    pub(super) ways: Option<Box<Ways>>,
    /// The request body's part of the memory budget.
    pub(super) share: Share,
    pub(super) trail: Trail,
    pub(super) stage: Arc<Stage>,
    /// Turns true when the gateway stops.
    pub(super) draining: watch::Receiver<bool>,
    /// A WebSocket, if the client asks for one.
    pub(super) socket: Option<Socket>,
}

/// What became of an attempt that was answered.
enum Judged {
    Again(Box<dyn Hold>),
    Passes(UpstreamResponse, Option<Box<dyn Hold>>, Outcome),
    /// A refusal to which nothing more can be done here.
    Refused(UpstreamResponse, VerdictKind, Outcome),
}

/// How a request fared on one of its ways.
enum Fared {
    Answered(Response<AnswerBody>),
    /// Nothing has reached the client: `End` is what it gets if there is no other way.
    Dead(Box<Job>, Dead, End),
}

/// What ends a request that no way led through.
enum End {
    Refuse(LocalRefusal),
    Fail(UpstreamError),
    Pass(UpstreamResponse, Outcome),
}

/// Sees a request through.
pub(super) async fn run(mut job: Job) -> Response<AnswerBody> {
    loop {
        match one_way(job).await {
            Fared::Answered(response) => return response,
            Fared::Dead(dead, why, end) => {
                job = *dead;
                if !job.take_another_way(why) {
                    return job.end_with(end);
                }
            }
        }
    }
}

/// Sees a request through with the account that it has now.
async fn one_way(mut job: Job) -> Fared {
    let admit = job.parts.admission.admit(job.ask.clone());
    let mut hold = match job.unless_draining(admit).await {
        Some(Ok(hold)) => hold,
        Some(Err(refusal)) => return Fared::Dead(Box::new(job), Dead::Refused(refusal.reason), End::Refuse(refusal)),
        None => return Fared::Answered(job.refuse(&LocalRefusal::shutting_down())),
    };
    loop {
        job.stage.send();
        if job.stage.is_committed() {
            want_identity(&mut job.request.headers);
        }
        job.trail.sent(hold.as_ref());
        match job.parts.upstream.send(job.request.clone()).await {
            Ok(response) => match job.judge(hold, response).await {
                Judged::Again(again) => hold = again,
                Judged::Passes(response, hold, if_whole) => return Fared::Answered(job.pass(response, hold, if_whole)),
                Judged::Refused(response, kind, outcome) => {
                    return Fared::Dead(Box::new(job), Dead::Answered(kind), End::Pass(response, outcome));
                }
            },
            Err(error) => {
                let safe = error.safe_to_retry(&job.request.method);
                let again = hold.failed(safe, error.reason());
                match job.unless_draining(again).await.flatten() {
                    Some(again) => hold = again,
                    None if safe => return Fared::Dead(Box::new(job), Dead::Unreachable, End::Fail(error)),
                    None => return Fared::Answered(job.fail(&error)),
                }
            }
        }
    }
}

impl Job {
    /// Waits in the queue, or gives up when the gateway stops.
    async fn unless_draining<T>(&mut self, wait: Wait<T>) -> Option<T> {
        self.stage.queue();
        tokio::select! {
            biased;
            done = wait => Some(done),
            _ = self.draining.wait_for(|draining| *draining) => None,
        }
    }

    async fn judge(&mut self, mut hold: Box<dyn Hold>, response: UpstreamResponse) -> Judged {
        let UpstreamResponse { status, headers, body, upgrade } = response;
        let Now { tick, wall: at } = self.parts.clock.now();
        let said = snapshot(self.dialect, status, &headers, at);
        hold.observe(&said);
        self.trail.answered(said, tick);
        if !status.is_client_error() && !status.is_server_error() {
            return Judged::Passes(UpstreamResponse { status, headers, body, upgrade }, Some(hold), Outcome::Ok);
        }
        let (start, body) = Replay::peek(body).await;
        let verdict = verdict(self.dialect, status, &headers, &start, at);
        let response = UpstreamResponse { status, headers, body: body.boxed_unsync(), upgrade: None };
        let Some(verdict) = verdict else { return Judged::Passes(response, Some(hold), Outcome::Error) };
        self.trail.judged(status.as_u16(), &verdict, Some(hold.as_ref()));
        let outcome = if is_refusal(status.as_u16(), verdict.kind) { Outcome::Refused } else { Outcome::Error };
        let kind = verdict.kind;
        match self.unless_draining(hold.refused(verdict)).await.flatten() {
            Some(again) => Judged::Again(again),
            None => Judged::Refused(response, kind, outcome),
        }
    }

    /// Turns to another account, if one may do better.
    fn take_another_way(&mut self, dead: Dead) -> bool {
        let Some(ways) = &mut self.ways else { return false };
        let Some(Way { endpoint, class, outgoing, refuge, patience }) = ways.next(dead, self.ask.patience, &self.parts) else {
            return false;
        };
        self.dialect = endpoint.dialect;
        let (id, client, lane) = (self.ask.id, self.ask.client.clone(), self.ask.lane);
        self.trail.rerouted(&endpoint, &class, outgoing.alias.as_deref());
        if let Some(model) = refuge {
            self.trail.sheltered(model);
        }
        self.request = outgoing.request;
        let (account, facts, elsewhere) = (endpoint.account.id, Arc::new(outgoing.facts), ways.is_left());
        self.ask = Ask { id, account, class, client, lane, facts, patience, elsewhere };
        true
    }

    fn end_with(self, end: End) -> Response<AnswerBody> {
        match end {
            End::Refuse(refusal) => self.refuse(&refusal),
            End::Fail(error) => self.fail(&error),
            End::Pass(response, outcome) => self.pass(response, None, outcome),
        }
    }

    fn pass(mut self, response: UpstreamResponse, hold: Option<Box<dyn Hold>>, if_whole: Outcome) -> Response<AnswerBody> {
        let UpstreamResponse { status, mut headers, body, upgrade } = response;
        strip_answer(&mut headers);
        self.trail.mark(&mut headers);
        self.trail.shown(status.as_u16());
        if let (Some(socket), Some(upgrade)) = (self.socket, upgrade) {
            socket::mark(&mut headers);
            socket.open(upgrade, self.trail, hold, self.parts.clock.clone());
            let mut response = bare(status);
            *response.headers_mut() = headers;
            return response;
        }
        let answer = tap::Answer { dialect: self.dialect, api: self.ask.facts.api, status, headers: &headers, if_whole };
        let tap = Tap::new(&answer, body, self.trail, hold, self.parts.clock.clone());
        let mut response = Response::new(tap.boxed_unsync());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        drop(self.share);
        response
    }

    fn refuse(mut self, refusal: &LocalRefusal) -> Response<AnswerBody> {
        self.trail.turned_away(refusal);
        let answer = local_refusal(self.dialect, self.ask.facts.api, refusal);
        self.end(answer, Outcome::RefusedLocally)
    }

    fn fail(self, error: &UpstreamError) -> Response<AnswerBody> {
        let answer = bad_gateway(self.dialect, self.ask.facts.api, &error.to_string());
        self.end(answer, Outcome::UpstreamFailed)
    }

    fn end(mut self, answer: LocalAnswer, outcome: Outcome) -> Response<AnswerBody> {
        let (status, bytes) = (answer.status.as_u16(), answer.body.len() as u64);
        let mut response = local(answer);
        self.trail.mark(response.headers_mut());
        self.trail.shown(status);
        self.trail.finish(outcome, Usage::default(), bytes);
        response
    }
}
