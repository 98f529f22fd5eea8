//! The kinds of rows in `assets/catalog/*.toml` and in a user's own file. A field that is absent is unknown.

use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Serialize};

use super::names::Pattern;
use super::usd::Usd;
use super::when::{self, When};
use crate::domain::dimension::Zone;
use crate::domain::{Dimension, Limit, LimitSource, Period, Refill, Window};

/// Models that share one bucket.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassRow {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) models: Vec<Pattern>,
}

/// A step of the provider's ladder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TierRow {
    pub(super) name: String,
    pub(super) title: String,
    /// Its place on the ladder, from the lowest.
    pub(super) order: u32,
    /// Whether a new paying account stands here.
    #[serde(default)]
    pub(super) entry: bool,
    pub(super) qualifies: String,
    pub(super) monthly_cap: Option<Cap>,
    pub(super) spend_per_10_minutes: Option<Usd>,
}

/// What a month may cost at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cap {
    /// There is none.
    Unlimited,
    /// That much.
    Usd(Usd),
}

/// What some classes may use at a tier; at every tier, if it names none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitRow {
    pub(super) classes: Vec<Pattern>,
    pub(super) tier: Option<String>,
    /// Only prompts of more tokens than this draw on it.
    pub(super) prompt_above: Option<u64>,
    /// How the limits per day come back.
    #[serde(default)]
    day: Day,
    rps: Option<u64>,
    rpm: Option<u64>,
    rpd: Option<u64>,
    tpm: Option<u64>,
    tpd: Option<u64>,
    itpm: Option<u64>,
    otpm: Option<u64>,
    ipm: Option<u64>,
    concurrency: Option<u64>,
}

/// How a limit per day comes back.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    #[default]
    Continuous,
    Pacific,
    Utc,
}

impl LimitRow {
    /// The numbers that the row has.
    pub(super) fn limits(&self, source: LimitSource) -> Vec<Limit> {
        let second = Window { period: Period::SECOND, refill: Refill::Continuous };
        let day = Window {
            period: Period::DAY,
            refill: match self.day {
                Day::Continuous => Refill::Continuous,
                Day::Pacific => Refill::Calendar(Zone::Pacific),
                Day::Utc => Refill::Calendar(Zone::Utc),
            },
        };
        [
            (self.rps, Dimension::Requests, second),
            (self.rpm, Dimension::Requests, Window::PER_MINUTE),
            (self.rpd, Dimension::Requests, day),
            (self.itpm, Dimension::InputTokens, Window::PER_MINUTE),
            (self.otpm, Dimension::OutputTokens, Window::PER_MINUTE),
            (self.tpm, Dimension::Tokens, Window::PER_MINUTE),
            (self.tpd, Dimension::Tokens, day),
            (self.ipm, Dimension::Images, Window::PER_MINUTE),
            (self.concurrency, Dimension::Concurrent, Window::AT_ONCE),
        ]
        .into_iter()
        .filter_map(|(capacity, dimension, window)| Some(Limit { dimension, window, capacity: capacity?, source }))
        .collect()
    }
}

/// What the provider's batch API takes. Rows without classes or tier hold for all of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BatchRow {
    pub(super) classes: Vec<Pattern>,
    pub(super) tier: Option<String>,
    pub(super) prompt_above: Option<u64>,
    pub(super) rpm: Option<u64>,
    pub(super) queued_requests: Option<u64>,
    pub(super) queued_tokens: Option<u64>,
    pub(super) requests_per_batch: Option<u64>,
    pub(super) max_megabytes: Option<u64>,
    pub(super) storage_megabytes: Option<u64>,
    pub(super) concurrent_jobs: Option<u64>,
    pub(super) batches_per_hour: Option<u64>,
    pub(super) one_model: Option<bool>,
    pub(super) finish_hours: Option<u64>,
    pub(super) results_days: Option<u64>,
    pub(super) price_percent: Option<u32>,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceRow {
    pub(super) models: Vec<Pattern>,
    /// Only for prompts of at most this many tokens.
    pub(super) prompt_up_to: Option<u64>,
    /// Only for prompts of more tokens than this; the price is for the whole request.
    pub(super) prompt_above: Option<u64>,
    pub(super) hours: Option<Hours>,
    /// Only for these service tiers; for the ordinary one, if absent.
    #[serde(default)]
    pub(super) services: Vec<String>,
    pub(super) input: Option<Usd>,
    pub(super) cache_read: Option<Usd>,
    /// Writes to the cache with the short lifetime.
    pub(super) cache_write: Option<Usd>,
    /// Writes to the cache with the long lifetime.
    pub(super) cache_write_long: Option<Usd>,
    pub(super) output: Option<Usd>,
}

/// Whether the provider's clock makes it dearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hours {
    /// The dear hours.
    Peak,
    /// All others.
    OffPeak,
}

/// What a prompt above a threshold does to the price of the whole request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepRow {
    pub(super) models: Vec<Pattern>,
    pub(super) above: u64,
    /// For input and cache.
    pub(super) input_percent: u32,
    pub(super) output_percent: u32,
}

/// What a service tier does to the price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceRow {
    pub(super) names: Vec<String>,
    pub(super) percent: u32,
}

/// The dear hours.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeakRow {
    pub(super) utc: Vec<Span>,
    weekdays: Vec<ShortWeekday>,
    /// Days without dear hours.
    #[serde(default, deserialize_with = "when::days")]
    pub(super) holidays: Vec<Date>,
}

impl PeakRow {
    /// Whether dear hours can fall on that day.
    pub(super) fn is_workday(&self, date: Date) -> bool {
        let weekday = date.weekday();
        self.weekdays.iter().any(|day| day.weekday() == weekday) && !self.holidays.contains(&date)
    }
}

/// `01:00-04:00`: the end is no longer in it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span {
    pub(super) from: Time,
    pub(super) to: Time,
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let time = |part: &str| part.parse::<Time>().ok();
        text.split_once('-')
            .and_then(|(from, to)| Some(Self { from: time(from)?, to: time(to)? }))
            .filter(|span| span.from < span.to)
            .ok_or_else(|| format!("{text:?} is not a span of hours such as \"01:00-04:00\""))
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ShortWeekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl ShortWeekday {
    const fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// Any other number worth knowing: for people, not for buckets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaRow {
    pub(super) what: String,
    pub(super) tier: Option<String>,
    pub(super) amount: u64,
    pub(super) unit: String,
    pub(super) per: String,
}

/// A model that is offered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelRow {
    pub(super) id: String,
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "when::maybe_day")]
    pub(super) released: Option<Date>,
    /// The provider promises not to retire it before this day.
    #[serde(default, deserialize_with = "when::maybe_day")]
    pub(super) not_before: Option<Date>,
}

/// Models (or something else, named by `what`) that end or have ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetirementRow {
    #[serde(default)]
    pub(super) models: Vec<Pattern>,
    pub(super) what: Option<String>,
    #[serde(default, deserialize_with = "when::maybe_day")]
    pub(super) announced: Option<Date>,
    pub(super) shutdown: Option<When>,
    pub(super) replacement: Option<String>,
    /// The replacement is not in this catalogue.
    #[serde(default)]
    pub(super) external: bool,
    /// The name goes on answering after its end, served by the replacement and billed at its price.
    #[serde(default)]
    pub(super) rerouted: bool,
    /// What makes the replacement behave as the old model did, to follow its name: `with thinking switched off`.
    pub(super) keeps: Option<String>,
    /// What changes besides the name, a sentence each.
    #[serde(default)]
    pub(super) changes: Vec<String>,
    /// What to use, where the source names no single model.
    pub(super) advice: Option<String>,
}

impl TryFrom<String> for Cap {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" { Ok(Self::Unlimited) } else { Usd::try_from(text).map(Self::Usd) }
    }
}

impl From<Cap> for String {
    fn from(cap: Cap) -> Self {
        match cap {
            Cap::Unlimited => "none".into(),
            Cap::Usd(usd) => usd.to_string(),
        }
    }
}
