//! What tokens cost: by model, moment, length of the prompt and service tier, in integer nano-dollars.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Catalog;
use super::evidence::{Entry, Evidence};
use super::names;
use super::rows::{Hours, PriceRow};
use super::usd::Usd;
use crate::domain::{Certainty, Dialect, ModelId, Usage};

/// Service tiers that cost the ordinary price.
const ORDINARY: [&str; 4] = ["", "auto", "default", "standard"];

/// What a request costs, per million tokens. `None` means unknown, not free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Input that touches no cache.
    pub input: Option<Usd>,
    /// Input read from the cache.
    pub cache_read: Option<Usd>,
    /// Input written to the cache with the short lifetime.
    pub cache_write: Option<Usd>,
    /// Input written to the cache with the long lifetime.
    pub cache_write_long: Option<Usd>,
    /// Output, reasoning included.
    pub output: Option<Usd>,
    /// Which of the provider's hours it is for, where it has dear ones.
    pub hours: Option<Hours>,
    /// When and how well it is known.
    pub about: Evidence,
}

impl Price {
    /// The cost of a usage in nano-dollars, rounded to the nearest; `None` if a kind of token it has carries no known price.
    ///
    /// ```
    /// use tierline::catalog::Catalog;
    /// use tierline::domain::{ModelId, Provider, Usage};
    /// let at = "2026-11-24T12:00:00Z".parse()?;
    /// let price = Catalog::bundled().price(Provider::Anthropic, &ModelId::new("claude-haiku-4-5"), at, 1_000);
    /// let usage = Usage { input: 1_000, output: 200, ..Usage::default() };
    /// assert_eq!(price.and_then(|price| price.cost_nanos(&usage)), Some(2_000_000)); // 1,000 at $1 and 200 at $5 a million
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn cost_nanos(&self, usage: &Usage) -> Option<u64> {
        let long = usage.cache_write_long.min(usage.cache_write);
        let mut millionths = 0_u128;
        for (tokens, price) in [
            (usage.input, self.input),
            (usage.cache_read, self.cache_read),
            (usage.cache_write - long, self.cache_write),
            (long, self.cache_write_long),
            (usage.output, self.output),
        ] {
            if tokens > 0 {
                millionths += u128::from(tokens) * u128::from(price?.nanos());
            }
        }
        u64::try_from((millionths + 500_000) / 1_000_000).ok()
    }

    /// Every price scaled: those of input and cache by one factor, that of output by another.
    fn scaled(mut self, input_percent: u32, output_percent: u32) -> Self {
        for price in [&mut self.input, &mut self.cache_read, &mut self.cache_write, &mut self.cache_write_long] {
            *price = price.map(|usd| usd.percent(input_percent));
        }
        self.output = self.output.map(|usd| usd.percent(output_percent));
        self
    }
}

/// What decides a price.
pub(super) struct Ask<'a> {
    pub(super) provider: Dialect,
    pub(super) model: &'a str,
    pub(super) at: Timestamp,
    pub(super) prompt_tokens: u64,
    pub(super) service: Option<&'a str>,
    /// Which hours; `None` asks the clock.
    pub(super) hours: Option<Hours>,
}

impl Catalog {
    /// What a model costs at a moment, for a prompt of that many tokens, at the ordinary service tier.
    ///
    /// A retired name that its provider still answers costs what the model behind it costs.
    #[must_use]
    pub fn price(&self, provider: impl Into<Dialect>, model: &ModelId, at: Timestamp, prompt_tokens: u64) -> Option<Price> {
        self.price_at_service(provider, model, None, at, prompt_tokens)
    }

    /// The same at a service tier: `batch`, `flex`, `priority`, `fast`, ... `None` if what that costs is unknown.
    #[must_use]
    pub fn price_at_service(
        &self,
        provider: impl Into<Dialect>,
        model: &ModelId,
        service: Option<&str>,
        at: Timestamp,
        prompt_tokens: u64,
    ) -> Option<Price> {
        self.price_of(&Ask { provider: provider.into(), model: model.as_str(), at, prompt_tokens, service, hours: None })
    }

    /// What an answer cost in nano-dollars, by the model it names (else by `asked_model`), its service tier and the hour.
    ///
    /// `None` if any part of the price is unknown. For a usage that broke off it is the cost of what was counted.
    #[must_use]
    pub fn cost_nanos(&self, provider: impl Into<Dialect>, usage: &Usage, asked_model: Option<&ModelId>, at: Timestamp) -> Option<u64> {
        if usage.certainty == Certainty::Unknown {
            return None;
        }
        let model = usage.model.as_ref().or(asked_model)?;
        self.price_at_service(provider, model, usage.service_tier.as_deref(), at, usage.total_input())?.cost_nanos(usage)
    }

    /// Whether it is a dear hour for this provider; `None` if it has no such hours.
    #[must_use]
    pub fn hours(&self, provider: impl Into<Dialect>, at: Timestamp) -> Option<Hours> {
        let provider = provider.into();
        let peak = &self.tables.peak.iter().find(|entry| entry.provider == provider && entry.about.holds_at(at))?.row;
        let utc = TimeZone::UTC.to_datetime(at);
        let dear = peak.is_workday(utc.date()) && peak.utc.iter().any(|span| span.from <= utc.time() && utc.time() < span.to);
        Some(if dear { Hours::Peak } else { Hours::OffPeak })
    }

    pub(super) fn price_of(&self, ask: &Ask<'_>) -> Option<Price> {
        let served = self.served_by(ask.provider, ask.model, ask.at);
        let ask =
            Ask { model: served.as_deref().unwrap_or(ask.model), hours: ask.hours.or_else(|| self.hours(ask.provider, ask.at)), ..*ask };
        let service = ask.service.map(str::to_ascii_lowercase).filter(|name| !ORDINARY.contains(&name.as_str()));
        let Some(service) = service else { return self.price_row(&ask, None) };
        self.price_row(&ask, Some(&service)).or_else(|| {
            let percent = self
                .tables
                .service
                .iter()
                .find(|entry| entry.provider == ask.provider && entry.about.holds_at(ask.at) && entry.row.names.contains(&service))?
                .row
                .percent;
            Some(self.price_row(&ask, None)?.scaled(percent, percent))
        })
    }

    /// The price that a row states for this service tier, with the step for long prompts if it has one.
    fn price_row(&self, ask: &Ask<'_>, service: Option<&String>) -> Option<Price> {
        let fits = |row: &PriceRow| {
            row.prompt_above.is_none_or(|above| ask.prompt_tokens > above)
                && row.prompt_up_to.is_none_or(|most| ask.prompt_tokens <= most)
                && (row.hours.is_none() || row.hours == ask.hours)
                && service.map_or(row.services.is_empty(), |name| row.services.contains(name))
        };
        let Entry { row, about, .. } = self
            .tables
            .price
            .iter()
            .filter(|entry| entry.provider == ask.provider && entry.about.holds_at(ask.at) && fits(&entry.row))
            .filter_map(|entry| Some((names::best(&entry.row.models, ask.model)?, entry)))
            .min_by_key(|(fit, _)| *fit)
            .map(|(_, entry)| entry)?;
        let price = Price {
            input: row.input,
            cache_read: row.cache_read,
            cache_write: row.cache_write,
            cache_write_long: row.cache_write_long,
            output: row.output,
            hours: row.hours,
            about: about.clone(),
        };
        let split_by_row = row.prompt_above.is_some() || row.prompt_up_to.is_some();
        Some(if split_by_row { price } else { self.with_step(price, ask) })
    }

    /// The same price with what a long prompt adds, where a row says so.
    fn with_step(&self, price: Price, ask: &Ask<'_>) -> Price {
        let step = self
            .tables
            .step
            .iter()
            .filter(|entry| entry.provider == ask.provider && entry.about.holds_at(ask.at) && ask.prompt_tokens > entry.row.above)
            .filter_map(|entry| Some((names::best(&entry.row.models, ask.model)?, entry)))
            .min_by_key(|(fit, _)| *fit);
        let Some((_, Entry { row, about, .. })) = step else { return price };
        let mut price = price.scaled(row.input_percent, row.output_percent);
        price.about.confidence = price.about.confidence.max(about.confidence);
        price.about.as_of = price.about.as_of.min(about.as_of);
        price
    }
}
