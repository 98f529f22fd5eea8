//! Models that end: when, what replaces them in the end, and what changes besides the name.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::Catalog;
use super::evidence::{Entry, Evidence, Origin};
use super::names::{self, Fit};
use super::rows::RetirementRow;
use super::when::When;
use crate::domain::{Dialect, ModelId};

/// Where a model is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// Offered, and nothing says that it will end.
    Active,
    /// Its end is announced, without a date.
    Deprecated,
    /// Its end has a date, which is to come.
    Retiring,
    /// It has ended.
    Retired,
}

impl ModelState {
    /// The word in JSON and on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// The end of a model, or of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retirement {
    /// Whose.
    pub provider: Dialect,
    /// The name that was asked for; in a list the name of the row, which may be a family such as `sora-2*`.
    pub name: String,
    /// Whether the name is a model's; else it is an API's or a parameter's.
    pub is_model: bool,
    /// Deprecated, retiring or retired.
    pub state: ModelState,
    /// When its end was announced.
    pub announced: Option<Date>,
    /// When it ends or ended.
    pub shutdown: Option<When>,
    /// Whether the name goes on answering after the end, served by the replacement.
    pub rerouted: bool,
    /// The replacement, its replacement, and so on to one that lives. Empty if no row names one.
    pub chain: Vec<ModelId>,
    /// What makes the replacement behave as before: `with thinking switched off`.
    pub keeps: Option<String>,
    /// What changes besides the name, along the whole chain.
    pub changes: Vec<String>,
    /// What to use where the source names no single model.
    pub advice: Option<String>,
    /// When and how well it is known.
    pub about: Evidence,
}

impl Retirement {
    /// The model at the end of the chain.
    #[must_use]
    pub fn replacement(&self) -> Option<&ModelId> {
        self.chain.last()
    }

    /// `retired 2026-07-24 15:59 UTC`, `retires 2026-12-11`, `deprecated without a date`.
    #[must_use]
    pub fn when(&self) -> String {
        match (self.state, self.shutdown) {
            (ModelState::Retired, Some(at)) => format!("retired {at}"),
            (_, Some(at)) => format!("retires {at}"),
            (_, None) => "deprecated without a date".into(),
        }
    }
}

impl Catalog {
    /// Whether and how a model ends, as it looks at `now`. `None` if no row says that it does.
    ///
    /// A row for a dated snapshot also answers for the name without the date and the other way round, unless the
    /// catalogue knows that name as a model of its own.
    #[must_use]
    pub fn retirement(&self, provider: impl Into<Dialect>, model: &ModelId, now: Timestamp) -> Option<Retirement> {
        let entry = self.retirement_row(provider.into(), model.as_str())?;
        Some(self.told(entry, model.as_str(), true, now))
    }

    /// Every end that is known, past and future, one for each name, the earliest first.
    #[must_use]
    pub fn retirements(&self, now: Timestamp) -> Vec<Retirement> {
        let mut all: Vec<Retirement> = Vec::new();
        for entry in self.tables.retirement.iter().filter(|entry| !entry.about.superseded) {
            let names =
                entry.row.models.iter().map(|name| (name.as_str(), true)).chain(entry.row.what.iter().map(|what| (what.as_str(), false)));
            for (name, is_model) in names {
                if all.iter().all(|known| (known.provider, known.name.as_str()) != (entry.provider, name)) {
                    all.push(self.told(entry, name, is_model, now));
                }
            }
        }
        all.sort_by_key(|end| (end.shutdown.map(When::start), end.provider));
        all
    }

    /// The row that decides about a model: the one that names it, else the one that ends last.
    pub(super) fn retirement_row(&self, provider: Dialect, id: &str) -> Option<&Entry<RetirementRow>> {
        let fitting = || {
            self.tables
                .retirement
                .iter()
                .filter(|entry| entry.provider == provider && !entry.about.superseded)
                .filter_map(|entry| Some((names::best(&entry.row.models, id)?, entry)))
        };
        if let Some((_, entry)) = fitting().find(|(fit, _)| *fit == Fit::Exact) {
            return Some(entry);
        }
        if self.tables.model.iter().any(|entry| entry.provider == provider && entry.row.id == id) {
            return None;
        }
        fitting().map(|(_, entry)| entry).max_by_key(|entry| (entry.origin == Origin::User, entry.row.shutdown.map(When::start)))
    }

    /// The model that answers to a retired name at that moment, if its provider routes the name to another one.
    pub(super) fn served_by(&self, provider: Dialect, id: &str, at: Timestamp) -> Option<String> {
        let row = &self.retirement_row(provider, id)?.row;
        let ended = row.shutdown.is_some_and(|shutdown| shutdown.start() <= at);
        if !row.rerouted || !ended {
            return None;
        }
        row.replacement.clone()
    }

    fn told(&self, entry: &Entry<RetirementRow>, name: &str, is_model: bool, now: Timestamp) -> Retirement {
        let Entry { provider, about, row, .. } = entry;
        let mut chain: Vec<ModelId> = Vec::new();
        let (mut keeps, mut changes) = (row.keeps.clone(), row.changes.clone());
        let mut next = row.replacement.as_deref();
        // a chain that comes back to a name it has passed stops there
        while let Some(model) = next.filter(|model| *model != name && chain.iter().all(|passed| passed.as_str() != *model)) {
            chain.push(ModelId::new(model));
            let Some(further) = self.retirement_row(*provider, model) else { break };
            if further.row.replacement.is_some() {
                keeps = keeps.or_else(|| further.row.keeps.clone());
                changes.extend(further.row.changes.iter().filter(|change| !row.changes.contains(change)).cloned());
            }
            next = further.row.replacement.as_deref();
        }
        while chain.last().is_some_and(|model| self.has_ended(*provider, model.as_str(), now)) {
            chain.pop();
        }
        Retirement {
            provider: *provider,
            name: name.to_owned(),
            is_model,
            state: state(row, now),
            announced: row.announced,
            shutdown: row.shutdown,
            rerouted: row.rerouted,
            chain,
            keeps,
            changes,
            advice: row.advice.clone(),
            about: about.clone(),
        }
    }

    fn has_ended(&self, provider: Dialect, id: &str, now: Timestamp) -> bool {
        self.retirement_row(provider, id).is_some_and(|entry| state(&entry.row, now) == ModelState::Retired)
    }
}

/// A plain date counts from its beginning: sources call their dates the earliest possible ones.
fn state(row: &RetirementRow, now: Timestamp) -> ModelState {
    match row.shutdown {
        Some(shutdown) if shutdown.start() <= now => ModelState::Retired,
        Some(_) => ModelState::Retiring,
        None => ModelState::Deprecated,
    }
}
