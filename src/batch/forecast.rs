//! When a batch will be done: by the rate of late, and by what the buckets hold and get back. Pure.
//!
//! While buckets are full at the start, rows go far faster than they will later: the rate of late then promises too much, and
//! the refill tells the truth. Where something else is slower than the refill (answers that take long, other clients), the
//! rate of late tells it. So the refill is believed unless the rate is clearly slower, and nothing about to make it faster.
//!
//! Rows differ in size, and the long ones go first near the end: so a rate is not one of rows, but of what they take from the
//! bucket that decides.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::domain::view::BucketView;
use crate::domain::{Cost, Dimension, ModelClass, Refill, Tick};

/// What was seen of a batch's rows, and what follows.
#[derive(Debug)]
pub(super) struct Forecast {
    began: Tick,
    seen: VecDeque<Seen>,
    classes: BTreeMap<ModelClass, Class>,
    /// Time that rows took once they had their room, summed up.
    took: Duration,
    /// Flights that ended before others that began earlier. Short answers come first: what they cost says nothing of the
    /// mean until the long ones that left with them are there as well.
    ahead: BTreeMap<u64, Option<Answer>>,
    /// The first flight that has not ended.
    next: u64,
    /// When the buckets will have given everything.
    refilled_at: Option<Tick>,
    /// What a row takes from the last of them.
    work: Work,
    /// When that one last owed what it had given too much of: nothing goes until that is paid.
    in_debt_at: Option<Tick>,
}

/// How far it was at some time.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Tick,
    rows: u64,
    bytes_left: u64,
}

/// What rows take from a bucket: so much each, and so much for each byte of their size.
#[derive(Debug, Clone, Copy)]
struct Work {
    a_row: f64,
    a_byte: f64,
}

/// What a row took.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) class: ModelClass,
    /// Its size in the input.
    pub(super) bytes: u64,
    pub(super) counted: Cost,
    /// Apart from its wait for room.
    pub(super) took: Duration,
}

/// The rows of one class that were answered.
#[derive(Debug, Default)]
struct Class {
    rows: u64,
    /// Their size in the input.
    bytes: u64,
    /// What they were counted as.
    cost: BTreeMap<Dimension, u64>,
}

/// What is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Rows without an answer.
    pub(super) rows: u64,
    /// Their size in the input.
    pub(super) bytes: u64,
    /// How many of them have their room already.
    pub(super) with_room: u64,
}

/// The rate is taken over the last so many seconds, or as many as it takes for so many rows, but not more than these.
const SPAN: Duration = Duration::from_secs(30);
const ENOUGH: u64 = 150;
const LONGEST: Duration = Duration::from_secs(300);
/// How much longer the rate must take than the refill to count.
const CLEARLY: f64 = 1.25;
/// So many flights are waited for at most by those that ended before them.
const MOST_AHEAD: usize = 1_024;

impl Forecast {
    pub(super) fn new(now: Tick, finished: u64, bytes_left: u64) -> Self {
        Self {
            began: now,
            seen: VecDeque::from([Seen { at: now, rows: finished, bytes_left }]),
            classes: BTreeMap::new(),
            took: Duration::ZERO,
            ahead: BTreeMap::new(),
            next: 0,
            refilled_at: None,
            work: Work::ROWS,
            in_debt_at: None,
        }
    }

    /// A flight has ended, with an answer or without. They are counted from 0 in the order in which they began.
    pub(super) fn ended(&mut self, flight: u64, answer: Option<Answer>) {
        self.ahead.insert(flight, answer);
        while let Some(first) = self.ahead.first_entry() {
            if *first.key() > self.next && self.ahead.len() <= MOST_AHEAD {
                break;
            }
            let (flight, answer) = self.ahead.pop_first().unwrap_or_default();
            self.next = flight + 1;
            let Some(Answer { class, bytes, counted, took }) = answer else { continue };
            self.took += took;
            let seen = self.classes.entry(class).or_default();
            seen.rows += 1;
            seen.bytes += bytes;
            for (dimension, amount) in counted.iter() {
                *seen.cost.entry(dimension).or_default() += amount;
            }
        }
    }

    /// Takes note of how many rows are over, and says how many that makes a minute of late.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(super) fn rate(&mut self, now: Tick, finished: u64, bytes_left: u64) -> f64 {
        let seen = Seen { at: now, rows: finished, bytes_left };
        // until the first answers it has not begun
        if self.seen.iter().all(|before| before.rows == finished) {
            self.seen.truncate(1);
        }
        self.seen.push_back(seen);
        let is_enough = |before: &Seen| {
            let span = now.since(before.at);
            span >= LONGEST || (span >= SPAN && finished.saturating_sub(before.rows) >= ENOUGH)
        };
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(is_enough) {
            self.seen.pop_front();
        }
        let Some(before) = self.seen.front() else { return 0.0 };
        let secs = now.since(before.at).as_secs_f64();
        if secs > 0.0 { finished.saturating_sub(before.rows) as f64 / secs * 60.0 } else { 0.0 }
    }

    pub(super) fn elapsed(&self, now: Tick) -> Duration {
        now.since(self.began)
    }

    /// The buckets as they are now, when this much is left.
    pub(super) fn look(&mut self, now: Tick, left: Left, buckets: &[BucketView]) {
        let found = buckets.iter().filter_map(|bucket| Some((self.refill_secs(left, bucket)?, bucket)));
        let longest = found.max_by(|(a, _), (b, _)| a.total_cmp(b));
        self.work = longest.and_then(|(_, bucket)| self.work_of(bucket)).unwrap_or(Work::ROWS);
        if longest.is_some_and(|(_, bucket)| bucket.remaining < -in_debt(bucket.capacity)) {
            self.in_debt_at = Some(now);
        }
        self.refilled_at = longest.and_then(|(secs, _)| Duration::try_from_secs_f64(secs).ok()).map(|time| now + time);
    }

    /// Seconds until the end; `None` while nothing tells. While more rows could be on their way than are, the rate of late is
    /// none to go by.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(super) fn eta_secs(&self, now: Tick, left: Left, is_steady: bool) -> Option<u64> {
        let all: u64 = self.classes.values().map(|class| class.rows).sum();
        let last_answer = self.took.as_secs_f64() / all.max(1) as f64;
        let by_refill = self.refilled_at.map(|at| at.since(now).as_secs_f64() + last_answer);
        let secs = match (self.by_rate(left), by_refill) {
            // a short while's rate goes up and down with the length of answers: a little slower than the refill proves nothing
            (Some(rate), Some(refill)) if !is_steady || self.was_in_debt() || rate <= refill * CLEARLY => refill,
            (rate, refill) => rate.into_iter().chain(refill).reduce(f64::max)?,
        };
        Some(secs.ceil() as u64)
    }

    /// Seconds until the end, if all goes on as it went of late.
    fn by_rate(&self, left: Left) -> Option<f64> {
        let (from, to) = (self.seen.front()?, self.seen.back()?);
        let done = self.work.of(to.rows.saturating_sub(from.rows), from.bytes_left.saturating_sub(to.bytes_left));
        (done > 0.0).then(|| self.work.of(left.rows, left.bytes) / done * to.at.since(from.at).as_secs_f64())
    }

    /// How long a bucket takes to give what is left of its class.
    #[expect(clippy::cast_precision_loss, reason = "a forecast is no ledger")]
    fn refill_secs(&self, left: Left, bucket: &BucketView) -> Option<f64> {
        let work = self.work_of(bucket)?;
        // what is held for rows on their way is a guess as well: where answers are charged as they come, ours is taken for both
        let charged_later = matches!(bucket.key.dimension, Dimension::OutputTokens | Dimension::Tokens) && bucket.held > 0;
        let (rows, level) = if charged_later {
            (left.rows as f64, bucket.remaining as f64 + bucket.held as f64)
        } else {
            (left.rows.saturating_sub(left.with_room) as f64, bucket.remaining as f64)
        };
        let missing = work.a_row * rows + work.a_byte * left.bytes as f64 * left.share_without_room() - level;
        let period = f64::from(bucket.key.period.as_secs());
        // what other machines take does not come to us, but never all of it; a little is more often a misreading than use
        let capacity = bucket.capacity as f64;
        let others = bucket.foreign_per_minute / 60.0 * period;
        let ours = if others * CLEARLY < capacity * (CLEARLY - 1.0) { capacity } else { (capacity - others).max(capacity / 10.0) };
        Some((missing / (ours / period)).max(0.0))
    }

    /// What a row of this batch takes from a bucket. Of several classes each has its share of what is left, as it had of what
    /// is done.
    #[expect(clippy::cast_precision_loss, reason = "a forecast is no ledger")]
    fn work_of(&self, bucket: &BucketView) -> Option<Work> {
        let class = self.classes.get(&bucket.key.class).filter(|class| class.rows > 0)?;
        if bucket.refill != Refill::Continuous || bucket.key.period.as_secs() == 0 || bucket.capacity == 0 {
            return None;
        }
        let all: u64 = self.classes.values().map(|class| class.rows).sum();
        let share = class.rows as f64 / all as f64;
        class.work(bucket.key.dimension).map(|Work { a_row, a_byte }| Work { a_row: a_row * share, a_byte: a_byte * share })
    }

    /// Whether the rate of late is that of a time in which nothing could go.
    fn was_in_debt(&self) -> bool {
        self.in_debt_at.zip(self.seen.front()).is_some_and(|(debt, from)| debt > from.at)
    }
}

/// A bucket that owes more than this share of itself holds everything up for a while.
const fn in_debt(capacity: u64) -> i64 {
    capacity.cast_signed() / 20
}

impl Left {
    /// How much of what is left has no room yet, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn share_without_room(self) -> f64 {
        self.rows.saturating_sub(self.with_room) as f64 / self.rows.max(1) as f64
    }
}

impl Class {
    /// What a row takes from a bucket of this dimension. Input follows the size of the row, answers do not.
    #[expect(clippy::cast_precision_loss, reason = "a forecast is no ledger")]
    fn work(&self, dimension: Dimension) -> Option<Work> {
        let taken = |dimension| self.cost.get(&dimension).map(|taken| *taken as f64);
        let (rows, bytes) = (self.rows as f64, self.bytes.max(1) as f64);
        let all = taken(dimension)?;
        Some(match dimension {
            Dimension::Requests | Dimension::OutputTokens => Work { a_row: all / rows, a_byte: 0.0 },
            Dimension::InputTokens => Work { a_row: 0.0, a_byte: all / bytes },
            Dimension::Tokens => {
                let input = taken(Dimension::InputTokens).unwrap_or(0.0).min(all);
                Work { a_row: (all - input) / rows, a_byte: input / bytes }
            }
            _ => return None,
        })
    }
}

impl Work {
    /// Every row is the same.
    const ROWS: Self = Self { a_row: 1.0, a_byte: 0.0 };

    #[expect(clippy::cast_precision_loss, reason = "a forecast is no ledger")]
    fn of(self, rows: u64, bytes: u64) -> f64 {
        self.a_row * rows as f64 + self.a_byte * bytes as f64
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a simulation")]
mod tests {
    use super::*;
    use crate::domain::{BucketKey, Period};

    fn at(secs: f64) -> Tick {
        Tick::ZERO + Duration::from_secs_f64(secs)
    }

    #[test]
    fn the_rate_forgets_what_was_long_ago() {
        let mut forecast = Forecast::new(at(0.0), 10, 0);
        for (secs, finished, per_min) in
            [(10.0, 1_010, 6_000.0), (20.0, 1_110, 3_300.0), (30.0, 1_210, 2_400.0), (200.0, 1_220, 66.3), (330.0, 1_230, 4.0)]
        {
            assert_eq!(format!("{:.1}", forecast.rate(at(secs), finished, 0)), format!("{per_min:.1}"), "after {secs} s");
        }
    }

    #[test]
    fn a_time_of_debt_is_none_to_go_by() {
        let class = ModelClass::new("c");
        let mut forecast = Forecast::new(at(0.0), 0, 0);
        let left = Left { rows: 600, bytes: 0, with_room: 0 };
        for n in 0..400 {
            let counted = Cost::request().with(Dimension::OutputTokens, 100);
            forecast.ended(n, Some(Answer { class: class.clone(), bytes: 1, counted, took: Duration::ZERO }));
        }
        forecast.rate(at(0.0), 0, 0);
        forecast.rate(at(10.0), 400, 0);
        // 60,000 tokens are left to be taken, at 1,000 a second; nothing goes for half a minute
        for (secs, remaining, expect) in [(10.0, -30_000.0, 90), (40.0, 0.0, 60), (41.0, 1_000.0, 59)] {
            forecast.rate(at(secs), 400, 0);
            forecast.look(at(secs), left, &[view(&class, Dimension::OutputTokens, 60_000, remaining)]);
            assert_eq!(forecast.eta_secs(at(secs), left, true), Some(expect), "at {secs}");
        }
        // what is held for rows on their way is not what they will take
        let on_their_way = Left { with_room: 100, ..left };
        let held = BucketView { held: 1_000, ..view(&class, Dimension::OutputTokens, 60_000, 0.0) };
        forecast.look(at(42.0), on_their_way, &[held]);
        assert_eq!(forecast.eta_secs(at(42.0), on_their_way, true), Some(59));
    }

    #[test]
    fn rows_that_become_shorter_are_no_reason_to_wait_longer() {
        let class = ModelClass::new("c");
        let mut forecast = Forecast::new(at(0.0), 0, 1_100_000);
        for n in 0..100 {
            let counted = Cost::request().with(Dimension::InputTokens, 1_000).with(Dimension::Tokens, 1_100);
            forecast.ended(n, Some(Answer { class: class.clone(), bytes: 10_000, counted, took: Duration::ZERO }));
        }
        // the long rows went first: a tenth of the bytes is left in a tenth of the time, and half of the rows
        forecast.rate(at(0.0), 0, 1_100_000);
        forecast.rate(at(100.0), 100, 100_000);
        let left = Left { rows: 100, bytes: 100_000, with_room: 0 };
        forecast.look(at(100.0), left, &[view(&class, Dimension::InputTokens, 60_000, 0.0)]);
        assert_eq!(forecast.eta_secs(at(100.0), left, true), Some(10));
    }

    /// A batch before an ideal limiter whose buckets are full at the start.
    struct World {
        rows: usize,
        /// Of requests, of input and of output tokens, a minute.
        per_minute: [u64; 3],
        /// The most rows on their way.
        window: usize,
        first_token_secs: f64,
        /// Bytes of a row by its place in the file.
        bytes: fn(usize) -> u64,
    }

    /// Runs it in virtual time; the largest error of the forecast from the first tenth to the ninth, in percent of what was
    /// left, apart from the second to which it is rounded.
    fn worst_error(world: &World) -> f64 {
        const STEP: f64 = 0.1;
        let class = ModelClass::new("c");
        let mut random = crate::limiter::random::Random::new(7);
        let rows: Vec<(u64, u64)> = (0..world.rows).map(|n| ((world.bytes)(n), 50 + random.below(400))).collect();
        let all: u64 = rows.iter().map(|(bytes, _)| bytes).sum();
        let mut forecast = Forecast::new(at(0.0), 0, all);
        let mut held = world.per_minute.map(|capacity| capacity as f64);
        let mut flying: Vec<(f64, usize)> = Vec::new();
        let (mut next, mut done, mut bytes_done) = (0, 0_usize, 0);
        let mut told: Vec<(f64, f64)> = Vec::new();
        let mut now = 0.0;
        while done < rows.len() {
            for (held, capacity) in held.iter_mut().zip(world.per_minute) {
                *held = (*held + capacity as f64 / 60.0 * STEP).min(capacity as f64);
            }
            let mut landed = Vec::new();
            flying.retain(|(until, row)| {
                if *until <= now {
                    landed.push(*row);
                }
                *until > now
            });
            for row in landed {
                let (bytes, output) = rows[row];
                let cost = Cost::request()
                    .with(Dimension::InputTokens, bytes / 4)
                    .with(Dimension::OutputTokens, output)
                    .with(Dimension::Tokens, bytes / 4 + output);
                let took = world.first_token_secs + output as f64 * 0.01;
                let took = Duration::from_secs_f64(took);
                forecast.ended(row as u64, Some(Answer { class: class.clone(), bytes, counted: cost, took }));
                done += 1;
                bytes_done += bytes;
            }
            while let Some((bytes, output)) = rows.get(next).filter(|_| flying.len() < world.window) {
                let needs = [1.0, (*bytes / 4) as f64, *output as f64];
                if held.iter().zip(needs).any(|(held, need)| *held < need) {
                    break;
                }
                held.iter_mut().zip(needs).for_each(|(held, need)| *held -= need);
                flying.push((now + world.first_token_secs + *output as f64 * 0.01, next));
                next += 1;
            }
            now += STEP;
            forecast.rate(at(now), done as u64, all - bytes_done);
            let left = Left { rows: (rows.len() - done) as u64, bytes: all - bytes_done, with_room: flying.len() as u64 };
            let buckets = [Dimension::Requests, Dimension::InputTokens, Dimension::OutputTokens];
            let views: Vec<BucketView> =
                buckets.into_iter().zip(world.per_minute).zip(held).map(|((d, capacity), held)| view(&class, d, capacity, held)).collect();
            if (rows.len() / 10..rows.len() / 10 * 9).contains(&done) {
                forecast.look(at(now), left, &views);
                told.push((now, forecast.eta_secs(at(now), left, true).unwrap() as f64));
            }
        }
        told.iter().map(|(at, eta)| ((eta - (now - at)).abs() - 1.0).max(0.0) / (now - at) * 100.0).fold(0.0, f64::max)
    }

    fn view(class: &ModelClass, dimension: Dimension, capacity: u64, held: f64) -> BucketView {
        let scope = crate::domain::Scope::account(crate::domain::Provider::Anthropic, "a");
        BucketView {
            key: BucketKey { scope, class: class.clone(), dimension, period: Period::MINUTE },
            meter: String::new(),
            accounts: Vec::new(),
            refill: Refill::Continuous,
            capacity,
            source: crate::domain::LimitSource::Header,
            used: 0,
            held: 0,
            remaining: held as i64,
            full_at: None,
            frozen_until: None,
            own_per_minute: 0.0,
            foreign_per_minute: 0.0,
            confirmed_at: None,
            binding: false,
            waiting: 0,
            beliefs: Vec::new(),
        }
    }

    #[test]
    fn the_end_is_known_after_the_first_tenth() {
        let even = |_: usize| 4_000;
        for (name, world) in [
            (
                "a burst, then requests",
                World { rows: 3_000, per_minute: [600, 9_000_000, 9_000_000], window: 512, first_token_secs: 0.5, bytes: even },
            ),
            (
                "a burst of half the rows",
                World { rows: 1_200, per_minute: [600, 9_000_000, 9_000_000], window: 512, first_token_secs: 0.5, bytes: even },
            ),
            (
                "output tokens",
                World { rows: 2_000, per_minute: [9_000, 9_000_000, 40_000], window: 512, first_token_secs: 1.0, bytes: even },
            ),
            (
                "input tokens, long rows last",
                World {
                    rows: 2_000,
                    per_minute: [9_000, 200_000, 9_000_000],
                    window: 512,
                    first_token_secs: 1.0,
                    bytes: |n| if n < 1_000 { 2_000 } else { 6_000 },
                },
            ),
            (
                "slow answers",
                World { rows: 2_000, per_minute: [90_000, 90_000_000, 90_000_000], window: 16, first_token_secs: 4.0, bytes: even },
            ),
        ] {
            let error = worst_error(&world);
            assert!(error <= 10.0, "{name}: {error:.1} %");
        }
    }
}
