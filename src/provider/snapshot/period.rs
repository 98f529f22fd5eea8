//! Minute or day? OpenAI's header does not say, but a bucket that refills continuously gives it away:
//! window = reset / used * limit (measured on recordings of 2025 and 2026).

use std::time::Duration;

use crate::domain::Period;

/// Resets come in whole milliseconds.
const RESET_GRAIN_SECS: f64 = 0.001;

/// What rounding elsewhere may add.
const TOLERANCE: f64 = 0.02;

/// How long before the header its request may have been counted: the one unit that was used comes back meanwhile.
const ANSWER_SECS: f64 = 120.0;

/// The window that these three numbers fit, if they fit one.
///
/// What is left is a whole number, cut down: `used` lies above `limit - remaining - 1`. When nothing is used, or the bucket is
/// full again, nothing can be told; and nothing fits where all comes back at once at the end of a window.
pub(super) fn recovered(limit: Option<u64>, remaining: Option<u64>, reset: Option<Duration>) -> Option<Period> {
    let (limit, remaining, reset) = (limit?, remaining?, reset?.as_secs_f64());
    let used = limit.checked_sub(remaining).filter(|used| *used > 0)?;
    if reset == 0.0 {
        return None;
    }
    let shortest = (reset - RESET_GRAIN_SECS).max(0.0) / used as f64 * limit as f64;
    let longest = match used {
        1 => (reset + ANSWER_SECS) * limit as f64,
        _ => (reset + RESET_GRAIN_SECS) / (used - 1) as f64 * limit as f64,
    };
    // with one unit used both may fit: a request was just counted, so the shorter one is meant
    [Period::MINUTE, Period::DAY].into_iter().find(|period| {
        let secs = f64::from(period.as_secs());
        shortest <= secs * (1.0 + TOLERANCE) && secs * (1.0 - TOLERANCE) <= longest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_give_their_window_away() {
        for (limit, remaining, reset_micros, expect) in [
            (500, 499, 120_000, Some(Period::MINUTE)),
            (3_000, 2_999, 20_000, Some(Period::MINUTE)),
            (3_500, 3_499, 17_000, Some(Period::MINUTE)),
            (15_000, 14_999, 4_000, Some(Period::MINUTE)),
            (30_000, 29_999, 2_000, Some(Period::MINUTE)),
            (10_000, 9_999, 8_640_000, Some(Period::DAY)),
            (10_000, 9_998, 15_856_000, Some(Period::DAY)),
            (10_000, 9_973, 229_814_000, Some(Period::DAY)),
            (200, 0, 86_400_000_000, Some(Period::DAY)),
            (3, 0, 60_000_000, Some(Period::MINUTE)),
            (200_000, 199_221, 233_000, Some(Period::MINUTE)),
            (30_000, 29_984, 32_000, Some(Period::MINUTE)),
            // full, or full again: nothing to tell from
            (500, 500, 0, None),
            (200_000, 199_999, 0, None),
            // fits neither: a fixed window, which is over in 50 seconds
            (60, 59, 50_000_000, None),
            (60, 31, 50_000_000, None),
            (100, 50, 1_800_000_000, None),
            (10, 20, 1_000_000, None),
        ] {
            let found = recovered(Some(limit), Some(remaining), Some(Duration::from_micros(reset_micros)));
            assert_eq!(found, expect, "{limit} {remaining} {reset_micros}");
        }
        assert_eq!(recovered(None, Some(1), Some(Duration::from_secs(1))), None);
    }
}
