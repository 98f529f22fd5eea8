//! What the tests write: a clock that stands still, a folder, and records made by a small generator with a fixed seed.

use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;
use tierline::domain::{
    AccountId, Api, Certainty, ClientName, Clock, Lane, ModelClass, ModelId, Now, Outcome, Provider, RequestId, RequestRecord, Tick, Usage,
    VerdictKind,
};
use tierline::store::{DataDir, Store, Write};

/// 2026-11-24T12:00:00Z.
pub(crate) const NOON: i64 = 1_795_521_600_000;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { tick: Tick::ZERO, wall: at(NOON) }
    }
}

/// A store in a folder that goes away with it.
pub(crate) struct Home {
    pub(crate) temp: TempDir,
    pub(crate) dir: DataDir,
    pub(crate) store: Store,
}

impl Home {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(Some(&temp.path().join("data"))).unwrap();
        let (store, notices) = Store::open(&dir, &Standing).unwrap();
        assert!(notices.is_empty(), "{notices:?}");
        Self { temp, dir, store }
    }

    /// Writes all of it, a queue's worth at a time.
    pub(crate) fn write(&self, writes: impl IntoIterator<Item = Write>) {
        for (n, write) in writes.into_iter().enumerate() {
            self.store.write(write).unwrap();
            if n % 10_000 == 9_999 {
                self.store.flush().unwrap();
            }
        }
        self.store.flush().unwrap();
    }
}

pub(crate) fn finished(record: &RequestRecord) -> Write {
    Write::Finished(Arc::new(record.clone()))
}

/// A plain request that took a second and worked.
pub(crate) fn record(id: u64, arrived: i64) -> RequestRecord {
    RequestRecord {
        id: RequestId(id),
        arrived_at: at(arrived),
        finished_at: at(arrived + 1_000),
        account: AccountId(1),
        account_label: "work".into(),
        provider: Provider::Anthropic,
        client: ClientName::new("agent"),
        lane: Lane::Interactive,
        api: Api::Messages,
        model_asked: Some(ModelId::new("claude-sonnet-4-5")),
        class: ModelClass::new("sonnet"),
        status: 200,
        outcome: Outcome::Ok,
        wait_millis: 0,
        first_byte_millis: Some(300),
        attempts: 1,
        usage: Usage { input: 100, output: 50, certainty: Certainty::Exact, ..Usage::default() },
        counted_input: 100,
        counted_output: 50,
        cost_nanos: Some(1_000),
        reserved_input: 120,
        reserved_output: 64,
        bound_by: None,
        verdict: None,
        upstream_request_id: Some("req_1".into()),
        request_bytes: 400,
        response_bytes: 200,
        served_by: None,
    }
}

/// SplitMix64: the same records in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].clone()
    }

    pub(crate) fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(3) == 0 { None } else { Some(some(self)) }
    }

    pub(crate) fn text(&mut self) -> String {
        self.of(&TEXTS).to_owned()
    }

    /// A request within `range` milliseconds after `from`, of three accounts and four classes, with odd texts.
    pub(crate) fn record(&mut self, id: u64, from: i64, range: u64) -> RequestRecord {
        let arrived = from + i64::try_from(self.below(range)).unwrap();
        let wait = self.below(90_000);
        RequestRecord {
            id: RequestId(id),
            arrived_at: at(arrived),
            finished_at: at(arrived + i64::try_from(wait + self.below(60_000)).unwrap()),
            account: AccountId(1 + i64::try_from(self.below(3)).unwrap()),
            account_label: self.text(),
            provider: self.of(&Provider::ALL),
            client: ClientName::new(&self.text()),
            lane: self.of(&[Lane::Interactive, Lane::Batch]),
            api: self.of(&APIS),
            model_asked: self.maybe(|r| ModelId::new(&r.text())),
            class: ModelClass::new(self.of(&["sonnet", "opus", "gpt-5", "*"])),
            status: self.of(&[0, 200, 400, 429, 529]),
            outcome: self.of(&Outcome::ALL),
            wait_millis: wait,
            first_byte_millis: self.maybe(Self::next_small),
            attempts: u32::try_from(self.below(4)).unwrap(),
            usage: Usage {
                input: self.next_small(),
                cache_read: self.next_small(),
                cache_write: self.next_small(),
                cache_write_long: self.next_small(),
                tool_input: self.next_small(),
                output: self.next_small(),
                reasoning: self.next_small(),
                images: self.below(4),
                certainty: self.of(&[Certainty::Unknown, Certainty::AtLeast, Certainty::Exact]),
                model: self.maybe(|r| ModelId::new(&r.text())),
                service_tier: self.maybe(Self::text),
            },
            counted_input: self.next_small(),
            counted_output: self.next_small(),
            cost_nanos: self.maybe(Self::next_small),
            reserved_input: self.next_small(),
            reserved_output: self.next_small(),
            bound_by: self.maybe(Self::text),
            verdict: self.maybe(|r| r.of(&VERDICTS)),
            upstream_request_id: self.maybe(Self::text),
            request_bytes: self.next_small(),
            response_bytes: self.next_small(),
            served_by: self.maybe(Self::text),
        }
    }

    fn next_small(&mut self) -> u64 {
        self.below(1_000_000)
    }
}

/// Plain texts, texts that a spreadsheet would run, and texts that a careless writer of CSV would break.
const TEXTS: [&str; 14] =
    ["work", "=1+1", "+49", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'quoted", "a,b", "say \"hi\"", "two\r\nlines", " é 漢 ", "''"];

const APIS: [Api; 12] = [
    Api::Messages,
    Api::CountTokens,
    Api::ChatCompletions,
    Api::Completions,
    Api::Responses,
    Api::GenerateContent,
    Api::Interactions,
    Api::Embeddings,
    Api::Images,
    Api::Audio,
    Api::Models,
    Api::Other,
];

const VERDICTS: [VerdictKind; 7] = [
    VerdictKind::Wait,
    VerdictKind::Never,
    VerdictKind::Money,
    VerdictKind::Key,
    VerdictKind::Model,
    VerdictKind::Overload,
    VerdictKind::Request,
];
