//! A provider, a network and a crowd of jobs in virtual time: everything around the limiter's core, from one seed.
//!
//! It shares no code with the limiter but its public calls. The provider here counts in its own way, in floating point.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "shared by a test and a benchmark, each of which uses a part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this provider counts in floating point, and its numbers are small"
)]
#![allow(clippy::print_stdout, reason = "TRACE=1 shows every refusal")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
#[path = "spelled.rs"]
pub mod spelled;
#[path = "upstream.rs"]
pub mod upstream;

use spelled::Said;
use tierline::domain::{
    AccountId, Api, Certainty, ClientName, Dialect, Dimension, Limit, LimitSource, ModelClass, ModelId, Now, Period, Pool, Provider,
    Reading, RequestFacts, RequestId, Snapshot, Tick, Usage, Verdict, VerdictKind, Whose, Window,
};
use tierline::limiter::core::Effect;
use tierline::limiter::line::Ticket;
use tierline::limiter::random::Random;
use tierline::limiter::settle::Next;
use tierline::limiter::{AccountSetup, Ask, Core, Memory, Settings};
use upstream::{Arrival, DAY, Head, Heads, Job, Meter, NANOS, Upstream, bound, jobs};
pub use upstream::{Charge, Crowd, Rule, Scenario, anthropic_entry};

/// How it went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Least possible time over time taken.
    pub efficiency: f64,
    pub requests: u64,
    pub refused: u64,
    pub failed: u64,
    pub makespan_secs: f64,
    pub bound_secs: f64,
    /// Requests that were sent to an endpoint that was out.
    pub sent_into_outage: u64,
    /// By client: how long each request waited until it was let go for the first time.
    pub waits: BTreeMap<&'static str, Vec<f64>>,
    /// When each request was taken by the provider.
    pub taken_at: Vec<f64>,
    /// Of each limit: the seconds of its refill that nothing used because it was full, and those that were left at the end.
    pub unused_secs: Vec<(Dimension, f64, f64)>,
}

impl Outcome {
    pub fn refusal_share(&self) -> f64 {
        self.refused as f64 / self.requests.max(1) as f64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrives(usize),
    Reaches(Ticket, usize),
    Begins(Ticket),
    Refusal(Ticket, usize, u8, u64),
    End(Ticket, usize),
    Dead(Ticket, usize),
    Limits,
    WallJump(i64),
    Sleep(u64),
    Wake,
}

/// Runs one experiment to its end.
pub fn run(scenario: &Scenario) -> Outcome {
    World::new(scenario).run().0
}

/// The same after a restart as well, an hour later, with what the limiter remembers.
pub fn run_twice(scenario: &Scenario) -> (Outcome, Outcome) {
    let (first, memory) = World::new(scenario).run();
    let mut world = World::new(scenario);
    let now = world.moment();
    world.core.recall(memory, Duration::from_secs(3_600), now);
    (first, world.run().0)
}

struct World<'a> {
    scenario: &'a Scenario,
    core: Core,
    random: Random,
    jobs: Vec<Job>,
    upstream: Upstream,
    heap: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    seq: u64,
    now: u64,
    /// Nanoseconds for which the machine slept, and by which its wall clock is off.
    slept: u64,
    wall_off: i64,
    heads_then: BTreeMap<Ticket, Heads>,
    holds: BTreeMap<Ticket, usize>,
    granted: BTreeSet<Ticket>,
    requests: u64,
    refused: u64,
    failed: u64,
    done: usize,
    last_end: u64,
    into_outage: u64,
    waits: BTreeMap<&'static str, Vec<f64>>,
    taken_at: Vec<f64>,
    wake: Option<u64>,
}

const ACCOUNT: AccountId = AccountId(1);

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let (jobs, random) = jobs(scenario);
        let limits: Vec<Limit> = scenario
            .rules
            .iter()
            .map(|rule| Limit {
                dimension: rule.dimension,
                window: Window::PER_MINUTE,
                capacity: rule.per_minute as u64,
                source: LimitSource::Admin,
            })
            .collect();
        let day = scenario.per_day.map(|capacity| Limit {
            dimension: Dimension::Requests,
            window: Window::PACIFIC_DAY,
            capacity,
            source: LimitSource::Admin,
        });
        let cap = scenario.documented_cap.map(|capacity| Limit {
            dimension: Dimension::Concurrent,
            window: Window::AT_ONCE,
            capacity,
            source: LimitSource::Catalog { as_of: jiff::civil::date(2026, 11, 15) },
        });
        let known = scenario.known;
        let assumed = move |_: Provider, _: &ModelClass| limits.iter().copied().chain(day).filter(|_| known).chain(cap).collect();
        let trust_bursts = known && scenario.rules.iter().all(|rule| rule.burst_secs >= 60.0);
        let mut core = Core::new(
            Settings { seed: scenario.seed, trust_bursts, max_wait: Duration::from_secs(1_000_000), ..Settings::default() },
            Arc::new(assumed),
        );
        core.set_account(AccountSetup {
            id: ACCOUNT,
            provider: Provider::Anthropic,
            dialect: match scenario.spelled {
                Some(spelling) => spelling.dialect,
                None if scenario.headers => Dialect::Anthropic,
                None => Dialect::DeepSeek,
            },
            label: "a".into(),
            scope: None,
        });
        Self {
            scenario,
            core,
            random,
            jobs,
            upstream: Upstream::new(scenario),
            heap: BinaryHeap::new(),
            seq: 0,
            now: 0,
            slept: 0,
            wall_off: 0,
            heads_then: BTreeMap::new(),
            holds: BTreeMap::new(),
            granted: BTreeSet::new(),
            requests: 0,
            refused: 0,
            failed: 0,
            done: 0,
            last_end: 0,
            into_outage: 0,
            waits: BTreeMap::new(),
            taken_at: Vec::new(),
            wake: None,
        }
    }

    fn run(mut self) -> (Outcome, Memory) {
        for index in 0..self.jobs.len() {
            match self.jobs[index].arrives {
                0 => self.arrives(index),
                at => self.push(at, Happening::Arrives(index)),
            }
        }
        let at = |secs: f64| (secs * NANOS) as u64;
        if let Some((secs, _)) = self.scenario.change {
            self.push(at(secs), Happening::Limits);
        }
        if let Some((secs, by)) = self.scenario.wall_jump {
            self.push(at(secs), Happening::WallJump(by));
        }
        if let Some((secs, long)) = self.scenario.sleep {
            self.push(at(secs), Happening::Sleep(long));
        }
        self.pump();
        while self.done + (self.failed as usize) < self.jobs.len() {
            let Some(Reverse((at, _, happening))) = self.heap.pop() else { break };
            self.now = at;
            self.happen(happening);
            self.pump();
            // three days: a clock that is hours ahead believes the provider's midnight too early, and then waits for its own next
            assert!(self.now < 300_000 * 1_000_000_000, "the crowd does not get through: {:?}", self.core);
        }
        let (waiting, flights) = self.core.counts();
        assert_eq!((waiting, flights), (0, 0), "somebody was forgotten");
        for bucket in self.core.buckets(self.moment()) {
            assert_eq!(bucket.held, 0, "{}: held after everybody is done", bucket.meter);
        }
        let memory = self.core.remember(self.moment());
        (self.outcome(), memory)
    }

    fn arrives(&mut self, index: usize) {
        let job = self.jobs[index];
        let facts = RequestFacts {
            model: Some(ModelId::new("model")),
            max_output: Some(self.scenario.max_output),
            stream: false,
            ..RequestFacts::opaque(Api::Messages, job.bytes)
        };
        let ask = Ask {
            id: RequestId(index as u64),
            account: ACCOUNT,
            class: ModelClass::new("class"),
            client: ClientName::new(job.client),
            lane: job.lane,
            facts: Arc::new(facts),
            patience: None,
            elsewhere: false,
        };
        match self.core.enqueue(ask, self.moment()) {
            Ok(ticket) => drop(self.holds.insert(ticket, index)),
            Err(_) => self.failed += 1,
        }
    }

    fn pump(&mut self) {
        loop {
            let wake = self.core.pump(self.moment()).map(Tick::as_nanos);
            assert_eq!(self.core.broken_law(), None);
            let effects = self.core.take_effects();
            if effects.is_empty() {
                if let Some(wake) = wake.filter(|wake| self.wake.is_none_or(|set| set <= self.now || *wake < set)) {
                    self.wake = Some(wake);
                    self.push(wake, Happening::Wake);
                }
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Grant(ticket) => {
                        let index = self.holds[&ticket];
                        let job = self.jobs[index];
                        if self.granted.insert(ticket) {
                            self.waits.entry(job.client).or_default().push((self.now - job.arrives) as f64 / NANOS);
                        }
                        let way = self.way();
                        self.push(self.now + way, Happening::Reaches(ticket, index));
                    }
                    Effect::Refuse(..) => self.failed += 1,
                    Effect::Limit(_) | Effect::Notice(_) => {}
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.moment();
        match happening {
            Happening::Wake => {}
            Happening::Limits => {
                self.upstream.change_limits();
                let every = self.scenario.change.map_or(0.0, |(secs, _)| secs);
                self.push(self.now + (every * NANOS) as u64, Happening::Limits);
            }
            Happening::WallJump(secs) => self.wall_off += secs * 1_000_000_000,
            Happening::Sleep(secs) => self.slept += secs * 1_000_000_000,
            Happening::Arrives(index) => self.arrives(index),
            Happening::Reaches(ticket, index) => self.reaches(ticket, index),
            Happening::Begins(ticket) => self.head(ticket),
            Happening::Refusal(ticket, index, number, wait_ms) => {
                self.refused += 1;
                if std::env::var_os("TRACE").is_some() && self.refused < 60 {
                    let name = self.upstream.meters.get(usize::from(number)).map(|m| (m.rule.dimension, m.level));
                    println!(
                        "{:.3} refused by {name:?}, wait {wait_ms}; {:?}",
                        self.now as f64 / NANOS,
                        self.core.ledger(ACCOUNT, &ModelClass::new("class"))
                    );
                }
                let rule = self.upstream.meters.get(usize::from(number)).map(|meter| meter.rule);
                if self.scenario.headers && rule.is_some() {
                    let heads = self.upstream.heads(self.provider_secs());
                    let snapshot = self.snapshot(&heads, 429);
                    self.core.observe(ticket, &snapshot, now);
                }
                let verdict = Verdict {
                    kind: VerdictKind::Wait,
                    dimension: Some(match number {
                        DAY => Dimension::Requests,
                        _ => rule.map_or(Dimension::Concurrent, |rule| rule.dimension),
                    }),
                    period: Some(match number {
                        DAY => Period::DAY,
                        _ if rule.is_some() => Period::MINUTE,
                        _ => Period::AT_ONCE,
                    }),
                    limit: if number == DAY { self.scenario.per_day } else { rule.map(|rule| rule.per_minute as u64) },
                    used: None,
                    requested: None,
                    retry_after: (wait_ms > 0).then(|| Duration::from_millis(wait_ms)),
                    scope: None,
                    whose: Whose::Account,
                    reason: String::new(),
                    advice: String::new(),
                };
                if self.core.refused(ticket, &verdict, now) == Next::PassOn {
                    self.failed += 1;
                    let _ = index;
                }
            }
            Happening::Dead(ticket, _) => {
                if self.core.failed(ticket, true, "down", now) == Next::PassOn {
                    self.failed += 1;
                }
            }
            Happening::End(ticket, index) => {
                let (job, secs) = (self.jobs[index], self.provider_secs());
                self.upstream.ends(&job, secs);
                if !self.scenario.streams {
                    self.head(ticket);
                }
                let usage = Usage { input: job.input, output: job.output, certainty: Certainty::Exact, ..Usage::default() };
                self.core.settle(ticket, &usage, now);
                self.done += 1;
                self.last_end = self.now;
            }
        }
    }

    /// The head of an answer arrives.
    fn head(&mut self, ticket: Ticket) {
        let (now, secs) = (self.moment(), self.provider_secs());
        let missing = self.scenario.heads_missing > 0 && self.random.below(100) < self.scenario.heads_missing;
        let snapshot = if self.scenario.headers && !missing {
            let heads = self.heads_then.remove(&ticket).unwrap_or_else(|| self.upstream.heads(secs));
            self.snapshot(&heads, 200)
        } else {
            Snapshot::empty(now.wall, 200)
        };
        self.core.observe(ticket, &snapshot, now);
    }

    fn reaches(&mut self, ticket: Ticket, index: usize) {
        self.requests += 1;
        let (job, secs) = (self.jobs[index], self.provider_secs());
        let back = self.now + self.way();
        match self.upstream.reaches(&job, secs) {
            Arrival::Dead => {
                self.into_outage += 1;
                self.push(back, Happening::Dead(ticket, index));
            }
            Arrival::Refused { rule, wait_ms } => self.push(back, Happening::Refusal(ticket, index, rule, wait_ms)),
            Arrival::Taken => {
                if self.scenario.heads_on_arrival {
                    let heads = self.upstream.heads(secs);
                    self.heads_then.insert(ticket, heads);
                }
                self.taken_at.push(secs);
                if self.scenario.streams {
                    self.push(self.now + (job.first_secs * NANOS) as u64, Happening::Begins(ticket));
                }
                self.push(self.now + (job.secs * NANOS) as u64, Happening::End(ticket, index));
            }
        }
    }

    /// What the machine's clocks say.
    fn moment(&self) -> Now {
        let nanos = i128::from(self.now + self.slept) + i128::from(self.wall_off);
        let wall = Timestamp::from_nanosecond(self.scenario.start.as_nanosecond() + nanos).unwrap_or(self.scenario.start);
        Now { tick: Tick::from_nanos(self.now), wall }
    }

    /// Seconds on the provider's clock.
    fn provider_secs(&self) -> f64 {
        (self.now + self.slept) as f64 / NANOS
    }

    /// Nanoseconds of one way.
    fn way(&mut self) -> u64 {
        let (from, to) = self.scenario.way_millis;
        from * 1_000_000 + self.random.below((to - from) * 1_000_000)
    }

    fn snapshot(&self, heads: &Heads, status: u16) -> Snapshot {
        if let Some(spelling) = self.scenario.spelled {
            let said = |(meter, head): (&Meter, &Head)| Said {
                dimension: meter.rule.dimension,
                limit: head.limit,
                remaining: head.remaining,
                // headers that are spelled out always say it: where this world does not, as a bucket that refills all the time would
                full_in_secs: head.full_in_ms.map_or((head.limit - head.remaining) as f64 / head.limit as f64 * 60.0, |ms| ms as f64 / 1e3),
            };
            let said: Vec<Said> = self.upstream.meters.iter().zip(heads).map(said).collect();
            return spelled::snapshot(spelling, status, &said, self.moment().wall);
        }
        let readings = self
            .upstream
            .meters
            .iter()
            .zip(heads)
            .map(|(meter, head)| Reading {
                dimension: meter.rule.dimension,
                period: Some(Period::MINUTE),
                pool: Pool::Standard,
                limit: Some(head.limit),
                remaining: Some(head.remaining),
                full_at: head.full_in_ms.map(|millis| self.moment().wall + Duration::from_millis(millis)),
                grain: if meter.rule.dimension == Dimension::Requests { 1 } else { self.scenario.grain },
            })
            .collect();
        Snapshot { readings, ..Snapshot::empty(self.moment().wall, status) }
    }

    fn push(&mut self, at: u64, happening: Happening) {
        self.seq += 1;
        self.heap.push(Reverse((at, self.seq, happening)));
    }

    fn outcome(self) -> Outcome {
        let makespan = self.last_end as f64 / NANOS;
        let bound = bound(self.scenario, &self.jobs, makespan);
        let unused = |meter: &Meter| {
            let per_sec = meter.rule.per_minute / 60.0;
            (meter.rule.dimension, meter.overflowed / per_sec, meter.level / per_sec)
        };
        Outcome {
            unused_secs: self.upstream.meters.iter().map(unused).collect(),
            efficiency: bound / makespan,
            requests: self.requests,
            refused: self.refused,
            failed: self.failed,
            makespan_secs: makespan,
            bound_secs: bound,
            sent_into_outage: self.into_outage,
            waits: self.waits,
            taken_at: self.taken_at,
        }
    }
}
