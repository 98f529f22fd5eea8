//! The least change that makes a load fit: shorter requests, more of them from the cache, fewer requests, a higher tier.

use crate::domain::plan::{Advice, Demand, Fit};

/// What helps at the `current` choice, or at the first if none is named. Empty if it fits there.
pub(super) fn advise(demand: &Demand, fits: &[Fit], current: Option<&str>) -> Vec<Advice> {
    let at = current.and_then(|name| fits.iter().position(|fit| fit.name == name)).unwrap_or(0);
    let Some(now) = fits.get(at).filter(|fit| !fit.fits) else { return Vec::new() };
    let choice = || now.title.clone();
    let mut advice = Vec::new();
    let cuts = &now.cuts;
    if let Some(input_tokens) = cuts.prompt.filter(|longest| *longest < demand.input_tokens) {
        advice.push(Advice::ShorterPrompt { choice: choice(), input_tokens, fewer: demand.input_tokens - input_tokens });
    }
    if let Some(output_tokens) = cuts.answer.filter(|longest| *longest < demand.output_tokens) {
        advice.push(Advice::ShorterAnswer { choice: choice(), output_tokens, fewer: demand.output_tokens - output_tokens });
    }
    if let Some(sizes) = cuts.both {
        advice.push(Advice::ShorterBoth { choice: choice(), sizes });
    }
    if let Some(from_cache) = cuts.from_cache {
        advice.push(Advice::MoreFromCache { choice: choice(), from_cache });
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
