//! The list of models that the catalogue knows, with where each is in its life.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::Catalog;
use super::evidence::Evidence;
use super::retirement::ModelState;
use super::when::When;
use crate::domain::{Dialect, ModelId};

/// A model that some row names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownModel {
    /// Its id, or a family such as `sora-2*`.
    pub id: String,
    /// Its name on screen.
    pub title: Option<String>,
    /// Where it is in its life.
    pub state: ModelState,
    /// When it came out.
    pub released: Option<Date>,
    /// The provider promises not to retire it before this day.
    pub not_before: Option<Date>,
    /// When it ends or ended.
    pub shutdown: Option<When>,
    /// The living model at the end of its chain of replacements.
    pub replacement: Option<ModelId>,
    /// When and how well it is known.
    pub about: Evidence,
}

impl Catalog {
    /// Every model of a provider that has a row of its own, an end, or a price, in the order of their names.
    #[must_use]
    pub fn models(&self, provider: impl Into<Dialect>, now: Timestamp) -> Vec<KnownModel> {
        let provider = provider.into();
        let mut all: BTreeMap<String, KnownModel> = BTreeMap::new();
        let active = |id: &str, about: &Evidence| KnownModel {
            id: id.to_owned(),
            title: None,
            state: ModelState::Active,
            released: None,
            not_before: None,
            shutdown: None,
            replacement: None,
            about: about.clone(),
        };
        for end in self.retirements(now).into_iter().filter(|end| end.provider == provider && end.is_model) {
            let replacement = end.replacement().cloned();
            let model = KnownModel { state: end.state, shutdown: end.shutdown, replacement, ..active(&end.name, &end.about) };
            all.insert(end.name, model);
        }
        for entry in self.tables.model.iter().filter(|entry| entry.provider == provider && !entry.about.superseded) {
            let model = all.entry(entry.row.id.clone()).or_insert_with(|| active(&entry.row.id, &entry.about));
            model.title = model.title.take().or_else(|| entry.row.title.clone());
            model.released = model.released.or(entry.row.released);
            model.not_before = model.not_before.or(entry.row.not_before);
        }
        for entry in self.tables.price.iter().filter(|entry| entry.provider == provider && entry.about.holds_at(now)) {
            for id in entry.row.models.iter().filter_map(|name| name.exact()) {
                // a price under the undated name belongs to a snapshot that is listed already
                let listed = all.keys().any(|known| known == id || super::names::undated(known) == id);
                if !listed {
                    all.insert(id.to_owned(), active(id, &entry.about));
                }
            }
        }
        all.into_values().collect()
    }
}
