//! The batch endpoints: files, batches, their states by the clock, and their results.
//!
//! A batch is answered on paper when it is created, and its states are worked out from the time whenever somebody asks.
//! Each provider's forms have a file of their own.

mod anthropic;
mod gemini;
mod job;
mod openai;
mod upload;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use self::job::Job;
use super::ask::{BadAsk, Framing};
use super::config::SimProvider;
use super::connection::ResetFlag;
use super::paced::{Reset, SimBody};
use super::provider::{self, Failure};
use super::service::{compose, document, refused};
use super::state::Shared;
use super::wire::Wire;

/// The largest body, as Anthropic takes it.
const MAX_BODY: usize = 256 * 1_000 * 1_000;

/// What a request to the batch endpoints is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand<'a> {
    /// A new batch; Gemini names its model in the path.
    Create(Option<&'a str>),
    List,
    Look(&'a str),
    Results(&'a str),
    Cancel(&'a str),
    Upload,
    Content(&'a str),
    Delete(&'a str),
}

/// What was submitted.
#[derive(Debug, Default)]
pub(super) struct Desk {
    jobs: Mutex<BTreeMap<u64, Arc<Job>>>,
    files: Mutex<BTreeMap<String, Bytes>>,
    created: AtomicU64,
}

/// The errand of a method and a path, if it is one.
pub(super) fn errand<'a>(provider: SimProvider, method: &Method, path: &'a str) -> Option<Errand<'a>> {
    let segments: Vec<&'a str> = path.strip_prefix('/')?.split('/').collect();
    let (get, post) = (*method == Method::GET, *method == Method::POST);
    match (provider, segments.as_slice()) {
        (SimProvider::Anthropic, ["v1", "messages", "batches", rest @ ..]) => match rest {
            [] if post => Some(Errand::Create(None)),
            [] if get => Some(Errand::List),
            [id] if get => Some(Errand::Look(id)),
            [id, "results"] if get => Some(Errand::Results(id)),
            [id, "cancel"] if post => Some(Errand::Cancel(id)),
            _ => None,
        },
        (SimProvider::OpenAi, ["v1", "batches", rest @ ..]) => match rest {
            [] if post => Some(Errand::Create(None)),
            [] if get => Some(Errand::List),
            [id] if get => Some(Errand::Look(id)),
            [id, "cancel"] if post => Some(Errand::Cancel(id)),
            _ => None,
        },
        (SimProvider::OpenAi, ["v1", "files"]) if post => Some(Errand::Upload),
        (SimProvider::OpenAi, ["v1", "files", id]) if *method == Method::DELETE => Some(Errand::Delete(id)),
        (SimProvider::OpenAi, ["v1", "files", id, "content"]) if get => Some(Errand::Content(id)),
        (SimProvider::Gemini, ["v1beta", "models", call]) if post => {
            call.strip_suffix(":batchGenerateContent").map(|model| Errand::Create(Some(model)))
        }
        (SimProvider::Gemini, ["v1beta", "batches"]) if get => Some(Errand::List),
        (SimProvider::Gemini, ["v1beta", "batches", id]) => match id.split_once(':') {
            Some((id, "cancel")) if post => Some(Errand::Cancel(id)),
            None if get => Some(Errand::Look(id)),
            _ => None,
        },
        _ => None,
    }
}

/// Runs an errand.
pub(super) async fn serve(
    shared: &Shared,
    reset: &ResetFlag,
    errand: Errand<'_>,
    (headers, query): (&HeaderMap, Option<&str>),
    body: Incoming,
) -> Result<Response<SimBody>, Reset> {
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(refused(shared, None, "", &Failure::TooLarge)),
        Err(_) => return Err(Reset), // the client went away
    };
    let done = match errand {
        Errand::Create(model) => create(shared, model, &body),
        Errand::List => Ok(document(shared, &list(shared, query.unwrap_or_default()))),
        Errand::Look(id) => found(shared, id).map(|job| document(shared, &written(shared, &job))),
        Errand::Results(id) => found(shared, id).and_then(|job| results(shared, &job)),
        Errand::Cancel(id) => found(shared, id).map(|job| {
            job.cancel(shared.clock.now());
            document(shared, &written(shared, &job))
        }),
        Errand::Upload => upload::file(headers, &body).map_err(Failure::BadRequest).map(|file| {
            let id = shared.rng.id("file-", 22);
            let document = document(shared, &openai::file(shared, &id, &file));
            shared.batches.files().insert(id, file.bytes);
            document
        }),
        Errand::Content(id) => openai::content(shared, id).map(lines),
        Errand::Delete(id) => match shared.batches.files().remove(id) {
            Some(_) => Ok(document(shared, &openai::deleted(id))),
            None => Err(Failure::NoSuchPath),
        },
    };
    let creates = matches!(errand, Errand::Create(_));
    match done {
        // it was created, and nobody hears of it
        Ok(_) if creates && shared.batches.created.load(Relaxed) <= shared.config.batches.lost_answers => {
            reset.raise();
            Err(Reset)
        }
        Ok(response) => Ok(response),
        Err(failure) => Ok(refused(shared, None, "", &failure)),
    }
}

fn create(shared: &Shared, model: Option<&str>, body: &[u8]) -> Result<Response<SimBody>, Failure> {
    let json: Value = serde_json::from_slice(body).map_err(|_| bad("the request body is not valid JSON"))?;
    let mut job = match shared.config.provider {
        SimProvider::OpenAi => openai::read(shared, &json)?,
        SimProvider::Gemini => gemini::read(shared, model.unwrap_or_default(), &json)?,
        SimProvider::Anthropic | SimProvider::DeepSeek => anthropic::read(shared, &json)?,
    };
    if job.failed.is_none() && !has_room(shared, &job) {
        // OpenAI takes the batch and fails it when it is validated (recorded); the others refuse it
        if shared.config.provider != SimProvider::OpenAi {
            return Err(Failure::Unexplained);
        }
        job.failed = Some(openai::queue_full(shared, &job));
    }
    job.number = shared.batches.created.fetch_add(1, Relaxed) + 1;
    shared.counters.batches.fetch_add(1, Relaxed);
    shared.counters.batch_rows.fetch_add(job.rows.len() as u64, Relaxed);
    let response = document(shared, &written(shared, &job));
    shared.batches.jobs().insert(job.number, Arc::new(job));
    Ok(response)
}

/// Whether the queue holds one more: Anthropic counts requests, the others input tokens.
fn has_room(shared: &Shared, job: &Job) -> bool {
    let Some(most) = shared.config.batches.queue else { return true };
    let size = |job: &Job| if shared.config.provider == SimProvider::Anthropic { job.rows.len() as u64 } else { job.tokens };
    let now = shared.clock.now();
    let queued: u64 = shared.batches.jobs().values().filter(|job| !job.is_over(&shared.config.batches, now)).map(|job| size(job)).sum();
    queued + size(job) <= most
}

fn found(shared: &Shared, id: &str) -> Result<Arc<Job>, Failure> {
    shared.batches.jobs().values().find(|job| job.id == id).cloned().ok_or(Failure::NoSuchPath)
}

fn written(shared: &Shared, job: &Job) -> Value {
    match shared.config.provider {
        SimProvider::OpenAi => openai::written(shared, job),
        SimProvider::Gemini => gemini::written(shared, job),
        SimProvider::Anthropic | SimProvider::DeepSeek => anthropic::written(shared, job),
    }
}

fn results(shared: &Shared, job: &Job) -> Result<Response<SimBody>, Failure> {
    if !job.is_over(&shared.config.batches, shared.clock.now()) {
        return Err(bad("the batch has not ended"));
    }
    Ok(lines(anthropic::results(shared, job)))
}

/// The newest first, a page of them.
fn list(shared: &Shared, query: &str) -> Value {
    let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let limit = ["limit", "pageSize"].iter().find_map(|name| asked(name)?.parse().ok()).unwrap_or(20_usize);
    let after = ["after_id", "after", "pageToken"].iter().find_map(|name| asked(name));
    let jobs: Vec<Arc<Job>> = shared.batches.jobs().values().rev().cloned().collect();
    let start = after.and_then(|after| jobs.iter().position(|job| job.id == after)).map_or(0, |at| at + 1);
    let page: Vec<&Arc<Job>> = jobs.iter().skip(start).take(limit).collect();
    let more = start + page.len() < jobs.len();
    let last = page.last().map(|job| job.id.as_str());
    let written: Vec<Value> = page.iter().map(|job| written(shared, job)).collect();
    match shared.config.provider {
        SimProvider::Gemini => gemini::list(written, last.filter(|_| more)),
        SimProvider::OpenAi => openai::list(&written, last, more),
        SimProvider::Anthropic | SimProvider::DeepSeek => anthropic::list(&written, last, more),
    }
}

/// One request of a batch, answered as a request of its own would be: status and body, and its input tokens.
fn answered(shared: &Shared, wire: Wire, model: Option<&str>, body: &Value) -> (u16, Value, u64) {
    let config = &shared.config;
    let refusal = |model: &str, failure: &Failure| {
        let refused = provider::refuse(shared, Some(wire), model, failure);
        (refused.status.as_u16(), refused.body, 0)
    };
    let ask = match wire.read(config.provider, body, model, Framing::Whole) {
        Ok(ask) if ask.framing == Framing::Whole => ask,
        Ok(ask) => return refusal(&ask.model, &bad("a batch has no streams")),
        Err(problem) => return refusal(model.unwrap_or_default(), &Failure::BadRequest(problem)),
    };
    let fails = u64::from(config.batches.errored_percent) > shared.rng.below(100);
    let failure = if fails { Err(Failure::Internal) } else { provider::answering_model(shared, wire, &ask.model) };
    match failure {
        Err(failure) => refusal(&ask.model, &failure),
        Ok(answering) => {
            let answer = compose(shared, wire, &ask, answering, ask.plain_input());
            (StatusCode::OK.as_u16(), wire.whole(config.provider, &ask, &answer), ask.prompt_tokens)
        }
    }
}

fn bad(message: &str) -> Failure {
    Failure::BadRequest(BadAsk::new(message))
}

fn lines(text: String) -> Response<SimBody> {
    Response::new(SimBody::whole(text))
}

impl Desk {
    /// How many uploaded files there are.
    pub(super) fn uploads(&self) -> u64 {
        self.files().len() as u64
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
