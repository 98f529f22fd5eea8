//! One line of the traffic table: a request that waits, runs or is over, as texts.

use std::sync::Arc;

use crate::domain::view::WaitingView;
use crate::domain::{Certainty, ModelId, Outcome, Pool, RequestId, RequestRecord, VerdictKind};
use crate::journal::{LiveView, RunningView};

use super::super::super::format;
use super::super::super::scene::Scene;

// places in [`Row::cells`]
const TIME: usize = 0;
const MODEL: usize = 3;
const INPUT: usize = 7;
const CACHED: usize = 8;
const OUTPUT: usize = 9;
const COST: usize = 10;

/// A request in one of its three ages.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// In the queue.
    Waiting(&'a WaitingView),
    /// Sent and not over.
    Running(&'a RunningView),
    /// Over.
    Done(&'a Arc<RequestRecord>),
}

/// The role of a text; the panel knows the colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tone {
    Strong,
    Plain,
    Faint,
    Wait,
    Run,
    Bad,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// In which role.
    pub tone: Tone,
}

impl Cell {
    fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    /// There is nothing to say, or not yet.
    fn empty() -> Self {
        Self::new("", Tone::Faint)
    }

    /// It is not known.
    fn unknown() -> Self {
        Self::new(format::NONE, Tone::Faint)
    }

    fn count(n: u64) -> Self {
        if n == 0 { Self::empty() } else { Self::new(format::short(n), Tone::Plain) }
    }
}

/// All rows: who waits, what runs (newest first), what is over (newest first).
#[must_use]
pub fn rows(view: &LiveView) -> Vec<Row<'_>> {
    let mut rows = Vec::with_capacity(view.waiting.len() + view.running.len() + view.recent.len());
    rows.extend(view.waiting.iter().map(Row::Waiting));
    rows.extend(view.running.iter().rev().map(Row::Running));
    rows.extend(view.recent.iter().map(Row::Done));
    rows
}

/// The words of a filter, lower case.
#[must_use]
pub fn words(filter: &str) -> Vec<String> {
    filter.split_whitespace().map(str::to_lowercase).collect()
}

impl<'a> Row<'a> {
    /// The request's number.
    #[must_use]
    pub fn id(&self) -> RequestId {
        match self {
            Self::Waiting(w) => w.id,
            Self::Running(r) => r.arrival.id,
            Self::Done(r) => r.id,
        }
    }

    /// Whether every word stands somewhere in the row's texts.
    #[must_use]
    pub fn matches(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let (asked, served) = self.models();
        let texts = [self.client(), self.account(), self.class(), self.state_word()];
        let models = [asked, served].into_iter().flatten().map(ModelId::as_str);
        words.iter().all(|word| texts.into_iter().chain(models.clone()).any(|text| holds(text, word)))
    }

    /// The texts of the row, in the order of the columns.
    #[must_use]
    pub fn cells(&self, scene: &Scene<'_>) -> [Cell; 13] {
        let at = self.at();
        let time = Cell::new(format::clock(at, scene.zone), Tone::Faint);
        let client = Cell::new(self.client(), Tone::Strong);
        let account = if self.account().is_empty() { Cell::empty() } else { Cell::new(self.account(), Tone::Plain) };
        let model = Cell::new(self.model(), Tone::Strong);
        let state = Cell::new(self.state(scene), self.tone());
        let waited = |millis: u64| if millis == 0 { Cell::empty() } else { Cell::new(format::millis(millis), Tone::Wait) };
        match self {
            Self::Waiting(w) => {
                let since = format::since(scene.now, w.since);
                let rest = std::array::from_fn::<Cell, 7, _>(|_| Cell::empty());
                let [ran, input, cached, output, cost, tries, status] = rest;
                let wait = Cell::new(format::duration(since), Tone::Wait);
                [time, client, account, model, state, wait, ran, input, cached, output, cost, tries, status]
            }
            Self::Running(r) => {
                let ran = Cell::new(format::duration(format::since(scene.now, r.sent_at)), Tone::Run);
                let rest = std::array::from_fn::<Cell, 4, _>(|_| Cell::empty());
                let [input, cached, output, cost] = rest;
                let tries = Cell::new(r.attempt.to_string(), if r.attempt > 1 { Tone::Wait } else { Tone::Faint });
                [time, client, account, model, state, waited(r.waited_millis), ran, input, cached, output, cost, tries, Cell::empty()]
            }
            Self::Done(r) => {
                let ran = format::since(r.finished_at, r.arrived_at).saturating_sub(std::time::Duration::from_millis(r.wait_millis));
                let never_left = r.attempts == 0 && r.class.pool() != Pool::Batch;
                let ran = if never_left { Cell::empty() } else { Cell::new(format::duration(ran), Tone::Plain) };
                // an answer whose usage is not known is another thing than a request that took nothing
                let answered = r.outcome == Outcome::Ok;
                let unsaid = answered && r.usage.certainty == Certainty::Unknown;
                let tokens = |n: u64| if unsaid { Cell::unknown() } else { Cell::count(n) };
                let (input, cached, output) = (tokens(r.usage.total_input()), Cell::count(r.usage.cache_read), tokens(r.usage.output));
                let none = || if answered { Cell::unknown() } else { Cell::empty() };
                let cost = r.cost_nanos.map_or_else(none, |n| Cell::new(format::money(n), Tone::Plain));
                let tries = Cell::new(r.attempts.to_string(), if r.attempts > 1 { Tone::Wait } else { Tone::Faint });
                let status = if r.status == 0 {
                    Cell::empty()
                } else {
                    Cell::new(r.status.to_string(), if r.status < 400 { Tone::Faint } else { Tone::Bad })
                };
                [time, client, account, model, state, waited(r.wait_millis), ran, input, cached, output, cost, tries, status]
            }
        }
    }

    /// The exact value behind a cell, where the text is shortened; empty where it is not.
    #[must_use]
    pub fn hover(&self, scene: &Scene<'_>, column: usize) -> String {
        match (column, self) {
            (TIME, _) => scene.both_zones(self.at()),
            (MODEL, _) => self.served(),
            (INPUT | CACHED | OUTPUT, Self::Done(r)) => {
                let sure = match r.usage.certainty {
                    Certainty::Exact => "",
                    Certainty::AtLeast => " or more: the answer broke off",
                    Certainty::Unknown => ", not said by the answer",
                };
                let (n, unit) = match column {
                    INPUT => {
                        let counted = format::grouped(r.counted_input);
                        (r.usage.total_input(), format!("input tokens{sure}; {counted} count toward the limit"))
                    }
                    CACHED => (r.usage.cache_read, "input tokens from the provider's cache".to_owned()),
                    _ => (r.usage.output, format!("output tokens{sure}")),
                };
                if n == 0 { String::new() } else { format!("{} {unit}", format::grouped(n)) }
            }
            (COST, Self::Done(r)) => r.cost_nanos.map_or_else(String::new, |n| format!("{} nano-dollars", format::grouped(n))),
            _ => String::new(),
        }
    }

    /// The row for a screen reader.
    #[must_use]
    pub fn sentence(&self, scene: &Scene<'_>) -> String {
        format!("{} {} {}", self.client(), self.model(), self.state(scene))
    }

    /// What goes on with it, with numbers.
    #[must_use]
    pub fn state(&self, scene: &Scene<'_>) -> String {
        match self {
            Self::Waiting(w) => {
                let what = w.meter().map_or_else(String::new, |meter| format!(" for {meter}"));
                let when = w.ready_at.map_or_else(String::new, |at| format!(" until {}", format::clock(at, scene.zone)));
                format!("waiting #{}{what}{when}", w.position)
            }
            Self::Running(r) if r.answering => "answering".into(),
            Self::Running(_) => "sent, no answer yet".into(),
            Self::Done(r) => match (r.outcome, r.verdict) {
                (Outcome::Refused, Some(VerdictKind::Overload)) => "refused: provider overloaded".into(),
                (Outcome::Refused, Some(verdict)) => format!("refused by {}: {}", r.provider.title(), verdict_word(verdict)),
                (Outcome::Error, Some(verdict)) => format!("error: {}", verdict_word(verdict)),
                _ => self.state_word().into(),
            },
        }
    }

    /// The state without numbers: what a filter finds.
    #[must_use]
    pub fn state_word(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Running(_) => "running",
            Self::Done(r) => match r.outcome {
                Outcome::Ok => "ok",
                Outcome::Error => "error from the provider",
                Outcome::Refused => "refused by the provider",
                Outcome::RefusedLocally => "refused by Tierline",
                Outcome::ClientGone => "client went away",
                Outcome::UpstreamFailed if (200..400).contains(&r.status) => "answer incomplete",
                Outcome::UpstreamFailed => "provider unreachable",
            },
        }
    }

    /// In which role the state is written.
    #[must_use]
    pub fn tone(&self) -> Tone {
        match self {
            Self::Waiting(_) => Tone::Wait,
            Self::Running(_) => Tone::Run,
            Self::Done(r) => match r.outcome {
                Outcome::Ok => Tone::Plain, // what went well is the ground on which the rest is seen
                Outcome::ClientGone => Tone::Faint,
                _ => Tone::Bad,
            },
        }
    }

    /// When it came, or since when it waits.
    pub(super) fn at(&self) -> jiff::Timestamp {
        match self {
            Self::Waiting(w) => w.since,
            Self::Running(r) => r.arrival.at,
            Self::Done(r) => r.arrived_at,
        }
    }

    pub(super) fn client(&self) -> &'a str {
        match self {
            Self::Waiting(w) => w.client.as_str(),
            Self::Running(r) => r.arrival.client.as_str(),
            Self::Done(r) => r.client.as_str(),
        }
    }

    pub(super) fn account(&self) -> &'a str {
        match self {
            Self::Waiting(w) => &w.account_label,
            Self::Running(r) => &r.arrival.account_label,
            Self::Done(r) => &r.account_label,
        }
    }

    fn class(&self) -> &str {
        match self {
            Self::Waiting(w) => w.class.as_str(),
            Self::Running(r) => r.arrival.class.as_str(),
            Self::Done(r) => r.class.as_str(),
        }
    }

    /// The model asked for, and the one that answered.
    pub(super) fn models(&self) -> (Option<&'a ModelId>, Option<&'a ModelId>) {
        match self {
            Self::Waiting(w) => (w.model.as_ref(), None),
            Self::Running(r) => (r.arrival.model.as_ref(), None),
            Self::Done(r) => (r.model_asked.as_ref(), r.usage.model.as_ref()),
        }
    }

    fn served(&self) -> String {
        let served = self.models().1.map_or_else(String::new, |model| format!("served by {model}\n"));
        format!("{served}class {}", self.class())
    }

    /// The model asked for, and the one that answered if it is another.
    fn model(&self) -> String {
        let (asked, served) = self.models();
        match (asked, served) {
            (None, None) => "no model".into(),
            (Some(one), None) | (None, Some(one)) => one.to_string(),
            (Some(asked), Some(served)) if asked == served => asked.to_string(),
            // most answers name the dated model behind an alias: only the date is news
            (Some(asked), Some(served)) => match served.as_str().strip_prefix(asked.as_str()) {
                Some(rest) => format!("{asked} › …{rest}"),
                None => format!("{asked} › {served}"),
            },
        }
    }
}

/// Whether a text holds a word that is written in lower case.
fn holds(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// What a refusal was about.
#[must_use]
pub const fn verdict_word(verdict: VerdictKind) -> &'static str {
    match verdict {
        VerdictKind::Wait => "limit reached",
        VerdictKind::Never => "too large for the limit",
        VerdictKind::Money => "no credit",
        VerdictKind::Key => "key refused",
        VerdictKind::Model => "model not available",
        VerdictKind::Overload => "provider overloaded",
        VerdictKind::Request => "request not valid",
    }
}
