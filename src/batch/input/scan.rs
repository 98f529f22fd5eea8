//! Goes through a whole file before anything is sent: which rows can be sent, and what is wrong with the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::file::{InputFile, Place, Print};
use super::row::Reading;
use crate::catalog::{Catalog, ModelState};
pub use crate::domain::batch::BadRow as Bad;
use crate::domain::{Dimension, ModelClass, ModelId, Problem, RequestFacts};

/// What rows are checked against.
pub struct Checks<'a> {
    /// How they are read.
    pub reading: &'a Reading,
    /// Which models have ended.
    pub catalog: &'a Catalog,
    /// As of when.
    pub now: Timestamp,
    /// What the account's buckets hold when full, as far as is known.
    pub rooms: Vec<Room>,
}

/// What one bucket holds when it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// For which models.
    pub class: ModelClass,
    /// Of what.
    pub dimension: Dimension,
    /// How much.
    pub capacity: u64,
    /// RPM, ITPM, ...
    pub meter: String,
    /// Where that number came from.
    pub source: String,
}

/// A row that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its number among the rows that can be sent, from 0.
    pub row: u64,
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub custom_id: String,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What the file was.
    pub print: Print,
    /// How many rows can be sent.
    pub rows: u64,
    /// How many cannot.
    pub bad: u64,
    /// The rows that can be sent, by model.
    pub models: BTreeMap<ModelId, Tally>,
    /// Models that will end, a sentence each.
    pub warnings: Vec<String>,
}

/// The rows of one model, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    /// Bytes of text that become input tokens.
    pub text_bytes: u64,
    /// The sum of the most output tokens they allow.
    pub max_output: u64,
    /// How many set no such maximum.
    pub without_max: u64,
}

/// Reads the whole file. `each` hears of every row that can be sent, `bad` of every other.
///
/// # Errors
/// The file cannot be read, or `each` does not go on.
pub fn scan(
    file: &InputFile,
    checks: &Checks<'_>,
    each: &mut dyn FnMut(Planned) -> Result<(), Problem>,
    bad: &mut dyn FnMut(Bad),
) -> Result<Scan, Problem> {
    let mut seen = Ids::default();
    let (mut rows, mut bad_rows) = (0, 0);
    let mut models: BTreeMap<ModelId, Tally> = BTreeMap::new();
    let mut ends: BTreeMap<ModelId, Option<String>> = BTreeMap::new();
    let mut warnings = Vec::new();
    let print = file.records(&mut |place, text| {
        let judged = text.and_then(|text| checks.reading.row(text, place.line)).and_then(|row| {
            let model = row.facts.model.clone().unwrap_or_else(|| ModelId::new(""));
            let end = ends.entry(model.clone()).or_insert_with(|| {
                let (end, warning) = checks.end_of(&model);
                warnings.extend(warning);
                end
            });
            if let Some(end) = end {
                return Err(end.clone());
            }
            checks.fits(&model, &row.facts)?;
            match seen.line_of(&row.custom_id) {
                Some(first) => Err(format!("the custom_id {:?} stands on line {first} already", row.custom_id)),
                None => Ok((model, row)),
            }
        });
        match judged {
            Err(reason) => {
                bad_rows += 1;
                bad(Bad { line: place.line, reason });
                Ok(())
            }
            Ok((model, row)) => {
                seen.add(&row.custom_id, place.line);
                models.entry(model).or_default().add(&row.facts);
                rows += 1;
                each(Planned { row: rows - 1, place, custom_id: row.custom_id })
            }
        }
    })?;
    Ok(Scan { print, rows, bad: bad_rows, models, warnings })
}

impl Checks<'_> {
    /// Why a model can no longer be used, or a warning that it soon cannot.
    fn end_of(&self, model: &ModelId) -> (Option<String>, Option<String>) {
        let Some(end) = self.catalog.retirement(self.reading.dialect, model, self.now) else { return (None, None) };
        let instead = end.replacement().map(|model| format!("; use {model}")).unwrap_or_default();
        let text = format!("the model {model} {}{instead}", end.when());
        match end.state {
            ModelState::Retired if !end.rerouted => (Some(text), None),
            ModelState::Active => (None, None),
            ModelState::Retired | ModelState::Retiring | ModelState::Deprecated => (None, Some(text)),
        }
    }

    /// Whether a request can ever be admitted.
    fn fits(&self, model: &ModelId, facts: &RequestFacts) -> Result<(), String> {
        if self.rooms.is_empty() {
            return Ok(());
        }
        let class = self.catalog.class_of(self.reading.dialect, model);
        for room in self.rooms.iter().filter(|room| room.class == class) {
            let least = least_need(room.dimension, facts);
            if least > room.capacity {
                let (meter, capacity) = (&room.meter, room.capacity);
                return Err(format!("it needs at least {least} of {meter}, which never holds more than {capacity} ({})", room.source));
            }
        }
        Ok(())
    }
}

/// What a request takes from a limit at the very least. Whether the maximum of its answer counts differs by provider and
/// year, so it is left out: what is called too large here really is.
fn least_need(dimension: Dimension, facts: &RequestFacts) -> u64 {
    /// No tokenizer in use makes less of text, white space and repetitions aside.
    const MOST_BYTES_A_TOKEN: u64 = 8;
    match dimension {
        Dimension::Requests | Dimension::Concurrent => 1,
        Dimension::InputTokens | Dimension::Tokens => facts.text_bytes / MOST_BYTES_A_TOKEN,
        Dimension::OutputTokens | Dimension::Images | Dimension::AudioSeconds | Dimension::Money => 0,
    }
}

impl Tally {
    /// Input tokens of a row. English has about four bytes a token; what it really is shows with the first answers.
    #[must_use]
    pub fn mean_input(&self) -> u64 {
        self.text_bytes / 4 / self.rows.max(1)
    }

    /// The same, rather too many than too few: three bytes a token, and some for who speaks.
    #[must_use]
    pub fn most_input(&self) -> u64 {
        self.text_bytes / 3 / self.rows.max(1) + 10
    }

    fn add(&mut self, facts: &RequestFacts) {
        self.rows += 1;
        self.text_bytes += facts.text_bytes;
        match facts.max_output {
            Some(max) => self.max_output = self.max_output.saturating_add(max.saturating_mul(facts.choices)),
            None => self.without_max += 1,
        }
    }
}

/// Which ids there were, and where. 96 bits of a hash stand for an id, so that a million of them fit in little memory, which is
/// in one piece and goes back to the system as a whole.
#[derive(Default)]
struct Ids(#[expect(clippy::disallowed_types, reason = "its order is never seen")] std::collections::HashMap<[u8; 12], u32>);

impl Ids {
    fn line_of(&self, id: &str) -> Option<u32> {
        self.0.get(&Self::short_hash(id)).copied()
    }

    fn add(&mut self, id: &str, line: u64) {
        self.0.insert(Self::short_hash(id), u32::try_from(line).unwrap_or(u32::MAX));
    }

    fn short_hash(id: &str) -> [u8; 12] {
        let mut short = [0; 12];
        short.copy_from_slice(&Sha256::digest(id.as_bytes())[..12]);
        short
    }
}
