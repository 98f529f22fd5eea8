//! Which changes of the view are worth a notification. Pure: a matter is told once, and again only after it was settled.

use std::collections::BTreeSet;

use crate::domain::BucketKey;
use crate::domain::preferences::Notify;
use crate::domain::view::BucketView;
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
    full: BTreeSet<BucketKey>,
    stopped: BTreeSet<String>,
    retirements: BTreeSet<String>,
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
            let ends = view.notices.iter().filter(|notice| notice.key.starts_with("retirement/"));
            for notice in ends.filter(|notice| !notice.text.is_empty()) {
                if self.retirements.insert(notice.key.clone()) {
                    messages.push(Message { title: "A model that you use ends".into(), text: notice.text.clone() });
                }
            }
        }
        messages
    }

    fn full(&mut self, view: &LiveView, percent: f64) -> Vec<Message> {
        let used = |bucket: &BucketView| bucket.share_used() * 100.0;
        self.full.retain(|key| view.buckets.iter().any(|bucket| bucket.key == *key && used(bucket) > percent - Self::CALM));
        let mut full = Vec::new();
        for bucket in view.buckets.iter().filter(|bucket| used(bucket) >= percent) {
            if self.full.insert(bucket.key.clone()) {
                let text = format!("{} of {}, {}", bucket.used, bucket.capacity, bucket.accounts.join(", "));
                full.push(Message { title: format!("{} of {} is {percent:.0} % used", bucket.meter, bucket.key.class), text });
            }
        }
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::domain::{Dimension, LimitSource, ModelClass, Notice, Period, Provider, Refill, Scope, Severity};

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
        let wanted = Notify { at_percent: Some(90), stopped: false, retirements: true };
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
}
