//! Between the domain's types and SQLite's: times, numbers, names.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;

/// Unix milliseconds.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The time at these Unix milliseconds; the nearest one that can be written, if they are out of all bounds.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// SQLite has no unsigned numbers: what does not fit becomes the largest that does.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number back; negative ones were never written by us.
pub(super) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Whole milliseconds of a duration.
pub(super) fn duration_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The value that has this name in files. A name from elsewhere is an error that says which.
pub(super) fn named<'de, T: Deserialize<'de>>(name: &'de str) -> rusqlite::Result<T> {
    T::deserialize(IntoDeserializer::<NameError>::into_deserializer(name)).map_err(unreadable)
}

/// An error for text in the database that is not what it should be.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
