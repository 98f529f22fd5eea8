//! All limits of one model class: a request draws on all of them or on none.

use std::ops::{Index, IndexMut};

use super::bucket::{Bucket, Refill, step_nanos};
use super::clock::{Clock, DAY, MINUTE, SECOND};
use super::config::{CoTenant, Limits, RefillRule, SimConfig, SimProvider};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dim {
    Rpm,
    Rpd,
    Itpm,
    Otpm,
    Tpm,
    Tpd,
    Concurrency,
}

impl Dim {
    /// Those that have a bucket.
    const METERED: [Self; 6] = [Self::Rpm, Self::Rpd, Self::Itpm, Self::Otpm, Self::Tpm, Self::Tpd];
    pub(super) const ALL: [Self; 7] = [Self::Rpm, Self::Rpd, Self::Itpm, Self::Otpm, Self::Tpm, Self::Tpd, Self::Concurrency];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Rpd => "rpd",
            Self::Itpm => "itpm",
            Self::Otpm => "otpm",
            Self::Tpm => "tpm",
            Self::Tpd => "tpd",
            Self::Concurrency => "concurrency",
        }
    }

    pub(super) const fn is_daily(self) -> bool {
        matches!(self, Self::Rpd | Self::Tpd)
    }
}

/// An amount for each limit that has a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Draw([u64; Dim::ALL.len()]);

impl Draw {
    /// One request, and nothing else.
    pub(super) fn request() -> Self {
        Self::default().with(Dim::Rpm, 1).with(Dim::Rpd, 1)
    }

    pub(super) fn with(mut self, dim: Dim, amount: u64) -> Self {
        self[dim] = amount;
        self
    }
}

impl Index<Dim> for Draw {
    type Output = u64;
    fn index(&self, dim: Dim) -> &u64 {
        &self.0[dim as usize]
    }
}

impl IndexMut<Dim> for Draw {
    fn index_mut(&mut self, dim: Dim) -> &mut u64 {
        &mut self.0[dim as usize]
    }
}

/// What a header shows of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// Nanoseconds.
    pub(super) full_in: u64,
}

/// What the headers of an answer show: as it was at `at`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Levels {
    pub(super) at: u64,
    levels: [Option<Level>; Dim::ALL.len()],
}

impl Levels {
    pub(super) fn of(&self, dim: Dim) -> Option<Level> {
        self.levels[dim as usize]
    }

    /// The same, with output as it was later.
    pub(super) fn with_output_of(mut self, later: &Self) -> Self {
        if let Some(mut level) = later.of(Dim::Otpm) {
            level.full_in += later.at - self.at; // told relative to the earlier moment
            self.levels[Dim::Otpm as usize] = Some(level);
        }
        self
    }
}

/// Why a request was not admitted.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// The limit that takes longest to clear.
    pub(super) dim: Dim,
    pub(super) limit: u64,
    pub(super) used: u64,
    pub(super) requested: u64,
    /// Nanoseconds.
    pub(super) wait: u64,
    /// Whether it is larger than the limit itself.
    pub(super) never: bool,
    /// Every limit that refuses, with its number.
    pub(super) all: Vec<(Dim, u64)>,
    pub(super) levels: Levels,
}

#[derive(Debug)]
struct Meter {
    dim: Dim,
    /// The bucket that decides.
    enforced: Bucket,
    /// The whole window, for the headers, if that is something else.
    shown: Option<Bucket>,
}

impl Meter {
    fn shown(&self) -> &Bucket {
        self.shown.as_ref().unwrap_or(&self.enforced)
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Bucket> {
        [Some(&mut self.enforced), self.shown.as_mut()].into_iter().flatten()
    }
}

/// The limits of one class and who is in flight.
#[derive(Debug)]
pub(super) struct Meters {
    limits: Vec<Meter>,
    concurrency: Option<u64>,
    in_flight: u64,
    neighbour: Option<Neighbour>,
    refusal_costs_request: bool,
}

/// The co-tenant: one draw every so often.
#[derive(Debug)]
struct Neighbour {
    load: CoTenant,
    draws_per_minute: u64,
    /// When it began.
    since: u64,
    /// Draws so far.
    count: u64,
}

impl Meters {
    pub(super) fn new(config: &SimConfig, limits: &Limits, clock: Clock, now: u64) -> Self {
        let gemini = config.provider == SimProvider::Gemini;
        let capacity = |dim| match dim {
            Dim::Rpm => limits.rpm,
            Dim::Rpd => limits.rpd,
            Dim::Itpm if gemini => limits.itpm.or(limits.tpm), // Gemini's TPM counts input only
            Dim::Itpm => limits.itpm,
            Dim::Otpm => limits.otpm,
            Dim::Tpm if gemini => None,
            Dim::Tpm => limits.tpm,
            Dim::Tpd => limits.tpd,
            Dim::Concurrency => None,
        };
        let percent = config.initial_percent.unwrap_or(100);
        let refill = match config.refill {
            RefillRule::Continuous => Refill::Continuous,
            RefillRule::QuantisedSeconds(step) => Refill::Steps(step_nanos(step)),
            RefillRule::FixedWindow => Refill::Window,
        };
        let burst = match (config.burst_seconds, config.refill) {
            (Some(seconds), _) => seconds.saturating_mul(SECOND),
            (None, RefillRule::QuantisedSeconds(step)) => step_nanos(step),
            (None, _) => MINUTE,
        };
        let meter = |dim: Dim| {
            let capacity = capacity(dim)?;
            Some(if dim.is_daily() {
                let refill = if gemini { Refill::PacificDay(clock) } else { refill };
                Meter { dim, enforced: Bucket::new(capacity, DAY, DAY, refill, percent, now), shown: None }
            } else {
                let enforced = Bucket::new(capacity, MINUTE, burst, refill, percent, now);
                let shown = (burst != MINUTE).then(|| Bucket::new(capacity, MINUTE, MINUTE, refill, percent, now));
                Meter { dim, enforced, shown }
            })
        };
        let load = config.co_tenant;
        let neighbour = (load != CoTenant::default()).then_some(Neighbour {
            load,
            draws_per_minute: if load.rpm > 0 { load.rpm } else { 60 },
            since: now,
            count: 0,
        });
        Self {
            limits: Dim::METERED.into_iter().filter_map(meter).collect(),
            concurrency: limits.concurrency,
            in_flight: 0,
            neighbour,
            refusal_costs_request: config.refusal_costs_request,
        }
    }

    /// Takes all of `draw` and a place in flight, or says why not. A limit from which nothing is taken yet must still have room.
    pub(super) fn admit(&mut self, draw: &Draw, now: u64) -> Result<Levels, Box<Refusal>> {
        self.advance(now);
        if self.limits.iter().any(|meter| !meter.enforced.fits(draw[meter.dim].max(1)))
            || self.concurrency.is_some_and(|cap| self.in_flight >= cap)
        {
            let refusal = Box::new(self.refusal(draw, now));
            if self.refusal_costs_request {
                for meter in self.limits.iter_mut().filter(|meter| matches!(meter.dim, Dim::Rpm | Dim::Rpd)) {
                    meter.each().for_each(|bucket| bucket.drain(1));
                }
            }
            return Err(refusal);
        }
        self.take(draw);
        self.in_flight += 1;
        Ok(self.levels(now))
    }

    /// Ends what was admitted: takes what is due only now, gives back what was reserved for nothing.
    pub(super) fn settle(&mut self, take: &Draw, give_back: &Draw, now: u64) -> Levels {
        self.advance(now);
        self.take(take);
        for meter in &mut self.limits {
            let amount = give_back[meter.dim];
            meter.each().for_each(|bucket| bucket.give_back(amount));
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.levels(now)
    }

    fn take(&mut self, draw: &Draw) {
        for meter in &mut self.limits {
            let amount = draw[meter.dim];
            meter.each().for_each(|bucket| bucket.take(amount));
        }
    }

    fn advance(&mut self, now: u64) {
        while let Some(draw) = self.neighbour.as_mut().and_then(|neighbour| neighbour.next_before(now)) {
            let (at, draw) = draw;
            self.fill(at);
            if !self.limits.iter().any(|meter| meter.enforced.is_in_debt()) {
                self.take(&draw);
            }
        }
        self.fill(now);
    }

    fn fill(&mut self, now: u64) {
        for meter in &mut self.limits {
            meter.each().for_each(|bucket| bucket.advance(now));
        }
    }

    pub(super) fn levels(&self, now: u64) -> Levels {
        let mut levels = Levels { at: now, ..Levels::default() };
        for meter in &self.limits {
            let bucket = meter.shown();
            levels.levels[meter.dim as usize] =
                Some(Level { limit: bucket.capacity(), remaining: bucket.remaining(), full_in: bucket.full_in(now) });
        }
        levels
    }

    fn refusal(&self, draw: &Draw, now: u64) -> Refusal {
        let levels = self.levels(now);
        // when a place in flight becomes free cannot be known
        let crowded = self.concurrency.filter(|cap| self.in_flight >= *cap);
        let mut worst = Refusal {
            dim: Dim::Concurrency,
            limit: crowded.unwrap_or(0),
            used: self.in_flight,
            requested: 1,
            wait: 0,
            never: crowded == Some(0),
            all: crowded.map(|cap| (Dim::Concurrency, cap)).into_iter().collect(),
            levels,
        };
        for meter in &self.limits {
            let requested = draw[meter.dim].max(1);
            if meter.enforced.fits(requested) {
                continue;
            }
            let (limit, used) = (meter.shown().capacity(), meter.shown().used());
            worst.all.push((meter.dim, limit));
            let wait = if meter.shown.is_none() && meter.enforced.is_continuous() && used.saturating_add(requested) > limit && limit > 0 {
                // the providers work with whole units: (used + requested - limit) / limit of the window
                let window = u128::from(if meter.dim.is_daily() { DAY } else { MINUTE });
                u64::try_from(u128::from(used + requested - limit) * window / u128::from(limit)).unwrap_or(u64::MAX)
            } else {
                meter.enforced.wait(requested, now)
            };
            let never = !meter.enforced.can_ever_fit(requested);
            if worst.all.len() == 1 || (never, wait) > (worst.never, worst.wait) {
                worst = Refusal { dim: meter.dim, limit, used, requested, wait, never, ..worst };
            }
        }
        worst
    }
}

impl Neighbour {
    /// The co-tenant's next draw and its time, if that is not after `now`.
    fn next_before(&mut self, now: u64) -> Option<(u64, Draw)> {
        let count = self.count + 1;
        let due = u128::from(count) * u128::from(MINUTE) / u128::from(self.draws_per_minute);
        let at = self.since.saturating_add(u64::try_from(due).unwrap_or(u64::MAX));
        if at > now {
            return None;
        }
        self.count = count;
        let part = |per_minute: u64| {
            let upto = |n: u64| u128::from(per_minute) * u128::from(n) / u128::from(self.draws_per_minute);
            u64::try_from(upto(count) - upto(count - 1)).unwrap_or(0)
        };
        let (requests, input, output) = (part(self.load.rpm), part(self.load.input_tpm), part(self.load.output_tpm));
        let draw = Draw::default().with(Dim::Rpm, requests).with(Dim::Rpd, requests).with(Dim::Itpm, input).with(Dim::Otpm, output);
        Some((at, draw.with(Dim::Tpm, input + output).with(Dim::Tpd, input + output)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::Rng;
    use super::*;

    fn meters(config: &SimConfig) -> Meters {
        Meters::new(config, &config.limits, Clock::start(0), 0)
    }

    fn limited(refill: RefillRule, burst_seconds: Option<u64>) -> SimConfig {
        let limits = Limits { rpm: Some(60), itpm: Some(30_000), ..Limits::default() };
        SimConfig { limits, refill, burst_seconds, ..SimConfig::default() }
    }

    #[test]
    fn no_minute_ever_admits_more_than_the_limit_and_the_burst() {
        for (refill, burst, most) in [
            (RefillRule::Continuous, None, 120),
            (RefillRule::Continuous, Some(6), 66),
            (RefillRule::QuantisedSeconds(1), None, 61),
            (RefillRule::QuantisedSeconds(10), Some(20), 80),
            (RefillRule::FixedWindow, None, 120),
        ] {
            let mut meters = meters(&limited(refill, burst));
            let rng = Rng::new(11);
            let (mut now, mut admitted) = (0, Vec::new());
            for _ in 0..20_000 {
                now += rng.below(200_000_000);
                if meters.admit(&Draw::request().with(Dim::Itpm, rng.below(400)), now).is_ok() {
                    admitted.push(now);
                    meters.settle(&Draw::default(), &Draw::default(), now);
                }
            }
            let busiest = admitted.iter().enumerate().map(|(i, at)| i + 1 - admitted.partition_point(|other| *other + MINUTE <= *at)).max();
            assert!(busiest.is_some_and(|busiest| busiest <= most && busiest > 50), "{refill:?} {burst:?}: {busiest:?}");
        }
    }

    #[test]
    fn a_refusal_takes_nothing_unless_it_is_told_to_take_a_request() {
        for (costs, left) in [(false, 60), (true, 59)] {
            let mut meters = meters(&SimConfig { refusal_costs_request: costs, ..limited(RefillRule::Continuous, None) });
            let refusal = meters.admit(&Draw::request().with(Dim::Itpm, 30_001), 0).unwrap_err();
            assert!(refusal.never && refusal.dim == Dim::Itpm);
            let levels = meters.levels(0);
            assert_eq!(levels.of(Dim::Rpm).map(|level| level.remaining), Some(left));
            assert_eq!(levels.of(Dim::Itpm).map(|level| level.remaining), Some(30_000));
        }
    }

    #[test]
    fn the_limit_that_takes_longest_is_named() {
        let mut meters = meters(&limited(RefillRule::Continuous, None));
        for _ in 0..60 {
            meters.admit(&Draw::request().with(Dim::Itpm, 500), 0).unwrap();
        }
        for (input, dim, wait) in [(100, Dim::Rpm, SECOND), (5_000, Dim::Itpm, 10 * SECOND)] {
            let refusal = meters.admit(&Draw::request().with(Dim::Itpm, input), 0).unwrap_err();
            assert_eq!((refusal.dim, refusal.wait, refusal.all.len()), (dim, wait, 2));
        }
    }

    #[test]
    fn a_neighbour_takes_its_share_and_no_more() {
        let mut config = limited(RefillRule::Continuous, None);
        config.co_tenant = CoTenant { rpm: 24, input_tpm: 12_000, output_tpm: 0 };
        let mut meters = meters(&config);
        let admitted = (0..60_000).filter(|tick| meters.admit(&Draw::request(), 10 * MINUTE + tick * 10_000_000).is_ok()).count();
        // a full bucket and ten minutes at what the neighbour leaves: 60 + 10 x 36
        assert!((400..=480).contains(&admitted), "{admitted}");
    }
}
