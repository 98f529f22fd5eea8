//! What is known of one request while it is under way. Ends in exactly one `Finished` event, also when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::admission::Hold;
use super::parts::Parts;
use super::routes::Endpoint;
use crate::domain::event::Arrival;
use crate::domain::{
    Certainty, Dialect, Dimension, Event, LocalRefusal, ModelClass, ModelEnd, ModelId, Notice, Outcome, RefusalRecord, RequestRecord,
    Severity, Snapshot, Tick, Usage, Verdict, VerdictKind,
};
use crate::journal::Slot;
use crate::provider::counted;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-tierline-request-id");
const WAIT_MS: HeaderName = HeaderName::from_static("x-tierline-wait-ms");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-tierline-attempts");
const ACCOUNT: HeaderName = HeaderName::from_static("x-tierline-account");
const ALIAS: HeaderName = HeaderName::from_static("x-tierline-alias");
const BOUND_BY: HeaderName = HeaderName::from_static("x-tierline-bound-by");

/// The record in the making.
pub(super) struct Trail {
    parts: Arc<Parts>,
    /// The place for the `Finished` event, until it is sent.
    slot: Option<Slot>,
    dialect: Dialect,
    /// Shared with nobody until it is handed over.
    record: Arc<RequestRecord>,
    /// What became of the model's name, for the client.
    alias: Option<HeaderValue>,
    arrived: Tick,
    sent: Tick,
    /// The model that a fallback route put in place of the one that was asked for.
    refuge: Option<ModelId>,
    /// What it waited on ways that came to nothing.
    waited: Duration,
}

impl Trail {
    /// Says that a request arrived, at this tick.
    pub(super) fn begin(parts: Arc<Parts>, slot: Slot, dialect: Dialect, arrival: Arrival, arrived: Tick, request_bytes: u64) -> Self {
        let record = Arc::new(RequestRecord {
            id: arrival.id,
            arrived_at: arrival.at,
            finished_at: arrival.at,
            account: arrival.account,
            account_label: arrival.account_label.clone(),
            provider: arrival.provider,
            client: arrival.client.clone(),
            lane: arrival.lane,
            api: arrival.api,
            model_asked: arrival.model.clone(),
            class: arrival.class.clone(),
            status: 0,
            // what it is if nothing else is said until the end
            outcome: Outcome::ClientGone,
            wait_millis: 0,
            first_byte_millis: None,
            attempts: 0,
            usage: Usage::default(),
            counted_input: 0,
            counted_output: 0,
            cost_nanos: None,
            reserved_input: 0,
            reserved_output: 0,
            bound_by: None,
            verdict: None,
            upstream_request_id: None,
            request_bytes,
            response_bytes: 0,
            served_by: None,
        });
        parts.sink.record(Event::Arrived(Arc::new(arrival)));
        Self { parts, slot: Some(slot), dialect, record, alias: None, arrived, sent: arrived, refuge: None, waited: Duration::ZERO }
    }

    /// The same, if the model's name was rewritten: `from->to`.
    pub(super) fn aliased(mut self, alias: Option<&str>) -> Self {
        self.alias = alias.and_then(|alias| HeaderValue::from_str(alias).ok());
        self
    }

    /// It goes another way.
    pub(super) fn rerouted(&mut self, endpoint: &Endpoint, class: &ModelClass, alias: Option<&str>) {
        let now = self.parts.clock.now();
        let record = Arc::make_mut(&mut self.record);
        self.waited = if record.attempts == 0 { now.tick.since(self.arrived) } else { Duration::from_millis(record.wait_millis) };
        self.dialect = endpoint.dialect;
        self.alias = alias.and_then(|alias| HeaderValue::from_str(alias).ok());
        record.account = endpoint.account.id;
        record.account_label.clone_from(&endpoint.account.label);
        record.provider = endpoint.account.provider;
        record.class = class.clone();
        record.bound_by = None;
        self.parts.sink.record(Event::Rerouted(Arc::new(Arrival {
            id: record.id,
            at: record.arrived_at,
            account: record.account,
            account_label: record.account_label.clone(),
            provider: record.provider,
            client: record.client.clone(),
            lane: record.lane,
            api: record.api,
            model: record.model_asked.clone(),
            class: record.class.clone(),
        })));
    }

    /// The way that it goes now is a fallback route, to this model.
    pub(super) fn sheltered(&mut self, model: ModelId) {
        let record = Arc::make_mut(&mut self.record);
        record.served_by = Some(format!("{}/{model}", record.account_label));
        self.refuge = Some(model);
    }

    /// It was admitted and is sent now.
    pub(super) fn sent(&mut self, hold: &dyn Hold) {
        let now = self.parts.clock.now();
        let (waited, reserved) = (self.waited + hold.waited(), hold.reserved());
        self.sent = now.tick;
        let record = Arc::make_mut(&mut self.record);
        record.attempts += 1;
        record.wait_millis = millis(waited);
        record.bound_by = hold.bound_by().map(|meter| meter.to_string());
        record.reserved_input = reserved[Dimension::InputTokens];
        record.reserved_output = reserved[Dimension::OutputTokens];
        record.first_byte_millis = None;
        record.verdict = None;
        self.parts.sink.record(Event::Sent { id: record.id, at: now.wall, attempt: record.attempts, waited });
    }

    /// The head of an answer arrived, at this tick.
    pub(super) fn answered(&mut self, snapshot: Snapshot, at: Tick) {
        let record = Arc::make_mut(&mut self.record);
        record.first_byte_millis = Some(millis(at.since(self.sent)));
        record.upstream_request_id.clone_from(&snapshot.request_id);
        self.told(snapshot);
    }

    /// An event inside the answer said this of the limits.
    pub(super) fn told(&self, snapshot: Snapshot) {
        let Self { parts, record, .. } = self;
        let (id, account, class) = (record.id, record.account, record.class.clone());
        parts.sink.record(Event::Answered { id, account, class, snapshot: Arc::new(snapshot) });
    }

    /// The answer, or an event inside it, is an error that means this. Refusals for limits are told at once, with what
    /// our own books said.
    pub(super) fn judged(&mut self, status: u16, verdict: &Verdict, hold: Option<&dyn Hold>) {
        Arc::make_mut(&mut self.record).verdict = Some(verdict.kind);
        if !is_refusal(status, verdict.kind) {
            return;
        }
        let record = &self.record;
        self.parts.sink.record(Event::Refused(Arc::new(RefusalRecord {
            at: self.parts.clock.now().wall,
            request: record.id,
            attempt: record.attempts,
            account: record.account,
            account_label: record.account_label.clone(),
            client: record.client.clone(),
            class: record.class.clone(),
            model: record.model_asked.clone(),
            status,
            verdict: verdict.clone(),
            ledger: hold.map(Hold::ledger).unwrap_or_default(),
        })));
    }

    /// The answer says that its model ends.
    pub(super) fn model_ends(&self, end: &ModelEnd) {
        self.parts.sink.record(Event::Noticed(Notice {
            key: format!("model-end/{}", end.model),
            at: self.parts.clock.now().wall,
            severity: Severity::Warning,
            text: format!("{} says that {end}", self.record.provider.name()),
            hint: Some("see `tierline models` for what replaces it".into()),
        }));
    }

    /// The answer lists models, and says which of them end.
    pub(super) fn models_end(&self, ends: &[ModelEnd]) {
        self.parts.sink.record(Event::ModelsEnd(self.record.provider, ends.into()));
    }

    /// The client is shown this status.
    pub(super) fn shown(&mut self, status: u16) {
        Arc::make_mut(&mut self.record).status = status;
    }

    /// Tierline itself refuses it.
    pub(super) fn turned_away(&mut self, refusal: &LocalRefusal) {
        let record = Arc::make_mut(&mut self.record);
        record.bound_by = refusal.bucket.as_ref().map(|bucket| bucket.meter().to_string());
        record.wait_millis = millis(self.parts.clock.now().tick.since(self.arrived));
    }

    /// It is over.
    pub(super) fn finish(mut self, outcome: Outcome, usage: Usage, response_bytes: u64) {
        let record = Arc::make_mut(&mut self.record);
        let model = usage.model.as_ref().or(self.refuge.as_ref()).or(record.model_asked.as_ref());
        let took = counted(self.dialect, model, &usage);
        record.counted_input = took[Dimension::InputTokens];
        record.counted_output = took[Dimension::OutputTokens];
        if usage.certainty != Certainty::Unknown {
            record.cost_nanos = model.and_then(|model| (self.parts.cost_nanos)(record.provider, model, &usage));
        }
        record.outcome = outcome;
        record.usage = usage;
        record.response_bytes = response_bytes;
    }

    /// Writes our own headers into an answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        let record = &self.record;
        headers.insert(REQUEST_ID, record.id.0.into());
        headers.insert(WAIT_MS, small(record.wait_millis));
        headers.insert(ATTEMPTS, small(record.attempts.into()));
        if let Ok(label) = HeaderValue::from_bytes(record.account_label.as_bytes()) {
            headers.insert(ACCOUNT, label);
        }
        if let Some(Ok(served_by)) = record.served_by.as_deref().map(HeaderValue::from_str) {
            headers.insert(HeaderName::from_static("x-tierline-served-by"), served_by);
        }
        if let Some(alias) = &self.alias {
            headers.insert(ALIAS, alias.clone());
        }
        if let Some(Ok(meter)) = record.bound_by.as_deref().map(HeaderValue::from_str) {
            headers.insert(BOUND_BY, meter);
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let now = self.parts.clock.now();
        let record = Arc::make_mut(&mut self.record);
        record.finished_at = now.wall;
        if record.attempts == 0 {
            record.wait_millis = millis(now.tick.since(self.arrived));
        }
        slot.send(Event::Finished(Arc::clone(&self.record)));
    }
}

/// Whether an answer with this status and verdict is a refusal for a limit, and neither the request's own fault nor a
/// failure of the provider: 500 and 502 mean that something broke there, 503 and 529 that it takes no more.
pub(super) const fn is_refusal(status: u16, kind: VerdictKind) -> bool {
    match kind {
        VerdictKind::Wait | VerdictKind::Never | VerdictKind::Money => true,
        VerdictKind::Overload => matches!(status, 200 | 429 | 503 | 529),
        VerdictKind::Key | VerdictKind::Model | VerdictKind::Request => false,
    }
}

/// A number that is nearly always nought or one, and then costs no memory.
fn small(number: u64) -> HeaderValue {
    match number {
        0 => HeaderValue::from_static("0"),
        1 => HeaderValue::from_static("1"),
        more => more.into(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
