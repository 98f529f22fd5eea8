//! How much of a limit the provider lets come together, where that is less than a whole window's worth.
//!
//! A limit of 120 a minute may be kept in a bucket that holds two. Its headers then say "limit 120, remaining 1, full in half
//! a second": what is left plus what comes back until it is full is all it ever holds. Taken for others' traffic, the
//! missing 118 would hold everything up.

use std::time::Duration;

use crate::domain::{Limit, Refill, Tick};

/// What headers showed of a bucket's size, over this window and the last one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Depth {
    most: u64,
    most_before: u64,
    grain: u64,
    since: Option<Tick>,
    samples: u32,
}

impl Depth {
    /// So many headers must agree: one near the end of a fixed window may show little left and little to come.
    const ENOUGH: u32 = 3;
    /// A bucket counts as smaller than its limit when it holds less than this part of it; rounding explains the rest.
    const CLEARLY: u64 = 4;

    /// A header showed `remaining` units, perhaps `grain` more, to be full again after `full_in`.
    pub fn observe(&mut self, remaining: u64, grain: u64, full_in: Duration, limit: &Limit, now: Tick) {
        let window = limit.window.period.duration();
        if limit.window.refill != Refill::Continuous || window.is_zero() {
            return;
        }
        let to_come = (u128::from(limit.capacity) * full_in.as_nanos()).div_ceil(window.as_nanos());
        let holds = remaining.saturating_add(grain).saturating_add(u64::try_from(to_come).unwrap_or(u64::MAX));
        if self.since.is_none_or(|since| now.since(since) > window) {
            self.most_before = self.most;
            self.most = 0;
            self.since = Some(now);
        }
        self.most = self.most.max(holds);
        self.grain = grain;
        self.samples = self.samples.saturating_add(1);
    }

    /// The most that any header showed it to hold, if one did: one is enough for not trying more.
    #[must_use]
    pub fn shown(&self) -> Option<u64> {
        (self.samples > 0).then(|| self.most.max(self.most_before).saturating_sub(self.grain).max(1))
    }

    /// How much it holds, if that is clearly less than its limit.
    #[must_use]
    pub fn shallow(&self, limit: &Limit) -> Option<u64> {
        let holds = self.most.max(self.most_before).max(1);
        (self.samples >= Self::ENOUGH && holds < limit.capacity / Self::CLEARLY).then_some(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Dimension, LimitSource, Window};

    #[test]
    fn what_is_left_and_what_is_to_come_is_all_it_holds() {
        let limit = Limit { dimension: Dimension::Requests, window: Window::PER_MINUTE, capacity: 120, source: LimitSource::Header };
        let check = |headers: &[(u64, u64)], expect: Option<u64>| {
            let mut depth = Depth::default();
            for (nth, (remaining, full_in_millis)) in headers.iter().enumerate() {
                depth.observe(*remaining, 0, Duration::from_millis(*full_in_millis), &limit, Tick::from_nanos(nth as u64));
            }
            assert_eq!(depth.shallow(&limit), expect, "{headers:?}");
            depth
        };
        assert_eq!(check(&[], None).shown(), None);
        // too few to be sure, enough not to try more
        assert_eq!(check(&[(1, 500), (0, 1_000)], None).shown(), Some(2));
        check(&[(1, 500), (0, 1_000), (1, 450)], Some(2));
        // others took it: it takes a minute to fill
        check(&[(1, 59_500), (0, 60_000), (0, 59_900)], None);
        // a fixed window near its end, and its next beginning
        check(&[(3, 1_000), (2, 900), (1, 800), (119, 60_000)], None);
    }
}
