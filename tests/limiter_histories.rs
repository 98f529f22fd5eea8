//! Random histories of the limiter's core: whatever happens in whatever order, its laws hold and nobody is forgotten.
//!
//! Each seed is one history. A failing one is named, and runs again alone with `SEED=n`; more of them run with
//! `HISTORIES=100000 cargo test --release --test limiter_histories`.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a helper that fails fails its test; the numbers are small")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tierline::domain::command::UserLimit;
use tierline::domain::{
    AccountId, Api, Certainty, ClientName, Dialect, Dimension, Identity, Lane, Limit, LimitSource, ModelClass, Now, Period, Pool, Provider,
    Reading, RequestFacts, RequestId, Snapshot, Tick, Usage, Verdict, VerdictKind, Whose, Window,
};
use tierline::limiter::core::Effect;
use tierline::limiter::line::Ticket;
use tierline::limiter::random::Random;
use tierline::limiter::settle::Next;
use tierline::limiter::{AccountSetup, Ask, Core, Settings};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    Flying,
}

struct History {
    core: Core,
    random: Random,
    nanos: u64,
    places: BTreeMap<Ticket, Place>,
    /// Which bucket of requests each draws on, and when each of them let one go.
    drawn_on: BTreeMap<Ticket, (AccountId, &'static str)>,
    granted: BTreeMap<(AccountId, &'static str), Vec<u64>>,
    /// How many accounts and how many classes are used.
    width: (u64, u64),
    begun: u64,
    ended: u64,
}

const ACCOUNTS: [AccountId; 3] = [AccountId(1), AccountId(2), AccountId(3)];

impl History {
    fn new(seed: u64) -> Self {
        let assumed = |_: Provider, _: &ModelClass| {
            let limit = |dimension, capacity| Limit { dimension, window: Window::PER_MINUTE, capacity, source: LimitSource::Admin };
            vec![limit(Dimension::Requests, 40), limit(Dimension::InputTokens, 20_000), limit(Dimension::OutputTokens, 6_000)]
        };
        let settings = Settings { seed, max_wait: Duration::from_secs(120), ..Settings::default() };
        let mut history = Self {
            core: Core::new(settings, Arc::new(assumed)),
            random: Random::new(seed),
            nanos: 0,
            places: BTreeMap::new(),
            drawn_on: BTreeMap::new(),
            granted: BTreeMap::new(),
            width: (3, 2),
            begun: 0,
            ended: 0,
        };
        for id in ACCOUNTS {
            let setup =
                AccountSetup { id, provider: Provider::Anthropic, dialect: Dialect::Anthropic, label: format!("a{}", id.0), scope: None };
            history.core.set_account(setup);
        }
        history
    }

    fn now(&self) -> Now {
        let wall = Timestamp::from_nanosecond(1_795_000_000_000_000_000 + i128::from(self.nanos)).unwrap();
        Now { tick: Tick::from_nanos(self.nanos), wall }
    }

    fn step(&mut self) {
        let now = self.now();
        match self.random.below(16) {
            0..=4 => self.enqueue(),
            5 => {
                if let Some(ticket) = self.pick(Place::Waiting) {
                    self.core.cancel(ticket);
                    self.end(ticket);
                }
            }
            6..=8 => {
                if let Some(ticket) = self.pick(Place::Flying) {
                    let certainty =
                        [Certainty::Exact, Certainty::Exact, Certainty::AtLeast, Certainty::Unknown][self.random.below(4) as usize];
                    let usage = Usage { input: self.random.below(3_000), output: self.random.below(900), certainty, ..Usage::default() };
                    self.core.settle(ticket, &usage, now);
                    self.end(ticket);
                }
            }
            9 | 10 => {
                if let Some(ticket) = self.pick(Place::Flying) {
                    let snapshot = self.snapshot();
                    self.core.observe(ticket, &snapshot, now);
                }
            }
            11 => {
                if let Some(ticket) = self.pick(Place::Flying) {
                    let verdict = self.verdict();
                    let next = self.core.refused(ticket, &verdict, now);
                    self.went(ticket, next);
                }
            }
            12 => {
                if let Some(ticket) = self.pick(Place::Flying) {
                    let safe = self.random.below(2) == 0;
                    let next = self.core.failed(ticket, safe, "down", now);
                    self.went(ticket, next);
                }
            }
            13 => {
                let capacity = self.random.below(3).checked_sub(1).map(|n| 5 + n * 20);
                let limit =
                    UserLimit { account: ACCOUNTS[0], class: None, dimension: Dimension::Requests, period: Period::MINUTE, capacity };
                self.core.set_user_limits(&[limit], now);
            }
            _ => self.nanos += self.random.below(4_000_000_000),
        }
        self.pump();
    }

    fn enqueue(&mut self) {
        let classes = ["sonnet", "haiku"];
        let facts = RequestFacts {
            max_output: (self.random.below(2) == 0).then(|| 1 + self.random.below(2_000)),
            ..RequestFacts::opaque(Api::Messages, self.random.below(12_000))
        };
        let account = ACCOUNTS[self.random.below(self.width.0) as usize];
        let class = classes[self.random.below(self.width.1) as usize];
        let ask = Ask {
            id: RequestId(self.begun),
            account,
            class: ModelClass::new(class),
            client: ClientName::new(["a", "b", "c"][self.random.below(3) as usize]),
            lane: if self.random.below(3) == 0 { Lane::Batch } else { Lane::Interactive },
            facts: Arc::new(facts),
            patience: (self.random.below(3) == 0).then(|| Duration::from_millis(self.random.below(60_000))),
            elsewhere: false,
        };
        self.begun += 1;
        match self.core.enqueue(ask, self.now()) {
            Ok(ticket) => {
                self.places.insert(ticket, Place::Waiting);
                self.drawn_on.insert(ticket, (account, class));
            }
            Err(_) => self.ended += 1,
        }
    }

    fn pump(&mut self) {
        self.core.pump(self.now());
        for effect in self.core.take_effects() {
            match effect {
                Effect::Grant(ticket) => {
                    let before = self.places.insert(ticket, Place::Flying);
                    assert_eq!(before, Some(Place::Waiting), "{ticket:?} was let go although it did not wait");
                    self.granted.entry(self.drawn_on[&ticket]).or_default().push(self.nanos);
                }
                Effect::Refuse(ticket, _) => self.end(ticket),
                Effect::Limit(_) | Effect::Notice(_) => {}
            }
        }
        assert_eq!(self.core.broken_law(), None);
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut reading = |dimension, limit: u64| Reading {
            dimension,
            period: Some(Period::MINUTE),
            pool: Pool::Standard,
            limit: Some(limit),
            remaining: Some(self.random.below(limit + 1)),
            full_at: None,
            grain: 1,
        };
        let readings =
            vec![reading(Dimension::Requests, 40), reading(Dimension::InputTokens, 20_000), reading(Dimension::OutputTokens, 6_000)];
        // two accounts turn out to share an organisation
        let organization = Some(["org-1", "org-2"][self.random.below(2) as usize].to_owned());
        Snapshot { readings, identity: Identity { organization, ..Identity::default() }, ..Snapshot::empty(self.now().wall, 200) }
    }

    fn verdict(&mut self) -> Verdict {
        let kinds = [VerdictKind::Wait, VerdictKind::Wait, VerdictKind::Overload, VerdictKind::Money, VerdictKind::Key, VerdictKind::Never];
        let dimensions = [None, Some(Dimension::Requests), Some(Dimension::OutputTokens), Some(Dimension::Concurrent)];
        let dimension = dimensions[self.random.below(4) as usize];
        Verdict {
            kind: kinds[self.random.below(6) as usize],
            dimension,
            period: dimension.map(|d| if d == Dimension::Concurrent { Period::AT_ONCE } else { Period::MINUTE }),
            limit: (self.random.below(2) == 0).then(|| 1 + self.random.below(30)),
            used: None,
            requested: None,
            retry_after: (self.random.below(2) == 0).then(|| Duration::from_millis(self.random.below(20_000))),
            scope: None,
            whose: Whose::Account,
            reason: "refused".into(),
            advice: String::new(),
        }
    }

    fn pick(&mut self, place: Place) -> Option<Ticket> {
        let tickets: Vec<Ticket> = self.places.iter().filter(|(_, at)| **at == place).map(|(ticket, _)| *ticket).collect();
        let at = self.random.below(tickets.len() as u64);
        tickets.get(usize::try_from(at).unwrap()).copied()
    }

    fn went(&mut self, ticket: Ticket, next: Next) {
        match next {
            Next::Again => drop(self.places.insert(ticket, Place::Waiting)),
            Next::PassOn => self.end(ticket),
        }
    }

    fn end(&mut self, ticket: Ticket) {
        assert!(self.places.remove(&ticket).is_some(), "{ticket:?} ended twice");
        self.ended += 1;
    }

    /// Everybody is served or refused in the end, and nothing stays held.
    fn drain(&mut self) {
        for _ in 0..100_000 {
            if self.places.is_empty() {
                break;
            }
            while let Some(ticket) = self.pick(Place::Flying) {
                let usage = Usage { input: 100, output: 50, certainty: Certainty::Exact, ..Usage::default() };
                self.core.settle(ticket, &usage, self.now());
                self.end(ticket);
            }
            self.nanos += 500_000_000;
            self.pump();
        }
        assert_eq!(self.places, BTreeMap::new(), "somebody waits for ever");
        assert_eq!(self.begun, self.ended);
        assert_eq!(self.core.counts(), (0, 0));
        for bucket in self.core.buckets(self.now()) {
            assert_eq!(bucket.held, 0, "{} of {} is still held", bucket.meter, bucket.key.class);
        }
    }
}

/// Runs each seed's history on all processors; a failing one is named.
fn in_every_history(run: impl Fn(u64) + Sync + std::panic::RefUnwindSafe) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = number("SEED").map_or(0..number("HISTORIES").unwrap_or(1_000), |seed| seed..seed + 1);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let run = &run;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let seeds = seeds.clone().skip(worker).step_by(workers);
            scope.spawn(move || {
                for seed in seeds {
                    let ran = std::panic::catch_unwind(|| run(seed));
                    assert!(ran.is_ok(), "history {seed} broke a law; run it alone: SEED={seed} cargo test --test limiter_histories");
                }
            });
        }
    });
}

#[test]
fn the_laws_hold_in_every_history() {
    in_every_history(|seed| {
        let mut history = History::new(seed);
        for _ in 0..150 {
            history.step();
        }
        history.drain();
    });
}

/// Where no header raises the level, no stretch of time admits more than a full bucket and what refills in it.
#[test]
fn no_window_admits_more_than_a_bucket_and_its_refill() {
    const PER_MINUTE: u64 = 40;
    in_every_history(|seed| {
        let mut history = History::new(seed);
        history.width = (1, 1);
        for _ in 0..200 {
            match history.random.below(8) {
                0..=4 => history.enqueue(),
                5 => {
                    if let Some(ticket) = history.pick(Place::Flying) {
                        let usage = Usage { input: 10, output: 5, certainty: Certainty::Exact, ..Usage::default() };
                        history.core.settle(ticket, &usage, history.now());
                        history.end(ticket);
                    }
                }
                _ => history.nanos += history.random.below(400_000_000),
            }
            history.pump();
        }
        for (bucket, admitted) in &history.granted {
            for (i, from) in admitted.iter().enumerate() {
                for (n, to) in (1_u32..).zip(&admitted[i..]) {
                    let most = PER_MINUTE as f64 * (1.0 + (to - from) as f64 / 60e9);
                    assert!(f64::from(n) <= most, "{bucket:?}: {n} were admitted in {} ns", to - from);
                }
            }
        }
    });
}
