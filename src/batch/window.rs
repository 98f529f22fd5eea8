//! How many rows are on their way at once: as many as keep a short queue before the limiter, and no more.
//!
//! The limiter decides when a row goes; it can only use room fully if somebody waits for it. A long queue helps nobody:
//! its rows hold memory and are in flight when the process ends. The wait that answers report steers the size.

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
    fn a_given_size_stays() {
        let mut window = Window::fixed(3);
        window.answered(Duration::ZERO);
        window.answered(Duration::from_secs(60));
        assert_eq!(window.size(), 3);
    }
}
