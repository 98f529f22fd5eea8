//! How many rows are on their way at once: as many as keep a short queue before the limiter, and no more.
//!
//! The limiter decides when a row goes; it can only use room fully if somebody waits for it. A long queue helps nobody:
//! its rows hold memory and are in flight when the process ends, and what they are expected to take was worked out when they
//! came. Looks at the queue make it wide in time, where answers are slow to tell; the wait that answers report steers it.

use std::time::Duration;

/// The number of rows that may be on their way.
#[derive(Debug, Clone)]
pub struct Window {
    size: usize,
    /// `None`: the size is fixed.
    most: Option<usize>,
    /// Answers since the size was last made smaller: each shrinking needs news from rows that were sent after it.
    settled: usize,
}

/// Rows that waited less than this show that the queue is too short.
const SHORT: Duration = Duration::from_millis(500);
/// Rows that waited longer than this show that it is longer than it need be.
const LONG: Duration = Duration::from_secs(6);
/// Where it starts, and what it never goes below.
const LEAST: usize = 8;
/// Fewer than one row in so many that wait for room are too few: the limiter could run out of them before the next look.
const ENOUGH: usize = 8;

impl Window {
    /// As many as turns out to be useful, up to `most`.
    #[must_use]
    pub fn adaptive(most: usize) -> Self {
        Self { size: LEAST.min(most), most: Some(most), settled: 0 }
    }

    /// Always this many.
    #[must_use]
    pub fn fixed(size: usize) -> Self {
        Self { size: size.max(1), most: None, settled: 0 }
    }

    /// How many rows may be on their way now.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Whether it could still grow, so that what goes through says little of what could.
    #[must_use]
    pub fn may_grow(&self) -> bool {
        self.most.is_some_and(|most| self.size < most)
    }

    /// Of so many rows on their way, so many wait for room.
    pub fn looked(&mut self, on_their_way: usize, waiting: usize) {
        let Some(most) = self.most else { return };
        if on_their_way >= self.size && waiting < on_their_way / ENOUGH {
            self.size = (self.size * 2).min(most);
        }
    }

    /// A row was answered after it had waited this long for room.
    pub fn answered(&mut self, waited: Duration) {
        let Some(most) = self.most else { return };
        self.settled += 1;
        if waited < SHORT {
            self.size = (self.size + 1).min(most);
        } else if waited > LONG && self.settled >= self.size {
            self.size = (self.size - self.size / 4).max(LEAST.min(most));
            self.settled = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limiter that lets so many go a second: what a row waits if so many are on their way and an answer takes a second.
    fn wait(size: usize, per_second: usize) -> Duration {
        Duration::from_secs_f64((size.saturating_sub(per_second) as f64) / per_second as f64)
    }

    #[test]
    fn it_finds_the_size_that_keeps_a_short_queue() {
        for per_second in [2, 10, 100, 400] {
            let mut window = Window::adaptive(512);
            for _ in 0..20_000 {
                window.answered(wait(window.size(), per_second));
            }
            let wait = wait(window.size(), per_second);
            assert!(wait <= LONG || window.size() == LEAST, "{per_second} a second: {} rows wait {wait:?}", window.size());
            assert!(window.size() > per_second || window.size() == 512, "{per_second} a second: {} rows", window.size());
        }
    }

    #[test]
    fn it_is_wide_before_slow_answers_can_tell() {
        let mut window = Window::adaptive(512);
        // nothing was answered, nobody waits: there is room for more
        let sizes: Vec<usize> = [0, 0, 2, 1, 30, 60]
            .into_iter()
            .map(|waiting| {
                window.looked(window.size(), waiting);
                window.size()
            })
            .collect();
        assert_eq!(sizes, [16, 32, 64, 128, 128, 128]);
        // too few rows to fill it
        window.looked(100, 0);
        assert_eq!(window.size(), 128);
        (0..9).for_each(|_| window.looked(window.size(), 0));
        assert_eq!((window.size(), window.may_grow()), (512, false));
    }

    #[test]
    fn a_given_size_stays() {
        let mut window = Window::fixed(3);
        window.answered(Duration::ZERO);
        window.answered(Duration::from_secs(60));
        window.looked(3, 0);
        assert_eq!((window.size(), window.may_grow()), (3, false));
    }
}
