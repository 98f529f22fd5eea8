//! Numbers, times and money as the window writes them. Pure: the time zone and the present are arguments.
//!
//! Digits are grouped by narrow no-break spaces. Dense places use [`short`]; the exact number then stands on hover.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Dimension;
use crate::domain::query::Measure;

/// Between groups of digits, and between a number and its unit.
pub const THIN: char = '\u{202f}';

/// What stands where there is no value. Never a zero.
pub const NONE: &str = "–";

/// `1 234 567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * THIN.len_utf8());
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

/// [`grouped`] with a sign for what is below zero.
#[must_use]
pub fn signed(n: i64) -> String {
    let digits = grouped(n.unsigned_abs());
    if n < 0 { format!("−{digits}") } else { digits }
}

/// Exact below 10 000, then `12.4 k`, `1.20 M`, `3.40 G`: three figures, cut and not rounded, so that it never says more than there is.
#[must_use]
pub fn short(n: u64) -> String {
    let (unit, name) = match n {
        0..10_000 => return grouped(n),
        10_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'G'),
    };
    let (whole, rest) = (n / unit, n % unit);
    let number = match whole {
        0..10 => format!("{whole}.{:02}", rest * 100 / unit),
        10..100 => format!("{whole}.{}", rest * 10 / unit),
        _ => grouped(whole),
    };
    format!("{number}{THIN}{name}")
}

/// [`short`] with a sign.
#[must_use]
pub fn short_signed(n: i64) -> String {
    let number = short(n.unsigned_abs());
    if n < 0 { format!("−{number}") } else { number }
}

/// A rate: one decimal below 10, whole above, and `0` only for nothing at all.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range just before")]
pub fn rate(per_minute: f64) -> String {
    if !per_minute.is_finite() || per_minute <= 0.0 {
        "0".into()
    } else if per_minute < 0.05 {
        "<0.1".into()
    } else if per_minute < 9.95 {
        format!("{per_minute:.1}")
    } else {
        short(per_minute.min(1e18).round() as u64)
    }
}

/// Money from nano-dollars: cents from one dollar up, more decimals below.
#[must_use]
pub fn money(nanos: u64) -> String {
    const DOLLAR: u64 = 1_000_000_000;
    match nanos {
        0 => "$0".into(),
        1..100_000 => "<$0.0001".into(),
        100_000..DOLLAR => format!("$0.{:04}", nanos / 100_000),
        _ => format!("${}.{:02}", grouped(nanos / DOLLAR), nanos % DOLLAR / 10_000_000),
    }
}

/// A price per million tokens from nano-dollars: two decimals, more where they say something.
#[must_use]
pub fn price(nanos: u64) -> String {
    const DOLLAR: u64 = 1_000_000_000;
    let fraction = format!("{:09}", nanos % DOLLAR);
    let exact = fraction.trim_end_matches('0');
    format!("{}.{exact:0<2}", grouped(nanos / DOLLAR))
}

/// `340 ms`, `4.2 s`, `1 min 05 s`, `2 h 14 min`, `3 d 4 h`.
#[must_use]
pub fn duration(d: Duration) -> String {
    let (millis, secs) = (d.as_millis(), d.as_secs());
    match secs {
        0 => format!("{millis}{THIN}ms"),
        1..10 => format!("{secs}.{}{THIN}s", millis % 1_000 / 100),
        10..60 => format!("{secs}{THIN}s"),
        60..3_600 => format!("{}{THIN}min{THIN}{:02}{THIN}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}{THIN}h{THIN}{:02}{THIN}min", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{}{THIN}d{THIN}{}{THIN}h", secs / 86_400, secs % 86_400 / 3_600),
    }
}

/// [`duration`] of a number of milliseconds.
#[must_use]
pub fn millis(millis: u64) -> String {
    duration(Duration::from_millis(millis))
}

/// How long until `then`, in whole seconds; `now` once it has come.
#[must_use]
pub fn until(now: Timestamp, then: Timestamp) -> String {
    match Duration::try_from(then.duration_since(now)) {
        Ok(left) if !left.is_zero() => {
            let whole = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            if whole < 10 { format!("{whole}{THIN}s") } else { duration(Duration::from_secs(whole)) }
        }
        _ => "now".into(),
    }
}

/// How long since `then`; zero if it has not come.
#[must_use]
pub fn since(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// `14:05:09` in the local zone.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `14:05` today, `Tue 14:05` within a week, `2027-01-14` beyond.
#[must_use]
pub fn when(now: Timestamp, at: Timestamp, zone: &TimeZone) -> String {
    let (here, there) = (now.to_zoned_datetime(zone.clone()), at.to_zoned_datetime(zone.clone()));
    let format = if here.date() == there.date() {
        "%H:%M"
    } else if at.duration_since(now).abs().as_hours() < 6 * 24 {
        "%a %H:%M"
    } else {
        "%Y-%m-%d"
    };
    there.strftime(format).to_string()
}

/// `2026-11-24 14:05:09` in the local zone.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-24 14:05:09 UTC`, for hovers.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// An amount of something: money as money, everything else as a number.
#[must_use]
pub fn amount(dimension: Dimension, n: u64) -> String {
    if dimension == Dimension::Money { money(n) } else { grouped(n) }
}

/// [`amount`] where room is short.
#[must_use]
pub fn short_amount(dimension: Dimension, n: u64) -> String {
    if dimension == Dimension::Money { money(n) } else { short(n) }
}

/// An identifier that only machines read, cut to what tells it from others: `910a2dec…`. A short one stays whole.
#[must_use]
pub fn short_id(id: &str) -> String {
    const WHOLE: usize = 20;
    const KEPT: usize = 8;
    if id.chars().count() <= WHOLE { id.to_owned() } else { id.chars().take(KEPT).chain(['…']).collect() }
}

/// The same text with the digits of its large numbers grouped. Digits in names, dates and times stay as they are.
#[must_use]
pub fn regrouped(text: &str) -> String {
    let number = |word: &str| Some(word).filter(|w| w.len() > 3 && w.bytes().all(|b| b.is_ascii_digit())).and_then(|w| w.parse().ok());
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', ';', '.']);
        number(bare).map_or_else(|| word.to_owned(), |n| grouped(n) + word.get(bare.len()..).unwrap_or_default())
    });
    // a unit that stands alone would begin the next line
    words.collect::<Vec<_>>().join(" ").replace(" %", &format!("{THIN}%"))
}

/// A value of a chart, with its unit.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits just before")]
pub fn measured(measure: Measure, value: f64) -> String {
    let whole = value.clamp(0.0, 1e18).round() as u64;
    match measure {
        Measure::WaitMillis => millis(whole),
        Measure::CostNanos => format!("{}/min", money(whole)),
        Measure::TokensPerRequest => short(whole),
        Measure::RefusedShare if value > 0.0 && value < 9.95 => format!("{value:.1}{THIN}%"),
        Measure::RefusedShare => format!("{whole}{THIN}%"),
        _ => format!("{}/min", rate(value)),
    }
}

/// Bytes in the decimal units that people compare files by.
#[must_use]
pub fn bytes(n: u64) -> String {
    if n < 10_000 { format!("{}{THIN}B", grouped(n)) } else { format!("{}B", short(n)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(THIN, " ")
    }

    #[test]
    fn numbers_are_grouped_and_shortened_without_ever_growing() {
        for (n, long, dense) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1 000", "1 000"),
            (9_999, "9 999", "9 999"),
            (10_000, "10 000", "10.0 k"),
            (12_499, "12 499", "12.4 k"),
            (99_999, "99 999", "99.9 k"),
            (450_000, "450 000", "450 k"),
            (999_999, "999 999", "999 k"),
            (1_208_000, "1 208 000", "1.20 M"),
            (40_000_000, "40 000 000", "40.0 M"),
            (3_400_000_000, "3 400 000 000", "3.40 G"),
        ] {
            assert_eq!((plain(&grouped(n)).as_str(), plain(&short(n)).as_str()), (long, dense), "{n}");
        }
        assert_eq!(plain(&signed(-1_500)), "−1 500");
        assert_eq!(plain(&short_signed(-15_000)), "−15.0 k");
    }

    #[test]
    fn rates_say_zero_only_for_nothing() {
        for (value, text) in
            [(0.0, "0"), (-1.0, "0"), (f64::NAN, "0"), (0.01, "<0.1"), (0.3, "0.3"), (9.94, "9.9"), (9.96, "10"), (12_400.0, "12.4 k")]
        {
            assert_eq!(plain(&rate(value)), text, "{value}");
        }
    }

    #[test]
    fn money_keeps_small_amounts_visible() {
        for (nanos, text) in [
            (0, "$0"),
            (1, "<$0.0001"),
            (100_000, "$0.0001"),
            (12_345_678, "$0.0123"),
            (999_999_999, "$0.9999"),
            (1_239_999_999, "$1.23"),
            (1_234_560_000_000, "$1 234.56"),
        ] {
            assert_eq!(plain(&money(nanos)), text, "{nanos}");
        }
    }

    #[test]
    fn prices_are_exact() {
        for (nanos, text) in [(5_000_000_000, "5.00"), (3_625_000, "0.003625"), (0, "0.00"), (1_250_000_000, "1.25"), (75_000_000, "0.075")]
        {
            assert_eq!(plain(&price(nanos)), text);
        }
    }

    #[test]
    fn durations_use_two_units_at_the_most() {
        for (millis_, text) in [
            (0, "0 ms"),
            (340, "340 ms"),
            (4_250, "4.2 s"),
            (42_900, "42 s"),
            (65_000, "1 min 05 s"),
            (8_040_000, "2 h 14 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(plain(&millis(millis_)), text, "{millis_}");
        }
    }

    #[test]
    fn times_are_local_and_say_the_day_when_it_is_another() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-24T13:00:00Z");
        assert_eq!(clock(now, &zone), "14:00:00");
        assert_eq!(utc(now), "2026-11-24 13:00:00 UTC");
        assert_eq!(local(now, &zone), "2026-11-24 14:00:00");
        for (then, text) in [
            ("2026-11-24T13:05:00Z", "14:05"),
            ("2026-11-25T08:00:00Z", "Wed 09:00"),
            ("2027-01-14T00:00:00Z", "2027-01-14"),
            ("2026-11-23T23:30:00Z", "00:30"),
        ] {
            assert_eq!(when(now, at(then), &zone), text);
        }
        for (then, text) in [
            ("2026-11-24T13:00:00.2Z", "1 s"),
            ("2026-11-24T13:00:04Z", "4 s"),
            ("2026-11-24T12:59:00Z", "now"),
            ("2026-11-24T13:01:05Z", "1 min 05 s"),
        ] {
            assert_eq!(plain(&until(now, at(then))), text);
        }
    }

    #[test]
    fn long_ids_are_cut_and_numbers_in_a_text_are_grouped() {
        assert_eq!(short_id("910a2dec-8902-4cc1-beeb-8da1658eec67"), "910a2dec…");
        assert_eq!(short_id("proj_w7Vq2m"), "proj_w7Vq2m");
        for (text, shown) in [
            ("RPM is 60000 now, it was 500000 (header)", "RPM is 60 000 now, it was 500 000 (header)"),
            ("RPM 50 instead of 1000, TPM 3", "RPM 50 instead of 1 000, TPM 3"),
            ("gpt-4-0613 ends 2026-12-11 15:59; input +7 %, 100", "gpt-4-0613 ends 2026-12-11 15:59; input +7 %, 100"),
        ] {
            assert_eq!(plain(&regrouped(text)), shown);
        }
    }

    #[test]
    fn bytes_have_a_unit() {
        for (n, text) in [(0, "0 B"), (9_999, "9 999 B"), (12_400, "12.4 kB"), (1_500_000, "1.50 MB")] {
            assert_eq!(plain(&bytes(n)), text);
        }
    }
}
