//! What is known of one request while it is under way. Ends in exactly one `Finished` event, also when it is dropped.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::admission::Hold;
use super::parts::Parts;
use crate::domain::event::Arrival;
use crate::domain::{
    Certainty, Dialect, Dimension, Event, LocalRefusal, ModelEnd, Notice, Outcome, RefusalRecord, RequestRecord, Severity, Snapshot, Tick,
    Usage, Verdict, VerdictKind,
};
use crate::journal::Slot;
use crate::provider::counted;

/// The record in the making.
pub(super) struct Trail {
    parts: Arc<Parts>,
    /// The place for the `Finished` event, until it is sent.
    slot: Option<Slot>,
    dialect: Dialect,
    record: RequestRecord,
    /// What became of the model's name, for the client.
    alias: Option<HeaderValue>,
    arrived: Tick,
    sent: Tick,
}

impl Trail {
    /// Says that a request arrived.
    pub(super) fn begin(parts: Arc<Parts>, slot: Slot, dialect: Dialect, arrival: Arrival, request_bytes: u64) -> Self {
        let arrived = parts.clock.now().tick;
        let record = RequestRecord {
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
        };
        parts.sink.record(Event::Arrived(Arc::new(arrival)));
        Self { parts, slot: Some(slot), dialect, record, alias: None, arrived, sent: arrived }
    }

    /// The same, if the model's name was rewritten: `from->to`.
    pub(super) fn aliased(mut self, alias: Option<&str>) -> Self {
        self.alias = alias.and_then(|alias| HeaderValue::from_str(alias).ok());
        self
    }

    /// It was admitted and is sent now.
    pub(super) fn sent(&mut self, hold: &dyn Hold) {
        let now = self.parts.clock.now();
        let (waited, reserved) = (hold.waited(), hold.reserved());
        self.sent = now.tick;
        let record = &mut self.record;
        record.attempts += 1;
        record.wait_millis = millis(waited);
        record.bound_by = hold.bound_by().map(|meter| meter.to_string());
        record.reserved_input = reserved[Dimension::InputTokens];
        record.reserved_output = reserved[Dimension::OutputTokens];
        record.first_byte_millis = None;
        record.verdict = None;
        self.parts.sink.record(Event::Sent { id: record.id, at: now.wall, attempt: record.attempts, waited });
    }

    /// The head of an answer arrived.
    pub(super) fn answered(&mut self, snapshot: Snapshot) {
        let record = &mut self.record;
        record.first_byte_millis = Some(millis(self.parts.clock.now().tick.since(self.sent)));
        record.upstream_request_id.clone_from(&snapshot.request_id);
        let (id, account, class) = (record.id, record.account, record.class.clone());
        self.parts.sink.record(Event::Answered { id, account, class, snapshot: Arc::new(snapshot) });
    }

    /// The answer, or an event inside it, is an error that means this. Refusals for limits are told at once, with what
    /// our own books said.
    pub(super) fn judged(&mut self, status: u16, verdict: &Verdict, hold: Option<&dyn Hold>) {
        self.record.verdict = Some(verdict.kind);
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
        self.record.status = status;
    }

    /// Tierline itself refuses it.
    pub(super) fn turned_away(&mut self, refusal: &LocalRefusal) {
        self.record.bound_by = refusal.bucket.as_ref().map(|bucket| bucket.meter().to_string());
        self.record.wait_millis = millis(self.parts.clock.now().tick.since(self.arrived));
    }

    /// It is over.
    pub(super) fn finish(mut self, outcome: Outcome, usage: Usage, response_bytes: u64) {
        let record = &mut self.record;
        let model = usage.model.as_ref().or(record.model_asked.as_ref());
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
        headers.insert(HeaderName::from_static("x-tierline-request-id"), record.id.0.into());
        headers.insert(HeaderName::from_static("x-tierline-wait-ms"), record.wait_millis.into());
        headers.insert(HeaderName::from_static("x-tierline-attempts"), record.attempts.into());
        if let Ok(label) = HeaderValue::from_bytes(record.account_label.as_bytes()) {
            headers.insert(HeaderName::from_static("x-tierline-account"), label);
        }
        if let Some(alias) = &self.alias {
            headers.insert(HeaderName::from_static("x-tierline-alias"), alias.clone());
        }
        if let Some(Ok(meter)) = record.bound_by.as_deref().map(HeaderValue::from_str) {
            headers.insert(HeaderName::from_static("x-tierline-bound-by"), meter);
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let now = self.parts.clock.now();
        let mut record = self.record.clone();
        record.finished_at = now.wall;
        if record.attempts == 0 {
            record.wait_millis = millis(now.tick.since(self.arrived));
        }
        slot.send(Event::Finished(Arc::new(record)));
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

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
