//! How a row ends that was handed over: its line for the output, and what the history is to hold of it.

use jiff::Timestamp;

use super::super::Route;
use super::super::judge::Answered;
use super::super::line::line;
use super::super::source::Source;
use crate::catalog::Catalog;
use crate::domain::{Api, ClientName, Lane, ModelClass, ModelId, Outcome, Pool, RequestId, RequestRecord, VerdictKind};
use crate::store::{BatchEnd, BatchRow};

/// What rows that end together have in common.
pub(super) struct Ending<'a> {
    pub(super) route: &'a Route,
    pub(super) source: &'a Source,
    /// When they were handed over.
    pub(super) sent_at: Timestamp,
    pub(super) now: Timestamp,
}

impl Ending<'_> {
    /// A row's end in the journal.
    pub(super) fn of(&self, row: &BatchRow, answered: &Answered) -> BatchEnd {
        BatchEnd {
            row: row.row,
            well: answered.is_well(),
            line: line(&row.custom_id, row.line, row.sends, answered),
            cost_nanos: answered.cost_nanos,
            input_tokens: answered.usage.total_input(),
            output_tokens: answered.usage.output,
            record: Some(Box::new(self.record(row, answered))),
        }
    }

    /// The row as a request. It was never sent by itself and nothing of it counts toward the limits of the minute.
    fn record(&self, row: &BatchRow, answered: &Answered) -> RequestRecord {
        // an input that has changed stops the run elsewhere
        let request = self.source.read(row).ok();
        let facts = request.as_ref().map(|request| &request.facts);
        let model = facts.and_then(|facts| facts.model.clone()).or_else(|| answered.usage.model.clone());
        RequestRecord {
            id: RequestId(0),
            arrived_at: self.sent_at,
            finished_at: self.now.max(self.sent_at),
            account: self.route.id,
            account_label: self.route.account.clone(),
            provider: self.route.provider,
            client: ClientName::new(&self.route.client),
            lane: Lane::Batch,
            api: facts.map_or(Api::Batches, |facts| facts.api),
            class: self.class(model.as_ref()),
            model_asked: model,
            status: answered.status.unwrap_or(0),
            outcome: outcome(answered),
            wait_millis: 0,
            first_byte_millis: None,
            attempts: 0,
            usage: answered.usage.clone(),
            counted_input: 0,
            counted_output: 0,
            cost_nanos: answered.cost_nanos,
            reserved_input: 0,
            reserved_output: 0,
            bound_by: None,
            verdict: verdict(answered),
            upstream_request_id: answered.request_id.clone(),
            request_bytes: request.map_or(0, |request| request.body.len() as u64),
            response_bytes: answered.body.len() as u64,
            served_by: None,
        }
    }

    fn class(&self, model: Option<&ModelId>) -> ModelClass {
        model.map_or_else(ModelClass::batches, |model| Catalog::bundled().class_of(self.route.dialect, model).in_pool(Pool::Batch))
    }
}

const fn outcome(answered: &Answered) -> Outcome {
    match answered.status {
        _ if answered.is_well() => Outcome::Ok,
        Some(_) => Outcome::Error,
        None => Outcome::UpstreamFailed,
    }
}

/// The verdict that its line tells, if that is one.
fn verdict(answered: &Answered) -> Option<VerdictKind> {
    serde_json::from_value(answered.error.as_ref()?.get("kind")?.clone()).ok()
}
