//! One limit's live state in whole units: what is available, what is held, when a need can be met.
//!
//! It does not know whose bucket it is, who waits for it, or what a token is.
//!
//! **The law:** `available + held <= capacity`, at every moment, also while refilling. Adding an unused part back and
//! clamping at the capacity would over-admit as soon as requests overlap: what is held has not been refilled yet.
//! `available` may be negative: debt is kept, not forgiven.

use std::time::Duration;

use jiff::Timestamp;

use super::burst::Burst;
use super::calendar;
use super::depth::Depth;
use super::flow::Flow;
use crate::domain::{Dimension, Limit, LimitSource, Now, Refill, Tick};

/// When a need can be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// At once.
    Now,
    /// At this tick, if nothing else is taken meanwhile.
    At(Tick),
    /// When something that is held is given back; nobody can say when.
    OnRelease,
}

/// What a header said, brought to this bucket's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What is left.
    pub remaining: u64,
    /// By how much that may be off.
    pub grain: u64,
    /// What the request that brought it was charged when it was sent, which it certainly knows of.
    pub own: u64,
    /// How long until it is full again, if that was said.
    pub full_in: Option<Duration>,
    /// The earliest moment at which the provider may have computed it: when that request was sent.
    pub earliest: Tick,
    /// The latest such moment.
    pub latest: Tick,
    /// How long a request may be on its way to the provider.
    pub on_way: Duration,
}

/// One limit's live state.
#[derive(Debug, Clone)]
pub struct Bucket {
    limit: Limit,
    available: i64,
    held: u64,
    /// The part of what is charged that rests on estimates and will be corrected.
    estimated: u64,
    /// Refill that is less than a unit so far, in units times nanoseconds.
    fraction: u128,
    refilled_at: Tick,
    resets_at: Option<Tick>,
    frozen_until: Option<Tick>,
    burst: Burst,
    flow: Flow,
    depth: Depth,
    sampled_at: Option<Tick>,
    sample: Option<Sample>,
    fell_short_at: Option<Tick>,
    confirmed_at: Option<Timestamp>,
}

impl Bucket {
    /// Without a header for so long, no more than half of the limit is believed to be others'.
    const UNSEEN: Duration = Duration::from_secs(10);

    /// A full bucket.
    #[must_use]
    pub fn new(limit: Limit, now: Now) -> Self {
        let mut bucket = Self {
            limit,
            available: signed(limit.capacity),
            held: 0,
            estimated: 0,
            fraction: 0,
            refilled_at: now.tick,
            resets_at: None,
            frozen_until: None,
            burst: Burst::new(&limit, now.tick),
            flow: Flow::default(),
            depth: Depth::default(),
            sampled_at: None,
            sample: None,
            fell_short_at: None,
            confirmed_at: None,
        };
        bucket.resets_at = bucket.next_reset(now);
        bucket
    }

    /// The limit it enforces.
    #[must_use]
    pub const fn limit(&self) -> &Limit {
        &self.limit
    }

    /// What new requests can take, as of the last [`refill`](Self::refill).
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.available
    }

    /// What requests in flight hold.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// Until when the provider forbade to draw on it.
    #[must_use]
    pub const fn frozen_until(&self) -> Option<Tick> {
        self.frozen_until
    }

    /// How much it may give in a short time.
    #[must_use]
    pub const fn burst(&self) -> &Burst {
        &self.burst
    }

    /// The same, to be taught.
    pub const fn burst_mut(&mut self) -> &mut Burst {
        &mut self.burst
    }

    /// Own and foreign use over time.
    #[must_use]
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// When a header last spoke of it.
    #[must_use]
    pub const fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at
    }

    /// Kept free, because the provider starts to refill only when a request reaches it, a moment after we count it.
    #[must_use]
    pub fn guard(&self) -> i64 {
        match self.limit.window.refill {
            Refill::Continuous if self.size() >= 20 => {
                let parts = if self.limit.dimension == Dimension::Requests { 50 } else { 100 };
                let alone = self.size() / parts + 1;
                let among_others = 2 * (self.size() / 50 + 1);
                // what others took since the last header is not known yet
                let others = self.flow.foreign_per(Duration::from_secs(3)).min(self.size() / 20);
                // a little of it is only that estimates are off
                let is_shared = self.foreign() > self.limit.capacity / 50;
                signed(if is_shared { among_others + others } else { alone })
            }
            // requests do not arrive as evenly as they are sent: with a few to spare the pace can still be the full rate
            Refill::Continuous if (2..self.limit.capacity).contains(&self.size()) => signed(self.size().div_ceil(3)),
            _ => 0,
        }
    }

    /// The most that can come together: the limit, or what headers showed the provider to keep of it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.depth.shallow(&self.limit).unwrap_or(self.limit.capacity)
    }

    /// Brings the state to `now`.
    pub fn refill(&mut self, now: Now) {
        let elapsed = now.tick.since(self.refilled_at).as_nanos();
        if elapsed == 0 {
            return;
        }
        self.burst.refill(&self.limit, now.tick);
        self.flow.fade(now.tick);
        if self.frozen_until.is_some_and(|until| until <= now.tick) {
            self.frozen_until = None;
        }
        match self.limit.window.refill {
            Refill::Continuous => {
                // one that is full gains nothing, and most are
                if self.available < self.ceiling() {
                    let parts = u128::from(self.net_capacity()) * elapsed + self.fraction;
                    let window = self.window_nanos();
                    self.fraction = parts % window;
                    let gained = i64::try_from(parts / window).unwrap_or(i64::MAX);
                    self.available = self.available.saturating_add(gained);
                }
                if self.available >= self.ceiling() {
                    self.available = self.ceiling();
                    self.fraction = 0;
                }
            }
            Refill::Fixed | Refill::Calendar(_) if self.resets_at.is_some_and(|at| at <= now.tick) => {
                self.available = self.ceiling();
                self.resets_at = self.next_reset(now);
            }
            Refill::Fixed | Refill::Calendar(_) | Refill::OnRelease => {}
        }
        self.refilled_at = now.tick;
    }

    /// When `need` units can be taken. A need above the capacity waits for a full bucket and goes alone.
    #[must_use]
    pub fn ready(&self, need: u64, now: Now) -> Ready {
        let level = self.ready_by_level(need, now);
        let earliest = [self.frozen_until, self.burst.ready_at(need, &self.limit, now.tick)].into_iter().flatten().max();
        match (level, earliest) {
            (Ready::OnRelease, _) => Ready::OnRelease,
            (ready, None) => ready,
            (Ready::Now, Some(at)) if at <= now.tick => Ready::Now,
            (Ready::Now, Some(at)) => Ready::At(at),
            (Ready::At(a), Some(b)) => Ready::At(a.max(b)),
        }
    }

    /// Whether only the short-time allowance stands in the way of `need`.
    #[must_use]
    pub fn held_back_by_burst(&self, need: u64, now: Now) -> bool {
        self.ready_by_level(need, now) == Ready::Now
            && self.frozen_until.is_none()
            && self.burst.ready_at(need, &self.limit, now.tick).is_some_and(|at| at > now.tick)
    }

    /// Whether more at once is worth the refusal that it may cost, where so much is `asked` for together and so many were
    /// answered. Headers that say when it is full again show how much it holds; without them only a try tells.
    #[must_use]
    pub fn is_burst_worth_trying(&self, asked: u64, answers: u64) -> bool {
        match self.depth.shown() {
            Some(holds) if holds <= self.burst.capacity() => false,
            Some(holds) if holds > self.limit.capacity / 2 => true,
            // of tokens a few seconds' worth goes from the start, and a request's cannot be cut in pieces
            _ => self.limit.dimension != Dimension::Requests || Burst::is_worth_trying(asked, answers, &self.limit),
        }
    }

    fn ready_by_level(&self, need: u64, now: Now) -> Ready {
        let wanted = signed(need).saturating_add(self.guard()).min(signed(self.size()));
        let missing = wanted.saturating_sub(self.available);
        if missing <= 0 {
            return Ready::Now;
        }
        match self.limit.window.refill {
            Refill::OnRelease => Ready::OnRelease,
            _ if wanted > self.ceiling() => Ready::OnRelease,
            Refill::Continuous => {
                let at = now.tick + self.time_to_gain(missing);
                // then less may be believed of others
                let again = self.sampled_at.filter(|_| self.foreign() > self.limit.capacity / 2).map(|at| at + Self::UNSEEN);
                Ready::At(again.filter(|again| *again > now.tick).map_or(at, |again| at.min(again)))
            }
            Refill::Fixed | Refill::Calendar(_) => self.resets_at.map_or(Ready::OnRelease, Ready::At),
        }
    }

    /// How long until `units` more are there.
    #[must_use]
    pub fn time_to_gain(&self, units: i64) -> Duration {
        let parts = u128::from(units.max(0).unsigned_abs()) * self.window_nanos();
        let nanos = parts.saturating_sub(self.fraction).div_ceil(u128::from(self.net_capacity()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes `charged` for good and `held` until it is [released](Self::release).
    pub fn take(&mut self, charged: u64, held: u64, now: Now) {
        if self.resets_at.is_none() {
            self.resets_at = self.next_reset(now);
        }
        let both = signed(charged.saturating_add(held));
        self.available = self.available.saturating_sub(both);
        self.held = self.held.saturating_add(held);
        self.burst.take(both);
        self.flow.charge(charged, now.tick);
    }

    /// `charged` units were taken on an estimate that is still to be [corrected](Self::correct).
    pub const fn note_estimate(&mut self, charged: u64) {
        self.estimated = self.estimated.saturating_add(charged);
    }

    /// An estimate of that size was corrected, or never will be.
    pub const fn drop_estimate(&mut self, charged: u64) {
        self.estimated = self.estimated.saturating_sub(charged);
    }

    /// Gives back what was held and charges what it turned out to be.
    pub fn release(&mut self, held: u64, actual: u64, now: Now) {
        let held = held.min(self.held);
        self.held -= held;
        self.available = self.available.saturating_add(signed(held)).saturating_sub(signed(actual)).min(self.ceiling());
        self.burst.give_back(signed(held).saturating_sub(signed(actual)));
        self.flow.charge(actual, now.tick);
    }

    /// Corrects a charge that was made on an estimate: positive takes more, negative gives back.
    pub fn correct(&mut self, difference: i64, now: Now) {
        self.available = self.available.saturating_sub(difference).min(self.ceiling());
        self.burst.give_back(-difference);
        self.flow.correct(difference, now.tick);
    }

    /// A request that is under way is charged otherwise than was believed.
    pub fn exchange(&mut self, (charged, held): (u64, u64), (charged_now, held_now): (u64, u64), sent: Tick) {
        let more = signed(charged_now.saturating_add(held_now)).saturating_sub(signed(charged.saturating_add(held)));
        self.held = self.held.saturating_sub(held).saturating_add(held_now);
        self.available = self.available.saturating_sub(more).min(self.ceiling());
        self.flow.revise(sent, signed(charged_now).saturating_sub(signed(charged)));
    }

    /// Requests are charged otherwise than was believed: that is what was taken for others' traffic or for a refused burst, and the
    /// level is what the last header says.
    pub fn void(&mut self, now: Now) {
        self.flow.forget_foreign();
        self.burst.forget_refusals(&self.limit, now.tick);
        if let Some(sample) = self.sample {
            let (least, _) = self.projected(&sample, now);
            self.available = least.saturating_sub(signed(self.held.saturating_add(sample.grain))).min(self.ceiling());
        }
    }

    /// The provider refused `need` although it seemed to be there, and says that it will be in `wait`: others took the rest.
    pub fn fell_short(&mut self, need: u64, wait: Duration, now: Now) {
        self.refill(now);
        let level = signed(need).saturating_sub(self.refill_over(wait));
        let since = self.fell_short_at.or(self.sampled_at).map_or(Duration::ZERO, |at| now.tick.since(at));
        self.fell_short_at = Some(now.tick);
        self.flow.foreign(self.available.saturating_sub(level), since.max(Duration::from_secs(1)), now.tick);
    }

    /// Another capacity, from a better source or because the provider changed it.
    pub fn set_limit(&mut self, limit: Limit, now: Now) {
        self.refill(now);
        let grown = signed(limit.capacity).saturating_sub(signed(self.limit.capacity));
        let window_changed = limit.window != self.limit.window;
        self.burst.follow(&self.limit, &limit);
        if is_measured(limit.source) && !is_measured(self.limit.source) {
            // what was refilled at an assumed rate is not to be trusted: the next figure sets the level, and no part of a unit,
            // which at one request a minute is most of that minute, is kept from before
            self.sampled_at = None;
            self.fraction = 0;
        }
        self.limit = limit;
        self.depth = Depth::default();
        self.available = self.available.saturating_add(grown).min(self.ceiling());
        if window_changed {
            self.fraction = 0;
            self.resets_at = self.next_reset(now);
        }
    }

    /// No draws before `until`. A shorter freeze never replaces a longer one.
    pub fn freeze(&mut self, until: Tick) {
        self.frozen_until = Some(self.frozen_until.map_or(until, |old| old.max(until)));
    }

    /// Lifts a freeze: a header showed room.
    pub const fn thaw(&mut self) {
        self.frozen_until = None;
    }

    /// So many units went out since then and were taken, before the limit was known: what did not come back meanwhile was there.
    pub fn passed(&mut self, units: u64, since: Tick, now: Now) {
        let regained = self.refill_over(now.tick.since(since));
        self.burst.passed(units.saturating_sub(regained.max(0).unsigned_abs()).min(self.limit.capacity));
    }

    /// The provider refused `need` units although they seemed to be there: they will be, but only at `ready`.
    pub fn empty_until(&mut self, ready: Tick, need: u64, now: Now) {
        self.refill(now);
        let by_then = match self.limit.window.refill {
            Refill::Continuous => {
                let parts = u128::from(self.net_capacity()) * ready.since(now.tick).as_nanos();
                i64::try_from(parts / self.window_nanos()).unwrap_or(i64::MAX)
            }
            _ => 0,
        };
        // what is kept free is kept free then as well: to go at that very moment is to be refused again
        let level = signed(need).saturating_sub(by_then);
        self.available = self.available.min(level).min(self.ceiling());
    }

    /// A header's figure: down at once, up a quarter of the way, not at all where the figure is older than one already used.
    ///
    /// Returns how much foreign traffic it revealed.
    pub fn observe(&mut self, sample: Sample, now: Now) -> u64 {
        self.refill(now);
        if self.sampled_at.is_some_and(|last| sample.latest < last) {
            return 0;
        }
        let is_first = self.sampled_at.is_none();
        self.learn_depth(&sample, now);
        let since = self.sampled_at.map_or(Duration::ZERO, |last| sample.latest.since(last));
        self.sampled_at = Some(sample.latest);
        self.confirmed_at = Some(now.wall);
        if self.limit.window.refill == Refill::OnRelease {
            return 0;
        }

        self.sample = Some(sample);
        let (least, most) = self.projected(&sample, now);
        let slack = signed(sample.grain);
        let (low, high) = (least.saturating_sub(slack), most.saturating_add(slack));

        // Our own figure is a band as well: of what is held or only estimated, the provider may have charged all or nothing.
        let open = signed(self.held).saturating_add(signed(self.estimated / 2));
        let (ours_low, ours_high) = (self.available, self.available.saturating_add(open));
        let told = least.min(self.ceiling());
        if is_first && (told < ours_low || (open == 0 && low > ours_high)) {
            // nothing to compare with: this is the level, whoever drew on it before, and rounding is no excuse
            self.available = told;
            0
        } else if high < ours_low {
            let foreign = ours_low - high;
            self.available = high;
            self.flow.foreign(foreign, since, now.tick);
            foreign.unsigned_abs()
        } else {
            if low > ours_high {
                self.available = self.available.saturating_add((low - ours_high) / 4).min(self.ceiling());
                self.flow.foreign(ours_high - low, since, now.tick);
            }
            0
        }
    }

    /// A header's figure brought to now: the least and the most it may mean.
    ///
    /// Nobody says when the provider computed it (on arrival, or at the end of the answer), and it may be rounded: so it is a band
    /// from the lowest reading to the highest.
    fn projected(&self, sample: &Sample, now: Now) -> (i64, i64) {
        let Sample { remaining, own, earliest, latest, on_way, .. } = *sample;
        let regained = |since: Tick| {
            let refilled = self.refill_over(now.tick.since(since));
            signed(remaining).saturating_add(refilled).min(signed(self.size())).saturating_add(signed(self.flow.returned_since(since)))
        };
        // those that were sent a moment before may have reached the provider after it
        let own_of_late = if earliest >= latest - on_way { own } else { 0 };
        let early = regained(earliest).saturating_sub(signed(self.flow.taken_from(earliest - on_way).saturating_sub(own)));
        let late = regained(latest).saturating_sub(signed(self.flow.taken_from(latest - on_way).saturating_sub(own_of_late)));
        let most = regained(earliest).saturating_sub(signed(self.flow.taken_since(earliest)));
        let most = most.max(regained(latest).saturating_sub(signed(self.flow.taken_since(latest))));
        (early.min(late), most.max(early))
    }

    fn learn_depth(&mut self, sample: &Sample, now: Now) {
        let Some(full_in) = sample.full_in else { return };
        let before = self.size();
        self.depth.observe(sample.remaining, sample.grain, full_in, &self.limit, now.tick);
        if self.size() < before {
            // what the bucket never holds was taken for others' traffic
            self.flow.forget_foreign();
            self.available = self.available.min(self.ceiling());
        }
    }

    /// Takes over the state of a bucket that turned out to be the same one: both saw only part of the traffic.
    pub fn absorb(&mut self, other: &Self, now: Now) {
        let mut other = other.clone();
        other.refill(now);
        self.refill(now);
        let taken_there = signed(other.limit.capacity).saturating_sub(other.available);
        self.held = self.held.saturating_add(other.held);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.available = self.available.saturating_sub(taken_there.max(0)).min(self.ceiling());
        if let Some(until) = other.frozen_until {
            self.freeze(until);
        }
    }

    /// Restores a level from before a restart: what was left then and what came back since.
    pub fn restore(&mut self, available: i64, ago: Duration, now: Now) {
        let regained = match self.limit.window.refill {
            Refill::Continuous => self.refill_over(ago),
            Refill::Fixed | Refill::Calendar(_) => {
                let passed = self.resets_at.map(|at| now.wall_at(at)).is_none_or(|reset| {
                    let saved = now.wall.saturating_sub(ago).unwrap_or(now.wall);
                    calendar::start_of_window(self.limit.window, reset).is_none_or(|start| saved < start)
                });
                if passed { i64::MAX } else { 0 }
            }
            Refill::OnRelease => i64::MAX,
        };
        self.available = available.saturating_add(regained).min(self.ceiling());
    }

    /// When it is full again (or reset), if nothing more is taken.
    #[must_use]
    pub fn full_at(&self, now: Now) -> Option<Timestamp> {
        let missing = self.ceiling().saturating_sub(self.available);
        match self.limit.window.refill {
            _ if missing <= 0 => None,
            Refill::Continuous => Some(now.wall_at(now.tick + self.time_to_gain(missing))),
            Refill::Fixed | Refill::Calendar(_) => self.resets_at.map(|at| now.wall_at(at)),
            Refill::OnRelease => None,
        }
    }

    /// Units that come back each window, foreign traffic taken off.
    fn net_capacity(&self) -> u64 {
        let capacity = self.limit.capacity;
        let foreign = self.foreign();
        // what is believed of others must not keep the next header away that would say otherwise
        let unseen = self.sampled_at.is_some_and(|at| self.refilled_at.since(at) >= Self::UNSEEN);
        let foreign = if unseen { foreign.min(capacity / 2) } else { foreign };
        capacity.saturating_sub(foreign).max(capacity / 20).max(1)
    }

    /// What others take in each window, as far as headers showed.
    fn foreign(&self) -> u64 {
        self.flow.foreign_per(self.limit.window.period.duration())
    }

    fn refill_over(&self, time: Duration) -> i64 {
        match self.limit.window.refill {
            Refill::Continuous => {
                i64::try_from(u128::from(self.net_capacity()) * time.as_nanos() / self.window_nanos()).unwrap_or(i64::MAX)
            }
            _ => 0,
        }
    }

    fn window_nanos(&self) -> u128 {
        self.limit.window.period.duration().as_nanos().max(1)
    }

    /// The most that may be available while `held` is out.
    fn ceiling(&self) -> i64 {
        signed(self.size()).saturating_sub(signed(self.held))
    }

    fn next_reset(&self, now: Now) -> Option<Tick> {
        match self.limit.window.refill {
            Refill::Fixed => Some(now.tick + self.limit.window.period.duration()),
            Refill::Calendar(zone) => calendar::next_reset(zone, self.limit.window.period, now.wall).map(|wall| now.tick_at(wall)),
            Refill::Continuous | Refill::OnRelease => None,
        }
    }
}

/// Whether a limit's number says what a provider enforces, or only what somebody assumed.
#[must_use]
pub const fn is_measured(source: LimitSource) -> bool {
    matches!(source, LimitSource::Header | LimitSource::Refusal | LimitSource::Admin)
}

/// Dimensions of which a request takes its part for good when it reaches the provider; the others are held till it ends.
#[must_use]
pub const fn charged_on_arrival(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Requests | Dimension::InputTokens | Dimension::Images)
}

/// Capacities stay far below `i64::MAX`; one that does not is as good as endless.
const fn signed(units: u64) -> i64 {
    if units > i64::MAX as u64 { i64::MAX } else { units.cast_signed() }
}

#[cfg(test)]
mod tests;
