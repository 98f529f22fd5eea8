//! Joins results to rows: answers go into the journal, rows that were not reached or met a server error go again.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use super::super::judge::{Answered, Next, judge};
use super::super::keeper::Keeper;
use super::api::{Api, Outcome, What};
use super::call::{Called, Line, Refusal};
use super::ending::Ending;
use super::gemini;
use super::pack::row_of;
use crate::catalog::Catalog;
use crate::domain::{ModelId, Problem};
use crate::provider::UsageReader;
use crate::store::{BatchPart, BatchRow, BatchStep};
use crate::upstream::UpstreamResponse;

/// How often a row is handed over before what goes wrong with it counts as its answer.
const TRIES: u64 = 4;
/// Results that go into the journal together.
const CHUNK: usize = 500;
/// The longest result, and the longest document of results.
const MOST_LINE: usize = 64 << 20;

/// What came of collecting a part.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Why nothing more should be sent, if that is so.
    pub(super) stop: Option<Problem>,
    /// The results carry no tag of ours: they are of somebody else's batch.
    pub(super) is_not_ours: bool,
    /// Why not all results could be read.
    pub(super) broke: Option<String>,
}

/// A part whose results come in.
pub(super) struct Collector<'a> {
    pub(super) api: Api,
    pub(super) part: &'a BatchPart,
    /// Its rows by number.
    pub(super) rows: &'a BTreeMap<u64, BatchRow>,
    pub(super) keeper: &'a Keeper,
    pub(super) ending: Ending<'a>,
}

impl Collector<'_> {
    /// Reads the results behind these paths.
    pub(super) async fn collect(&self, wire: &mut Line, paths: &[String]) -> Result<Collected, Problem> {
        let mut collected = Collected::default();
        for path in paths {
            let response = match wire.call(&super::api::get(path)).await? {
                Called::Took(response) => response,
                Called::Refused(Refusal { next: Next::Stop(problem), .. }) => {
                    collected.stop = Some(problem);
                    break;
                }
                Called::Refused(Refusal { reason, .. }) | Called::Unsure(reason) => {
                    collected.broke = Some(reason);
                    break;
                }
            };
            let read = if self.api.has_lines() {
                self.lines(response, &mut collected).await
            } else {
                self.document(response, &mut collected).await
            };
            collected.broke = read?.err();
            if collected.broke.is_some() || collected.is_not_ours {
                break;
            }
        }
        Ok(collected)
    }

    async fn lines(&self, response: UpstreamResponse, collected: &mut Collected) -> Result<Result<(), String>, Problem> {
        let mut body = response.body;
        let mut text = BytesMut::new();
        let mut seen = 0;
        let mut steps = Vec::with_capacity(CHUNK);
        let mut ended = false;
        while !ended {
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        text.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    self.keeper.steps(steps).await?;
                    return Ok(Err(error.to_string()));
                }
                None => ended = true,
            }
            while let Some(end) = text[seen..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| seen + at)
                .or((ended && !text.is_empty()).then_some(text.len()))
            {
                let one = text.split_to(end).freeze();
                text.advance(usize::from(!text.is_empty()));
                seen = 0;
                if one.trim_ascii().is_empty() {
                    continue;
                }
                match self.api.line(&one) {
                    Ok(outcome) => steps.extend(self.step(outcome, None, collected)),
                    Err(reason) => {
                        self.keeper.steps(steps).await?;
                        return Ok(Err(reason));
                    }
                }
                if collected.is_not_ours {
                    return Ok(Ok(()));
                }
                if steps.len() >= CHUNK {
                    self.keeper.steps(std::mem::take(&mut steps)).await?;
                }
            }
            seen = text.len();
            if seen > MOST_LINE {
                return Ok(Err("a result is longer than 64 MiB".into()));
            }
        }
        self.keeper.steps(steps).await?;
        Ok(Ok(()))
    }

    async fn document(&self, response: UpstreamResponse, collected: &mut Collected) -> Result<Result<(), String>, Problem> {
        let body = match http_body_util::Limited::new(response.body, MOST_LINE).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let outcomes = match gemini::results(&body) {
            Ok(outcomes) => outcomes,
            Err(reason) => return Ok(Err(reason)),
        };
        if outcomes.len() != self.rows.len() {
            return Ok(Err(format!("{} results for {} requests", outcomes.len(), self.rows.len())));
        }
        let steps: Vec<BatchStep> =
            outcomes.into_iter().zip(self.rows.keys()).filter_map(|(outcome, row)| self.step(outcome, Some(*row), collected)).collect();
        for steps in steps.chunks(CHUNK) {
            self.keeper.steps(steps.to_vec()).await?;
        }
        Ok(Ok(()))
    }

    /// What a result means for its row, which is known by its name, else by its place.
    fn step(&self, outcome: Outcome, place: Option<u64>, collected: &mut Collected) -> Option<BatchStep> {
        let named = outcome.id.as_deref().map(|id| row_of(&self.part.tag, id));
        let Some(row) = named.unwrap_or(place).and_then(|row| self.rows.get(&row)) else {
            collected.is_not_ours = true;
            return None;
        };
        let last = row.sends >= TRIES;
        let (answered, next) = match outcome.what {
            What::Unreached(why) => {
                let error = json!({ "kind": "unreached", "reason": why });
                (Answered { error: Some(error), ..Answered::default() }, Next::Again(std::time::Duration::ZERO, 0))
            }
            What::Answer { status, request_id, body } => self.judged(status, request_id, body),
        };
        match next {
            Next::Stop(problem) => {
                collected.stop = Some(problem);
                return Some(BatchStep::Back { row: row.row });
            }
            Next::Again(..) if !last => return Some(BatchStep::Back { row: row.row }),
            Next::Again(..) | Next::Done => {}
        }
        Some(BatchStep::Ended(self.ending.of(row, &answered)))
    }

    fn judged(&self, status: u16, request_id: Option<String>, body: Bytes) -> (Answered, Next) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (dialect, now) = (self.ending.route.dialect, self.ending.now);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let mut answered = Answered { status: Some(status.as_u16()), request_id, body, attempts: 1, ..Answered::default() };
        if status.is_success() {
            let mut reader = UsageReader::new(dialect, self.api.kind(&self.part.endpoint), &headers);
            reader.push(&answered.body);
            answered.usage = reader.finish(true);
            // whatever tier the answer names, it is paid for at the batch's price
            answered.usage.service_tier = Some("batch".into());
            let model = Some(&self.part.model).filter(|model| !model.is_empty()).map(|model| ModelId::new(model));
            answered.cost_nanos = Catalog::bundled().cost_nanos(dialect, &answered.usage, model.as_ref(), now);
        }
        let next = judge(dialect, status, &headers, &mut answered, now);
        (answered, next)
    }
}
