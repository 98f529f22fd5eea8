//! What a request will probably take, from its bytes and from what requests like it took.
//!
//! Text becomes tokens along a line (so many for the frame, so many per byte) that is learned per model class, API and
//! client; output is learned the same way, once as a number and once as a share of the maximum the request allows, and the
//! better predictor is used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Api, Certainty, ClientName, Cost, Dimension, ModelClass, RequestFacts, Usage};

/// What a request is expected to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Input tokens, as the provider counts them, with a margin for error.
    pub input: u64,
    /// The same without the margin.
    pub input_mean: u64,
    /// Output tokens, with a margin.
    pub output: u64,
    /// The most output tokens it allows.
    pub max_output: Option<u64>,
    /// Bytes of its text, for providers that charge by characters.
    pub text_bytes: u64,
}

impl Expectation {
    /// Without the margin on the input.
    #[must_use]
    pub const fn mean(&self) -> Self {
        Self { input: self.input_mean, ..*self }
    }
}

/// Requests that are alike in what they take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kind {
    /// Which models.
    pub class: ModelClass,
    /// Which API.
    pub api: Api,
    /// Which program.
    pub client: ClientName,
    /// With images, audio or files in the input.
    pub media: bool,
}

impl Kind {
    /// Requests like these, whichever program sends them. No client has an empty name.
    fn of_anybody(&self) -> Self {
        Self { client: ClientName::new(""), ..self.clone() }
    }

    /// Whether it sums up those of every program.
    pub(super) fn is_of_anybody(&self) -> bool {
        self.client.as_str().is_empty()
    }
}

/// A running mean with its spread; the first values weigh more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Running {
    mean: f64,
    variance: f64,
    count: u32,
}

impl Running {
    const MEMORY: u32 = 30;

    fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        let gain = 1.0 / f64::from(self.count.min(Self::MEMORY));
        let off = value - self.mean;
        self.mean += gain * off;
        self.variance = (1.0 - gain) * (self.variance + gain * off * off);
    }

    /// Standard deviation over mean.
    fn spread(&self) -> f64 {
        if self.mean > 0.0 { self.variance.sqrt() / self.mean } else { 0.0 }
    }
}

/// A straight line through the last answers: tokens over bytes. The older an answer, the less it weighs; the larger, the
/// less its error in tokens matters, since errors are shares of the size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Fit {
    weight: f64,
    /// Sums over 1 / bytes, tokens / bytes, and their products.
    u: f64,
    v: f64,
    uu: f64,
    uv: f64,
}

impl Fit {
    const KEEP: f64 = 0.97;

    fn add(&mut self, bytes: f64, tokens: f64) {
        let (u, v) = (1.0 / bytes, tokens / bytes);
        for (sum, value) in [(&mut self.weight, 1.0), (&mut self.u, u), (&mut self.v, v), (&mut self.uu, u * u), (&mut self.uv, u * v)] {
            *sum = *sum * Self::KEEP + value;
        }
    }

    /// Tokens for so many bytes. Only a ratio where sizes hardly differ, or where a line would make texts free.
    fn at(&self, bytes: f64) -> Option<f64> {
        if self.weight <= 0.0 {
            return None;
        }
        let spread = self.weight * self.uu - self.u * self.u;
        let frame = (self.weight * self.uv - self.u * self.v) / spread;
        let per_byte = (self.v - frame * self.u) / self.weight;
        let is_line = self.weight > 2.5 && spread > 0.01 * self.u * self.u && frame > 0.0 && per_byte > 0.0;
        Some(if is_line { frame + per_byte * bytes } else { self.v / self.weight * bytes })
    }
}

/// What was learned of one kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    tokens_per_byte: Running,
    #[serde(default)]
    input: Fit,
    /// What it took over what the line said before.
    #[serde(default)]
    input_error: Running,
    output: Running,
    output_share: Running,
}

/// Everything learned about sizes. Forgets the least used kinds when there are too many.
#[derive(Debug, Clone, Default)]
pub struct Estimator {
    kinds: BTreeMap<Kind, Learned>,
    /// How many answers taught anything.
    learned: u64,
}

/// Overhead of a request's frame, in bytes, so that short texts do not teach absurd ratios.
const FRAME_BYTES: u64 = 40;
/// Tokens per byte before anything was seen: English text has about a quarter, code and other languages more.
const FIRST_RATIO: f64 = 0.32;
/// Tokens of an image before any was seen (the facts record 765 to 790 at OpenAI; Anthropic's are up to about 1,600).
const FIRST_MEDIA_TOKENS: u64 = 1_600;
/// Output before any was seen.
const FIRST_OUTPUT: u64 = 1_000;
/// After so many answers of its own nothing is taken from others, and of others so many must be known.
const OWN_ENOUGH: u32 = 20;
const OTHERS_ENOUGH: u32 = 20;

impl Estimator {
    const KINDS: usize = 1_024;

    /// What `facts` will probably take.
    #[must_use]
    pub fn expect(&self, kind: &Kind, facts: &RequestFacts) -> Expectation {
        let own = self.kinds.get(kind).copied().unwrap_or_default();
        // a new program's requests are taken for such as others sent to these models, if these are known well
        let others = if own.output.count < OWN_ENOUGH { self.kinds.get(&kind.of_anybody()) } else { None };
        let others = others.filter(|others| others.output.count >= OTHERS_ENOUGH);
        let learned = if own.output.count == 0 { others.copied().unwrap_or_default() } else { own };
        let bytes = facts.text_bytes + FRAME_BYTES + u64::from(facts.media) * FIRST_MEDIA_TOKENS * 3;
        let margin = match learned.input_error.count {
            0..4 => 1.2,
            _ => 1.0 + (2.0 * learned.input_error.spread()).min(0.5),
        };
        let input_mean = learned.expected_input(bytes);
        let max_output = facts.max_output.map(|max| max.saturating_mul(facts.choices.max(1)));
        let first_output = others.map_or(FIRST_OUTPUT, |others| expected_output(others, facts, max_output, FIRST_OUTPUT));
        Expectation {
            input: scale(input_mean, margin),
            input_mean,
            output: expected_output(&learned, facts, max_output, first_output),
            max_output,
            text_bytes: facts.text_bytes,
        }
    }

    /// What a request of this kind really took, as counted by the provider.
    pub fn learn(&mut self, kind: &Kind, facts: &RequestFacts, usage: &Usage, counted: &Cost) {
        if usage.certainty != Certainty::Exact || usage.total_input() == 0 {
            return;
        }
        self.learned += 1;
        self.note(kind.clone(), facts, usage, counted);
        self.note(kind.of_anybody(), facts, usage, counted);
    }

    fn note(&mut self, kind: Kind, facts: &RequestFacts, usage: &Usage, counted: &Cost) {
        if self.kinds.len() >= Self::KINDS && !self.kinds.contains_key(&kind) {
            let rarest = self.kinds.iter().min_by_key(|(_, learned)| learned.output.count).map(|(kind, _)| kind.clone());
            rarest.map(|kind| self.kinds.remove(&kind));
        }
        let learned = self.kinds.entry(kind).or_default();
        let bytes = facts.text_bytes + FRAME_BYTES + u64::from(facts.media) * FIRST_MEDIA_TOKENS * 3;
        let input = counted[Dimension::InputTokens];
        if learned.tokens_per_byte.count > 0 {
            learned.input_error.add(input as f64 / learned.expected_input(bytes).max(1) as f64);
        }
        learned.input.add(bytes as f64, input as f64);
        learned.tokens_per_byte.add(input as f64 / bytes as f64);
        learned.output.add(usage.output as f64);
        if let Some(max) = facts.max_output.filter(|max| *max > 0) {
            learned.output_share.add(usage.output as f64 / max as f64);
        }
    }

    /// How many answers taught anything: while that is the same, so is what is expected.
    #[must_use]
    pub const fn learned(&self) -> u64 {
        self.learned
    }

    /// What is known of one kind, for people: tokens per byte, mean output, how many requests it rests on.
    #[must_use]
    pub fn belief(&self, kind: &Kind) -> Option<(f64, f64, u32)> {
        let learned = self.kinds.get(kind)?;
        Some((learned.tokens_per_byte.mean, learned.output.mean, learned.output.count))
    }

    /// All that was learned, to be kept over a restart.
    #[must_use]
    pub fn export(&self) -> Vec<(Kind, Learned)> {
        self.kinds.iter().map(|(kind, learned)| (kind.clone(), *learned)).collect()
    }

    /// Recalls what was learned before a restart.
    pub fn import(&mut self, kinds: impl IntoIterator<Item = (Kind, Learned)>) {
        self.kinds.extend(kinds.into_iter().take(Self::KINDS));
    }
}

impl Learned {
    fn expected_input(&self, bytes: u64) -> u64 {
        // what was remembered by an earlier version has a ratio and no line
        let ratio = if self.tokens_per_byte.count == 0 { FIRST_RATIO } else { self.tokens_per_byte.mean };
        self.input.at(bytes as f64).map_or_else(|| scale(bytes, ratio), |tokens| scale(1, tokens))
    }
}

/// `first` is expected before any answer.
fn expected_output(learned: &Learned, facts: &RequestFacts, max_output: Option<u64>, first: u64) -> u64 {
    const GENERATES_NOTHING: [Api; 5] = [Api::Embeddings, Api::CountTokens, Api::Batches, Api::Models, Api::Other];
    if GENERATES_NOTHING.contains(&facts.api) {
        return 0;
    }
    let most = max_output.unwrap_or(u64::MAX);
    let follows_max = learned.output_share.count > 2 && learned.output_share.spread() < learned.output.spread();
    let (known, unit) = match max_output.filter(|_| follows_max) {
        Some(max) => (&learned.output_share, max),
        None => (&learned.output, 1),
    };
    let expected = match known.count {
        0 => first,
        _ => scale(unit, known.mean * (1.15 + 0.4 * known.spread().min(1.0))),
    };
    let expected = not_yet_known(known, expected, first.min(most));
    expected.clamp(1, most.max(1))
}

/// What is expected, drawn toward the first guess while few answers are known and these differ: the first ones to come are the
/// short ones.
fn not_yet_known(known: &Running, expected: u64, guess: u64) -> u64 {
    const WEIGHT: f64 = 4.0;
    const ENOUGH: f64 = 20.0;
    let answers = f64::from(known.count);
    let unsure = if known.count < 3 { 1.0 } else { (2.0 * known.spread()).min(1.0) };
    let share = unsure * WEIGHT / (WEIGHT + answers) * (1.0 - answers / ENOUGH).max(0.0);
    expected.saturating_add(scale(guess.saturating_sub(expected), share))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "token counts are small; saturates"
)]
fn scale(units: u64, by: f64) -> u64 {
    (units as f64 * by).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Kind {
        Kind { class: ModelClass::new("sonnet-5.5"), api: Api::Messages, client: ClientName::new("test"), media: false }
    }

    fn request(text_bytes: u64, max_output: Option<u64>) -> RequestFacts {
        RequestFacts { max_output, ..RequestFacts::opaque(Api::Messages, text_bytes) }
    }

    fn answer(input: u64, output: u64) -> (Usage, Cost) {
        let usage = Usage { input, output, certainty: Certainty::Exact, ..Usage::default() };
        (usage, Cost::request().with(Dimension::InputTokens, input).with(Dimension::OutputTokens, output))
    }

    #[test]
    fn twenty_answers_teach_the_ratio() {
        let mut estimator = Estimator::default();
        for i in 0..20_u64 {
            let bytes = 2_000 + 300 * (i % 7);
            let (usage, counted) = answer((bytes + FRAME_BYTES) / 4, 200);
            estimator.learn(&kind(), &request(bytes, None), &usage, &counted);
        }
        let expected = estimator.expect(&kind(), &request(4_000, None));
        assert!((1_010..1_120).contains(&expected.input), "{expected:?}");
        assert!((200..=240).contains(&expected.output), "{expected:?}");
    }

    #[test]
    fn output_that_follows_the_maximum_is_predicted_from_it() {
        let mut estimator = Estimator::default();
        for max in [100_u64, 4_000, 250, 1_600, 700] {
            let (usage, counted) = answer(500, max / 2);
            estimator.learn(&kind(), &request(2_000, Some(max)), &usage, &counted);
        }
        let expected = estimator.expect(&kind(), &request(2_000, Some(1_000)));
        assert!((500..=600).contains(&expected.output), "{expected:?}");
    }

    /// After twenty answers: the mean error of the next 500 estimates, and the share that took a fifth more than was reserved.
    fn error_after_twenty(tokens: impl Fn(u64) -> f64, seed: u64) -> (f64, f64) {
        const JUDGED: u32 = 500;
        let mut random = crate::limiter::random::Random::new(seed);
        let mut estimator = Estimator::default();
        let (mut error, mut short) = (0.0, 0);
        for i in 0..20 + JUDGED {
            // sizes from 200 bytes to 50 kB, most of them small; the tokeniser's own noise is 6 % to either side
            let bytes = 200 << random.below(9);
            let noise = 0.94 + 0.12 * random.below(1_000) as f64 / 1_000.0;
            let input = scale(1, tokens(bytes) * noise);
            let expected = estimator.expect(&kind(), &request(bytes, None));
            if i >= 20 {
                error += expected.input_mean.abs_diff(input) as f64 / input as f64 / f64::from(JUDGED);
                short += u32::from(input * 10 > expected.input * 12);
            }
            let (usage, counted) = answer(input, 200);
            estimator.learn(&kind(), &request(bytes, None), &usage, &counted);
        }
        (error, f64::from(short) / f64::from(JUDGED))
    }

    #[test]
    fn l10_twenty_answers_are_enough_for_every_class_of_content() {
        type Tokens = fn(u64) -> f64;
        let classes: [(&str, Tokens); 5] = [
            ("English", |bytes| bytes as f64 * 0.235),
            ("code", |bytes| bytes as f64 * 0.36),
            ("Chinese", |bytes| bytes as f64 * 0.42),
            ("English behind 350 tokens of tools", |bytes| 350.0 + bytes as f64 * 0.235),
            ("English behind 2,500 tokens of tools", |bytes| 2_500.0 + bytes as f64 * 0.235),
        ];
        for (name, tokens) in classes {
            for seed in 0..20 {
                let (error, short) = error_after_twenty(tokens, seed);
                assert!(error <= 0.10, "{name}, seed {seed}: mean error {error:.3}");
                assert!(short <= 0.01, "{name}, seed {seed}: {short:.3} took a fifth more than was reserved");
            }
        }
    }

    #[test]
    fn a_new_programs_requests_are_taken_for_such_as_others_sent() {
        let of = |client: &str| Kind { client: ClientName::new(client), ..kind() };
        let asks = request(2_000, Some(4_096));
        let mut estimator = Estimator::default();
        let mut hears = |client: &str, answers: u64, output: u64| {
            for nth in 0..answers {
                let (usage, counted) = answer(510, output - 20 + 10 * (nth % 5));
                estimator.learn(&of(client), &asks, &usage, &counted);
            }
            estimator.expect(&of("batch-2"), &asks)
        };
        assert_eq!(hears("batch-1", 10, 200).output, FIRST_OUTPUT, "ten answers to somebody else are too few");
        let expected = hears("batch-1", 30, 200);
        assert!((230..=260).contains(&expected.output) && (510..=640).contains(&expected.input), "{expected:?}");
        let expected = hears("batch-2", 25, 700);
        assert!((800..=900).contains(&expected.output), "its own answers count alone once they are enough: {expected:?}");
        let nobody_else = Kind { class: ModelClass::new("haiku-5"), ..kind() };
        assert_eq!(estimator.expect(&nobody_else, &asks).output, FIRST_OUTPUT, "other models say nothing");
    }

    #[test]
    fn no_more_output_is_expected_than_the_request_allows() {
        assert_eq!(Estimator::default().expect(&kind(), &request(10, Some(8))).output, 8);
    }

    #[test]
    fn broken_answers_teach_nothing() {
        let mut estimator = Estimator::default();
        let (mut usage, counted) = answer(500, 3);
        usage.certainty = Certainty::AtLeast;
        estimator.learn(&kind(), &request(2_000, None), &usage, &counted);
        assert_eq!(estimator.belief(&kind()), None);
    }
}
