//! The least change that makes a load fit: fewer requests, a shorter prompt, a higher tier.

use std::fmt;

use serde::Serialize;

use super::check::Fit;
use super::demand::Demand;

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

/// What helps at the `current` choice, or at the first if none is named. Empty if it fits there.
pub(super) fn advise(demand: &Demand, fits: &[Fit], current: Option<&str>) -> Vec<Advice> {
    let at = current.and_then(|name| fits.iter().position(|fit| fit.name == name)).unwrap_or(0);
    let Some(now) = fits.get(at).filter(|fit| !fit.fits) else { return Vec::new() };
    let choice = || now.title.clone();
    let mut advice = Vec::new();
    if let Some(input_tokens) = now.longest_prompt.filter(|longest| *longest < demand.input_tokens) {
        advice.push(Advice::ShorterPrompt { choice: choice(), input_tokens, fewer: demand.input_tokens - input_tokens });
    }
    if let (Some(wanted), Some(most)) = (demand.requests_per_min, now.most_requests_per_min)
        && most < wanted
    {
        advice.push(Advice::FewerRequests { choice: choice(), requests_per_min: most });
    }
    if let Some(higher) = fits.iter().skip(at + 1).find(|fit| fit.fits && !fit.limits.is_empty()) {
        advice.push(Advice::HigherTier { choice: higher.title.clone() });
    }
    advice
}

/// A sentence without a full stop.
impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShorterPrompt { choice, input_tokens, fewer } => {
                write!(f, "prompts of at most {input_tokens} tokens fit ({choice}), {fewer} fewer than now")
            }
            Self::FewerRequests { choice, requests_per_min } => {
                write!(f, "{} requests a minute fit ({choice})", (requests_per_min * 100.0).floor() / 100.0)
            }
            Self::HigherTier { choice } => write!(f, "it fits at {choice}"),
        }
    }
}
