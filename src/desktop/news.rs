//! Which changes of the view are worth a notification. Pure: a matter is told once, and again only after it was settled.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::batch::{BatchId, BatchState, BatchView};
use crate::domain::budget::{BudgetView, Dollars};
use crate::domain::preferences::Notify;
use crate::domain::view::BucketView;
use crate::domain::{Notice, Period};
use crate::journal::LiveView;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub text: String,
}

/// What was told already.
#[derive(Debug, Default)]
pub struct News {
    full: BTreeSet<String>,
    stopped: BTreeSet<String>,
    retirements: BTreeSet<String>,
    outages: BTreeSet<String>,
    batches: Option<Batches>,
}

/// How every batch stood when it was looked at last.
#[derive(Debug)]
struct Batches {
    states: BTreeMap<BatchId, BatchState>,
    /// When the first look was taken. What was over by then is no news.
    since: Timestamp,
}

impl News {
    /// A limit that was told of counts as settled when it is this many percent below the threshold.
    const CALM: f64 = 20.0;

    /// What is new in a view.
    pub fn of(&mut self, view: &LiveView, wanted: &Notify) -> Vec<Message> {
        let mut messages = Vec::new();
        if let Some(percent) = wanted.at_percent {
            messages.extend(self.full(view, f64::from(percent)));
        }
        if wanted.stopped {
            let stopped = view.accounts.iter().filter_map(|view| Some((view.account.label.clone(), view.stopped.clone()?)));
            let now: Vec<(String, String)> = stopped.collect();
            messages.extend(
                now.iter()
                    .filter(|(label, _)| !self.stopped.contains(label))
                    .map(|(label, why)| Message { title: format!("{label} is stopped"), text: format!("Nothing is sent with it: {why}") }),
            );
            self.stopped = now.into_iter().map(|(label, _)| label).collect();
        }
        if wanted.retirements {
            for notice in noticed(view, &["retirement/", "model-end/"]) {
                // a model's end is not settled by a notice that made room for others
                if self.retirements.insert(notice.key.clone()) {
                    messages.push(Message { title: "A model that you use ends".into(), text: notice.text.clone() });
                }
            }
        }
        if wanted.outages {
            let now: Vec<&Notice> = noticed(view, &["outage/"]).collect();
            let new = now.iter().filter(|notice| !self.outages.contains(&notice.key));
            messages.extend(new.map(|notice| Message { title: "An endpoint keeps failing".into(), text: notice.text.clone() }));
            self.outages = now.into_iter().map(|notice| notice.key.clone()).collect();
        }
        if wanted.batches {
            messages.extend(self.ended(view));
        } else {
            self.batches = None;
        }
        messages
    }

    fn full(&mut self, view: &LiveView, percent: f64) -> Vec<Message> {
        let limits = view.buckets.iter().map(|bucket| (bucket.key.to_string(), bucket.share_used(), of_bucket(bucket, percent)));
        let budgets = view.budgets.iter().map(|budget| (named(budget), budget.share_used(), of_budget(budget, percent)));
        let now: Vec<(String, f64, Message)> = limits.chain(budgets).map(|(key, used, told)| (key, used * 100.0, told)).collect();
        self.full.retain(|key| now.iter().any(|(other, used, _)| other == key && *used > percent - Self::CALM));
        let new = now.into_iter().filter(|(key, used, _)| *used >= percent && self.full.insert(key.clone()));
        new.map(|(_, _, told)| told).collect()
    }

    fn ended(&mut self, view: &LiveView) -> Vec<Message> {
        let states = view.batches.iter().map(|view| (view.record.id, view.record.state)).collect();
        let before = self.batches.take().unwrap_or_else(|| Batches { states: BTreeMap::new(), since: view.at });
        let new = view.batches.iter().filter(|view| match before.states.get(&view.record.id) {
            Some(was) => was.is_open() && *was != view.record.state,
            None => view.record.created_at > before.since,
        });
        let messages = new.filter_map(of_batch).collect();
        self.batches = Some(Batches { states, since: before.since });
        messages
    }
}

fn noticed<'a>(view: &'a LiveView, about: &'a [&str]) -> impl Iterator<Item = &'a Notice> {
    view.notices.iter().filter(|notice| !notice.text.is_empty() && about.iter().any(|about| notice.key.starts_with(about)))
}

fn of_bucket(bucket: &BucketView, percent: f64) -> Message {
    let text = format!("{} of {}, {}", bucket.used, bucket.capacity, bucket.accounts.join(", "));
    Message { title: format!("{} of {} is {percent:.0} % used", bucket.meter, bucket.key.class), text }
}

fn named(view: &BudgetView) -> String {
    let each = if view.budget.period == Period::DAY { "day" } else { "month" };
    format!("the budget of {} a {each}", view.label.as_deref().unwrap_or("all accounts"))
}

fn of_budget(view: &BudgetView, percent: f64) -> Message {
    let text = format!("{} of {} is spent", Dollars(view.spent.nanos.saturating_add(view.held_nanos)), Dollars(view.budget.nanos));
    Message { title: format!("{percent:.0} % of {} is used", named(view)), text }
}

/// A batch that is over, or that paused by itself: what the user did is known to the user.
fn of_batch(view: &BatchView) -> Option<Message> {
    let record = &view.record;
    let file = record.input.file_name().unwrap_or_default().to_string_lossy();
    let rows =
        format!("{file}: {} of {} rows answered, {} failed, {}", record.answered, record.rows, record.failed, Dollars(record.cost_nanos));
    let title = match (record.state, &record.reason) {
        (BatchState::Done, _) => "is done",
        (BatchState::Paused, Some(reason)) if !reason.contains("by the user") && !reason.contains("interrupted") => "has paused",
        _ => return None,
    };
    let why = record.reason.as_ref().map_or_else(String::new, |reason| format!("; {reason}"));
    Some(Message { title: format!("Batch {} {title}", record.id.0), text: format!("{rows}{why}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::domain::batch::{BatchRecord, BatchRunner, BatchVia};
    use crate::domain::budget::{Budget, Spent};
    use crate::domain::{BucketKey, Dimension, LimitSource, ModelClass, Provider, Refill, Scope, Severity};

    fn view(used: u64, retiring: &[&str]) -> LiveView {
        let bucket = BucketView {
            key: BucketKey {
                scope: Scope::account(Provider::Anthropic, "work"),
                class: ModelClass::new("sonnet"),
                dimension: Dimension::Requests,
                period: Period::MINUTE,
            },
            meter: "RPM".into(),
            accounts: vec!["work".into()],
            refill: Refill::Continuous,
            capacity: 100,
            source: LimitSource::Header,
            used,
            held: 0,
            remaining: 100,
            full_at: None,
            frozen_until: None,
            own_per_minute: 0.0,
            foreign_per_minute: 0.0,
            confirmed_at: None,
            binding: true,
            waiting: 0,
            beliefs: Vec::new(),
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let notice = |model: &&str| Notice {
            key: format!("retirement/{model}"),
            at,
            severity: Severity::Warning,
            text: format!("{model} ends"),
            hint: None,
        };
        LiveView { buckets: Arc::new(vec![bucket]), notices: retiring.iter().map(notice).collect(), ..LiveView::new(at) }
    }

    #[test]
    fn a_matter_is_told_once_and_again_only_after_it_was_settled() {
        let wanted = Notify { at_percent: Some(90), retirements: true, ..Notify::default() };
        let mut news = News::default();
        for (used, retiring, told) in [
            (10, vec![], vec![]),
            (95, vec![], vec!["RPM of sonnet is 90 % used"]),
            (80, vec![], vec![]),
            (99, vec!["old"], vec!["A model that you use ends"]),
            (60, vec!["old"], vec![]),
            (90, vec!["old"], vec!["RPM of sonnet is 90 % used"]),
        ] {
            let found = news.of(&view(used, &retiring), &wanted);
            assert_eq!(found.iter().map(|message| message.title.as_str()).collect::<Vec<_>>(), told, "{used}");
        }
        assert_eq!(News::default().of(&view(100, &["old"]), &Notify::default()), [], "quiet unless told otherwise");
    }

    #[test]
    fn a_budget_counts_as_a_limit() {
        let wanted = Notify { at_percent: Some(80), ..Notify::default() };
        let mut news = News::default();
        for (spent, told) in
            [(7, None), (8, Some("80 % of the budget of all accounts a day is used")), (9, None), (5, None), (8, Some("80 %"))]
        {
            let budget = Budget { account: None, period: Period::DAY, nanos: 10_000_000_000, zone: "UTC".into() };
            let spent = Spent { nanos: spent * 1_000_000_000, unpriced: 0 };
            let at = jiff::Timestamp::UNIX_EPOCH;
            let budget = BudgetView { budget, label: None, spent, held_nanos: 0, resets_at: at };
            let found = news.of(&LiveView { budgets: Arc::new(vec![budget]), ..LiveView::new(at) }, &wanted);
            assert_eq!(found.len(), usize::from(told.is_some()));
            assert!(found.iter().zip(told).all(|(message, told)| message.title.starts_with(told)), "{found:?}");
        }
    }

    #[test]
    fn an_outage_is_told_each_time_it_begins() {
        let wanted = Notify { outages: true, ..Notify::default() };
        let mut news = News::default();
        for (failing, told) in [(false, 0), (true, 1), (true, 0), (false, 0), (true, 1)] {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let mut view = LiveView::new(at);
            let text = if failing { "work keeps failing".to_owned() } else { String::new() };
            view.notice(Notice { key: "outage/work".into(), at, severity: Severity::Error, text, hint: None });
            assert_eq!(news.of(&view, &wanted).len(), told);
        }
    }

    #[test]
    fn a_batch_is_told_once_it_ends_or_pauses_by_itself() {
        let wanted = Notify { batches: true, ..Notify::default() };
        let mut news = News::default();
        for (state, reason, told) in [
            (BatchState::Done, None, None),
            (BatchState::Running, None, None),
            (BatchState::Paused, Some("paused by the user"), None),
            (BatchState::Running, None, None),
            (BatchState::Paused, Some("the money is spent"), Some("Batch 1 has paused")),
            (BatchState::Running, None, None),
            (BatchState::Done, None, Some("Batch 1 is done")),
            (BatchState::Done, None, None),
        ] {
            let found = news.of(&batch(state, reason), &wanted);
            assert_eq!(found.first().map(|message| message.title.as_str()), told, "{state:?} {reason:?}");
        }
    }

    fn batch(state: BatchState, reason: Option<&str>) -> LiveView {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let record = BatchRecord {
            id: BatchId(1),
            input: "/rows.jsonl".into(),
            output: "/rows.out.jsonl".into(),
            account: "work".into(),
            via: BatchVia::Gateway,
            ordered: true,
            state,
            reason: reason.map(Into::into),
            rows: 10,
            answered: 9,
            failed: 1,
            resent: 0,
            cost_nanos: 0,
            unpriced: 0,
            input_tokens: 0,
            output_tokens: 0,
            written: 10,
            output_bytes: 0,
            estimate: None,
            ran_secs: 1,
            created_at: at,
            updated_at: at,
        };
        LiveView { batches: Arc::new(vec![BatchView { record, runner: BatchRunner::Nobody, progress: None }]), ..LiveView::new(at) }
    }
}
