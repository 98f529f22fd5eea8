//! Every spelling of a delay or a reset that providers use, read by total functions that know no header and no provider.
//!
//! Spellings: Go durations (`2m59.56s`, `174ms`, `1h`), protobuf durations (`0.539477544s`), bare seconds (`16`, `33011.38`),
//! HTTP dates, RFC 3339, Unix seconds and milliseconds, prose (`try again in 7m12s`, `retry after 86400 seconds`, `replenished in 12:30:45`) and the text
//! form of gRPC (`retry_delay { seconds: 23 }`). `None` for anything else: negative, longer than [`LONGEST`], exponents, words.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use crate::domain::dimension::Zone;

/// No provider means to make anyone wait longer than this; more is a mistake.
pub const LONGEST: Duration = Duration::from_hours(400 * 24);

/// Longer texts are no delay; they are not looked at.
const LONGEST_TEXT: usize = 128;

/// How long `20261124T13Z` is.
const SHORTEST_TIMESTAMP: usize = 12;

const NANO: u128 = 1;
const SECOND: u128 = 1_000_000_000;

/// A length of time: units, or a bare number of seconds.
///
/// ```
/// use std::time::Duration;
/// use tierline::provider::delay::duration;
/// assert_eq!(duration("1m13.595s"), Some(Duration::from_millis(73_595)));
/// assert_eq!(duration("33011.38"), Some(Duration::from_millis(33_011_380)));
/// assert_eq!(duration("-5s"), None);
/// ```
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let text = short(text)?;
    match units(text) {
        Some((length, "")) => Some(length),
        _ => scaled(text, SECOND),
    }
}

/// A number of milliseconds, decimals allowed.
#[must_use]
pub fn millis(text: &str) -> Option<Duration> {
    scaled(short(text)?, 1_000_000 * NANO)
}

/// The value of `retry-after`: seconds, a duration or an HTTP date; a date that has passed is no wait.
#[must_use]
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    duration(text).or_else(|| capped(until(http_date(text)?, now)))
}

/// A reset: RFC 3339, an HTTP date, Unix seconds or milliseconds, or a length of time from now.
///
/// A bare number is told by its size: from 10^11 on it is Unix milliseconds, from 10^9 on Unix seconds.
#[must_use]
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = short(text)?;
    // what is shorter is no timestamp, and to be told so has its price
    if text.len() >= SHORTEST_TIMESTAMP
        && let Ok(at) = text.parse::<Timestamp>()
    {
        return Some(at);
    }
    if let Some((whole, _, "")) = number(text) {
        let whole = i64::try_from(whole).ok()?;
        match whole {
            100_000_000_000.. => return Timestamp::from_millisecond(whole).ok(),
            1_000_000_000.. => return Timestamp::from_second(whole).ok(),
            _ => {}
        }
    }
    match duration(text) {
        Some(length) => now.checked_add(length).ok(),
        None => http_date(text),
    }
}

/// The date format of HTTP headers, in its present form and the two old ones.
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    let text = short(text)?;
    if let Ok(date) = rfc2822::parse(text) {
        return Some(date.timestamp());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|format| {
        let date = strtime::parse(format, text).ok()?.to_datetime().ok()?;
        TimeZone::UTC.to_timestamp(date).ok()
    })
}

/// The delay that a sentence asks for. `lower` must be in lower case.
///
/// ```
/// use std::time::Duration;
/// use tierline::provider::delay::in_prose;
/// assert_eq!(in_prose("please try again in 11.054s. visit ..."), Some(Duration::from_millis(11_054)));
/// assert_eq!(in_prose("please try again later"), None);
/// ```
#[must_use]
pub fn in_prose(lower: &str) -> Option<Duration> {
    const CUES: [&str; 13] = [
        "try again in",
        "try again after",
        "retry in",
        "retry after",
        "retry_after",
        "retry-after",
        "retrydelay",
        "reset after",
        "reset in",
        "resets in",
        "replenished in",
        "available in",
        "please wait",
    ];
    let after_cue = |cue: &&str| lower.match_indices(*cue).find_map(|(at, cue)| spoken(&lower[at + cue.len()..]));
    in_grpc_text(lower).or_else(|| CUES.iter().find_map(after_cue))
}

/// The day on which access comes back, as in `you will regain access on 2026-09-01 at 00:00 UTC`. `lower` must be in lower case.
#[must_use]
pub fn date_in_prose(lower: &str) -> Option<Timestamp> {
    ["regain access on ", "resets at ", "reset at ", "resets on ", "access until "].iter().find_map(|cue| {
        let rest = &lower[lower.find(cue)? + cue.len()..];
        let date: Date = rest.get(..10)?.parse().ok()?;
        let clock = rest[10..].trim_start_matches([' ', 't']).trim_start_matches("at ");
        let time: Time = clock.get(..5).and_then(|hm| format!("{hm}:00").parse().ok()).unwrap_or(Time::midnight());
        TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()
    })
}

/// The next midnight in that place, which may be 23 or 25 hours after the last one.
#[must_use]
pub fn next_midnight(zone: Zone, now: Timestamp) -> Option<Timestamp> {
    let here = now.to_zoned_datetime(TimeZone::get(zone.iana()).ok()?);
    Some(here.tomorrow().ok()?.start_of_day().ok()?.timestamp())
}

/// The first of the next month, 00:00 UTC.
#[must_use]
pub fn next_month(now: Timestamp) -> Option<Timestamp> {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let first = today.last_of_month().tomorrow().ok()?;
    TimeZone::UTC.to_timestamp(first.to_datetime(Time::midnight())).ok()
}

/// How long until `then`; zero if it has passed.
#[must_use]
pub fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// How long until `then`, if it is still to come and not too far off to be meant.
#[must_use]
pub fn ahead(then: Timestamp, now: Timestamp) -> Option<Duration> {
    if then > now { capped(until(then, now)) } else { None }
}

fn short(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= LONGEST_TEXT).then_some(text)
}

fn capped(length: Duration) -> Option<Duration> {
    (length <= LONGEST).then_some(length)
}

/// What follows a cue: an optional `:` or `about`, then units; seconds if there is no unit but the sentence ends there.
fn spoken(rest: &str) -> Option<Duration> {
    let rest = rest.trim_start_matches([' ', ':', '=', '"', '\'', '~']);
    let rest = ["about ", "approximately ", "for ", "another "].iter().find_map(|filler| rest.strip_prefix(filler)).unwrap_or(rest);
    if let Some((length, _)) = units(rest) {
        return Some(length);
    }
    if let Some(length) = clock(rest) {
        return Some(length);
    }
    let (_, _, after) = number(rest)?;
    let bare = &rest[..rest.len() - after.len()];
    let ends = after.is_empty() || after.starts_with(['.', ',', '}', '"', '\'', '\n', ')']);
    if ends { scaled(bare.trim_end_matches('.'), SECOND) } else { None }
}

/// `12:30:45` and `2.11:57:23`, as Azure's API management writes a length of time.
fn clock(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).unwrap_or(text.len());
    let mut parts = text[..end].trim_end_matches('.').split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let digits = |text: &str, below: u64| text.parse::<u64>().ok().filter(|number| *number < below && text.len() <= 2);
    let days: u64 = days.parse().ok().filter(|days| *days <= 400)?;
    let secs = ((days * 24 + digits(hours, 24)?) * 60 + digits(minutes, 60)?) * 60 + digits(seconds, 60)?;
    if parts.next().is_some() { None } else { capped(Duration::from_secs(secs)) }
}

/// `retry_delay { seconds: 23 nanos: 500000000 }`, as SDKs of Google print it.
fn in_grpc_text(lower: &str) -> Option<Duration> {
    let (_, inside) = lower.split_once("retry_delay {")?;
    let (inside, _) = inside.split_once('}')?;
    let field = |name: &str| {
        let (_, rest) = inside.split_once(name)?;
        number(rest.trim_start()).map(|(whole, ..)| whole)
    };
    let secs = field("seconds:").unwrap_or(0);
    let nanos = u32::try_from(field("nanos:").unwrap_or(0)).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    capped(Duration::new(secs, nanos))
}

/// A bare number of units of so many nanoseconds, and nothing after it.
fn scaled(text: &str, unit: u128) -> Option<Duration> {
    match number(text)? {
        (whole, fraction, "") => sum(0, whole, fraction, unit).and_then(finished),
        _ => None,
    }
}

/// As many `<number><unit>` as there are, with what follows them.
fn units(text: &str) -> Option<(Duration, &str)> {
    let (mut nanos, mut rest) = one_unit(text, 0)?;
    loop {
        let next = rest.trim_start_matches([' ', ',']);
        let next = next.strip_prefix("and ").unwrap_or(next);
        match one_unit(next, nanos) {
            Some(more) => (nanos, rest) = more,
            None => return Some((finished(nanos)?, rest)),
        }
    }
}

fn one_unit(text: &str, before: u128) -> Option<(u128, &str)> {
    let (whole, fraction, rest) = number(text)?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let end = rest.find(|c: char| !(c.is_alphabetic() || c == 'µ')).unwrap_or(rest.len());
    let unit = match &rest[..end] {
        "d" | "day" | "days" => 86_400 * SECOND,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600 * SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1_000_000 * NANO,
        "us" | "µs" | "μs" | "microsecond" | "microseconds" => 1_000 * NANO,
        "ns" | "nanosecond" | "nanoseconds" => NANO,
        _ => return None,
    };
    Some((sum(before, whole, fraction, unit)?, &rest[end..]))
}

/// Digits and, after a point, up to nine more (as billionths); what follows. No sign, no exponent.
fn number(text: &str) -> Option<(u64, u32, &str)> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let whole_len = digits(text);
    let whole = text[..whole_len].parse().ok()?;
    let rest = &text[whole_len..];
    let Some(decimals) = rest.strip_prefix('.') else { return Some((whole, 0, rest)) };
    let len = digits(decimals);
    let billionths = format!("{:0<9}", &decimals[..len.min(9)]).parse().ok()?;
    Some((whole, billionths, &decimals[len..]))
}

fn sum(before: u128, whole: u64, billionths: u32, unit: u128) -> Option<u128> {
    let part = u128::from(whole).checked_mul(unit)?.checked_add(u128::from(billionths) * unit / SECOND)?;
    before.checked_add(part)
}

fn finished(nanos: u128) -> Option<Duration> {
    capped(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_spelling_of_a_length_is_read() {
        for (text, expect) in [
            ("16", Some(16_000_000_000)),
            ("33011.38", Some(33_011_380_000_000)),
            ("8.64s", Some(8_640_000_000)),
            ("120ms", Some(120_000_000)),
            ("3m49.814s", Some(229_814_000_000)),
            ("6m0s", Some(360_000_000_000)),
            ("2m59.56s", Some(179_560_000_000)),
            ("0s", Some(0)),
            ("0.539477544s", Some(539_477_544)),
            ("551.874307ms", Some(551_874_307)),
            ("19h14m47s", Some(69_287_000_000_000)),
            ("156h14m36.75s", Some(562_476_750_000_000)),
            ("1d2h", Some(93_600_000_000_000)),
            ("15us", Some(15_000)),
            ("15µs", Some(15_000)),
            ("7ns", Some(7)),
            (" 20s ", Some(20_000_000_000)),
            ("1 hour and 5 minutes", Some(3_900_000_000_000)),
            ("-5s", None),
            ("-1", None),
            ("", None),
            ("soon", None),
            ("5 apples", None),
            ("1e9", None),
            ("NaN", None),
            ("99999999999999999999", None),
            ("500d", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_nanos()), expect, "{text:?}");
        }
        assert_eq!(millis("900"), Some(Duration::from_millis(900)));
        assert_eq!(millis("12.5"), Some(Duration::from_micros(12_500)));
        assert_eq!(millis("soon"), None);
    }

    #[test]
    fn every_spelling_of_a_reset_is_read() {
        let now = at("2026-03-17T06:35:00Z");
        for (text, expect) in [
            ("2026-03-17T06:35:07Z", Some("2026-03-17T06:35:07Z")),
            ("2026-03-17T07:35:07+01:00", Some("2026-03-17T06:35:07Z")),
            ("1775001600000", Some("2026-04-01T00:00:00Z")),
            ("1775001600", Some("2026-04-01T00:00:00Z")),
            ("90", Some("2026-03-17T06:36:30Z")),
            ("1m30s", Some("2026-03-17T06:36:30Z")),
            ("Tue, 17 Mar 2026 06:36:00 GMT", Some("2026-03-17T06:36:00Z")),
            ("Tuesday, 17-Mar-26 06:36:00 GMT", Some("2026-03-17T06:36:00Z")),
            ("Tue Mar 17 06:36:00 2026", Some("2026-03-17T06:36:00Z")),
            ("-3", None),
            ("tomorrow", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(moment(text, now), expect.map(at), "{text:?}");
        }
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let now = at("2026-03-17T06:35:00Z");
        for (text, expect) in [
            ("2094", Some(2_094)),
            ("1.0", Some(1)),
            ("Tue, 17 Mar 2026 06:36:00 GMT", Some(60)),
            ("Tue, 17 Mar 2026 06:30:00 GMT", Some(0)),
            ("-4", None),
            ("later", None),
        ] {
            assert_eq!(retry_after(text, now), expect.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn sentences_are_read() {
        for (text, expect) in [
            ("please try again in 11.054s. visit https://platform.openai.com", Some(11_054)),
            ("please try again in 6ms.", Some(6)),
            ("please try again in 2m5.5s.", Some(125_500)),
            ("please retry in 44.097740004s.", Some(44_097)),
            ("please retry in 551.874307ms.", Some(551)),
            ("your quota will reset after 19h14m47s.", Some(69_287_000)),
            ("please retry after 86400 seconds. please go here", Some(86_400_000)),
            ("rate limit is exceeded. try again in 30 seconds.", Some(30_000)),
            ("try again in 1 minute.", Some(60_000)),
            ("[violations { quota_value: 20 } , retry_delay {\n  seconds: 23\n}\n]", Some(23_000)),
            ("retry_delay { seconds: 1 nanos: 500000000 }", Some(1_500)),
            ("retry_after: 7", Some(7_000)),
            ("\"retrydelay\": \"42s\"", Some(42_000)),
            ("please try again later", None),
            ("retry after the 3rd of may", None),
            ("try again in 5 business days", None),
        ] {
            assert_eq!(in_prose(text).map(|d| d.as_millis()), expect, "{text:?}");
        }
        assert_eq!(date_in_prose("you will regain access on 2026-09-01 at 00:00 utc."), Some(at("2026-09-01T00:00:00Z")));
        assert_eq!(date_in_prose("resets at 2026-09-01t06:30:00z"), Some(at("2026-09-01T06:30:00Z")));
        assert_eq!(date_in_prose("regain access on monday"), None);
        let now = at("2026-11-24T12:00:00Z");
        for (then, expect) in [("2026-11-24T12:00:05Z", Some(5)), ("2026-11-24T12:00:00Z", None), ("2099-01-01T00:00:00Z", None)] {
            assert_eq!(ahead(at(then), now).map(|wait| wait.as_secs()), expect, "{then}");
        }
    }

    #[test]
    fn midnight_pacific_knows_both_daylight_saving_days() {
        for (now, expect) in [
            ("2026-11-24T12:00:00Z", "2026-11-25T08:00:00Z"),
            ("2026-07-04T12:00:00Z", "2026-07-05T07:00:00Z"),
            // the clock goes back on 2026-11-01: that day has 25 hours
            ("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"),
            // and forward on 2026-03-08: that day has 23
            ("2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"),
            ("2026-11-25T07:59:59Z", "2026-11-25T08:00:00Z"),
        ] {
            assert_eq!(next_midnight(Zone::Pacific, at(now)), Some(at(expect)), "{now}");
        }
        assert_eq!(next_midnight(Zone::Utc, at("2026-11-24T12:00:00Z")), Some(at("2026-11-25T00:00:00Z")));
        assert_eq!(next_month(at("2026-12-24T12:00:00Z")), Some(at("2027-01-01T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".{0,200}", lower in "(try again in|retry_delay \\{|regain access on )[ -~µé]{0,40}") {
            let now = at("2026-11-24T12:00:00Z");
            for text in [&text, &lower] {
                prop_assert!(duration(text).is_none_or(|d| d <= LONGEST));
                prop_assert!(in_prose(text).is_none_or(|d| d <= LONGEST));
                prop_assert!(retry_after(text, now).is_none_or(|d| d <= LONGEST));
                let _ = (moment(text, now), millis(text), date_in_prose(text));
            }
        }

        #[test]
        fn a_go_duration_comes_back(h in 0_u64..300, m in 0_u64..60, ms in 0_u64..60_000) {
            let text = format!("{h}h{m}m{}.{:03}s", ms / 1000, ms % 1000);
            prop_assert_eq!(duration(&text), Some(Duration::from_millis((h * 60 + m) * 60_000 + ms)));
        }
    }
}
