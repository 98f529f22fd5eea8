//! The load to be planned, and how its provider counts it.

use super::check::to_f64;
use crate::domain::plan::Demand;
use crate::domain::{Dialect, Dimension, ModelId, Usage};
use crate::provider::counted;

impl Demand {
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
