//! The least change that makes a load fit: fewer requests, a shorter prompt, a higher tier.

use crate::domain::plan::{Advice, Demand, Fit};

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
