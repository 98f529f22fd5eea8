//! A provider, a network and a crowd of jobs in virtual time: everything around the limiter's core, from one seed.
//!
//! It shares no code with the limiter but its public calls. The provider here counts in its own way, in floating point.

#![allow(dead_code, unreachable_pub, reason = "shared by a test and a benchmark, each of which uses a part")]
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
use tierline::domain::{
    AccountId, Api, Certainty, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, ModelId, Now, Period, Pool, Provider,
    Reading, RequestFacts, RequestId, Snapshot, Tick, Usage, Verdict, VerdictKind, Whose, Window,
};
use tierline::limiter::core::Effect;
use tierline::limiter::line::Ticket;
use tierline::limiter::random::Random;
use tierline::limiter::settle::Next;
use tierline::limiter::{AccountSetup, Ask, Core, Memory, Settings};

/// How the provider charges output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// What was generated, at the end.
    Actual,
    /// The maximum on arrival; the rest comes back at the end.
    ReservesMax,
    /// The maximum on arrival.
    KeepsMax,
    /// Characters over four on arrival.
    Characters,
}

/// One limit of the provider.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub dimension: Dimension,
    /// Per minute.
    pub per_minute: f64,
    /// Seconds of that rate which may go at once.
    pub burst_secs: f64,
}

/// One program's requests.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    pub client: &'static str,
    pub lane: Lane,
    pub jobs: usize,
    /// Mean seconds from one to the next; 0 is all at once.
    pub every_secs: f64,
}

/// One experiment.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub rules: Vec<Rule>,
    pub charge: Charge,
    /// Whether the limits, the burst and the charge rule are told beforehand.
    pub known: bool,
    /// Whether answers carry limits in their headers.
    pub headers: bool,
    /// Rounding of token headers.
    pub grain: u64,
    /// Headers are computed when a request arrives, and come with the end of its answer; otherwise they are computed at the end.
    pub heads_on_arrival: bool,
    /// Per cent of answers that come without headers.
    pub heads_missing: u64,
    /// Minutes begin anew at full minutes, instead of refilling all the time.
    pub fixed_windows: bool,
    /// At this second every limit is multiplied by this factor.
    pub change: Option<(f64, f64)>,
    /// Requests in a day that ends at midnight Pacific; no header tells.
    pub per_day: Option<u64>,
    /// When the first second is.
    pub start: Timestamp,
    /// At this second the wall clock is set forward, or back, by so many seconds.
    pub wall_jump: Option<(f64, i64)>,
    /// At this second the machine sleeps for so many: its monotonic clock stands still.
    pub sleep: Option<(f64, u64)>,
    /// Share of every limit that somebody else uses.
    pub co_tenant: f64,
    /// Requests at once, hidden; may move with time.
    pub concurrency: Option<fn(f64) -> u64>,
    /// What the catalogue says of that.
    pub documented_cap: Option<u64>,
    /// The provider answers nothing in this span of seconds.
    pub outage: Option<(f64, f64)>,
    /// Milliseconds on the way to the provider or back, from and to.
    pub way_millis: (u64, u64),
    /// Jobs that are there from the start.
    pub jobs: usize,
    /// Others that come beside them.
    pub crowds: Vec<Crowd>,
    /// Mean input tokens, output tokens and the maximum that requests allow.
    pub input: u64,
    pub output: u64,
    pub max_output: u64,
    pub seed: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            rules: anthropic_entry(60.0),
            charge: Charge::Actual,
            known: true,
            headers: true,
            grain: 1,
            heads_on_arrival: false,
            heads_missing: 0,
            fixed_windows: false,
            change: None,
            per_day: None,
            start: Timestamp::constant(1_795_000_000, 0),
            wall_jump: None,
            sleep: None,
            co_tenant: 0.0,
            concurrency: None,
            documented_cap: None,
            outage: None,
            way_millis: (15, 75),
            jobs: 600,
            crowds: Vec::new(),
            input: 300,
            output: 120,
            max_output: 1_024,
            seed: 1,
        }
    }
}

/// 50 RPM, 30,000 ITPM, 8,000 OTPM.
pub fn anthropic_entry(burst_secs: f64) -> Vec<Rule> {
    [(Dimension::Requests, 50.0), (Dimension::InputTokens, 30_000.0), (Dimension::OutputTokens, 8_000.0)]
        .map(|(dimension, per_minute)| Rule { dimension, per_minute, burst_secs })
        .to_vec()
}

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
}

impl Outcome {
    pub fn refusal_share(&self) -> f64 {
        self.refused as f64 / self.requests.max(1) as f64
    }
}

#[derive(Debug, Clone, Copy)]
struct Job {
    client: &'static str,
    lane: Lane,
    arrives: u64,
    bytes: u64,
    input: u64,
    output: u64,
    secs: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrives(usize),
    Reaches(Ticket, usize),
    Head(Ticket, usize, Heads),
    Refusal(Ticket, usize, u8, u64),
    End(Ticket, usize),
    Dead(Ticket, usize),
    Limits,
    WallJump(i64),
    Sleep(u64),
    Wake,
}

/// `remaining` and `limit` of each rule.
type Heads = Vec<(u64, u64)>;

struct Meter {
    rule: Rule,
    /// The share that a co-tenant takes, evenly.
    foreign: f64,
    fixed: bool,
    level: f64,
    at: f64,
}

impl Meter {
    fn refill(&mut self, now: f64) {
        if self.fixed {
            if (now / 60.0).floor() > (self.at / 60.0).floor() {
                self.level = self.rule.per_minute * (1.0 - self.foreign);
            }
            self.at = self.at.max(now);
            return;
        }
        // a bucket that holds less than one request would never serve any
        let most = (self.rule.per_minute * self.rule.burst_secs / 60.0).max(1.0);
        let per_sec = self.rule.per_minute / 60.0 * (1.0 - self.foreign);
        self.level = (self.level + per_sec * (now - self.at)).min(most);
        self.at = self.at.max(now);
    }
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
    meters: Vec<Meter>,
    heap: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    seq: u64,
    now: u64,
    /// Nanoseconds for which the machine slept, and by which its wall clock is off.
    slept: u64,
    wall_off: i64,
    /// The provider's day, and what is left of it.
    day: (jiff::civil::Date, u64),
    heads_then: BTreeMap<Ticket, Heads>,
    at_provider: u64,
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
const NANOS: f64 = 1e9;
/// In the place of a rule's number: the day is used up.
const DAY: u8 = u8::MAX - 1;

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut random = Random::new(scenario.seed);
        let unit = |random: &mut Random| random.below(1_000_000) as f64 / 1e6;
        let first = Crowd { client: "crowd", lane: Lane::Batch, jobs: scenario.jobs, every_secs: 0.0 };
        let mut jobs: Vec<Job> = Vec::new();
        for crowd in std::iter::once(&first).chain(&scenario.crowds) {
            let mut arrives = 0;
            jobs.extend((0..crowd.jobs).map(|_| {
                arrives += (crowd.every_secs * 2.0 * unit(&mut random) * NANOS) as u64;
                let spread = |mean: u64, random: &mut Random| ((mean as f64) * (0.4 + 1.2 * unit(random))).max(1.0) as u64;
                let input = spread(scenario.input, &mut random);
                let output = spread(scenario.output, &mut random).min(scenario.max_output);
                let bytes = (input as f64 * 4.0 * (0.95 + 0.1 * unit(&mut random))) as u64;
                let secs = 0.4 + output as f64 * 0.012 + unit(&mut random) * 0.5;
                Job { client: crowd.client, lane: crowd.lane, arrives, bytes, input, output, secs }
            }));
        }
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
            dialect: if scenario.headers { Dialect::Anthropic } else { Dialect::DeepSeek },
            label: "a".into(),
            scope: None,
        });
        let meters = scenario
            .rules
            .iter()
            .map(|rule| Meter {
                rule: *rule,
                foreign: scenario.co_tenant,
                fixed: scenario.fixed_windows,
                level: rule.per_minute * rule.burst_secs / 60.0,
                at: 0.0,
            })
            .collect();
        Self {
            scenario,
            core,
            random,
            jobs,
            meters,
            heap: BinaryHeap::new(),
            seq: 0,
            now: 0,
            slept: 0,
            wall_off: 0,
            day: (pacific(scenario.start).date(), scenario.per_day.unwrap_or(u64::MAX)),
            heads_then: BTreeMap::new(),
            at_provider: 0,
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
            assert!(self.now < 200_000 * 1_000_000_000, "the crowd does not get through: {:?}", self.core);
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
                let factor = self.scenario.change.map_or(1.0, |(_, factor)| factor);
                for meter in &mut self.meters {
                    meter.rule.per_minute = (meter.rule.per_minute * factor).round();
                    meter.level = (meter.level * factor).round();
                }
            }
            Happening::WallJump(secs) => self.wall_off += secs * 1_000_000_000,
            Happening::Sleep(secs) => self.slept += secs * 1_000_000_000,
            Happening::Arrives(index) => self.arrives(index),
            Happening::Reaches(ticket, index) => self.reaches(ticket, index),
            Happening::Head(ticket, _, heads) => {
                let snapshot = self.snapshot(&heads, 200);
                self.core.observe(ticket, &snapshot, now);
            }
            Happening::Refusal(ticket, index, number, wait_ms) => {
                self.refused += 1;
                if std::env::var_os("TRACE").is_some() && self.refused < 60 {
                    let name = self.meters.get(usize::from(number)).map(|m| (m.rule.dimension, m.level));
                    println!(
                        "{:.3} refused by {name:?}, wait {wait_ms}; {:?}",
                        self.now as f64 / NANOS,
                        self.core.ledger(ACCOUNT, &ModelClass::new("class"))
                    );
                }
                let rule = self.meters.get(usize::from(number)).map(|meter| meter.rule);
                if self.scenario.headers && rule.is_some() {
                    let heads = self.heads();
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
                self.at_provider -= 1;
                if self.core.failed(ticket, true, "down", now) == Next::PassOn {
                    self.failed += 1;
                }
            }
            Happening::End(ticket, index) => {
                self.at_provider -= 1;
                let job = self.jobs[index];
                let secs = self.provider_secs();
                for meter in &mut self.meters {
                    meter.refill(secs);
                    match (meter.rule.dimension, self.scenario.charge) {
                        (Dimension::OutputTokens | Dimension::Tokens, Charge::Actual) => meter.level -= job.output as f64,
                        (Dimension::OutputTokens | Dimension::Tokens, Charge::ReservesMax) => {
                            meter.level += (self.scenario.max_output - job.output) as f64;
                        }
                        _ => {}
                    }
                }
                let missing = self.scenario.heads_missing > 0 && self.random.below(100) < self.scenario.heads_missing;
                if self.scenario.headers && !missing {
                    let heads = self.heads_then.remove(&ticket).unwrap_or_else(|| self.heads());
                    let snapshot = self.snapshot(&heads, 200);
                    self.core.observe(ticket, &snapshot, now);
                } else {
                    self.core.observe(ticket, &Snapshot::empty(now.wall, 200), now);
                }
                let usage = Usage { input: job.input, output: job.output, certainty: Certainty::Exact, ..Usage::default() };
                self.core.settle(ticket, &usage, now);
                self.done += 1;
                self.last_end = self.now;
            }
        }
    }

    fn reaches(&mut self, ticket: Ticket, index: usize) {
        self.requests += 1;
        let secs = self.provider_secs();
        let back = self.now + self.way();
        if self.scenario.outage.is_some_and(|(from, to)| (from..to).contains(&secs)) {
            self.into_outage += 1;
            self.at_provider += 1;
            self.push(back, Happening::Dead(ticket, index));
            return;
        }
        if self.scenario.concurrency.is_some_and(|cap| self.at_provider >= cap(secs)) {
            self.push(back, Happening::Refusal(ticket, index, u8::MAX, 0));
            return;
        }
        if let Some(millis) = self.day_is_over_in() {
            self.push(back, Happening::Refusal(ticket, index, DAY, millis));
            return;
        }
        let job = self.jobs[index];
        let max = self.scenario.max_output;
        let charge = self.scenario.charge;
        let tenant = self.scenario.co_tenant;
        let mut short = None;
        let mut charges = Vec::with_capacity(self.meters.len());
        for (i, meter) in self.meters.iter_mut().enumerate() {
            meter.refill(secs);
            let cost = match (meter.rule.dimension, charge) {
                (Dimension::Requests, _) => 1.0,
                (Dimension::InputTokens, _) | (Dimension::Tokens, Charge::Actual) => job.input as f64,
                (Dimension::OutputTokens, Charge::ReservesMax | Charge::KeepsMax) => max as f64,
                (Dimension::Tokens, Charge::ReservesMax | Charge::KeepsMax) => (job.input + max) as f64,
                (Dimension::Tokens, Charge::Characters) => job.bytes as f64 / 4.0,
                _ => 0.0,
            };
            // where output is charged as it is generated, a bucket without any room takes nobody
            let floor = if cost == 0.0 { 1.0 } else { cost };
            if meter.level + 1e-6 < floor {
                let wait = if meter.fixed {
                    60_000.0 - (secs % 60.0) * 1_000.0
                } else {
                    (floor - meter.level) / (meter.rule.per_minute * (1.0 - tenant)) * 60_000.0
                };
                short = short.max(Some((wait.ceil() as u64, i)));
            }
            charges.push(cost);
        }
        if let Some((wait_ms, rule)) = short {
            self.push(back, Happening::Refusal(ticket, index, rule as u8, wait_ms));
            return;
        }
        for (meter, cost) in self.meters.iter_mut().zip(charges) {
            meter.level -= cost;
        }
        self.at_provider += 1;
        self.day.1 = self.day.1.saturating_sub(1);
        if self.scenario.heads_on_arrival {
            let heads = self.heads();
            self.heads_then.insert(ticket, heads);
        }
        self.taken_at.push(secs);
        self.push(self.now + (job.secs * NANOS) as u64, Happening::End(ticket, index));
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

    /// Milliseconds until the provider's next day, if this one is used up.
    fn day_is_over_in(&mut self) -> Option<u64> {
        let most = self.scenario.per_day?;
        let start = self.scenario.start.as_nanosecond();
        let now = pacific(Timestamp::from_nanosecond(start + i128::from(self.now + self.slept)).unwrap_or(self.scenario.start));
        if now.date() != self.day.0 {
            self.day = (now.date(), most);
        }
        let midnight = now.tomorrow().and_then(|day| day.start_of_day()).unwrap_or_else(|_| now.clone());
        let left = midnight.timestamp().as_millisecond() - now.timestamp().as_millisecond();
        (self.day.1 == 0).then_some(left.max(0).cast_unsigned())
    }

    /// Nanoseconds of one way.
    fn way(&mut self) -> u64 {
        let (from, to) = self.scenario.way_millis;
        from * 1_000_000 + self.random.below((to - from) * 1_000_000)
    }

    fn heads(&mut self) -> Heads {
        let secs = self.provider_secs();
        self.meters
            .iter_mut()
            .map(|meter| {
                meter.refill(secs);
                // the headers speak of a minute, whatever is enforced
                let hidden = meter.rule.per_minute - meter.rule.per_minute * meter.rule.burst_secs / 60.0;
                let remaining = (meter.level + hidden).clamp(0.0, meter.rule.per_minute) as u64;
                let grain = if meter.rule.dimension == Dimension::Requests { 1 } else { self.scenario.grain };
                ((remaining + grain / 2) / grain * grain, meter.rule.per_minute as u64)
            })
            .collect()
    }

    fn snapshot(&self, heads: &Heads, status: u16) -> Snapshot {
        let readings = self
            .meters
            .iter()
            .zip(heads)
            .map(|(meter, (remaining, limit))| Reading {
                dimension: meter.rule.dimension,
                period: Some(Period::MINUTE),
                pool: Pool::Standard,
                limit: Some(*limit),
                remaining: Some(*remaining),
                full_at: None,
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
        let mut bound = self.jobs.iter().map(|job| job.secs).fold(0.0, f64::max);
        for rule in &self.scenario.rules {
            let max = self.scenario.max_output;
            let work: f64 = self
                .jobs
                .iter()
                .map(|job| match (rule.dimension, self.scenario.charge) {
                    (Dimension::Requests, _) => 1.0,
                    (Dimension::InputTokens, _) => job.input as f64,
                    (Dimension::OutputTokens, Charge::KeepsMax) => max as f64,
                    (Dimension::OutputTokens, _) => job.output as f64,
                    (Dimension::Tokens, Charge::KeepsMax) => (job.input + max) as f64,
                    (Dimension::Tokens, Charge::Characters) => job.bytes as f64 / 4.0,
                    (Dimension::Tokens, _) => (job.input + job.output) as f64,
                    _ => 0.0,
                })
                .sum();
            let level = rule.per_minute * rule.burst_secs / 60.0;
            bound = bound.max((work - level) / (rule.per_minute / 60.0 * (1.0 - self.scenario.co_tenant)));
        }
        if let Some(cap) = self.scenario.concurrency {
            let mean = (0..100).map(|i| cap(makespan * f64::from(i) / 100.0) as f64).sum::<f64>() / 100.0;
            bound = bound.max(self.jobs.iter().map(|job| job.secs).sum::<f64>() / mean);
        }
        Outcome {
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

fn pacific(at: Timestamp) -> jiff::ZonedDateTime {
    at.to_zoned_datetime(jiff::tz::TimeZone::get("America/Los_Angeles").unwrap_or(jiff::tz::TimeZone::UTC))
}
