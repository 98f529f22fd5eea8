//! Types that deserialise from any JSON value and keep only what fits, so that one odd field never costs the others.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The largest count that is believed. No answer takes a trillion tokens; sums of smaller counts cannot overflow.
const MAX_COUNT: u64 = 1 << 40;

/// A number, a word or a truth value; objects, lists and null are [`Nothing`](Self::Nothing).
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Scalar {
    #[default]
    Nothing,
    Bool(bool),
    Number(f64),
    Count(u64),
    Text(String),
}

impl Scalar {
    pub(super) fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text).filter(|t| !t.is_empty()) } else { None }
    }

    /// A count of something: not negative, not absurd. A fraction is cut.
    pub(super) fn count(&self) -> Option<u64> {
        match *self {
            Self::Count(count) if count <= MAX_COUNT => Some(count),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie between 0 and 2^40")]
            Self::Number(number) if (0.0..=1e12).contains(&number) => Some(number as u64),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Count(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(value).map_or(Scalar::Nothing, Scalar::Count))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalar, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

/// An object read as `T`, or `None` for anything else.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Container(PhantomData)).map(Self)
    }
}

struct Container<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Container<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        n: Scalar,
        inner: Object<Box<Sample>>,
    }

    #[test]
    fn whatever_does_not_fit_is_nothing_and_spares_its_neighbours() {
        for odd in ["null", "true", "-5", "1e99", "\"text\"", "[1,[2]]", "{\"x\":{}}", "18446744073709551615"] {
            let read: Sample = serde_json::from_str(&format!(r#"{{"inner":{{"n":7.9}},"n":{odd}}}"#)).unwrap();
            assert_eq!((read.n.count(), read.inner.0.unwrap().n.count()), (None, Some(7)), "{odd}");
            let read: Sample = serde_json::from_str(&format!(r#"{{"inner":{odd},"n":5}}"#)).unwrap();
            assert_eq!(read.n.count(), Some(5), "{odd}");
        }
    }
}
