//! Amounts of money and lengths of time in words, as every sentence of the planner and of the commands has them.

use crate::catalog::Usd;

/// `$0.0105`, `$12.30`.
#[must_use]
pub fn dollars(nanos: u64) -> String {
    // below a dollar to a millionth, above it to a cent
    let grain = if nanos < 1_000_000_000 { 1_000 } else { 10_000_000 };
    format!("${}", Usd::from_nanos((nanos + grain / 2) / grain * grain))
}

/// `90 s`, `12 min`, `8 h 20 min`, `2 days`.
#[must_use]
pub fn long(secs: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let secs = secs.round() as u64;
    let parts = |whole: u64, unit: &str, rest: u64, of: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {of}"),
    };
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", (secs + 30) / 60),
        7_200..172_800 => parts(secs / 3_600, "h", secs % 3_600 / 60, "min"),
        _ => parts(secs / 86_400, "days", secs % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_time_are_as_fine_as_people_need() {
        for (nanos, text) in [(0, "$0"), (10_500_000, "$0.0105"), (1_234_567, "$0.001235"), (12_304_000_000, "$12.30")] {
            assert_eq!(dollars(nanos), text);
        }
        for (secs, text) in
            [(0.4, "0 s"), (119.0, "119 s"), (150.0, "3 min"), (28_800.0, "8 h"), (30_060.0, "8 h 21 min"), (180_000.0, "2 days 2 h")]
        {
            assert_eq!(long(secs), text);
        }
    }
}
