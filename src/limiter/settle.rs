//! What comes back after a request was let go: headers, refusals, failures, usage. Every flight ends here exactly once.

use std::time::Duration;

use super::book::{BucketId, Entry, usual_window};
use super::bucket::Sample;
use super::cap::{Cap, Refused};
use super::charge::{ChargeRule, Header, Need};
use super::core::{Core, Effect, Flight, LineKey, Stop, estimated};
use super::line::Ticket;
use super::pools::class_of_reading;
use super::retry;
use crate::domain::{
    AccountId, BucketKey, Certainty, Cost, Dimension, Limit, LimitChange, LimitSource, ModelClass, Now, Period, Reading, Refill, Scope,
    ScopeKind, Snapshot, Tick, Usage, Verdict, VerdictKind, Window,
};
use crate::provider;

/// An answer that ends so soon after its head came in one piece.
const IN_ONE_PIECE: Duration = Duration::from_millis(100);

/// What becomes of a request whose attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It stands at the head of the queue again.
    Again,
    /// It is over: the client gets what came.
    PassOn,
}

/// The request whose answer is read, if it went through here, and when it was sent.
#[derive(Clone, Copy)]
struct Asked {
    ticket: Option<Ticket>,
    at: Tick,
}

impl Core {
    /// The head of an answer arrived.
    pub fn observe(&mut self, ticket: Ticket, snapshot: &Snapshot, now: Now) {
        let Some(flight) = self.flights.get_mut(&ticket) else { return };
        flight.answered = true;
        flight.head_at = Some(now.tick);
        let (key, api) = (line_key(flight), flight.waiting.ask.facts.api);
        let asked = Asked { ticket: Some(ticket), at: flight.sent_at };
        if let Some(state) = self.lines.get_mut(&key) {
            state.verified |= snapshot.has_limits();
            state.clean_answers += 1;
            let took = now.tick.since(asked.at);
            state.quickest = Some(state.quickest.map_or(took, |quickest| quickest.min(took)));
        }
        if snapshot.status < 500 {
            self.note_success(&key, api, now);
        }
        if snapshot.status < 400
            && let Some(account) = self.accounts.get_mut(&key.0)
        {
            account.key_refused_until = None;
        }
        self.learn_from(key.0, &key.1, snapshot, asked, now);
    }

    /// Headers of an answer to a request that did not go through here.
    pub fn teach(&mut self, id: AccountId, class: &ModelClass, snapshot: &Snapshot, sent_at: Tick, now: Now) {
        self.learn_from(id, class, snapshot, Asked { ticket: None, at: sent_at }, now);
    }

    /// What headers say: whose the account is, and its limits.
    fn learn_from(&mut self, id: AccountId, class: &ModelClass, snapshot: &Snapshot, asked: Asked, now: Now) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let dialect = account.setup.dialect;
        if let Some(scope) = Scope::from_identity(account.setup.provider, &snapshot.identity).filter(|scope| *scope != account.scope) {
            let old = std::mem::replace(&mut account.scope, scope.clone());
            // other accounts may stay behind in the old scope; an account scope has only this one
            if old.kind == ScopeKind::Account {
                self.book.rescope(&old, &scope, now);
            }
            for line in self.lines.keys().filter(|(account, _)| *account == id).cloned().collect::<Vec<_>>() {
                self.apply_configured(&line, now);
            }
            self.redraw();
        }
        let Some(scope) = self.accounts.get(&id).map(|account| account.scope.clone()) else { return };
        for reading in &snapshot.readings {
            let Some(class) = class_of_reading(class, reading.pool) else { continue };
            self.read(&scope, &class, ChargeRule::prior(dialect), reading, asked, now);
        }
    }

    /// One limiter as the headers show it.
    fn read(&mut self, scope: &Scope, class: &ModelClass, rule: ChargeRule, reading: &Reading, asked: Asked, now: Now) {
        let dimension = reading.dimension;
        // a bucket that was drawn on and still is full refills within the second: it is the one of the minute
        let period = reading.period.or_else(|| (reading.remaining == reading.limit).then_some(Period::MINUTE));
        let full_in = reading.full_at.map(|at| Duration::try_from(at.duration_since(now.wall)).unwrap_or_default());
        // and one that nobody knows yet, full within the minute, is at the least not that of a day
        let within_a_minute = || full_in.is_some_and(|full_in| full_in <= Period::MINUTE.duration()).then_some(Period::MINUTE);
        let alike = || {
            self.forget_refuted(scope, class, reading, full_in, now);
            self.alike(scope, class, reading).filter(|entry| reading.can_be_of(entry.key.period, full_in)).map(|e| e.key.period).min()
        };
        let Some(period) = period.or_else(alike).or_else(within_a_minute) else { return };
        let key = BucketKey { scope: scope.clone(), class: class.clone(), dimension, period };
        let known = match reading.limit {
            None => self.book.find(&key),
            Some(capacity) => {
                let limit = Limit { dimension, window: usual_window(dimension, period), capacity, source: LimitSource::Header };
                let (id, change) = self.book.set(&key, limit, rule, now);
                let is_new = change.as_ref().is_some_and(|change| change.old.is_none());
                self.effects.extend(change.map(Effect::Limit));
                if is_new {
                    self.redraw();
                    self.count_those_under_way(&key, now);
                }
                Some(id)
            }
        };
        let (Some(remaining), Some(id)) = (reading.remaining, known) else { return };
        let on_way = self.lines.iter().filter(|(line, _)| line.1 == *class).map(|(_, state)| state.on_way()).max().unwrap_or_default();
        let takes = asked.ticket.and_then(|ticket| self.flights.get(&ticket)).map(|flight| flight.takes.as_slice()).unwrap_or_default();
        let own = takes.iter().find(|(taken, _)| *taken == id).map_or(0, |(_, need)| need.on_arrival);
        let entry = self.book.get_mut(id);
        let capacity = entry.bucket.limit().capacity;
        let by_user = entry.bucket.limit().source == LimitSource::User;
        // under the user's own, lower ceiling the provider's figure matters only when it is lower still
        if by_user && remaining > entry.bucket.available().max(0).unsigned_abs() {
            return;
        }
        let mut recharged = false;
        if matches!(dimension, Dimension::Tokens | Dimension::OutputTokens) && !by_user {
            let per_sec = capacity as f64 / f64::from(period.as_secs().max(1));
            let header = Header { remaining, limit: capacity, grain: reading.grain, sent: asked.at, at: now.tick, on_way };
            recharged = entry.evidence.header(header, per_sec);
        }
        let sample = Sample { remaining, grain: reading.grain, own, full_in, earliest: asked.at, latest: now.tick, on_way };
        entry.bucket.observe(sample, now);
        if recharged {
            self.charge_anew(id, now);
        }
        let entry = self.book.get_mut(id);
        entry.reading = Some((now.tick, remaining, reading.grain));
        if remaining > reading.grain && entry.bucket.frozen_until().is_some() && remaining * 10 > capacity {
            entry.bucket.thaw();
        }
    }

    /// A bucket became known: who is under way draws on it as well.
    fn count_those_under_way(&mut self, key: &BucketKey, now: Now) {
        let Some(id) = self.book.find(key).filter(|_| key.dimension != Dimension::Concurrent) else { return };
        for flight in self.flights.values_mut().filter(|flight| !flight.takes.iter().any(|(taken, _)| *taken == id)) {
            let draws = self.lines.get(&line_key(flight)).is_some_and(|state| state.buckets.contains(&id));
            if draws {
                take(self.book.get_mut(id), flight, id, now);
            }
        }
    }

    /// Another rule is believed: what is under way counts by it.
    fn charge_anew(&mut self, id: BucketId, now: Now) {
        let entry = self.book.get_mut(id);
        let dimension = entry.key.dimension;
        entry.bucket.refill(now);
        for flight in self.flights.values_mut() {
            let expected = flight.waiting.expected;
            for (_, need) in flight.takes.iter_mut().filter(|(taken, _)| *taken == id) {
                let anew = entry.need(&expected);
                entry.bucket.drop_estimate(estimated(dimension, *need, &expected));
                entry.bucket.note_estimate(estimated(dimension, anew, &expected));
                entry.bucket.exchange((need.on_arrival, need.held), (anew.on_arrival, anew.held), flight.sent_at);
                *need = anew;
            }
        }
        entry.bucket.void(now);
    }

    /// Buckets that headers alone told of and that cannot look like this were a mistake: where all comes back at once, one unit gone
    /// and a minute to go looks like a bucket of the day.
    fn forget_refuted(&mut self, scope: &Scope, class: &ModelClass, reading: &Reading, full_in: Option<Duration>, now: Now) {
        let by_headers = |entry: &Entry| entry.bucket.limit().source == LimitSource::Header;
        let refuted = self.alike(scope, class, reading).filter(|entry| by_headers(entry) && !reading.can_be_of(entry.key.period, full_in));
        for key in refuted.map(|entry| entry.key.clone()).collect::<Vec<_>>() {
            let change = self.book.unset(&key, LimitSource::Header, now);
            self.effects.extend(change.map(Effect::Limit));
            self.redraw();
        }
    }

    /// The buckets that hold as much as a header says: it may be of one of them where it names no window.
    fn alike(&self, scope: &Scope, class: &ModelClass, reading: &Reading) -> impl Iterator<Item = &Entry> {
        let Reading { dimension, limit, .. } = *reading;
        let drawn_on = self.book.drawn_on(scope, class).into_iter().map(|id| self.book.get(id));
        drawn_on.filter(move |entry| entry.key.dimension == dimension && Some(entry.bucket.limit().capacity) == limit)
    }

    /// The answer is over and took this.
    pub fn settle(&mut self, ticket: Ticket, usage: &Usage, now: Now) {
        let Some(flight) = self.flights.remove(&ticket) else { return };
        let key = line_key(&flight);
        let dialect = self.accounts.get(&key.0).map(|account| account.setup.dialect);
        let model = usage.model.as_ref().or(flight.waiting.ask.facts.model.as_ref());
        let counted = dialect.map_or(Cost::ZERO, |dialect| provider::counted(dialect, model, usage));
        let expected = flight.waiting.expected;
        // an answer in one piece ends with its head, whose figures may know of it
        let ended_at = flight.head_at.filter(|head| now.tick.since(*head) < IN_ONE_PIECE).unwrap_or(now.tick);
        for (id, need) in &flight.takes {
            let entry = self.book.get_mut(*id);
            entry.bucket.refill(now);
            let dimension = entry.key.dimension;
            let (input, output) = actual(&counted, usage.certainty, &expected);
            let rule = entry.evidence.rule();
            entry.bucket.drop_estimate(estimated(dimension, *need, &expected));
            match dimension {
                Dimension::Requests => {}
                Dimension::Concurrent => {
                    entry.bucket.release(need.held, 0, now);
                    if let Some(cap) = entry.cap.as_mut().filter(|_| flight.answered) {
                        cap.clean();
                    }
                }
                Dimension::InputTokens => entry.bucket.correct(signed(input) - signed(need.on_arrival), now),
                Dimension::OutputTokens | Dimension::Tokens => {
                    let both = if dimension == Dimension::Tokens { input } else { 0 };
                    settle_tokens(&mut entry.bucket, rule, *need, both, output, usage.certainty, &expected, dimension, now);
                    entry.evidence.ended(dimension, &expected, signed(both) - signed(expected.input_mean), output, ended_at);
                }
                Dimension::Images => entry.bucket.correct(signed(usage.images) - signed(need.on_arrival), now),
                Dimension::AudioSeconds | Dimension::Money => entry.bucket.release(need.held, 0, now),
            }
            if flight.answered {
                entry.bucket.burst_mut().clean_answer();
            }
        }
        self.settle_money(&flight, usage, now);
        self.estimator.learn(&flight.waiting.kind, &flight.waiting.ask.facts, usage, &counted);
        if flight.answered
            && let Some(account) = self.accounts.get_mut(&key.0)
        {
            account.stopped = None;
        }
        self.landed(&key);
    }

    /// The provider refused it. Whatever was taken for tokens is given back; the request itself stays counted
    /// (OpenAI says that failed requests count, nobody says that they do not).
    pub fn refused(&mut self, ticket: Ticket, verdict: &Verdict, now: Now) -> Next {
        let Some(flight) = self.flights.remove(&ticket) else { return Next::PassOn };
        let key = line_key(&flight);
        let room = self.give_back(&flight, now);
        if let Some(state) = self.lines.get_mut(&key).filter(|_| verdict.kind == VerdictKind::Wait) {
            let took = now.tick.since(flight.sent_at);
            state.slowest_refusal = state.slowest_refusal.max(took);
        }
        self.landed(&key);
        let attempt = flight.waiting.attempt;
        let wait = match verdict.kind {
            VerdictKind::Wait => {
                let wait = self.freeze(&flight, verdict, &room, now);
                (attempt < retry::ATTEMPTS_ON_REFUSAL).then_some(wait)
            }
            VerdictKind::Overload => {
                self.note_failure(&key, flight.waiting.ask.facts.api, &verdict.reason, verdict.retry_after, now);
                self.retry_after_failure(&key, attempt).map(|pause| pause.max(verdict.retry_after.unwrap_or(Duration::ZERO)))
            }
            VerdictKind::Money | VerdictKind::Key => {
                if verdict.kind == VerdictKind::Money {
                    self.stop(&key, verdict, now);
                } else {
                    self.key_refused(key.0, now.tick);
                }
                self.send_elsewhere(key.0, now);
                None
            }
            VerdictKind::Never | VerdictKind::Model | VerdictKind::Request => None,
        };
        self.again(ticket, flight, wait, now)
    }

    /// It got no answer, for this reason. `safe`: it may be sent again.
    pub fn failed(&mut self, ticket: Ticket, safe: bool, reason: &str, now: Now) -> Next {
        let Some(flight) = self.flights.get(&ticket) else { return Next::PassOn };
        let key = line_key(flight);
        let api = flight.waiting.ask.facts.api;
        self.note_failure(&key, api, reason, None, now);
        if !safe {
            // it may have been processed: what was reserved for it counts as used
            let seen = Usage::default();
            self.settle(ticket, &seen, now);
            return Next::PassOn;
        }
        let Some(flight) = self.flights.remove(&ticket) else { return Next::PassOn };
        self.give_back(&flight, now);
        self.landed(&key);
        let wait = self.retry_after_failure(&key, flight.waiting.attempt);
        self.again(ticket, flight, wait, now)
    }

    /// It was let go, but its client went away before it was sent: everything is given back.
    pub fn withdraw(&mut self, ticket: Ticket, now: Now) {
        let Some(flight) = self.flights.remove(&ticket) else { return };
        let key = line_key(&flight);
        self.give_back(&flight, now);
        for (id, need) in &flight.takes {
            let entry = self.book.get_mut(*id);
            if entry.key.dimension == Dimension::Requests {
                entry.bucket.correct(-signed(need.on_arrival), now);
            }
        }
        self.note_nothing(&key, flight.waiting.ask.facts.api, now.tick);
        self.landed(&key);
    }

    fn again(&mut self, ticket: Ticket, flight: Flight, wait: Option<Duration>, now: Now) -> Next {
        match wait {
            Some(wait) if now.tick + wait < flight.waiting.deadline && self.outage(&flight.waiting.ask, now).is_none() => {
                self.requeue(ticket, flight.waiting, Some(now.tick + wait));
                Next::Again
            }
            _ => Next::PassOn,
        }
    }

    fn retry_after_failure(&mut self, key: &LineKey, attempt: u32) -> Option<Duration> {
        let account = self.accounts.get_mut(&key.0)?;
        (attempt < retry::ATTEMPTS_ON_FAILURE && account.retries.take()).then(|| retry::pause(attempt, &mut self.random))
    }

    /// Returns for each bucket whether it had room for the request before it was sent, by our own books.
    fn give_back(&mut self, flight: &Flight, now: Now) -> Vec<(BucketId, bool)> {
        self.release_money(&flight.money);
        let mut room = Vec::with_capacity(flight.takes.len());
        for (id, need) in &flight.takes {
            let entry = self.book.get_mut(*id);
            entry.bucket.refill(now);
            entry.bucket.release(need.held, 0, now);
            entry.bucket.drop_estimate(estimated(entry.key.dimension, *need, &flight.waiting.expected));
            let still_taken = if entry.key.dimension == Dimension::Requests {
                need.on_arrival
            } else {
                entry.bucket.correct(-signed(need.on_arrival), now);
                entry.evidence.cancelled(entry.key.dimension, &flight.waiting.expected, now.tick);
                0
            };
            room.push((*id, entry.bucket.available() + signed(still_taken) >= signed(need.total())));
        }
        room
    }

    /// No draws on the bucket that the verdict names (on all of them if it names none) until the provider's hint is over.
    fn freeze(&mut self, flight: &Flight, verdict: &Verdict, room: &[(BucketId, bool)], now: Now) -> Duration {
        let longest = match verdict.period {
            Some(Period::DAY | Period::MONTH) => Duration::from_secs(86_400),
            Some(period) if period.as_secs() > 0 => period.duration() * 2,
            _ => Duration::from_secs(300),
        };
        let hint = verdict.retry_after.unwrap_or_else(|| match verdict.dimension {
            Some(Dimension::Concurrent) => Duration::ZERO,
            _ => retry::pause(flight.waiting.attempt, &mut self.random),
        });
        let wait = retry::jittered(hint.min(longest), &mut self.random);
        let until = now.tick + wait;
        self.learn_limit(flight, verdict, now);
        let named: Vec<_> = flight.takes.iter().filter(|(id, _)| self.is_named(*id, verdict)).copied().collect();
        if verdict.dimension == Some(Dimension::Concurrent) {
            self.cut_concurrency(flight, verdict, now);
            return wait.min(Duration::from_secs(2));
        }
        for (id, need) in if named.is_empty() { &flight.takes } else { &named } {
            let entry = self.book.get_mut(*id);
            if entry.key.dimension == Dimension::Concurrent {
                continue;
            }
            let had_room = room.iter().any(|(bucket, room)| bucket == id && *room);
            let reading = entry.reading.filter(|(at, ..)| *at > flight.sent_at && !named.is_empty());
            let before = entry.evidence.rule();
            let otherwise_charged = reading.is_some_and(|(_, remaining, grain)| {
                entry.evidence.refused(entry.key.dimension, &flight.waiting.expected, remaining, grain)
            });
            let unseen = entry.reading.is_none() && !named.is_empty() && had_room;
            let otherwise_charged =
                otherwise_charged || (unseen && entry.evidence.refused_unseen(entry.key.dimension, &flight.waiting.expected));
            let ruled = matches!(entry.key.dimension, Dimension::Tokens | Dimension::OutputTokens);
            let is_empty = ruled && reading.is_some_and(|(_, remaining, grain)| remaining < need.total() + grain);
            if had_room && is_empty && !otherwise_charged {
                entry.evidence.doubt();
                entry.bucket.fell_short(need.total(), hint, now);
                entry.bucket.empty_until(until, need.total(), now);
            } else if had_room && !named.is_empty() && !otherwise_charged {
                let limit = *entry.bucket.limit();
                entry.bucket.burst_mut().refused(flight.sent_at, &limit, now.tick);
                entry.bucket.empty_until(until, need.total(), now);
            }
            entry.bucket.freeze(until);
            if entry.evidence.rule() != before {
                self.charge_anew(*id, now);
            }
        }
        wait
    }

    fn is_named(&self, id: BucketId, verdict: &Verdict) -> bool {
        let key = &self.book.get(id).key;
        verdict.dimension == Some(key.dimension) && verdict.period.is_none_or(|period| period == key.period)
    }

    /// A refusal that names its limit teaches it where no header does.
    fn learn_limit(&mut self, flight: &Flight, verdict: &Verdict, now: Now) {
        let (Some(dimension), Some(period), Some(capacity)) = (verdict.dimension, verdict.period, verdict.limit) else { return };
        if dimension == Dimension::Concurrent {
            return;
        }
        let key = line_key(flight);
        let mut answered = None;
        if let Some(state) = self.lines.get_mut(&key) {
            state.verified = true;
            answered = state.first_sent_at.map(|first| (state.clean_answers, first));
        }
        let Some(account) = self.accounts.get(&key.0) else { return };
        let bucket = BucketKey { scope: account.scope.clone(), class: key.1, dimension, period };
        if let Some(id) = self.book.find(&bucket) {
            let limit = self.book.get(id).bucket.limit();
            if limit.source == LimitSource::Header || limit.capacity == capacity {
                return;
            }
        }
        // Gemini's days end at midnight Pacific; everything else that is known refills continuously
        let pacific = matches!(account.setup.dialect, crate::domain::Dialect::Gemini) && period == Period::DAY;
        let window = if pacific { Window::PACIFIC_DAY } else { Window { period, refill: Refill::Continuous } };
        let rule = ChargeRule::prior(account.setup.dialect);
        let (id, change) = self.book.set(&bucket, Limit { dimension, window, capacity, source: LimitSource::Refusal }, rule, now);
        if change.as_ref().is_some_and(|change| change.old.is_none()) {
            // it was refused, so it is empty
            let wait = verdict.retry_after.unwrap_or(Duration::from_secs(1));
            let need = rule.need(dimension, &flight.waiting.expected).total();
            let bucket = &mut self.book.get_mut(id).bucket;
            bucket.empty_until(now.tick + wait, need, now);
            if let Some(answered) = answered.filter(|_| dimension == Dimension::Requests) {
                bucket.passed(answered.0, answered.1, now);
            }
            self.redraw();
        }
        self.effects.extend(change.map(Effect::Limit));
    }

    /// The provider takes fewer requests at once than was believed.
    fn cut_concurrency(&mut self, flight: &Flight, verdict: &Verdict, now: Now) {
        let key = line_key(flight);
        if let Some(state) = self.lines.get_mut(&key) {
            state.verified = true;
        }
        let Some(account) = self.accounts.get(&key.0) else { return };
        let name =
            BucketKey { scope: account.scope.clone(), class: key.1.clone(), dimension: Dimension::Concurrent, period: Period::AT_ONCE };
        let rule = ChargeRule::prior(account.setup.dialect);
        let in_flight = self.lines.get(&key).map_or(0, |state| state.in_flight);
        let known = self.book.find(&name);
        let mut cap = known.and_then(|id| self.book.get(id).cap).unwrap_or_else(|| Cap::new(in_flight));
        let left = known.map_or(in_flight, |id| self.book.get(id).bucket.held());
        cap.refused(Refused { named: verdict.limit, among: flight.among, left, sent: flight.sent_at }, now.tick);
        let source = if verdict.limit.is_some() { LimitSource::Refusal } else { LimitSource::Learned };
        let limit = Limit { dimension: Dimension::Concurrent, window: Window::AT_ONCE, capacity: cap.get(), source };
        let (id, change) = self.book.set(&name, limit, rule, now);
        let entry = self.book.get_mut(id);
        entry.cap = Some(cap);
        cap.closed_until().into_iter().for_each(|until| entry.bucket.freeze(until));
        self.effects.extend(change.filter(is_worth_telling).map(Effect::Limit));
        if known.is_none() {
            self.redraw();
            // those that are out hold their places already
            let entry = self.book.get_mut(id);
            for other in self.flights.values_mut().filter(|other| line_key(other) == key) {
                entry.bucket.take(0, 1, now);
                other.takes.push((id, Need { on_arrival: 0, held: 1 }));
            }
        }
    }

    /// While somebody waits for a place: whether more are tried at once from now on.
    pub(super) fn raise_cap(&mut self, id: BucketId, now: Now) -> bool {
        let most = self.book.most(id);
        let entry = self.book.get_mut(id);
        let Some(cap) = entry.cap.as_mut().filter(|cap| cap.get() == entry.bucket.limit().capacity) else { return false };
        if !cap.raise(most, now.tick) {
            return false;
        }
        let limit = Limit { capacity: cap.get(), source: LimitSource::Learned, ..*entry.bucket.limit() };
        let (name, rule) = (entry.key.clone(), entry.evidence.rule());
        let (_, change) = self.book.set(&name, limit, rule, now);
        self.effects.extend(change.filter(is_worth_telling).map(Effect::Limit));
        true
    }

    fn stop(&mut self, key: &LineKey, verdict: &Verdict, now: Now) {
        let Some(account) = self.accounts.get_mut(&key.0) else { return };
        // cool-downs end by proof: at the latest after five minutes one request tries
        let pause = verdict.retry_after.unwrap_or(Duration::from_secs(60)).clamp(Duration::from_secs(5), Duration::from_secs(300));
        account.stopped = Some(Stop { until: now.tick + pause, reason: verdict.reason.clone(), trying: false });
    }

    fn landed(&mut self, key: &LineKey) {
        if let Some(state) = self.lines.get_mut(key) {
            state.in_flight = state.in_flight.saturating_sub(1);
        }
        if let Some(stop) = self.accounts.get_mut(&key.0).and_then(|account| account.stopped.as_mut()) {
            stop.trying = false;
        }
    }
}

/// One that is under way is charged to a bucket.
fn take(entry: &mut Entry, flight: &mut Flight, id: BucketId, now: Now) {
    let (dimension, expected) = (entry.key.dimension, &flight.waiting.expected);
    let need = entry.need(expected);
    entry.bucket.take(need.on_arrival, need.held, Now { tick: flight.sent_at, ..now });
    entry.bucket.note_estimate(estimated(dimension, need, expected));
    if matches!(dimension, Dimension::Tokens | Dimension::OutputTokens) {
        entry.evidence.sent(dimension, expected, flight.sent_at);
    }
    flight.takes.push((id, need));
}

/// A search goes up and down by one all the time.
fn is_worth_telling(change: &LimitChange) -> bool {
    change.old.is_none_or(|old| old.abs_diff(change.new) > old.max(change.new) / 8)
}

/// What it really took of input and output, as far as is known. Only exact usage gives anything back.
fn actual(counted: &Cost, certainty: Certainty, expected: &super::estimate::Expectation) -> (u64, u64) {
    let input = counted[Dimension::InputTokens];
    let output = counted[Dimension::OutputTokens];
    match certainty {
        Certainty::Exact => (input, output),
        Certainty::AtLeast | Certainty::Unknown => (input.max(expected.input), output.max(expected.output)),
    }
}

#[expect(clippy::too_many_arguments, reason = "one place, all of them needed")]
fn settle_tokens(
    bucket: &mut super::bucket::Bucket,
    rule: ChargeRule,
    need: Need,
    input: u64,
    output: u64,
    certainty: Certainty,
    expected: &super::estimate::Expectation,
    dimension: Dimension,
    now: Now,
) {
    let input_taken = if dimension == Dimension::Tokens { expected.input } else { 0 };
    if need.held > 0 {
        // reserved while "charges what was used" was believed
        bucket.release(need.held, output, now);
        bucket.correct(signed(input) - signed(input_taken), now);
        return;
    }
    match rule {
        ChargeRule::Actual | ChargeRule::ReservesMax if certainty == Certainty::Exact => {
            bucket.correct(signed(input + output) - signed(need.on_arrival), now);
        }
        ChargeRule::KeepsMax if certainty == Certainty::Exact => bucket.correct(signed(input) - signed(input_taken), now),
        ChargeRule::Actual | ChargeRule::ReservesMax | ChargeRule::KeepsMax | ChargeRule::Characters => {}
    }
}

fn line_key(flight: &Flight) -> LineKey {
    (flight.waiting.ask.account, flight.waiting.ask.class.clone())
}

const fn signed(units: u64) -> i64 {
    if units > i64::MAX as u64 { i64::MAX } else { units.cast_signed() }
}
