//! Midnights and firsts of the month in the zones that providers use, daylight-saving days included.

use jiff::{Timestamp, ToSpan, ZonedDateTime, tz::TimeZone};

use crate::domain::dimension::Zone;
use crate::domain::{Period, Refill, Window};

/// The next moment at which a calendar window of `period` starts anew in `zone`; strictly after `wall`.
///
/// `None` for periods that no calendar has, and if the zone is not known to the time-zone database.
#[must_use]
pub fn next_reset(zone: Zone, period: Period, wall: Timestamp) -> Option<Timestamp> {
    next_reset_in(&TimeZone::get(zone.iana()).ok()?, period, wall)
}

/// The same in any zone.
#[must_use]
pub fn next_reset_in(zone: &TimeZone, period: Period, wall: Timestamp) -> Option<Timestamp> {
    let next = match period {
        Period::DAY => start_of_day(zone, wall)?.checked_add(1.day()).ok()?.start_of_day().ok()?,
        Period::MONTH => start_of_day(zone, wall)?.first_of_month().ok()?.checked_add(1.month()).ok()?.start_of_day().ok()?,
        _ => return None,
    };
    Some(next.timestamp())
}

/// The moment at which the calendar window began in which `wall` lies.
#[must_use]
pub fn start_in(zone: &TimeZone, period: Period, wall: Timestamp) -> Option<Timestamp> {
    let day = start_of_day(zone, wall)?;
    let start = if period == Period::MONTH { day.first_of_month().ok()?.start_of_day().ok()? } else { day };
    Some(start.timestamp())
}

/// The moment at which the calendar window that ends at `reset` began; `None` for windows without a calendar.
#[must_use]
pub fn start_of_window(window: Window, reset: Timestamp) -> Option<Timestamp> {
    let Refill::Calendar(zone) = window.refill else { return reset.checked_sub(window.period.duration()).ok() };
    let just_before = reset.checked_sub(1.second()).ok()?;
    start_in(&TimeZone::get(zone.iana()).ok()?, window.period, just_before)
}

fn start_of_day(zone: &TimeZone, wall: Timestamp) -> Option<ZonedDateTime> {
    wall.to_zoned_datetime(zone.clone()).start_of_day().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_pacific_moves_with_daylight_saving() {
        for (wall, expect) in [
            ("2026-11-24T06:50:00Z", "2026-11-24T08:00:00Z"), // winter
            ("2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"), // strictly after
            ("2026-07-01T00:00:00Z", "2026-07-01T07:00:00Z"), // summer
            ("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"), // the day of 25 hours
            ("2027-03-14T08:00:00Z", "2027-03-15T07:00:00Z"), // the day of 23 hours
        ] {
            assert_eq!(next_reset(Zone::Pacific, Period::DAY, wall.parse().unwrap()), Some(expect.parse().unwrap()), "after {wall}");
        }
    }

    #[test]
    fn months_start_on_the_first() {
        let next = next_reset(Zone::Utc, Period::MONTH, "2026-12-31T23:59:59Z".parse().unwrap());
        assert_eq!(next, Some("2027-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(next_reset(Zone::Utc, Period::MINUTE, "2026-12-31T23:59:59Z".parse().unwrap()), None);
    }
}
