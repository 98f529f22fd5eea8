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
use super::respond::{AnswerBody, local};
use super::tap::{self, Tap};
use super::trail::{Trail, is_refusal};
use crate::domain::{Dialect, LocalRefusal, Outcome, Usage};
use crate::limiter::Ask;
use crate::provider::{LocalAnswer, bad_gateway, local_refusal, snapshot, verdict};
use crate::upstream::{UpstreamError, UpstreamRequest, UpstreamResponse};

/// A request that was understood and let in.
pub(super) struct Job {
    pub(super) parts: Arc<Parts>,
    pub(super) dialect: Dialect,
    pub(super) ask: Ask,
    pub(super) request: UpstreamRequest,
    /// The request body's part of the memory budget.
    pub(super) share: Share,
    pub(super) trail: Trail,
    pub(super) stage: Arc<Stage>,
    /// Turns true when the gateway stops.
    pub(super) draining: watch::Receiver<bool>,
}

/// What became of an attempt that was answered.
enum Judged {
    Again(Box<dyn Hold>),
    Passes(UpstreamResponse, Option<Box<dyn Hold>>, Outcome),
}

/// Sees a request through.
pub(super) async fn run(mut job: Job) -> Response<AnswerBody> {
    let admit = job.parts.admission.admit(job.ask.clone());
    let mut hold = match job.unless_draining(admit).await {
        Some(Ok(hold)) => hold,
        Some(Err(refusal)) => return job.refuse(&refusal),
        None => return job.refuse(&LocalRefusal::shutting_down()),
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
                Judged::Passes(response, hold, if_whole) => return job.pass(response, hold, if_whole),
            },
            Err(error) => {
                let again = hold.failed(error.safe_to_retry(&job.request.method), error.reason());
                match job.unless_draining(again).await.flatten() {
                    Some(again) => hold = again,
                    None => return job.fail(&error),
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
        let UpstreamResponse { status, headers, body } = response;
        let at = self.parts.clock.now().wall;
        let said = snapshot(self.dialect, status, &headers, at);
        hold.observe(&said);
        self.trail.answered(said);
        if !status.is_client_error() && !status.is_server_error() {
            return Judged::Passes(UpstreamResponse { status, headers, body }, Some(hold), Outcome::Ok);
        }
        let (start, body) = Replay::peek(body).await;
        let verdict = verdict(self.dialect, status, &headers, &start, at);
        let response = UpstreamResponse { status, headers, body: body.boxed_unsync() };
        let Some(verdict) = verdict else { return Judged::Passes(response, Some(hold), Outcome::Error) };
        self.trail.judged(status.as_u16(), &verdict, Some(hold.as_ref()));
        let outcome = if is_refusal(status.as_u16(), verdict.kind) { Outcome::Refused } else { Outcome::Error };
        match self.unless_draining(hold.refused(verdict)).await.flatten() {
            Some(again) => Judged::Again(again),
            None => Judged::Passes(response, None, outcome),
        }
    }

    fn pass(mut self, response: UpstreamResponse, hold: Option<Box<dyn Hold>>, if_whole: Outcome) -> Response<AnswerBody> {
        let UpstreamResponse { status, mut headers, body } = response;
        strip_answer(&mut headers);
        self.trail.mark(&mut headers);
        self.trail.shown(status.as_u16());
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
