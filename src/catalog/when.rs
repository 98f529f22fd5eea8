//! A date or an instant in the catalogue, and what a person reads of it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// When something begins or ends, as exactly as its source says. A plain date means the whole day, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Some time on that day.
    Day(Date),
    /// That very moment.
    Instant(Timestamp),
}

impl When {
    /// The first moment it can mean.
    #[must_use]
    pub fn start(self) -> Timestamp {
        match self {
            Self::Day(date) => midnight(date),
            Self::Instant(at) => at,
        }
    }

    /// The first moment after it: the end of the day, or the moment itself.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Self::Day(date) => date.tomorrow().map_or(Timestamp::MAX, midnight),
            Self::Instant(at) => at,
        }
    }

    /// Its day, in UTC.
    #[must_use]
    pub fn date(self) -> Date {
        match self {
            Self::Day(date) => date,
            Self::Instant(at) => TimeZone::UTC.to_datetime(at).date(),
        }
    }
}

/// Midnight UTC at which `date` begins; the end of time for a date that no timestamp can hold.
pub(super) fn midnight(date: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// `2026-12-11`, or `2026-07-24 15:59 UTC`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => date.fmt(f),
            Self::Instant(at) => {
                let utc = TimeZone::UTC.to_datetime(*at);
                write!(f, "{} {:02}:{:02} UTC", utc.date(), utc.hour(), utc.minute())
            }
        }
    }
}

/// The date, or RFC 3339.
impl Serialize for When {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Day(date) => date.serialize(to),
            Self::Instant(at) => at.serialize(to),
        }
    }
}

/// A TOML date, or a TOML date-time with an offset.
impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = toml::value::Datetime::deserialize(from)?.to_string();
        if let Ok(at) = text.parse() {
            return Ok(Self::Instant(at));
        }
        match text.parse() {
            // a date-time without an offset would parse as a date and silently lose its time
            Ok(date) if text.len() == 10 => Ok(Self::Day(date)),
            _ => Err(serde::de::Error::custom(format!("{text:?} is neither a date nor a date-time with an offset such as Z"))),
        }
    }
}

/// Reads a TOML date for a field that cannot be an instant.
pub(super) fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    match When::deserialize(from)? {
        When::Day(date) => Ok(date),
        When::Instant(at) => Err(serde::de::Error::custom(format!("{at} should be a plain date"))),
    }
}

/// The same for a field that may be absent.
pub(super) fn maybe_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    day(from).map(Some)
}

/// The same for a list.
pub(super) fn days<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Date>, D::Error> {
    #[derive(Deserialize)]
    struct Day(#[serde(deserialize_with = "day")] Date);
    Ok(Vec::<Day>::deserialize(from)?.into_iter().map(|Day(date)| date).collect())
}
