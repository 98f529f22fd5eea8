//! One request's way through the simulated provider.

use std::future::pending;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::answer::{Answer, End, InputUsage};
use super::ask::{Ask, BadAsk, Framing};
use super::config::{SimConfig, SimProvider};
use super::connection::ResetFlag;
use super::fault::Fault;
use super::paced::{Filler, Finale, Paced, Part, Reset, SimBody};
use super::provider::{self, Failure};
use super::route::{self, Route};
use super::script::Script;
use super::state::Shared;
use super::ticket::{Bill, Progress, Ticket};
use super::wire::{self, Wire};
use super::{auth, batch};

/// The largest body that is read, as at Anthropic.
const MAX_BODY: usize = 32 * 1024 * 1024;
const MILLI: u64 = 1_000_000;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers one request, or breaks the connection if that is what the faults demand.
pub(super) async fn serve(shared: Arc<Shared>, reset: ResetFlag, request: Request<Incoming>) -> Result<Response<SimBody>, Reset> {
    let (head, body) = request.into_parts();
    let (path, query) = (head.uri.path(), head.uri.query());
    let route = route::find(shared.config.provider, &head.method, path, query);
    match route {
        Route::Stats => return Ok(document(&shared, &json!(shared.stats()))),
        Route::Alive => return Ok(document(&shared, &json!({}))),
        _ => {}
    }
    let wire = if let Route::Call { wire, .. } = route { Some(wire) } else { None };
    if let Err(failure) = auth::check(&shared.config, &head.headers, query) {
        shared.counters.bad_keys.fetch_add(1, Relaxed);
        return Ok(refused(&shared, wire, "", &failure));
    }
    let (wire, model, framing) = match route {
        Route::Call { wire, model, framing } => (wire, model, framing),
        Route::Models(as_openai) => {
            let form = if as_openai { SimProvider::OpenAi } else { shared.config.provider };
            return Ok(document(&shared, &wire::model_list(form, &provider::models(&shared))));
        }
        Route::Batches(errand) => return batch::serve(&shared, &reset, errand, (&head.headers, query), body).await,
        Route::Model(id) => return Ok(document(&shared, &wire::model_entry(shared.config.provider, id))),
        Route::Balance => return Ok(document(&shared, &balance())),
        Route::Stats | Route::Alive | Route::Unknown => return Ok(refused(&shared, None, "", &Failure::NoSuchPath)),
    };
    let number = shared.counters.requests.fetch_add(1, Relaxed) + 1;
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(refused(&shared, Some(wire), "", &Failure::TooLarge)),
        Err(_) => return Err(Reset), // the client went away
    };
    let call = Call { shared, reset, wire, headers: head.headers, number };
    match call.answer(&body, model, framing).await {
        Ok(response) => Ok(response),
        Err(Stop::Refused(model, failure)) => Ok(refused(&call.shared, Some(wire), &model, &failure)),
        Err(Stop::Response(response)) => Ok(*response),
        Err(Stop::Reset) => {
            call.reset.raise();
            Err(Reset)
        }
    }
}

/// A call of a model.
struct Call {
    shared: Arc<Shared>,
    reset: ResetFlag,
    wire: Wire,
    headers: HeaderMap,
    /// Counted from 1.
    number: u64,
}

/// Why a call has no ordinary answer.
enum Stop {
    /// The model and why it does not answer.
    Refused(String, Failure),
    Response(Box<Response<SimBody>>),
    Reset,
}

impl Call {
    async fn answer(&self, body: &Bytes, model: Option<&str>, framing: Framing) -> Result<Response<SimBody>, Stop> {
        let ask = self.read(body, model, framing)?;
        let answering =
            provider::answering_model(&self.shared, self.wire, &ask.model).map_err(|failure| Stop::Refused(ask.model.clone(), failure))?;
        let fault = self.shared.config.faults.pick(self.number, &self.shared.rng);
        if let Some(fault) = fault {
            self.shared.counters.faults.fetch_add(1, Relaxed);
            self.answer_instead(&ask.model, fault)?;
        }
        let (mut ticket, input) = self.admit(&ask)?;
        match fault {
            Some(Fault::Hang) => return pending().await,
            Some(Fault::ResetBeforeHead) => {
                ticket.settle();
                return Err(Stop::Reset);
            }
            _ => {}
        }
        let answer = compose(&self.shared, self.wire, &ask, answering, input);
        match self.wire.script(self.shared.config.provider, &ask, &answer).filter(|_| ask.framing != Framing::Whole) {
            Some(script) => Ok(self.stream(&ask, &answer, script, fault, ticket).await),
            None => Ok(self.whole(&ask, &answer, fault, ticket).await),
        }
    }

    fn read(&self, body: &Bytes, model: Option<&str>, framing: Framing) -> Result<Ask, Stop> {
        let config = &self.shared.config;
        let bad = |bad: BadAsk| Stop::Refused(model.unwrap_or_default().to_owned(), Failure::BadRequest(bad));
        if self.wire == Wire::Messages && config.provider == SimProvider::Anthropic && !self.headers.contains_key("anthropic-version") {
            return Err(bad(BadAsk::new("anthropic-version: header is required")));
        }
        let json: Value = serde_json::from_slice(body).map_err(|_| bad(BadAsk::new("the request body is not valid JSON")))?;
        let mut ask = self.wire.read(config.provider, &json, model, framing).map_err(|problem| match &problem.metered {
            Some(model) if config.provider == SimProvider::OpenAi => self.bad_but_metered(&model.clone(), problem),
            _ => bad(problem),
        })?;
        let told = self.headers.get("x-sim-output-tokens").and_then(|value| value.to_str().ok()?.parse().ok());
        ask.output_hint = told.or(ask.output_hint);
        Ok(ask)
    }

    /// A 400 that went through the limiter: it takes a request and a token, and shows the limits (recorded at OpenAI).
    fn bad_but_metered(&self, model: &str, bad: BadAsk) -> Stop {
        let drawn = Ticket::draw(&self.shared, self.shared.model(model), Bill::of_empty(&self.shared.config), InputUsage::default());
        match drawn {
            Err(refusal) => Stop::Refused(model.to_owned(), Failure::Limited(refusal)),
            Ok(mut ticket) => {
                ticket.settle();
                let levels = ticket.admission;
                let mut response = refused(&self.shared, Some(self.wire), model, &Failure::BadRequest(bad));
                response.headers_mut().extend(provider::headers(&self.shared, &ticket.model().class, self.wire, &levels, 7));
                Stop::Response(Box::new(response))
            }
        }
    }

    /// The faults that are answers of their own and take nothing.
    fn answer_instead(&self, model: &str, fault: Fault) -> Result<(), Stop> {
        let failure = match fault {
            Fault::Status429 => Failure::Unexplained,
            Fault::Overloaded => {
                self.shared.counters.overloads.fetch_add(1, Relaxed);
                Failure::Overloaded
            }
            Fault::Status500 => Failure::Internal,
            Fault::NoCredit => Failure::NoCredit,
            Fault::HtmlPage => {
                let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n\
                            </body>\r\n</html>\r\n";
                let mut response = Response::new(SimBody::whole(page));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                return Err(Stop::Response(Box::new(response)));
            }
            _ => return Ok(()),
        };
        Err(Stop::Refused(model.to_owned(), failure))
    }

    fn admit(&self, ask: &Ask) -> Result<(Ticket, InputUsage), Stop> {
        let shared = &self.shared;
        let config = &shared.config;
        let model = if self.wire.only_counts() { Arc::clone(&shared.counting) } else { shared.model(&ask.model) };
        let cached = config.provider == SimProvider::Anthropic && self.wire == Wire::Messages && !ask.cache_marks.is_empty();
        let (marks, least, now) = (&ask.cache_marks, config.cache_min_tokens, shared.clock.now());
        let input = if cached { shared.cache.split(&ask.model, ask.prompt_tokens, marks, least, now) } else { ask.plain_input() };
        let ticket = Ticket::draw(shared, Arc::clone(&model), Bill::new(config, self.wire, ask, input), input).map_err(|refusal| {
            let levels = refusal.levels;
            let mut response = refused(shared, Some(self.wire), &ask.model, &Failure::Limited(refusal));
            response.headers_mut().extend(provider::limits(shared, &model.class, self.wire, &levels));
            Stop::Response(Box::new(response))
        })?;
        if cached {
            shared.cache.remember(&ask.model, marks, least, now);
        }
        Ok((ticket, input))
    }

    /// Nanoseconds to the first token, and from each to the next.
    fn pace(&self, fault: Option<Fault>) -> (u64, u64) {
        let latency = self.shared.config.latency;
        let vary = |millis: u64| self.shared.rng.around(millis.saturating_mul(MILLI), latency.jitter_percent);
        let slow = if let Some(Fault::SlowFirstByte(millis)) = fault { millis.saturating_mul(MILLI) } else { 0 };
        (vary(latency.first_byte_ms).saturating_add(slow), vary(latency.per_token_ms))
    }

    async fn stream(&self, ask: &Ask, answer: &Answer, script: Script, fault: Option<Fault>, ticket: Ticket) -> Response<SimBody> {
        let (first, per_token) = self.pace(fault);
        let filler = filler(&self.shared.config, ": keep-alive\n\n");
        let offset = if filler.is_some() {
            first
        } else {
            wait(first).await;
            0
        };
        let levels = ticket.admission;
        let (finale, broken) = finale_of(fault);
        let broken = broken || fault == Some(Fault::StreamErrorEvent);
        let pieces = answer.pieces();
        let shown = if broken { answer.pieces().count().div_ceil(2) } else { usize::MAX };
        let at = move |tokens: u64| offset.saturating_add(tokens.saturating_mul(per_token));
        let part = |due: u64, made: u64| move |text: String| Part { due, bytes: text.into(), made };
        let Script { head, mut piece, tail } = script;
        let choices = answer.choices;
        let middle = pieces.take(shown).map(move |next| part(at(next.tokens), next.tokens * choices)(piece(&next)));
        let tail = match fault {
            Some(Fault::StreamErrorEvent) => vec![self.wire.error_event(ask.framing, answer)],
            _ if broken => Vec::new(),
            _ => tail,
        };
        let ends = if broken { answer.length / 2 } else { answer.length };
        let tail = tail.into_iter().map(part(at(ends), ends * choices));
        let parts = head.into_iter().map(part(at(0), 0)).chain(middle).chain(tail);
        let gzip = fault == Some(Fault::Gzip) && self.accepts_gzip();
        let headers = provider::headers(&self.shared, &ticket.model().class, self.wire, &levels, first / MILLI);
        let body = Paced::new(Box::new(parts), finale, ticket, self.reset.clone()).with_filler(filler).with_gzip(gzip);
        let kind = match ask.framing {
            Framing::Sse => HeaderValue::from_static("text/event-stream; charset=utf-8"),
            Framing::Whole | Framing::JsonArray => JSON,
        };
        let mut response = self.respond(SimBody::Paced(Box::new(body)), kind, headers, gzip);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    async fn whole(&self, ask: &Ask, answer: &Answer, fault: Option<Fault>, mut ticket: Ticket) -> Response<SimBody> {
        let (first, per_token) = self.pace(fault);
        let delay = first.saturating_add(per_token.saturating_mul(answer.length));
        let bytes: Bytes = match fault {
            Some(Fault::GarbageBody) => Bytes::from_static(b"\x1f\x00<<not json>> {\"usage\": {"),
            _ => self.wire.whole(self.shared.config.provider, ask, answer).to_string().into(),
        };
        let gzip = fault == Some(Fault::Gzip) && self.accepts_gzip();
        let (finale, broken) = finale_of(fault);
        let took = delay / MILLI;
        let filler = filler(&self.shared.config, "\n").filter(|_| delay > 0);
        ticket.work(Progress { first, per_token, total: answer.output() });
        if filler.is_none() {
            wait(delay).await;
        }
        if filler.is_none() && !broken {
            ticket.made = answer.output();
            let headers = self.headers_at_end(&mut ticket, took);
            let body = if gzip { compressed(&bytes) } else { bytes };
            return self.respond(SimBody::whole(body), JSON, headers, gzip);
        }
        let levels = ticket.admission;
        let headers = provider::headers(&self.shared, &ticket.model().class, self.wire, &levels, took);
        let full = bytes.len();
        let bytes = if broken { bytes.slice(..full / 2) } else { bytes };
        let due = if filler.is_some() { delay } else { 0 };
        let parts = std::iter::once(Part { due, bytes, made: answer.output() });
        let body = Paced::new(Box::new(parts), finale, ticket, self.reset.clone()).with_filler(filler).with_gzip(gzip);
        let mut response = self.respond(SimBody::Paced(Box::new(body)), JSON, headers, gzip);
        if finale != Finale::End && filler.is_none() {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(full)); // more is promised than comes
        }
        response
    }

    /// Anthropic shows the output as it is at the end and the rest as it was on admission; OpenAI all as it is at the end (both measured).
    fn headers_at_end(&self, ticket: &mut Ticket, took_ms: u64) -> HeaderMap {
        let end = ticket.settle();
        let levels = match self.shared.config.provider {
            SimProvider::Anthropic => ticket.admission.with_output_of(&end),
            SimProvider::OpenAi | SimProvider::Gemini | SimProvider::DeepSeek => end,
        };
        provider::headers(&self.shared, &ticket.model().class, self.wire, &levels, took_ms)
    }

    fn accepts_gzip(&self) -> bool {
        self.headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|codings| codings.contains("gzip"))
    }

    fn respond(&self, body: SimBody, kind: HeaderValue, mut headers: HeaderMap, gzip: bool) -> Response<SimBody> {
        headers.insert(CONTENT_TYPE, kind);
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        set_date(&self.shared, &mut headers);
        let mut response = Response::new(body);
        *response.headers_mut() = headers;
        response
    }
}

/// The answer to an ask, before it is written down.
pub(super) fn compose(shared: &Shared, wire: Wire, ask: &Ask, model: String, input: InputUsage) -> Answer {
    let output = shared.config.output;
    let wanted =
        if wire.generates() { ask.output_hint.unwrap_or_else(|| shared.rng.around(output.tokens, output.spread_percent)) } else { 0 };
    let length = wanted.min(ask.max_tokens.unwrap_or(u64::MAX));
    let end = match &ask.tool {
        Some(_) => End::Tool,
        None if length < wanted => End::Length,
        None => End::Stop,
    };
    Answer {
        id: shared.rng.id("", 24),
        model,
        created: shared.clock.wall(shared.clock.now()).as_second(),
        input,
        length,
        choices: ask.choices.max(1),
        tool: ask.tool.clone(),
        end,
        step: output.tokens_per_chunk,
    }
}

/// How a fault lets a body end, and whether only half of it is sent.
const fn finale_of(fault: Option<Fault>) -> (Finale, bool) {
    match fault {
        Some(Fault::ResetMidStream) => (Finale::Reset, true),
        Some(Fault::StallMidStream) => (Finale::Stall, true),
        Some(Fault::CutWithoutFinalEvent) => (Finale::End, true),
        _ => (Finale::End, false),
    }
}

/// DeepSeek sends the head at once and then signs of life.
fn filler(config: &SimConfig, text: &'static str) -> Option<Filler> {
    let every = Duration::from_millis(config.latency.keep_alive_ms.unwrap_or(1_000).max(1));
    (config.provider == SimProvider::DeepSeek).then_some(Filler { every, bytes: text.as_bytes() })
}

async fn wait(nanos: u64) {
    if nanos > 0 {
        tokio::time::sleep(Duration::from_nanos(nanos)).await;
    }
}

fn compressed(bytes: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // writing to memory does not fail
    let _ = encoder.write_all(bytes);
    encoder.finish().map_or_else(|_| Bytes::new(), Bytes::from)
}

pub(super) fn document(shared: &Shared, json: &Value) -> Response<SimBody> {
    let mut response = Response::new(SimBody::whole(json.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    set_date(shared, response.headers_mut());
    response
}

pub(super) fn refused(shared: &Shared, wire: Option<Wire>, model: &str, failure: &Failure) -> Response<SimBody> {
    let refused = provider::refuse(shared, wire, model, failure);
    let mut response = document(shared, &refused.body);
    *response.status_mut() = refused.status;
    response.headers_mut().extend(refused.headers);
    response
}

/// A wrong clock shows in the date too; a right one is hyper's business.
fn set_date(shared: &Shared, headers: &mut HeaderMap) {
    if !shared.clock.is_true() {
        let date = shared.clock.wall(shared.clock.now()).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            headers.insert(DATE, date);
        }
    }
}

fn balance() -> Value {
    json!({
        "is_available": true,
        "balance_infos": [{"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}],
    })
}
