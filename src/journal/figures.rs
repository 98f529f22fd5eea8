//! What happened since the start, counted by provider and model, for monitoring systems: a pure fold of events.
//!
//! Clients choose the names of models, so their number is bounded: what comes after the first [`Figures::ROWS`] is counted
//! together.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::histogram::Histogram;
use crate::domain::{Event, ModelId, Outcome, Provider, RequestId, RequestRecord};

/// Every row, and to which of them the requests under way belong.
#[derive(Debug, Default)]
pub struct Figures {
    rows: BTreeMap<RowKey, Row>,
    under_way: BTreeMap<RequestId, RowKey>,
}

/// Whose API, and the model that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Whose API.
    pub provider: Provider,
    /// The model; empty for requests that name none, [`Figures::OTHERS`] for those beyond the bound.
    pub model: String,
}

/// The counts of one provider and model.
#[derive(Debug, Clone)]
pub struct Row {
    /// Finished requests, in the order of [`Outcome::ALL`].
    pub by_outcome: [u64; Outcome::ALL.len()],
    /// How often requests were sent, the first time included.
    pub attempts: u64,
    /// Of these, refused by the provider for a limit.
    pub refused: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Input tokens that came from no cache, were read from it, were written to it; output tokens.
    pub tokens: [u64; 4],
    /// What the requests cost, as far as prices are known.
    pub cost_nanos: u64,
    /// Input tokens of each request whose usage is known, cached ones included.
    pub input: Histogram,
    /// Output tokens of each request whose usage is known.
    pub output: Histogram,
    /// Seconds that each request waited for room.
    pub wait_secs: Histogram,
    /// Seconds from sending to the first byte of the answer.
    pub first_byte_secs: Histogram,
    arrivals: LastMinute,
    sent: LastMinute,
    refusals: LastMinute,
}

impl Figures {
    /// How many pairs of provider and model are told apart.
    pub const ROWS: usize = 200;
    /// The model's name in the row of all others.
    pub const OTHERS: &'static str = "other";
    /// Longer names are cut.
    const NAME: usize = 100;

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Arrived(arrival) => {
                let key = self.key(arrival.provider, arrival.model.as_ref());
                self.row(&key).arrivals.note(arrival.at);
                self.under_way.insert(arrival.id, key);
            }
            Event::Rerouted(arrival) => {
                let key = self.key(arrival.provider, arrival.model.as_ref());
                self.under_way.insert(arrival.id, key);
            }
            Event::Sent { id, at, .. } => {
                if let Some(key) = self.under_way.get(id).cloned() {
                    self.row(&key).sent.note(*at);
                }
            }
            Event::Refused(refusal) => {
                if let Some(key) = self.under_way.get(&refusal.request).cloned() {
                    let row = self.row(&key);
                    row.refused += 1;
                    row.refusals.note(refusal.at);
                }
            }
            Event::Finished(record) => {
                let key = self.under_way.remove(&record.id).unwrap_or_else(|| self.key(record.provider, record.model_asked.as_ref()));
                self.row(&key).finished(record);
            }
            Event::Collected(record) => {
                let key = self.key(record.provider, record.model_asked.as_ref());
                self.row(&key).ended(record);
            }
            Event::Answered { .. } | Event::LimitChanged(_) | Event::Noticed(_) | Event::ModelsEnd(..) => {}
        }
    }

    /// Every row, by provider and model.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.rows.iter()
    }

    fn key(&self, provider: Provider, model: Option<&ModelId>) -> RowKey {
        let name = model.map_or("", ModelId::as_str);
        let key = RowKey { provider, model: name.chars().take(Self::NAME).collect() };
        if self.rows.len() < Self::ROWS || self.rows.contains_key(&key) {
            return key;
        }
        RowKey { provider, model: Self::OTHERS.to_owned() }
    }

    fn row(&mut self, key: &RowKey) -> &mut Row {
        self.rows.entry(key.clone()).or_default()
    }
}

impl Row {
    const TOKENS: &'static [f64] = &[100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6];
    const SECS: &'static [f64] = &[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

    /// Requests that arrived in the last minute.
    #[must_use]
    pub fn per_minute(&self, now: Timestamp) -> u64 {
        self.arrivals.count(now)
    }

    /// Which share of the attempts of the last minute the provider refused for a limit.
    #[must_use]
    pub fn refused_share(&self, now: Timestamp) -> f64 {
        let (refused, sent) = (self.refusals.count(now), self.sent.count(now));
        if sent == 0 { 0.0 } else { (refused as f64 / sent as f64).min(1.0) }
    }

    fn finished(&mut self, record: &RequestRecord) {
        self.ended(record);
        self.wait_secs.observe(record.wait_millis as f64 / 1e3);
        if let Some(millis) = record.first_byte_millis {
            self.first_byte_secs.observe(millis as f64 / 1e3);
        }
    }

    fn ended(&mut self, record: &RequestRecord) {
        for (count, outcome) in self.by_outcome.iter_mut().zip(Outcome::ALL) {
            *count += u64::from(outcome == record.outcome);
        }
        let usage = &record.usage;
        self.attempts += u64::from(record.attempts);
        self.retries += u64::from(record.attempts.saturating_sub(1));
        for (sum, more) in self.tokens.iter_mut().zip([usage.input, usage.cache_read, usage.cache_write, usage.output]) {
            *sum += more;
        }
        self.cost_nanos += record.cost_nanos.unwrap_or(0);
        if usage.total() > 0 {
            self.input.observe(usage.total_input() as f64);
            self.output.observe(usage.output as f64);
        }
    }
}

impl Default for Row {
    fn default() -> Self {
        Self {
            by_outcome: [0; Outcome::ALL.len()],
            attempts: 0,
            refused: 0,
            retries: 0,
            tokens: [0; 4],
            cost_nanos: 0,
            input: Histogram::new(Self::TOKENS),
            output: Histogram::new(Self::TOKENS),
            wait_secs: Histogram::new(Self::SECS),
            first_byte_secs: Histogram::new(Self::SECS),
            arrivals: LastMinute::default(),
            sent: LastMinute::default(),
            refusals: LastMinute::default(),
        }
    }
}

/// What was counted in each of the last sixty seconds, oldest first.
#[derive(Debug, Clone, Default)]
struct LastMinute(VecDeque<(i64, u64)>);

impl LastMinute {
    fn note(&mut self, at: Timestamp) {
        let second = at.as_second();
        while self.0.front().is_some_and(|(oldest, _)| *oldest <= second - 60) {
            self.0.pop_front();
        }
        match self.0.back_mut() {
            // events of several requests may come a little out of order
            Some((newest, count)) if *newest >= second => *count += 1,
            _ => self.0.push_back((second, 1)),
        }
    }

    fn count(&self, now: Timestamp) -> u64 {
        let oldest = now.as_second() - 60;
        self.0.iter().filter(|(second, _)| *second > oldest).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::event::Arrival;
    use crate::domain::{AccountId, Api, ClientName, Lane, ModelClass};

    fn arrived(id: u64, model: &str, at: i64) -> Event {
        Event::Arrived(Arc::new(Arrival {
            id: RequestId(id),
            at: Timestamp::from_second(at).unwrap(),
            account: AccountId(1),
            account_label: "a".into(),
            provider: Provider::OpenAi,
            client: ClientName::new("test"),
            lane: Lane::Interactive,
            api: Api::ChatCompletions,
            model: Some(ModelId::new(model)),
            class: ModelClass::any(),
        }))
    }

    #[test]
    fn only_the_last_minute_counts_for_a_rate() {
        let mut figures = Figures::default();
        for (id, at) in [(1, 0), (2, 30), (3, 59), (4, 61)] {
            figures.apply(&arrived(id, "m", at));
            let at = Timestamp::from_second(at).unwrap();
            figures.apply(&Event::Sent { id: RequestId(id), at, attempt: 1, waited: Duration::ZERO });
        }
        let (_, row) = figures.rows().next().unwrap();
        for (now, expect) in [(61, 3), (90, 2), (120, 1), (121, 0)] {
            assert_eq!(row.per_minute(Timestamp::from_second(now).unwrap()), expect, "at {now}");
        }
    }

    #[test]
    fn invented_models_do_not_add_rows_without_end() {
        let mut figures = Figures::default();
        for id in 0..1_000 {
            figures.apply(&arrived(id, &format!("{}{id}", "x".repeat(90)), 0));
        }
        assert_eq!(figures.rows().count(), Figures::ROWS + 1);
        let others = figures.rows().find(|(key, _)| key.model == Figures::OTHERS).unwrap().1;
        assert_eq!(others.per_minute(Timestamp::UNIX_EPOCH), 800);
    }
}
