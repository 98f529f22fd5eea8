//! The provider of the virtual world: its limits, its charges, what it takes and what it refuses. It counts in floating point.
//!
//! It knows nothing of the limiter, and is asked by the limiter's world and by the benchmark's baselines alike.

use jiff::Timestamp;
use tierline::domain::{Dimension, Lane};
use tierline::limiter::random::Random;

pub use super::spelled::Spelling;

pub const NANOS: f64 = 1e9;
/// In the place of a rule's number: the day is used up.
pub const DAY: u8 = u8::MAX - 1;

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
    /// Characters over four and the maximum on arrival; at the end it is made what was used.
    CharactersAndMax,
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
    /// Headers are written out as a provider writes them and read as answers are, instead of being handed over as they are meant.
    pub spelled: Option<Spelling>,
    /// Headers also say when it is full again, in whole steps of so many milliseconds, and show what a smaller bucket holds.
    pub resets: Option<u64>,
    /// Answers come as streams: their head, with its headers, long before their end.
    pub streams: bool,
    /// Minutes begin anew at full minutes, instead of refilling all the time.
    pub fixed_windows: bool,
    /// At this second, and each time it has passed again, every limit is multiplied by this factor, and by its inverse in turn.
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
    /// Seconds to the head of an answer, from and to, and for each token after it.
    pub first_secs: (f64, f64),
    pub token_secs: f64,
    /// A few sizes far apart, instead of any within 60 % of the mean.
    pub mixed: bool,
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
            spelled: None,
            resets: None,
            streams: false,
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
            first_secs: (0.4, 0.9),
            token_secs: 0.012,
            mixed: false,
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

#[derive(Debug, Clone, Copy)]
pub struct Job {
    pub client: &'static str,
    pub lane: Lane,
    pub arrives: u64,
    pub bytes: u64,
    pub input: u64,
    pub output: u64,
    /// Seconds to the head of a streamed answer, and to the end of any.
    pub first_secs: f64,
    pub secs: f64,
}

/// What headers say of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    pub remaining: u64,
    pub limit: u64,
    /// Milliseconds until it is full again, if that is said.
    pub full_in_ms: Option<u64>,
}

/// The headers of an answer, a limit each.
pub type Heads = Vec<Head>;

pub struct Meter {
    pub rule: Rule,
    /// The share that a co-tenant takes, evenly.
    foreign: f64,
    fixed: bool,
    pub level: f64,
    /// What would have come back if it had not been full.
    pub overflowed: f64,
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
        let level = self.level + per_sec * (now - self.at);
        self.overflowed += (level - most).max(0.0);
        self.level = level.min(most);
        self.at = self.at.max(now);
    }
}

/// What becomes of a request that reaches the provider.
pub enum Arrival {
    Taken,
    /// By the rule with this number, [`DAY`], or the cap on concurrency (`u8::MAX`).
    Refused {
        rule: u8,
        wait_ms: u64,
    },
    /// Nothing answers.
    Dead,
}

pub struct Upstream {
    scenario: Scenario,
    pub meters: Vec<Meter>,
    at_once: u64,
    /// Its day, and what is left of it.
    day: (jiff::civil::Date, u64),
    changed: bool,
}

impl Upstream {
    pub fn new(scenario: &Scenario) -> Self {
        let meters = scenario
            .rules
            .iter()
            .map(|rule| Meter {
                rule: *rule,
                foreign: scenario.co_tenant,
                fixed: scenario.fixed_windows,
                level: rule.per_minute * rule.burst_secs / 60.0,
                overflowed: 0.0,
                at: 0.0,
            })
            .collect();
        let day = (pacific(scenario.start).date(), scenario.per_day.unwrap_or(u64::MAX));
        Self { scenario: scenario.clone(), meters, at_once: 0, day, changed: false }
    }

    pub fn reaches(&mut self, job: &Job, secs: f64) -> Arrival {
        if self.scenario.outage.is_some_and(|(from, to)| (from..to).contains(&secs)) {
            return Arrival::Dead;
        }
        if self.scenario.concurrency.is_some_and(|cap| self.at_once >= cap(secs)) {
            return Arrival::Refused { rule: u8::MAX, wait_ms: 0 };
        }
        if let Some(wait_ms) = self.day_is_over_in(secs) {
            return Arrival::Refused { rule: DAY, wait_ms };
        }
        let max = self.scenario.max_output;
        let mut short = None;
        let mut charges = Vec::with_capacity(self.meters.len());
        for (i, meter) in self.meters.iter_mut().enumerate() {
            meter.refill(secs);
            let cost = match (meter.rule.dimension, self.scenario.charge) {
                (Dimension::Requests, _) => 1.0,
                (Dimension::InputTokens, _) | (Dimension::Tokens, Charge::Actual) => job.input as f64,
                (Dimension::OutputTokens, Charge::ReservesMax | Charge::KeepsMax) => max as f64,
                (Dimension::Tokens, Charge::ReservesMax | Charge::KeepsMax) => (job.input + max) as f64,
                (Dimension::Tokens, Charge::Characters) => job.bytes as f64 / 4.0,
                (Dimension::Tokens, Charge::CharactersAndMax) => job.bytes as f64 / 4.0 + max as f64,
                _ => 0.0,
            };
            // where output is charged as it is generated, a bucket without any room takes nobody
            let floor = if cost == 0.0 { 1.0 } else { cost };
            if meter.level + 1e-6 < floor {
                let wait = if meter.fixed {
                    60_000.0 - (secs % 60.0) * 1_000.0
                } else {
                    (floor - meter.level) / (meter.rule.per_minute * (1.0 - meter.foreign)) * 60_000.0
                };
                short = short.max(Some((wait.ceil() as u64, i as u8)));
            }
            charges.push(cost);
        }
        if let Some((wait_ms, rule)) = short {
            return Arrival::Refused { rule, wait_ms };
        }
        for (meter, cost) in self.meters.iter_mut().zip(charges) {
            meter.level -= cost;
        }
        self.at_once += 1;
        self.day.1 = self.day.1.saturating_sub(1);
        Arrival::Taken
    }

    /// A request that was taken is over.
    pub fn ends(&mut self, job: &Job, secs: f64) {
        self.at_once -= 1;
        for meter in &mut self.meters {
            meter.refill(secs);
            match (meter.rule.dimension, self.scenario.charge) {
                (Dimension::OutputTokens | Dimension::Tokens, Charge::Actual) => meter.level -= job.output as f64,
                (Dimension::OutputTokens | Dimension::Tokens, Charge::ReservesMax) => {
                    meter.level += (self.scenario.max_output - job.output) as f64;
                }
                (Dimension::Tokens, Charge::CharactersAndMax) => {
                    meter.level += job.bytes as f64 / 4.0 + self.scenario.max_output as f64 - (job.input + job.output) as f64;
                }
                _ => {}
            }
        }
    }

    /// What headers say now.
    pub fn heads(&mut self, secs: f64) -> Heads {
        self.meters
            .iter_mut()
            .map(|meter| {
                meter.refill(secs);
                let most = meter.rule.per_minute * meter.rule.burst_secs / 60.0;
                let full_in_ms = self.scenario.resets.map(|step| {
                    let millis = if meter.fixed {
                        60_000.0 - secs % 60.0 * 1_000.0
                    } else {
                        (most - meter.level) / meter.rule.per_minute * 60_000.0
                    };
                    millis.max(0.0) as u64 / step * step
                });
                // without that the headers speak of a minute, whatever is enforced
                let hidden = if full_in_ms.is_some() { 0.0 } else { meter.rule.per_minute - most };
                let remaining = (meter.level + hidden).clamp(0.0, meter.rule.per_minute) as u64;
                let grain = if meter.rule.dimension == Dimension::Requests { 1 } else { self.scenario.grain };
                Head { remaining: (remaining + grain / 2) / grain * grain, limit: meter.rule.per_minute as u64, full_in_ms }
            })
            .collect()
    }

    /// Every limit becomes another at once, or what it was.
    pub fn change_limits(&mut self) {
        let factor = self.scenario.change.map_or(1.0, |(_, factor)| if self.changed { 1.0 / factor } else { factor });
        self.changed = !self.changed;
        for meter in &mut self.meters {
            meter.rule.per_minute = (meter.rule.per_minute * factor).round();
            meter.level = (meter.level * factor).round();
        }
    }

    /// Milliseconds until the provider's next day, if this one is used up.
    fn day_is_over_in(&mut self, secs: f64) -> Option<u64> {
        let most = self.scenario.per_day?;
        let start = self.scenario.start.as_nanosecond();
        let now = pacific(Timestamp::from_nanosecond(start + (secs * NANOS) as i128).unwrap_or(self.scenario.start));
        if now.date() != self.day.0 {
            self.day = (now.date(), most);
        }
        let midnight = now.tomorrow().and_then(|day| day.start_of_day()).unwrap_or_else(|_| now.clone());
        let left = midnight.timestamp().as_millisecond() - now.timestamp().as_millisecond();
        (self.day.1 == 0).then_some(left.max(0).cast_unsigned())
    }
}

/// The jobs of a scenario, and the randomness that is left.
pub fn jobs(scenario: &Scenario) -> (Vec<Job>, Random) {
    let mut random = Random::new(scenario.seed);
    let unit = |random: &mut Random| random.below(1_000_000) as f64 / 1e6;
    let first = Crowd { client: "crowd", lane: Lane::Batch, jobs: scenario.jobs, every_secs: 0.0 };
    let mut jobs: Vec<Job> = Vec::new();
    for crowd in std::iter::once(&first).chain(&scenario.crowds) {
        let mut arrives = 0;
        jobs.extend((0..crowd.jobs).map(|_| {
            arrives += (crowd.every_secs * 2.0 * unit(&mut random) * NANOS) as u64;
            let mixed = scenario.mixed;
            let spread = |mean: u64, random: &mut Random| {
                // a few sizes far apart, or any near the mean
                let factor = if mixed { [0.11, 0.4, 1.1, 2.4][random.below(4) as usize] } else { 0.4 + 1.2 * unit(random) };
                (mean as f64 * factor).max(1.0) as u64
            };
            let input = spread(scenario.input, &mut random);
            let output = spread(scenario.output, &mut random).min(scenario.max_output);
            let bytes = (input as f64 * 4.0 * (0.95 + 0.1 * unit(&mut random))) as u64;
            let (soonest, latest) = scenario.first_secs;
            let first_secs = soonest + unit(&mut random) * (latest - soonest);
            let secs = first_secs + output as f64 * scenario.token_secs;
            Job { client: crowd.client, lane: crowd.lane, arrives, bytes, input, output, first_secs, secs }
        }));
    }
    (jobs, random)
}

/// The least time in which any client could get all jobs done.
pub fn bound(scenario: &Scenario, jobs: &[Job], makespan: f64) -> f64 {
    let mut bound = jobs.iter().map(|job| job.secs).fold(0.0, f64::max);
    for rule in &scenario.rules {
        let max = scenario.max_output;
        let work: f64 = jobs
            .iter()
            .map(|job| match (rule.dimension, scenario.charge) {
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
        bound = bound.max((work - level) / (rule.per_minute / 60.0 * (1.0 - scenario.co_tenant)));
    }
    if let Some(cap) = scenario.concurrency {
        let mean = (0..100).map(|i| cap(makespan * f64::from(i) / 100.0) as f64).sum::<f64>() / 100.0;
        bound = bound.max(jobs.iter().map(|job| job.secs).sum::<f64>() / mean);
    }
    bound
}

fn pacific(at: Timestamp) -> jiff::ZonedDateTime {
    at.to_zoned_datetime(jiff::tz::TimeZone::get("America/Los_Angeles").unwrap_or(jiff::tz::TimeZone::UTC))
}
