//! The tier finder: which rung of the ladder the observed limits stand on, and what the next one would give.

use jiff::civil::Date;
use serde::Serialize;

use super::limits::Tier;
use super::when::midnight;
use super::{Catalog, Evidence};
use crate::domain::{Dialect, Limit, ModelClass};

/// The tier whose numbers agree best with what was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierMatch {
    /// The tier; the lowest, if several agree equally well.
    pub tier: Tier,
    /// Titles of other tiers that agree equally well.
    pub or: Vec<String>,
    /// How many observed numbers are this tier's.
    pub agree: usize,
    /// How many observed numbers the catalogue has an opinion on.
    pub compared: usize,
    /// Whether it is a rung of a ladder that no longer holds.
    pub superseded: bool,
    /// The next rung, unless this is the highest.
    pub next: Option<NextTier>,
}

/// What the next rung would give, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextTier {
    /// The tier, with what qualifies for it.
    pub tier: Tier,
    /// What the observed classes could use there, where that is known.
    pub gives: Vec<(ModelClass, Vec<Limit>)>,
}

impl Catalog {
    /// The tier that observed limits stand for. `None` if no number is a tier's, as for limits made to measure.
    ///
    /// Rungs that hold on that day are tried first, then those of older ladders: an account may still carry their numbers.
    #[must_use]
    pub fn tier_matching(&self, provider: impl Into<Dialect>, observed: &[(ModelClass, Limit)], on: Date) -> Option<TierMatch> {
        let provider = provider.into();
        let now = midnight(on);
        let present = self.ladder(provider, |about| about.holds_at(now));
        if let Some(found) = self.best_rung(provider, &present, observed, on, false) {
            return Some(found);
        }
        let past = self.ladder(provider, |about| !about.superseded && about.ends() <= now);
        self.best_rung(provider, &past, observed, on, true)
    }

    fn best_rung(
        &self,
        provider: Dialect,
        ladder: &[Tier],
        observed: &[(ModelClass, Limit)],
        on: Date,
        superseded: bool,
    ) -> Option<TierMatch> {
        let scores: Vec<(usize, usize)> = ladder.iter().map(|tier| self.score(provider, tier, observed, on)).collect();
        let best = scores.iter().map(|(agree, _)| *agree).max().filter(|agree| *agree > 0)?;
        let mut rungs = ladder.iter().zip(&scores).enumerate().filter(|(_, (_, (agree, _)))| *agree == best);
        let (index, (tier, (agree, compared))) = rungs.next()?;
        let or = rungs.map(|(_, (tier, _))| tier.title.clone()).collect();
        let next = ladder.get(index + 1).filter(|_| !superseded).map(|tier| self.next_tier(provider, tier, observed, on));
        Some(TierMatch { tier: tier.clone(), or, agree: *agree, compared: *compared, superseded, next })
    }

    /// How many observed limits equal this tier's, of how many that it has numbers for.
    fn score(&self, provider: Dialect, tier: &Tier, observed: &[(ModelClass, Limit)], on: Date) -> (usize, usize) {
        let at = moment_of(&tier.about, on);
        let mut score = (0, 0);
        for (class, seen) in observed {
            let published = self.limits_at(provider, class, Some(&tier.name), at);
            let same = |limit: &&Limit| (limit.dimension, limit.window.period) == (seen.dimension, seen.window.period);
            if let Some(limit) = published.iter().find(same) {
                score.0 += usize::from(limit.capacity == seen.capacity);
                score.1 += 1;
            }
        }
        score
    }

    fn next_tier(&self, provider: Dialect, tier: &Tier, observed: &[(ModelClass, Limit)], on: Date) -> NextTier {
        let mut gives: Vec<(ModelClass, Vec<Limit>)> = Vec::new();
        for (class, _) in observed {
            if gives.iter().all(|(known, _)| known != class) {
                gives.push((class.clone(), self.limits(provider, class, &tier.name, on)));
            }
        }
        gives.retain(|(_, limits)| !limits.is_empty());
        NextTier { tier: tier.clone(), gives }
    }
}

/// A moment at which the tier's numbers hold: that day, or the last one of an older ladder.
fn moment_of(about: &Evidence, on: Date) -> jiff::Timestamp {
    about.valid_to.map_or(midnight(on), |end| midnight(on).min(midnight(end.date())))
}
