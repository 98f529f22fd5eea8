//! Tiers, and what each class of models may use at them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::evidence::{Entry, Evidence};
use super::names::{self, Fit, Pattern};
use super::rows::{BatchRow, Cap, LimitRow};
use super::usd::Usd;
use super::when::midnight;
use super::{Catalog, Confidence};
use crate::domain::{Dialect, Limit, ModelClass};

/// A step of a provider's ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// Its name in commands and files.
    pub name: String,
    /// Its name on screen.
    pub title: String,
    /// Its place on the ladder, from the lowest.
    pub order: u32,
    /// Whether a new paying account stands here.
    pub entry: bool,
    /// What it takes to get here.
    pub qualifies: String,
    /// What a month may cost at most; `None` if that is unknown.
    pub monthly_cap: Option<Cap>,
    /// What any ten minutes may cost at most, where the provider limits that.
    pub spend_per_10_minutes: Option<Usd>,
    /// When and how well it is known.
    pub about: Evidence,
}

impl Tier {
    /// Whether somebody means this one by that name, as commands or as the screen have it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        [&self.name, &self.title].into_iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The bucket that long prompts draw on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LongContext {
    /// Prompts of more tokens than this.
    pub above_tokens: u64,
    /// What they may use.
    pub limits: Vec<Limit>,
}

/// What a provider's batch API takes; `None` where that is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BatchLimits {
    /// Calls of the batch API a minute.
    pub rpm: Option<u64>,
    /// Requests waiting in all batches.
    pub queued_requests: Option<u64>,
    /// Input tokens waiting in all batches of the model.
    pub queued_tokens: Option<u64>,
    /// Requests in one batch.
    pub requests_per_batch: Option<u64>,
    /// Size of one batch, in megabytes as the provider counts them.
    pub max_megabytes: Option<u64>,
    /// Size of all stored files, in megabytes as the provider counts them.
    pub storage_megabytes: Option<u64>,
    /// Batches that run at the same time.
    pub concurrent_jobs: Option<u64>,
    /// Batches that may be created in an hour.
    pub batches_per_hour: Option<u64>,
    /// Whether all requests of a batch must name the same model.
    pub one_model: Option<bool>,
    /// How long the provider may take.
    pub finish_hours: Option<u64>,
    /// How long results are kept.
    pub results_days: Option<u64>,
    /// What it costs, in percent of the ordinary price.
    pub price_percent: Option<u32>,
    /// The date of the newest row that contributed.
    pub as_of: Option<Date>,
    /// The least confidence of the rows that contributed.
    pub confidence: Option<Confidence>,
}

/// A number worth knowing that is no bucket: `files API`, 500, `requests`, `minute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Of what.
    pub what: String,
    /// At which tier; at any, if `None`.
    pub tier: Option<String>,
    /// How much.
    pub amount: u64,
    /// Of which unit.
    pub unit: String,
    /// Over or for what.
    pub per: String,
    /// When and how well it is known, and what else to know.
    pub about: Evidence,
}

impl Catalog {
    /// The ladder that holds on that day, lowest first. Empty if the provider has none or none is known.
    #[must_use]
    pub fn tiers(&self, provider: impl Into<Dialect>, on: Date) -> Vec<Tier> {
        let provider = provider.into();
        self.ladder(provider, |about| about.holds_at(midnight(on)))
    }

    /// The tiers whose rows pass, lowest first; of several rows with one name the first.
    pub(super) fn ladder(&self, provider: Dialect, pass: impl Fn(&Evidence) -> bool) -> Vec<Tier> {
        let mut tiers: Vec<Tier> = Vec::new();
        for Entry { about, row, .. } in self.tables.tier.iter().filter(|entry| entry.provider == provider && pass(&entry.about)) {
            if tiers.iter().all(|tier| tier.name != row.name) {
                tiers.push(Tier {
                    name: row.name.clone(),
                    title: row.title.clone(),
                    order: row.order,
                    entry: row.entry,
                    qualifies: row.qualifies.clone(),
                    monthly_cap: row.monthly_cap,
                    spend_per_10_minutes: row.spend_per_10_minutes,
                    about: about.clone(),
                });
            }
        }
        tiers.sort_by_key(|tier| tier.order);
        tiers
    }

    /// What a class may use at a tier on that day. Empty means unknown.
    #[must_use]
    pub fn limits(&self, provider: impl Into<Dialect>, class: &ModelClass, tier: &str, on: Date) -> Vec<Limit> {
        self.limits_at(provider.into(), class, Some(tier), midnight(on))
    }

    /// The rows that [`limits`](Self::limits) of a class at a tier come from, the most specific first.
    #[must_use]
    pub fn limits_evidence(&self, provider: impl Into<Dialect>, class: &ModelClass, tier: Option<&str>, on: Date) -> Vec<&Evidence> {
        let rows = self.limit_rows(provider.into(), class, tier, midnight(on));
        rows.into_iter().filter(|entry| entry.row.prompt_above.is_none()).map(|entry| &entry.about).collect()
    }

    /// What to assume before the provider has said anything: the tier at which a new paying account stands.
    ///
    /// Empty where nothing is published, as for Gemini: better no limit than an invented one.
    #[must_use]
    pub fn default_limits(&self, provider: impl Into<Dialect>, class: &ModelClass, on: Date) -> Vec<Limit> {
        let provider = provider.into();
        let entry = self.tiers(provider, on).into_iter().find(|tier| tier.entry);
        self.limits_at(provider, class, entry.as_ref().map(|tier| tier.name.as_str()), midnight(on))
    }

    /// The bucket of its own that long prompts of a class have, if they have one.
    #[must_use]
    pub fn long_context(&self, provider: impl Into<Dialect>, class: &ModelClass, tier: &str, on: Date) -> Option<LongContext> {
        let provider = provider.into();
        self.limit_rows(provider, class, Some(tier), midnight(on)).into_iter().find_map(|entry| {
            let above_tokens = entry.row.prompt_above?;
            Some(LongContext { above_tokens, limits: entry.row.limits(entry.about.limit_source()) })
        })
    }

    /// The same at the tier at which a new paying account stands.
    #[must_use]
    pub fn default_long_context(&self, provider: impl Into<Dialect>, class: &ModelClass, on: Date) -> Option<LongContext> {
        let provider = provider.into();
        let entry = self.tiers(provider, on).into_iter().find(|tier| tier.entry)?;
        self.long_context(provider, class, &entry.name, on)
    }

    pub(super) fn limits_at(&self, provider: Dialect, class: &ModelClass, tier: Option<&str>, at: Timestamp) -> Vec<Limit> {
        let mut limits: Vec<Limit> = Vec::new();
        for entry in self.limit_rows(provider, class, tier, at).into_iter().filter(|entry| entry.row.prompt_above.is_none()) {
            for limit in entry.row.limits(entry.about.limit_source()) {
                if limits.iter().all(|known| (known.dimension, known.window.period) != (limit.dimension, limit.window.period)) {
                    limits.push(limit);
                }
            }
        }
        limits
    }

    /// The rows for a class at a tier, the most specific first.
    fn limit_rows(&self, provider: Dialect, class: &ModelClass, tier: Option<&str>, at: Timestamp) -> Vec<&Entry<LimitRow>> {
        let mut rows: Vec<(Fit, &Entry<LimitRow>)> = self
            .tables
            .limits
            .iter()
            .filter(|entry| entry.provider == provider && entry.about.holds_at(at) && at_tier(entry.row.tier.as_deref(), tier))
            .filter_map(|entry| Some((names::best(&entry.row.classes, class.as_str())?, entry)))
            .collect();
        // stable: among equals the user's rows stay before the bundled ones
        rows.sort_by_key(|(fit, _)| *fit);
        rows.into_iter().map(|(_, entry)| entry).collect()
    }

    /// What the batch API takes for a class at a tier; `None` if no batch API is known.
    ///
    /// `prompt_tokens` chooses between the queues for ordinary and for long prompts.
    #[must_use]
    pub fn batch_limits(
        &self,
        provider: impl Into<Dialect>,
        class: &ModelClass,
        tier: Option<&str>,
        prompt_tokens: u64,
        on: Date,
    ) -> Option<BatchLimits> {
        let provider = provider.into();
        let fits =
            |classes: &[Pattern]| if classes.is_empty() { Some(usize::MAX) } else { names::best(classes, class.as_str()).map(|_| 0) };
        let mut rows: Vec<_> = self
            .tables
            .batch
            .iter()
            .filter(|entry| entry.provider == provider && entry.about.holds_at(midnight(on)))
            .filter(|entry| at_tier(entry.row.tier.as_deref(), tier) && entry.row.prompt_above.is_none_or(|above| prompt_tokens > above))
            .filter_map(|entry| Some(((fits(&entry.row.classes)?, u64::MAX - entry.row.prompt_above.unwrap_or(0)), entry)))
            .collect();
        rows.sort_by_key(|(rank, _)| *rank);
        rows.into_iter().map(|(_, entry)| entry).fold(None, |sum, entry| Some(sum.unwrap_or_default().or(entry)))
    }

    /// Other numbers worth knowing, for people.
    #[must_use]
    pub fn quotas(&self, provider: impl Into<Dialect>, on: Date) -> Vec<Quota> {
        let provider = provider.into();
        self.tables
            .quota
            .iter()
            .filter(|entry| entry.provider == provider && entry.about.holds_at(midnight(on)))
            .map(|Entry { about, row, .. }| Quota {
                what: row.what.clone(),
                tier: row.tier.clone(),
                amount: row.amount,
                unit: row.unit.clone(),
                per: row.per.clone(),
                about: about.clone(),
            })
            .collect()
    }
}

/// A row without a tier holds at every tier.
fn at_tier(row: Option<&str>, asked: Option<&str>) -> bool {
    row.is_none() || row == asked
}

impl BatchLimits {
    /// Fills what is still unknown from a less specific row.
    fn or(self, entry: &Entry<BatchRow>) -> Self {
        let Entry { row, about, .. } = entry;
        Self {
            rpm: self.rpm.or(row.rpm),
            queued_requests: self.queued_requests.or(row.queued_requests),
            queued_tokens: self.queued_tokens.or(row.queued_tokens),
            requests_per_batch: self.requests_per_batch.or(row.requests_per_batch),
            max_megabytes: self.max_megabytes.or(row.max_megabytes),
            storage_megabytes: self.storage_megabytes.or(row.storage_megabytes),
            concurrent_jobs: self.concurrent_jobs.or(row.concurrent_jobs),
            batches_per_hour: self.batches_per_hour.or(row.batches_per_hour),
            one_model: self.one_model.or(row.one_model),
            finish_hours: self.finish_hours.or(row.finish_hours),
            results_days: self.results_days.or(row.results_days),
            price_percent: self.price_percent.or(row.price_percent),
            as_of: self.as_of.max(Some(about.as_of)),
            confidence: self.confidence.max(Some(about.confidence)),
        }
    }
}
