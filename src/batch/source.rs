//! The rows of the input as requests, each read again by its place when it is sent.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::input::{InputFile, Place, Reading, Row};
use crate::catalog::Catalog;
use crate::domain::{Problem, RequestFacts, Usage};
use crate::store::BatchRow;

/// The input, and how its rows are read.
pub(super) struct Source {
    input: Mutex<InputFile>,
    pub(super) reading: Reading,
}

/// Of the output's length nothing is known before the first answers, if the request sets no maximum.
const UNKNOWN_OUTPUT: u64 = 1_000;

impl Source {
    pub(super) const fn new(input: InputFile, reading: Reading) -> Self {
        Self { input: Mutex::new(input), reading }
    }

    /// The request in a row, as it was planned.
    pub(super) fn read(&self, row: &BatchRow) -> Result<Row, Problem> {
        let place = Place { line: row.line, offset: row.offset, length: row.length };
        let text = self.input.lock().unwrap_or_else(PoisonError::into_inner).record(place)?;
        let request = self.reading.row(&text, row.line).ok().filter(|request| request.custom_id == row.custom_id);
        request.ok_or_else(|| {
            Problem::new(format!("line {} of the input is not what it was when the batch was planned", row.line))
                .hint("put the file back as it was, or cancel the batch and run the new file")
        })
    }

    /// What a request may cost by its size, at a service tier.
    pub(super) fn may_cost(&self, facts: &RequestFacts, service: Option<&str>, now: Timestamp) -> u64 {
        let usage = Usage { input: estimated_input(facts), output: facts.max_output.unwrap_or(UNKNOWN_OUTPUT), ..Usage::default() };
        let price = facts
            .model
            .as_ref()
            .and_then(|model| Catalog::bundled().price_at_service(self.reading.dialect, model, service, now, usage.input));
        price.and_then(|price| price.cost_nanos(&usage)).unwrap_or(0)
    }
}

/// Input tokens by the bytes of the text, rather too many than too few: providers add some for who speaks.
pub(super) const fn estimated_input(facts: &RequestFacts) -> u64 {
    facts.text_bytes / 3 + 10
}
