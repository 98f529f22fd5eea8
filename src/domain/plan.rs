//! A plan: a load, held against what each tier allows, and what it costs.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::{AccountId, Limit, ModelClass, ModelId, Provider};

/// A load: requests of one kind, at a rate or as a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Demand {
    /// Requests a minute, on and on; `None` for a batch that may take as long as it takes.
    pub requests_per_min: Option<f64>,
    /// How many requests the batch has, if it is one.
    pub rows: Option<u64>,
    /// Tokens of a prompt, the cached part included; the mean, because limits are on sums.
    pub input_tokens: u64,
    /// Tokens of an answer; the mean.
    pub output_tokens: u64,
    /// The part of the input that is read from the provider's cache, 0 to 1.
    pub cached_share: f64,
    /// Seconds from sending a request to the end of its answer.
    pub latency_secs: Option<f64>,
}

impl Demand {
    /// Requests in flight at this rate a minute (Little's law: rate times time); `None` if the latency is unknown.
    #[must_use]
    pub fn in_flight(&self, requests_per_min: f64) -> Option<f64> {
        self.latency_secs.map(|secs| requests_per_min / 60.0 * secs)
    }
}

/// What one request costs in nano-dollars; `None` where a price is unknown or there is no such thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Prices {
    /// As it is, without a cache.
    pub now_nanos: Option<u64>,
    /// Through the provider's Batch API.
    pub batch_api_nanos: Option<u64>,
    /// With the demand's share of the input read from the cache.
    pub cached_nanos: Option<u64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The load.
    pub demand: Demand,
    /// Requests in flight at the demanded rate, by Little's law; `None` without a rate or a latency.
    pub workers: Option<f64>,
    /// One for each choice, in the same order.
    pub fits: Vec<Fit>,
    /// What makes it fit, where it does not.
    pub advice: Vec<Advice>,
    /// What it costs: one request.
    pub each: Prices,
    /// What it costs: all rows of the batch, or an hour at the demanded rate.
    pub whole: Prices,
}

/// How a load fits one choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// The choice's name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// One for each limit that could be judged.
    pub limits: Vec<LimitCheck>,
    /// Whether every limit holds the demanded rate. A batch without a rate fits if each of its requests fits alone.
    pub fits: bool,
    /// The meter that runs out first; `None` without limits.
    pub binding: Option<String>,
    /// The highest rate at which requests of this kind fit; `None` without limits.
    pub most_requests_per_min: Option<f64>,
    /// Requests in flight at that rate; `None` if the latency is unknown.
    pub workers_at_most: Option<f64>,
    /// The longest prompt with which the demanded rate fits; `None` if it would not with any, or there is no rate.
    pub longest_prompt: Option<u64>,
    /// What requests have to change for the demanded rate to fit.
    pub cuts: Cuts,
    /// How long the batch takes, if it is one and limits are known.
    pub batch: Option<BatchTime>,
}

/// Changes to requests, each of which makes a rate fit; `None` where it would not be enough, or nothing limits what it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cuts {
    /// Prompts of at most so many tokens.
    pub prompt: Option<u64>,
    /// Answers of at most so many tokens.
    pub answer: Option<u64>,
    /// Both shorter than now, where neither is enough alone.
    pub both: Option<Sizes>,
    /// More of the prompts read from the cache, where the provider does not count that.
    pub from_cache: Option<FromCache>,
}

/// Sizes of a request in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Its prompt.
    pub input_tokens: u64,
    /// Its answer.
    pub output_tokens: u64,
}

/// A share of the prompts that the provider reads from its cache.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FromCache {
    /// The least that is enough, 0 to 1, in whole percent.
    pub cached_share: f64,
    /// How long answers may be then, where they have to be shorter as well.
    pub output_tokens: Option<u64>,
}

/// A load against one limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitCheck {
    /// RPM, ITPM, ...
    pub meter: String,
    /// How much the limit allows in its window.
    pub limit: u64,
    /// Where that number came from.
    pub source: String,
    /// What one request takes; of requests at once, a place for so many minutes.
    pub each: f64,
    /// What the demanded rate takes in a window; `None` without a rate.
    pub need: Option<f64>,
    /// The highest rate a minute that this limit alone allows; `None` if requests take nothing of it.
    pub most_requests_per_min: Option<f64>,
    /// Whether the need is not above the limit, and one request is not either.
    pub fits: bool,
    /// What is left of the limit in percent; negative if the need is above it. `None` without a rate.
    pub headroom_percent: Option<f64>,
}

/// How long a batch takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BatchTime {
    /// With every bucket full at the start and no moment lost.
    pub least_secs: f64,
    /// Evenly at the limit, as a limiter sends that does not trust bursts, with what it leaves unused.
    pub expected_secs: f64,
}

/// Something that helps.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Advice {
    /// With prompts of at most so many tokens it fits.
    ShorterPrompt {
        /// Where it fits then.
        choice: String,
        /// The longest prompt.
        input_tokens: u64,
        /// How many tokens that is less than now.
        fewer: u64,
    },
    /// With answers of at most so many tokens it fits.
    ShorterAnswer {
        /// Where it fits then.
        choice: String,
        /// The longest answer.
        output_tokens: u64,
        /// How many tokens that is less than now.
        fewer: u64,
    },
    /// With both of at most so many tokens it fits, and with neither alone.
    ShorterBoth {
        /// Where it fits then.
        choice: String,
        /// The longest prompt and answer.
        #[serde(flatten)]
        sizes: Sizes,
    },
    /// With so much of the prompts from the cache it fits.
    MoreFromCache {
        /// Where it fits then.
        choice: String,
        /// How much.
        #[serde(flatten)]
        from_cache: FromCache,
    },
    /// At this rate it fits.
    FewerRequests {
        /// Where it fits then.
        choice: String,
        /// The highest rate.
        requests_per_min: f64,
    },
    /// It fits at this tier, the lowest one above.
    HigherTier {
        /// That tier.
        choice: String,
    },
}

impl Advice {
    /// Where it fits then.
    pub const fn choice_mut(&mut self) -> &mut String {
        match self {
            Self::ShorterPrompt { choice, .. }
            | Self::ShorterAnswer { choice, .. }
            | Self::ShorterBoth { choice, .. }
            | Self::MoreFromCache { choice, .. }
            | Self::FewerRequests { choice, .. }
            | Self::HigherTier { choice } => choice,
        }
    }
}

/// A sentence without a full stop.
impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShorterPrompt { choice, input_tokens, fewer } => {
                write!(f, "prompts of at most {input_tokens} tokens fit ({choice}), {fewer} fewer than now")
            }
            Self::ShorterAnswer { choice, output_tokens, fewer } => {
                write!(f, "answers of at most {output_tokens} tokens fit ({choice}), {fewer} fewer than now")
            }
            Self::ShorterBoth { choice, sizes: Sizes { input_tokens, output_tokens } } => {
                write!(f, "prompts of at most {input_tokens} tokens with answers of at most {output_tokens} fit ({choice})")
            }
            Self::MoreFromCache { choice, from_cache: FromCache { cached_share, output_tokens } } => {
                let answers = output_tokens.map(|most| format!(" and answers of at most {most} tokens")).unwrap_or_default();
                write!(f, "with {:.0} % of the prompts read from the cache{answers} it fits ({choice})", cached_share * 100.0)
            }
            Self::FewerRequests { choice, requests_per_min } => {
                write!(f, "{} requests a minute fit ({choice})", (requests_per_min * 100.0).floor() / 100.0)
            }
            Self::HigherTier { choice } => write!(f, "it fits at {choice}"),
        }
    }
}

/// A load of one model, and where its numbers came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: ModelId,
    /// The load.
    pub demand: Demand,
    /// Where its numbers came from, for people.
    pub basis: String,
    /// Rows of a file that set no maximum for their answers: how long those are the file does not say.
    pub open_ended: u64,
}

/// Where to take loads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadSource {
    /// What was recorded since then.
    History(Timestamp),
    /// A batch's input file, read as for this account.
    File(PathBuf, AccountId),
}

/// What the window wants planned.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanQuery {
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: ModelId,
    /// The load.
    pub demand: Demand,
    /// The tier at which the user stands, by its name or its title.
    pub tier: Option<String>,
    /// Limits that the user knows better than the catalogue.
    pub given: Vec<Limit>,
    /// Whether it is held against the provider's tiers as well, where limits are given.
    pub tiers_too: bool,
}

/// A plan, with what the catalogue knows beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: ModelId,
    /// The bucket that it draws on.
    pub class: ModelClass,
    /// The plan.
    pub plan: Plan,
    /// For each fit of the plan the rows of the catalogue that its limits came from.
    pub evidence: Vec<String>,
    /// The row with the price.
    pub price_evidence: Option<String>,
    /// Tiers of which no limit is known for this class.
    pub unknown: Vec<String>,
    /// The name of the tier at which the user stands, or that of a new account.
    pub current: Option<String>,
    /// That the model ends, if it does.
    pub end: Option<String>,
}
