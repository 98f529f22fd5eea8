//! The least that requests have to change so that the demanded rate fits: shorter prompts, shorter answers, both, or more of
//! the prompts from the cache.

use super::check::{Judged, to_f64, to_u64, window_minutes};
use super::demand::Counting;
use crate::domain::plan::{Cuts, Demand, FromCache, Sizes};
use crate::domain::{Dimension, Limit};

/// The changes at this rate. Each is `None` where it would not be enough, or nothing limits what it changes.
pub(super) fn cuts(demand: &Demand, counting: Counting, rate: f64, judged: &[Judged<'_>]) -> Cuts {
    let is_of_tokens = |limit: &Limit| matches!(limit.dimension, Dimension::InputTokens | Dimension::OutputTokens | Dimension::Tokens);
    if judged.iter().any(|(limit, check)| !is_of_tokens(limit) && !check.fits) {
        // no size of a request helps there
        return Cuts::default();
    }
    let room = Room { counting, rate, judged };
    let share = demand.counted_input_share(counting);
    let counted_input = to_f64(demand.input_tokens) * share;
    let output = to_f64(demand.output_tokens);
    let most_output = room.output();
    let prompt = |beside: f64| whole(room.input(beside) / share);

    let both = || {
        let output_tokens = whole(most_output).filter(|most| *most < demand.output_tokens)?;
        let input_tokens = prompt(to_f64(output_tokens)).filter(|most| *most < demand.input_tokens)?;
        Some(Sizes { input_tokens, output_tokens })
    };
    let from_cache = || {
        let output_tokens = whole(most_output).filter(|most| *most < demand.output_tokens);
        let input = room.input(output_tokens.map_or(output, to_f64));
        // read up, so that it is enough
        let cached_share = ((1.0 - input / to_f64(demand.input_tokens)) * 100.0 - 1e-9).ceil() / 100.0;
        let helps = !counting.cached_input && input >= 1.0 && counted_input > input && most_output >= 1.0;
        (helps && cached_share < 1.0).then_some(FromCache { cached_share, output_tokens })
    };
    Cuts {
        prompt: if output <= most_output { prompt(output) } else { None },
        answer: if counted_input <= room.input(0.0) { whole(most_output.min(room.output_beside(counted_input))) } else { None },
        both: both(),
        from_cache: from_cache(),
    }
}

/// What one request may take at a rate.
struct Room<'a> {
    counting: Counting,
    rate: f64,
    judged: &'a [Judged<'a>],
}

impl Room<'_> {
    /// Input tokens as they are counted, if the answer has so many tokens.
    fn input(&self, output: f64) -> f64 {
        let beside = if self.counting.output_in_tokens { output } else { 0.0 };
        self.each(Dimension::InputTokens).min(self.each(Dimension::Tokens) - beside)
    }

    /// Output tokens, as far as they have limits of their own.
    fn output(&self) -> f64 {
        self.each(Dimension::OutputTokens)
    }

    /// Output tokens, as far as they share a limit with so much input.
    fn output_beside(&self, counted_input: f64) -> f64 {
        if self.counting.output_in_tokens { self.each(Dimension::Tokens) - counted_input } else { f64::INFINITY }
    }

    fn each(&self, dimension: Dimension) -> f64 {
        let limits = self.judged.iter().map(|(limit, _)| *limit).filter(|limit| limit.dimension == dimension);
        // however seldom they come, one has to fit
        limits.map(|limit| to_f64(limit.capacity) / (self.rate * window_minutes(limit)).max(1.0)).fold(f64::INFINITY, f64::min)
    }
}

/// Whole tokens, at least one; `None` if there is no bound.
fn whole(tokens: f64) -> Option<u64> {
    (tokens.is_finite() && tokens >= 1.0).then(|| to_u64(tokens.floor()))
}
