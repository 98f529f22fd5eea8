//! The load to be planned, and how its provider counts it.

use serde::Serialize;

use super::check::to_f64;
use crate::domain::{Dialect, Dimension, ModelId, Usage};
use crate::provider::counted;

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

    /// What one request takes from a limit on this dimension; `None` if that cannot be told.
    pub(super) fn takes(&self, dimension: Dimension, counting: Counting) -> Option<f64> {
        let input = to_f64(self.input_tokens) * self.counted_input_share(counting);
        match dimension {
            Dimension::Requests => Some(1.0),
            Dimension::InputTokens => Some(input),
            Dimension::OutputTokens => Some(to_f64(self.output_tokens)),
            Dimension::Tokens => Some(input + if counting.output_in_tokens { to_f64(self.output_tokens) } else { 0.0 }),
            Dimension::Concurrent | Dimension::Images | Dimension::AudioSeconds | Dimension::Money => None,
        }
    }

    pub(super) fn counted_input_share(&self, counting: Counting) -> f64 {
        if counting.cached_input { 1.0 } else { 1.0 - self.cached_share.clamp(0.0, 1.0) }
    }
}

/// What a provider counts toward its token limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counting {
    /// Whether input that was read from the cache counts.
    pub cached_input: bool,
    /// Whether a limit on tokens is on input and output together.
    pub output_in_tokens: bool,
}

impl Default for Counting {
    fn default() -> Self {
        Self { cached_input: true, output_in_tokens: true }
    }
}

impl Counting {
    /// The provider's rule for this model.
    #[must_use]
    pub fn of(dialect: Dialect, model: &ModelId) -> Self {
        let takes = |usage: Usage, dimension| counted(dialect, Some(model), &usage)[dimension] > 0;
        Self {
            cached_input: takes(Usage { cache_read: 1, ..Usage::default() }, Dimension::InputTokens),
            output_in_tokens: takes(Usage { output: 1, ..Usage::default() }, Dimension::Tokens),
        }
    }
}
