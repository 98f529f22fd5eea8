//! How a provider charges a request's tokens: the rule believed at first, and the evidence that may overturn it.
//!
//! Reserving `max_tokens` where the provider charges what was used wastes most of the limit; the reverse earns refusals.
//! Documents and recordings disagree (OpenAI's say both), so every rule predicts what `remaining` should do between two
//! headers, and the rule whose predictions fit best is used.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ceiling::Ceilings;
use super::estimate::Expectation;
use crate::domain::{Dialect, Dimension, Tick};

/// A way to charge tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeRule {
    /// Input on arrival, output as it is generated (Anthropic's page since 2026-02).
    Actual,
    /// The most it may generate is taken on arrival, and what was not generated is given back at the end.
    ReservesMax,
    /// The most it may generate is taken on arrival and kept.
    KeepsMax,
    /// Characters of the text over four, whatever is generated (OpenAI, measured 2025).
    Characters,
}

/// What a request takes from one bucket under a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// For good, when it reaches the provider.
    pub on_arrival: u64,
    /// Until it ends.
    pub held: u64,
}

impl Need {
    /// All of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.on_arrival.saturating_add(self.held)
    }
}

impl ChargeRule {
    /// Every rule, the likeliest first.
    pub const ALL: [Self; 4] = [Self::Actual, Self::ReservesMax, Self::KeepsMax, Self::Characters];

    /// What to believe before any evidence.
    #[must_use]
    pub const fn prior(dialect: Dialect) -> Self {
        match dialect {
            // reserved up front, as Cerebras documents for max_completion_tokens
            Dialect::Cerebras => Self::ReservesMax,
            _ => Self::Actual,
        }
    }

    /// The more it charges for the same request, the higher.
    const fn rank(self) -> u8 {
        match self {
            Self::Characters => 0,
            Self::Actual => 1,
            Self::ReservesMax => 2,
            Self::KeepsMax => 3,
        }
    }

    /// The name on screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Actual => "charges what was used",
            Self::ReservesMax => "reserves the maximum, gives back the rest",
            Self::KeepsMax => "charges the maximum allowed",
            Self::Characters => "charges characters / 4",
        }
    }

    /// What a request with this expectation takes from a bucket of `dimension`.
    #[must_use]
    pub fn need(self, dimension: Dimension, expected: &Expectation) -> Need {
        let max = expected.max_output.unwrap_or(expected.output);
        match dimension {
            Dimension::Requests => Need { on_arrival: 1, held: 0 },
            Dimension::Concurrent => Need { on_arrival: 0, held: 1 },
            Dimension::InputTokens => Need { on_arrival: expected.input, held: 0 },
            Dimension::OutputTokens => match self {
                Self::Actual | Self::Characters => Need { on_arrival: 0, held: expected.output },
                Self::ReservesMax | Self::KeepsMax => Need { on_arrival: max, held: 0 },
            },
            Dimension::Tokens => match self {
                Self::Actual => Need { on_arrival: expected.input, held: expected.output },
                Self::ReservesMax | Self::KeepsMax => Need { on_arrival: expected.input.saturating_add(max), held: 0 },
                Self::Characters => Need { on_arrival: expected.text_bytes / 4 + 8, held: 0 },
            },
            Dimension::Images | Dimension::AudioSeconds | Dimension::Money => Need::default(),
        }
    }
}

/// One thing that may have moved a provider's counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Movement {
    pub(super) at: Tick,
    /// Predicted charge under each rule of [`ChargeRule::ALL`]; negative gives back.
    pub(super) charge: [i64; ChargeRule::ALL.len()],
    /// The largest of them, whichever way it goes.
    most: i64,
}

impl Movement {
    /// Requests sent this close to each other may arrive in another order.
    pub(super) const OVERTAKING: Duration = Duration::from_nanos(Self::OVERTAKING_NANOS);
    const OVERTAKING_NANOS: u64 = 100_000_000;

    pub(super) fn new(at: Tick, charge: [i64; ChargeRule::ALL.len()]) -> Self {
        Self { at, charge, most: charge.iter().map(|charge| charge.abs()).max().unwrap_or(0) }
    }

    // asked of thousands of movements in a row, so no `Duration` is made of it
    const fn near(&self, at: Tick) -> bool {
        self.at.as_nanos().abs_diff(at.as_nanos()) < Self::OVERTAKING_NANOS
    }
}

/// What a header said.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// What was left, of how much.
    pub remaining: u64,
    /// The limit.
    pub limit: u64,
    /// By how much `remaining` may be off.
    pub grain: u64,
    /// When the request was sent whose answer brought it.
    pub sent: Tick,
    /// When it came.
    pub at: Tick,
    /// How long a request may be on its way to the provider.
    pub on_way: Duration,
}

/// How well each rule predicts, if headers are computed at one certain moment.
#[derive(Debug, Clone, Copy, Default)]
struct View {
    /// A header to compare with: when it was computed, what it said, and by how much it may be off because requests overtake.
    anchor: Option<(Tick, u64, i64)>,
    /// Mean error of each rule's predictions, as a share of what moved.
    errors: [f64; ChargeRule::ALL.len()],
    samples: u32,
}

impl View {
    /// A header was computed at `at`.
    fn compare(&mut self, header: &Header, at: Tick, movements: &VecDeque<Movement>, refilled_per_sec: f64) {
        let Header { remaining, limit, grain, .. } = *header;
        // what was sent a moment before may arrive after it, and the other way round
        let (mut near, mut own) = (0, 0);
        for movement in movements.iter().filter(|movement| movement.near(at)) {
            near += movement.most;
            if movement.at == header.sent {
                own = own.max(movement.most);
            }
        }
        let vague = near - own;
        let Some((since, before, vague_before)) = self.anchor else {
            self.anchor = Some((at, remaining, vague));
            return;
        };
        if at <= since {
            return;
        }
        if remaining + grain >= limit {
            // a full bucket hides what moved
            self.anchor = Some((at, remaining, vague));
            return;
        }
        let mut predicted = [0_i64; ChargeRule::ALL.len()];
        for movement in movements.iter().filter(|movement| movement.at > since && movement.at <= at) {
            for (sum, charge) in predicted.iter_mut().zip(movement.charge) {
                *sum = sum.saturating_add(charge);
            }
        }
        let (least, most) = (predicted.iter().min().copied().unwrap_or(0), predicted.iter().max().copied().unwrap_or(0));
        if most - least < signed(3 * grain.max(8)).max(2 * (vague + vague_before)) {
            if vague < vague_before / 2 {
                self.anchor = Some((at, remaining, vague));
            }
            return;
        }
        let moved = before as f64 + refilled_per_sec * at.since(since).as_secs_f64() - remaining as f64;
        let scale = moved.abs().max(4.0 * grain as f64).max(1.0);
        self.samples = self.samples.saturating_add(1);
        let gain = 1.0 / f64::from(self.samples.min(12));
        for (error, predicted) in self.errors.iter_mut().zip(predicted) {
            *error += gain * (((moved - predicted as f64).abs() / scale).min(1.0) - *error);
        }
        self.anchor = Some((at, remaining, vague));
    }

    fn least_error(&self) -> f64 {
        self.errors.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The evidence for one bucket.
///
/// Some providers compute a header when a request arrives, others when its answer begins or ends, and none says so. Every rule is
/// judged both ways, and the way counts in which some rule predicts best.
#[derive(Debug, Clone)]
pub struct Evidence {
    rule: ChargeRule,
    movements: VecDeque<Movement>,
    /// Headers are computed when a request arrives; when its answer does.
    views: [View; 2],
    /// What headers contradict.
    ceilings: Ceilings,
    /// The last header is compared when the next one comes: what ended with the answer that brought it is known only then.
    last: Option<Header>,
    /// Refusals in a row that nothing explains, where no header ever speaks, and the answers since the last.
    unexplained: u32,
    answers: u32,
}

impl Evidence {
    const MOVEMENTS: usize = 2_048;
    /// A comparison looks at every movement: of so many, not at each of thousands of headers in a second.
    const BUSY: usize = 256;
    const BUSY_PAUSE: Duration = Duration::from_millis(10);
    /// A rule that predicts worse is no better than any other.
    const GOOD: f64 = 0.3;
    /// Comparisons before another rule may win.
    const ENOUGH: u32 = 4;
    /// So many refusals without an explanation, each within so many answers of the last, speak against the rule.
    const UNEXPLAINED: u32 = 3;
    const UNEXPLAINED_WITHIN: u32 = 20;

    /// No evidence yet.
    #[must_use]
    pub fn new(rule: ChargeRule) -> Self {
        Self {
            rule,
            movements: VecDeque::new(),
            views: [View { anchor: None, errors: [0.0; ChargeRule::ALL.len()], samples: 0 }; 2],
            ceilings: Ceilings::default(),
            last: None,
            unexplained: 0,
            answers: 0,
        }
    }

    /// The rule in force.
    #[must_use]
    pub const fn rule(&self) -> ChargeRule {
        self.rule
    }

    /// What a request takes by the rule in force. While headers have told too little to be sure of it, the most that it may generate is
    /// held until it ends, as far as a bucket of this capacity gives such requests a chance.
    #[must_use]
    pub fn need(&self, dimension: Dimension, expected: &Expectation, capacity: u64) -> Need {
        let need = self.rule.need(dimension, expected);
        let generates = matches!(dimension, Dimension::OutputTokens | Dimension::Tokens);
        if !generates || self.rule.rank() > ChargeRule::Actual.rank() || self.is_sure() {
            return need;
        }
        let most = expected.max_output.unwrap_or(expected.output).min(capacity / 8);
        Need { held: need.held.max(most), ..need }
    }

    /// Whether headers have shown that the rule predicts well and better than those that charge more, or that none does, or that
    /// there is more left than those would leave; without any there is nothing to wait for.
    fn is_sure(&self) -> bool {
        let view = self.view();
        let mine = view.errors[self.rule as usize];
        let larger = || ChargeRule::ALL.into_iter().filter(|rule| rule.rank() > self.rule.rank());
        let is_best = mine < Self::GOOD && larger().all(|rule| view.errors[rule as usize] > 1.5 * mine + 0.05);
        let enough = if is_best { Self::ENOUGH } else { 3 * Self::ENOUGH };
        self.last.is_none() || view.samples >= enough || larger().all(|rule| self.ceilings.rules_out(rule))
    }

    /// How many comparisons it rests on.
    #[must_use]
    pub fn samples(&self) -> u32 {
        self.view().samples
    }

    /// The mean error of the rule's predictions, as a share of what moved.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.view().errors[self.rule as usize]
    }

    /// When a header was last compared with.
    #[must_use]
    pub fn tested_at(&self) -> Option<Tick> {
        self.view().anchor.filter(|_| self.samples() > 0).map(|(at, ..)| at)
    }

    /// The way of reading headers in which some rule predicts best.
    fn view(&self) -> &View {
        let [on_arrival, at_the_end] = &self.views;
        let arrival_is_better =
            on_arrival.samples >= Self::ENOUGH.min(at_the_end.samples) && on_arrival.least_error() < at_the_end.least_error();
        if arrival_is_better { on_arrival } else { at_the_end }
    }

    /// Believes what was learned before a restart.
    pub const fn recall(&mut self, rule: ChargeRule) {
        self.rule = rule;
    }

    /// A request was sent.
    pub fn sent(&mut self, dimension: Dimension, expected: &Expectation, at: Tick) {
        let charge = ChargeRule::ALL.map(|rule| match rule.need(dimension, &expected.mean()) {
            // what is held under `Actual` moves the counter only when it was generated
            need if rule == ChargeRule::Actual => signed(need.on_arrival),
            need => signed(need.total()),
        });
        self.push(Movement::new(at, charge));
    }

    /// A request's input estimate turned out to be off by `input`, and it generated `output`.
    pub fn ended(&mut self, dimension: Dimension, expected: &Expectation, input_off: i64, output: u64, at: Tick) {
        self.answers = self.answers.saturating_add(1);
        let max = expected.max_output.unwrap_or(expected.output);
        let input_off = if dimension == Dimension::Tokens { input_off } else { 0 };
        let charge = ChargeRule::ALL.map(|rule| match rule {
            ChargeRule::Actual => input_off + signed(output),
            ChargeRule::ReservesMax => input_off - signed(max.saturating_sub(output)),
            ChargeRule::KeepsMax => input_off,
            ChargeRule::Characters if dimension == Dimension::OutputTokens => signed(output) - signed(expected.output),
            ChargeRule::Characters => 0,
        });
        self.push(Movement::new(at, charge));
    }

    /// A request that was sent was refused: it moved nothing.
    pub fn cancelled(&mut self, dimension: Dimension, expected: &Expectation, at: Tick) {
        let charge = ChargeRule::ALL.map(|rule| match rule.need(dimension, &expected.mean()) {
            need if rule == ChargeRule::Actual => -signed(need.on_arrival),
            need => -signed(need.total()),
        });
        self.push(Movement::new(at, charge));
    }

    /// It was refused while `remaining` was left: rules by which it would have fitted are wrong.
    ///
    /// Returns whether another rule explains the refusal.
    pub fn refused(&mut self, dimension: Dimension, expected: &Expectation, remaining: u64, grain: u64) -> bool {
        let fits = ChargeRule::ALL.map(|rule| rule.need(dimension, expected).total() <= remaining.saturating_sub(grain / 2));
        if !fits[self.rule as usize] || fits.iter().all(|fits| *fits) {
            return false;
        }
        self.ceilings.forget();
        // a refusal says more than a rounded figure does
        for view in &mut self.views {
            view.samples = view.samples.saturating_add(2);
            for (error, fits) in view.errors.iter_mut().zip(fits) {
                *error += if fits { 0.5 * (1.0 - *error) } else { -0.5 * *error };
            }
        }
        self.decide();
        true
    }

    /// It was refused although by our own books there was room, and the header says that there was none: the rule charges too little.
    pub fn doubt(&mut self) {
        let rank = self.rule.rank();
        if ChargeRule::ALL.iter().all(|rule| rule.rank() <= rank) {
            return;
        }
        self.ceilings.forget();
        for view in &mut self.views {
            for rule in ChargeRule::ALL.into_iter().filter(|rule| rule.rank() <= rank) {
                let error = &mut view.errors[rule as usize];
                *error += 0.25 * (1.0 - *error);
            }
        }
        self.decide();
    }

    /// It was refused although there was room, and no header ever said how much there is: after a few of these, what
    /// takes the most is believed.
    ///
    /// Returns whether another rule is believed now.
    pub fn refused_unseen(&mut self, dimension: Dimension, expected: &Expectation) -> bool {
        if std::mem::take(&mut self.answers) > Self::UNEXPLAINED_WITHIN {
            self.unexplained = 0;
        }
        self.unexplained += 1;
        let need = |rule: &ChargeRule| rule.need(dimension, expected).total();
        let Some(most) = ChargeRule::ALL.into_iter().max_by_key(need).filter(|most| need(most) > need(&self.rule)) else { return false };
        let enough = self.unexplained >= Self::UNEXPLAINED;
        if enough {
            self.rule = most;
            self.unexplained = 0;
        }
        enough
    }

    /// A header came; `refilled_per_sec` comes back all the time. Compares the rules, where they can be told apart, by the last one.
    ///
    /// Returns whether another rule is believed now.
    pub fn header(&mut self, header: Header, refilled_per_sec: f64) -> bool {
        let soon = self.last.is_some_and(|last| header.at.since(last.at) < Self::BUSY_PAUSE);
        if soon && self.movements.len() > Self::BUSY {
            return false;
        }
        self.ceilings.judge(&header, refilled_per_sec);
        let before = self.rule;
        let Some(header) = self.last.replace(header) else { return false };
        for (view, at) in self.views.iter_mut().zip([header.sent, header.at]) {
            view.compare(&header, at, &self.movements, refilled_per_sec);
        }
        let oldest = self.views.iter().map(|view| view.anchor.map(|(at, ..)| at)).min().flatten();
        while self.movements.front().is_some_and(|movement| oldest.is_some_and(|oldest| movement.at <= oldest)) {
            self.movements.pop_front();
        }
        self.decide();
        self.rule != before
    }

    fn decide(&mut self) {
        let view = self.view();
        if view.samples < Self::ENOUGH {
            return;
        }
        let error = |rule: ChargeRule| view.errors[rule as usize];
        let mine = error(self.rule);
        // to believe in too small a charge costs refusals: of those that are about as good the largest is believed, and a smaller one
        // than now needs more evidence
        let good_enough = (view.least_error() * 1.5).min(0.6 * mine).min(Self::GOOD);
        let best = ChargeRule::ALL
            .into_iter()
            .filter(|rule| error(*rule) <= good_enough && !self.ceilings.rules_out(*rule))
            .max_by_key(|rule| rule.rank());
        let is_clear = |best: &ChargeRule| view.samples >= 3 * Self::ENOUGH && error(*best) <= 0.4 * mine;
        let best = best.filter(|best| best.rank() > self.rule.rank() || is_clear(best));
        if let Some(best) = best.filter(|_| mine > 0.1) {
            self.rule = best;
        }
    }

    fn push(&mut self, movement: Movement) {
        self.ceilings.push(movement);
        if self.movements.len() >= Self::MOVEMENTS {
            self.movements.pop_front();
            self.views.iter_mut().for_each(|view| view.anchor = None);
        }
        self.movements.push_back(movement);
    }
}

const fn signed(units: u64) -> i64 {
    if units > i64::MAX as u64 { i64::MAX } else { units.cast_signed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Tick {
        Tick::from_nanos(n * 1_000_000_000)
    }

    /// Requests one after another at a provider that charges by `truth` and computes its headers when they arrive, or at the end;
    /// answers which rule is believed after `n`.
    fn believed_after(n: u64, truth: ChargeRule, prior: ChargeRule, on_arrival: bool) -> ChargeRule {
        let mut evidence = Evidence::new(prior);
        let mut remaining = 900_000_i64;
        for i in 0..n {
            let input = 400 + 37 * (i % 5);
            let output = 120 + 61 * (i % 7);
            let expected = Expectation { input, input_mean: input, output: 400, max_output: Some(4_096), text_bytes: input * 5 };
            evidence.sent(Dimension::Tokens, &expected, secs(10 * i));
            remaining -= match truth {
                ChargeRule::Actual => signed(input),
                ChargeRule::ReservesMax | ChargeRule::KeepsMax => signed(input) + 4_096,
                ChargeRule::Characters => signed(input * 5 / 4 + 8),
            };
            let then = remaining;
            evidence.ended(Dimension::Tokens, &expected, 0, output, secs(10 * i + 3));
            remaining += match truth {
                ChargeRule::Actual => -signed(output),
                ChargeRule::ReservesMax => 4_096 - signed(output),
                ChargeRule::KeepsMax | ChargeRule::Characters => 0,
            };
            let (told, at) = (if on_arrival { then } else { remaining }, secs(10 * i + 4));
            evidence.header(
                Header { remaining: told.unsigned_abs(), limit: 1_000_000, grain: 1, sent: secs(10 * i), at, on_way: Duration::ZERO },
                0.0,
            );
        }
        evidence.rule()
    }

    #[test]
    fn the_rule_is_found_within_twenty_answers_whatever_was_believed() {
        for truth in [ChargeRule::Actual, ChargeRule::KeepsMax, ChargeRule::Characters] {
            for prior in ChargeRule::ALL {
                for on_arrival in [false, true] {
                    let found = believed_after(20, truth, prior, on_arrival);
                    let same = found == truth || (truth == ChargeRule::Actual && found == ChargeRule::ReservesMax);
                    assert!(same, "{truth:?} is charged, {prior:?} was believed, {found:?} was found, on arrival: {on_arrival}");
                }
            }
        }
    }
}
