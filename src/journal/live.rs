//! The one immutable value that the window draws: what is going on now.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Trend;
use crate::domain::batch::BatchView;
use crate::domain::budget::BudgetView;
use crate::domain::command::FoundKey;
use crate::domain::event::Arrival;
use crate::domain::view::{BucketView, ProbeOffer, WaitingView};
use crate::domain::{
    Account, BucketKey, ClientName, Event, LimitChange, LimitSource, Notice, Outcome, RequestId, RequestRecord, Rules, Scope, Severity,
};

/// Everything the window shows without asking the database.
#[derive(Debug, Clone)]
pub struct LiveView {
    /// When this view was made.
    pub at: Timestamp,
    /// Where the gateway listens, or why it does not.
    pub gateway: Result<String, String>,
    /// Whether the simulated providers stand behind it.
    pub demo: bool,
    /// Where keys are kept, or why they cannot be.
    pub vault: Result<String, String>,
    /// Every account.
    pub accounts: Arc<Vec<AccountView>>,
    /// Every local token's client name and when it was made.
    pub tokens: Arc<Vec<(ClientName, Timestamp)>>,
    /// Keys in the environment that could be imported.
    pub found_keys: Arc<Vec<FoundKey>>,
    /// Every bucket, grouped by scope and class.
    pub buckets: Arc<Vec<BucketView>>,
    /// How full they were over the last minutes, as far as somebody looked.
    pub trends: Arc<BTreeMap<BucketKey, Trend>>,
    /// Every budget.
    pub budgets: Arc<Vec<BudgetView>>,
    /// What the user set about limits, routes and names.
    pub rules: Arc<Rules>,
    /// The queue, next to go first; of a long one only the beginning.
    pub waiting: Arc<Vec<WaitingView>>,
    /// How many wait in all.
    pub queued: usize,
    /// Every batch, newest first.
    pub batches: Arc<Vec<BatchView>>,
    /// Requests that were sent and are not over, oldest first.
    pub running: Vec<RunningView>,
    /// Requests that arrived and are not over.
    pub arrivals: BTreeMap<RequestId, Arc<Arrival>>,
    /// Requests that are over, newest first, at most [`LiveView::RECENT`].
    pub recent: VecDeque<Arc<RequestRecord>>,
    /// When providers refused, newest first, also what passed when it was repeated.
    pub refused_at: VecDeque<Timestamp>,
    /// What the user should know, worst first, and among equals the newest matter.
    pub notices: Vec<Notice>,
    /// Since the start of the app.
    pub totals: Totals,
}

/// An account with what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// The stored account.
    pub account: Account,
    /// Whose buckets it draws on.
    pub scope: Scope,
    /// Labels of other accounts that draw on the same buckets.
    pub shares_with: Vec<String>,
    /// Why nothing is sent with it now (no credit, key refused, key missing), if so.
    pub stopped: Option<String>,
    /// The tier that its limits match, if they match one.
    pub tier: Option<String>,
    /// What a probe would ask and cost.
    pub probe: ProbeOffer,
    /// The next rung above that tier.
    pub next_tier: Option<NextTier>,
}

/// The next rung of a provider's ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextTier {
    /// Its name on screen.
    pub title: String,
    /// What it takes to get there.
    pub takes: String,
    /// What it would give, `OTPM of claude-sonnet-5-5: 800000` a line, as far as the catalogue knows.
    pub gives: Vec<String>,
}

/// A request that was sent and is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningView {
    /// The request.
    pub arrival: Arc<Arrival>,
    /// When it was sent last.
    pub sent_at: Timestamp,
    /// How often it was sent.
    pub attempt: u32,
    /// How long it waited for room, in milliseconds.
    pub waited_millis: u64,
    /// Whether the head of the answer has arrived.
    pub answering: bool,
}

/// Counts since the start of the app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that ended.
    pub finished: u64,
    /// Of these, answered well.
    pub ok: u64,
    /// Attempts that the provider refused for a limit.
    pub upstream_refusals: u64,
    /// Requests that Tierline refused.
    pub local_refusals: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Milliseconds spent waiting for room, over all requests.
    pub waited_millis: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Nano-dollars, as far as prices are known.
    pub cost_nanos: u64,
    /// Events that could not be recorded.
    pub lost_events: u64,
}

impl LiveView {
    /// How many finished requests it holds.
    pub const RECENT: usize = 500;
    /// How many notices it holds.
    const NOTICES: usize = 100;

    /// A view in which nothing has happened yet.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            gateway: Err("starting".into()),
            demo: false,
            vault: Err("starting".into()),
            accounts: Arc::default(),
            tokens: Arc::default(),
            found_keys: Arc::default(),
            buckets: Arc::default(),
            trends: Arc::default(),
            budgets: Arc::default(),
            rules: Arc::default(),
            waiting: Arc::default(),
            queued: 0,
            batches: Arc::default(),
            running: Vec::new(),
            arrivals: BTreeMap::new(),
            recent: VecDeque::new(),
            refused_at: VecDeque::new(),
            notices: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// How many wait.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.queued.max(self.waiting.len())
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Arrived(arrival) => drop(self.arrivals.insert(arrival.id, Arc::clone(arrival))),
            Event::Rerouted(arrival) => self.rerouted(arrival),
            Event::Sent { id, at, attempt, waited } => self.sent(*id, *at, *attempt, *waited),
            Event::Answered { id, snapshot, .. } => {
                if let Some(running) = self.running.iter_mut().find(|running| running.arrival.id == *id) {
                    running.answering = true;
                }
                for oddity in &snapshot.oddities {
                    self.notice(Notice {
                        key: format!("header/{}", oddity.header),
                        at: snapshot.at,
                        severity: Severity::Info,
                        text: format!("the header {} is not as documented: {}", oddity.header, oddity.what),
                        hint: None,
                    });
                }
            }
            Event::Refused(refusal) => {
                self.totals.upstream_refusals += 1;
                self.refused_at.push_front(refusal.at);
                self.refused_at.truncate(Self::RECENT);
            }
            Event::Finished(record) | Event::Collected(record) => self.finished(record),
            Event::LimitChanged(change) => self.limit_changed(change),
            Event::Noticed(notice) => self.notice(notice.clone()),
            Event::ModelsEnd(..) => {}
        }
    }

    /// Notes something the user should know; an empty text settles what was noted under the same key.
    pub fn notice(&mut self, notice: Notice) {
        let old = self.notices.iter().position(|old| old.key == notice.key);
        match (old, notice.text.is_empty()) {
            (Some(at), true) => drop(self.notices.remove(at)),
            (None, true) => {}
            // a matter that goes on keeps its place, or the list would jump under the reader
            (Some(at), false) => self.notices.splice(at..=at, [notice]).for_each(drop),
            (None, false) => self.notices.insert(0, notice),
        }
        self.notices.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
        self.notices.truncate(Self::NOTICES);
    }

    fn finished(&mut self, record: &Arc<RequestRecord>) {
        self.arrivals.remove(&record.id);
        self.running.retain(|running| running.arrival.id != record.id);
        self.recent.push_front(Arc::clone(record));
        self.recent.truncate(Self::RECENT);
        let totals = &mut self.totals;
        totals.finished += 1;
        totals.ok += u64::from(record.outcome == Outcome::Ok);
        totals.local_refusals += u64::from(record.outcome == Outcome::RefusedLocally);
        totals.input_tokens += record.usage.total_input();
        totals.output_tokens += record.usage.output;
        totals.waited_millis += record.wait_millis;
        totals.retries += u64::from(record.attempts.saturating_sub(1));
        totals.cost_nanos += record.cost_nanos.unwrap_or(0);
    }

    fn rerouted(&mut self, arrival: &Arc<Arrival>) {
        self.arrivals.insert(arrival.id, Arc::clone(arrival));
        if let Some(running) = self.running.iter_mut().find(|running| running.arrival.id == arrival.id) {
            running.arrival = Arc::clone(arrival);
        }
    }

    fn sent(&mut self, id: RequestId, at: Timestamp, attempt: u32, waited: Duration) {
        let waited_millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        if let Some(running) = self.running.iter_mut().find(|running| running.arrival.id == id) {
            (running.sent_at, running.attempt, running.waited_millis) = (at, attempt, waited_millis);
        } else if let Some(arrival) = self.arrivals.get(&id) {
            self.running.push(RunningView { arrival: Arc::clone(arrival), sent_at: at, attempt, waited_millis, answering: false });
        }
    }

    /// A measured limit that became lower is a matter for the user. One that was only assumed until now is news of another
    /// kind: the account stands below what the catalogue takes for granted. Everything else shows in the table.
    fn limit_changed(&mut self, change: &LimitChange) {
        let key = &change.bucket;
        let Some(old) = change.old.filter(|old| change.new < *old && change.source != LimitSource::User) else { return };
        let (whose, meter, new) = (self.whose(&key.scope), key.meter(), change.new);
        let notice = |key, severity, text| Notice { key, at: change.at, severity, text, hint: None };
        if change.old_source.is_some_and(|source| !matches!(source, LimitSource::Catalog { .. })) {
            let text = format!("{whose}: {meter} of {} is {new} now, it was {old} ({})", key.class, change.source);
            return self.notice(notice(format!("limit/{key}"), Severity::Warning, text));
        }
        let together = format!("first-seen/{}/{}", key.scope, key.class);
        let so_far = match self.notices.iter().find(|notice| notice.key == together) {
            Some(earlier) => format!("{},", earlier.text),
            None => format!("{whose}: {} has less than the catalogue assumes:", key.class),
        };
        self.notice(notice(together, Severity::Info, format!("{so_far} {meter} {new} instead of {old}")));
    }

    /// The labels of the accounts that draw on a scope, or its own name while none is known to.
    fn whose(&self, scope: &Scope) -> String {
        let labels: Vec<&str> = self.accounts.iter().filter(|view| view.scope == *scope).map(|view| view.account.label.as_str()).collect();
        if labels.is_empty() { scope.to_string() } else { labels.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, Api, BucketKey, Dimension, Lane, ModelClass, Period, Provider};

    fn arrival(id: u64) -> Event {
        Event::Arrived(Arc::new(Arrival {
            id: RequestId(id),
            at: Timestamp::UNIX_EPOCH,
            account: AccountId(1),
            account_label: "a".into(),
            provider: Provider::Anthropic,
            client: ClientName::new("test"),
            lane: Lane::Interactive,
            api: Api::Messages,
            model: None,
            class: ModelClass::any(),
        }))
    }

    fn sent(id: u64, attempt: u32) -> Event {
        Event::Sent { id: RequestId(id), at: Timestamp::UNIX_EPOCH, attempt, waited: Duration::from_millis(7) }
    }

    #[test]
    fn a_request_runs_from_its_sending_and_is_counted_once() {
        let mut view = LiveView::new(Timestamp::UNIX_EPOCH);
        for event in [arrival(1), sent(1, 1), sent(1, 2)] {
            view.apply(&event);
        }
        assert_eq!(view.running.iter().map(|r| (r.arrival.id, r.attempt)).collect::<Vec<_>>(), [(RequestId(1), 2)]);
    }

    #[test]
    fn a_settled_matter_disappears() {
        let mut view = LiveView::new(Timestamp::UNIX_EPOCH);
        let notice = |text: &str| Notice {
            key: "store".into(),
            at: Timestamp::UNIX_EPOCH,
            severity: Severity::Error,
            text: text.into(),
            hint: None,
        };
        view.apply(&Event::Noticed(notice("the disk is full")));
        assert_eq!(view.notices.len(), 1);
        view.apply(&Event::Noticed(notice("")));
        assert_eq!(view.notices.len(), 0);
    }

    #[test]
    fn a_lowered_limit_is_a_warning_and_one_that_was_only_assumed_is_not() {
        let catalog = LimitSource::Catalog { as_of: jiff::civil::date(2026, 9, 1) };
        let changed = |dimension, old: Option<(u64, LimitSource)>, new, source| {
            let scope = Scope::account(Provider::Anthropic, "work");
            let bucket = BucketKey { scope, class: ModelClass::new("sonnet"), dimension, period: Period::MINUTE };
            Event::LimitChanged(Arc::new(LimitChange {
                at: Timestamp::UNIX_EPOCH,
                bucket,
                old: old.map(|(old, _)| old),
                old_source: old.map(|(_, source)| source),
                new,
                source,
            }))
        };
        let (rpm, itpm) = (Dimension::Requests, Dimension::InputTokens);
        let mut view = LiveView::new(Timestamp::UNIX_EPOCH);
        for event in [
            changed(rpm, None, 1_000, catalog),
            changed(itpm, None, 2_000, catalog),
            changed(rpm, Some((1_000, catalog)), 50, LimitSource::Header),
            changed(itpm, Some((2_000, catalog)), 300, LimitSource::Header),
        ] {
            view.apply(&event);
        }
        let told = |view: &LiveView| view.notices.iter().map(|n| (n.severity, n.text.clone())).collect::<Vec<_>>();
        let assumed =
            "anthropic account work: sonnet has less than the catalogue assumes: RPM 50 instead of 1000, ITPM 300 instead of 2000";
        assert_eq!(told(&view), [(Severity::Info, assumed.to_owned())]);
        view.apply(&changed(rpm, Some((50, LimitSource::Header)), 20, LimitSource::Header));
        assert_eq!(told(&view)[0], (Severity::Warning, "anthropic account work: RPM of sonnet is 20 now, it was 50 (header)".to_owned()));
        view.apply(&changed(rpm, Some((20, LimitSource::Header)), 10, LimitSource::User));
        assert_eq!(view.notices.len(), 2, "what the user set is no news");
    }
}
