//! The table of limit headers: which three names belong together, and what they count over how long.

use crate::domain::{Dialect, Dimension, Period, Pool};

/// Up to three headers that describe one bucket.
#[derive(Debug)]
pub(in crate::provider) struct Family {
    /// Holds the capacity.
    pub(in crate::provider) limit: &'static str,
    /// Holds what is left.
    pub(in crate::provider) remaining: &'static str,
    /// Holds when it is full again.
    pub(in crate::provider) reset: &'static str,
    /// Whether this provider sends the reset; its absence is worth a note only then.
    pub(in crate::provider) reset_is_usual: bool,
    pub(in crate::provider) dimension: Dimension,
    pub(in crate::provider) span: Span,
    pub(in crate::provider) pool: Pool,
    /// What the provider rounds to.
    pub(in crate::provider) grain: u64,
    /// Any of these says it better; then this family is ignored.
    pub(in crate::provider) unless: &'static [&'static str],
}

/// How the length of a family's window is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) enum Span {
    /// The name or the documentation says it.
    Is(Period),
    /// It cannot be known.
    Unsaid,
    /// From `reset / (limit - remaining) * limit`; `otherwise` where that says nothing.
    Recovered { otherwise: Option<Period> },
}

/// The families of a dialect: its own, and those of a second way of speaking that it has.
pub(super) fn of(dialect: Dialect) -> impl Iterator<Item = &'static Family> {
    let (own, second): (&[Family], &[Family]) = match dialect {
        Dialect::Anthropic => (&ANTHROPIC, &ANTHROPIC_COMPATIBLE),
        Dialect::OpenAi => (&OPENAI, &[]),
        // no header on any surface that was ever captured (header survey of 2026-08)
        Dialect::Gemini | Dialect::Vertex | Dialect::DeepSeek => (&[], &[]),
        Dialect::AzureOpenAi => (&AZURE, &[]),
        Dialect::OpenRouter => (&PLAIN, &[]),
        Dialect::Groq => (&GROQ, &[]),
        Dialect::Mistral => (&MISTRAL, &[]),
        Dialect::Together => (&TOGETHER, &[]),
        Dialect::Fireworks => (&FIREWORKS, &[]),
        Dialect::Cerebras => (&CEREBRAS, &[]),
        Dialect::XAi | Dialect::OpenAiCompatible => (&COMPATIBLE, &PLAIN),
    };
    own.iter().chain(second)
}

impl Family {
    pub(in crate::provider) const fn names(&self) -> [&'static str; 3] {
        [self.limit, self.remaining, self.reset]
    }

    const fn new(names: [&'static str; 3], dimension: Dimension, span: Span) -> Self {
        let [limit, remaining, reset] = names;
        Self { limit, remaining, reset, reset_is_usual: true, dimension, span, pool: Pool::Standard, grain: 1, unless: &[] }
    }

    const fn rounded(mut self, grain: u64) -> Self {
        self.grain = grain;
        self
    }

    const fn pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }

    const fn unless(mut self, names: &'static [&'static str]) -> Self {
        self.unless = names;
        self
    }

    const fn no_reset(mut self) -> Self {
        self.reset_is_usual = false;
        self
    }
}

const MINUTE: Span = Span::Is(Period::MINUTE);
const DAY: Span = Span::Is(Period::DAY);
const SECOND: Span = Span::Is(Period::SECOND);

/// `<prefix>-limit`, `<prefix>-remaining`, `<prefix>-reset`.
macro_rules! suffixed {
    ($prefix:literal) => {
        [concat!($prefix, "-limit"), concat!($prefix, "-remaining"), concat!($prefix, "-reset")]
    };
}

/// `x-ratelimit-limit-<what>` and so on.
macro_rules! x_ratelimit {
    ($what:literal) => {
        [concat!("x-ratelimit-limit-", $what), concat!("x-ratelimit-remaining-", $what), concat!("x-ratelimit-reset-", $what)]
    };
}

/// Tokens are rounded to thousands (documented; recorded samples agree but for one of priority).
const THOUSAND: u64 = 1_000;

/// Official, and recorded 2025-01 to 2026-03. The combined `tokens` family is the sum of the pair in every recording and its reset
/// ignores the output bucket, so it counts only where it is alone, as in recordings of 2024.
static ANTHROPIC: [Family; 8] = [
    Family::new(suffixed!("anthropic-ratelimit-requests"), Dimension::Requests, MINUTE),
    Family::new(suffixed!("anthropic-ratelimit-input-tokens"), Dimension::InputTokens, MINUTE).rounded(THOUSAND),
    Family::new(suffixed!("anthropic-ratelimit-output-tokens"), Dimension::OutputTokens, MINUTE).rounded(THOUSAND),
    Family::new(suffixed!("anthropic-ratelimit-tokens"), Dimension::Tokens, MINUTE)
        .rounded(THOUSAND)
        .unless(&["anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-output-tokens-limit"]),
    Family::new(suffixed!("anthropic-priority-input-tokens"), Dimension::InputTokens, MINUTE).rounded(THOUSAND).pool(Pool::Priority),
    Family::new(suffixed!("anthropic-priority-output-tokens"), Dimension::OutputTokens, MINUTE).rounded(THOUSAND).pool(Pool::Priority),
    Family::new(suffixed!("anthropic-fast-input-tokens"), Dimension::InputTokens, MINUTE).rounded(THOUSAND).pool(Pool::Fast),
    Family::new(suffixed!("anthropic-fast-output-tokens"), Dimension::OutputTokens, MINUTE).rounded(THOUSAND).pool(Pool::Fast),
];

/// Anthropic's OpenAI-compatible path: documented names over the same buckets, never recorded.
static ANTHROPIC_COMPATIBLE: [Family; 2] = [
    Family::new(x_ratelimit!("requests"), Dimension::Requests, MINUTE),
    Family::new(x_ratelimit!("tokens"), Dimension::Tokens, MINUTE).rounded(THOUSAND),
];

/// Official and recorded. The name of the requests family hides whether it is RPM or RPD.
static OPENAI: [Family; 4] = [
    Family::new(x_ratelimit!("requests"), Dimension::Requests, Span::Recovered { otherwise: None }),
    Family::new(x_ratelimit!("tokens"), Dimension::Tokens, Span::Recovered { otherwise: Some(Period::MINUTE) }),
    Family::new(x_ratelimit!("project-tokens"), Dimension::Tokens, Span::Recovered { otherwise: Some(Period::MINUTE) }).pool(Pool::Project),
    Family::new(x_ratelimit!("input-images"), Dimension::Images, Span::Recovered { otherwise: Some(Period::MINUTE) }),
];

/// RPM and TPM per deployment; no reset in any capture, and -1 where it does not know.
static AZURE: [Family; 2] = [
    Family::new(x_ratelimit!("requests"), Dimension::Requests, MINUTE).no_reset(),
    Family::new(x_ratelimit!("tokens"), Dimension::Tokens, MINUTE).no_reset(),
];

/// Requests per day, tokens per minute, whatever the other limits are.
static GROQ: [Family; 2] =
    [Family::new(x_ratelimit!("requests"), Dimension::Requests, DAY), Family::new(x_ratelimit!("tokens"), Dimension::Tokens, MINUTE)];

/// The names of 2026, then those of 2025, which count tokens ("by size").
static MISTRAL: [Family; 5] = [
    Family::new(x_ratelimit!("req-minute"), Dimension::Requests, MINUTE).no_reset(),
    Family::new(x_ratelimit!("tokens-minute"), Dimension::Tokens, MINUTE).no_reset(),
    Family::new(
        ["x-ratelimitbysize-limit-minute", "x-ratelimitbysize-remaining-minute", "x-ratelimitbysize-reset-minute"],
        Dimension::Tokens,
        MINUTE,
    )
    .no_reset(),
    Family::new(
        ["x-ratelimitbysize-limit-month", "x-ratelimitbysize-remaining-month", "x-ratelimitbysize-reset-month"],
        Dimension::Tokens,
        Span::Is(Period::MONTH),
    )
    .no_reset(),
    Family::new(suffixed!("ratelimitbysize"), Dimension::Tokens, Span::Unsaid)
        .unless(&["x-ratelimitbysize-limit-minute", "x-ratelimitbysize-limit-month"]),
];

/// Per second, from older captures; newer answers carry the reset alone.
static TOGETHER: [Family; 2] = [
    Family::new(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"], Dimension::Requests, SECOND).no_reset(),
    Family::new(["x-tokenlimit-limit", "x-tokenlimit-remaining", "x-tokenlimit-reset"], Dimension::Tokens, SECOND).no_reset(),
];

/// The documented limits are per minute, the header values per second. Prompt tokens less the cached ones are the tighter of the
/// two input limits, so the plain one counts only where it is alone.
static FIREWORKS: [Family; 4] = [
    Family::new(x_ratelimit!("requests"), Dimension::Requests, Span::Unsaid).no_reset(),
    Family::new(x_ratelimit!("tokens-cache-adjusted-prompt"), Dimension::InputTokens, SECOND).no_reset(),
    Family::new(x_ratelimit!("tokens-prompt"), Dimension::InputTokens, SECOND)
        .no_reset()
        .unless(&["x-ratelimit-limit-tokens-cache-adjusted-prompt"]),
    Family::new(x_ratelimit!("tokens-generated"), Dimension::OutputTokens, SECOND).no_reset(),
];

/// The window is in the name; resets are seconds with decimals.
static CEREBRAS: [Family; 6] = [
    Family::new(x_ratelimit!("requests-minute"), Dimension::Requests, MINUTE),
    Family::new(x_ratelimit!("requests-hour"), Dimension::Requests, Span::Is(Period::HOUR)),
    Family::new(x_ratelimit!("requests-day"), Dimension::Requests, DAY),
    Family::new(x_ratelimit!("tokens-minute"), Dimension::Tokens, MINUTE),
    Family::new(x_ratelimit!("tokens-hour"), Dimension::Tokens, Span::Is(Period::HOUR)),
    Family::new(x_ratelimit!("tokens-day"), Dimension::Tokens, DAY),
];

/// Anybody who copies OpenAI's names: the window is only what the numbers give away.
static COMPATIBLE: [Family; 2] = [
    Family::new(x_ratelimit!("requests"), Dimension::Requests, Span::Recovered { otherwise: None }).no_reset(),
    Family::new(x_ratelimit!("tokens"), Dimension::Tokens, Span::Recovered { otherwise: None }).no_reset(),
];

/// The bare names that many frameworks use for requests; OpenRouter sends them on its own 429, the reset in Unix milliseconds.
static PLAIN: [Family; 1] =
    [Family::new(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"], Dimension::Requests, Span::Unsaid).no_reset()];
