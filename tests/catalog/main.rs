//! The catalogue's rows and answers.

#![expect(clippy::unwrap_used, reason = "in the helpers of tests a failure is a failed test")]

mod files;
mod limits;
mod prices;
mod retirements;
mod scan;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use tierline::domain::dimension::Meter;
use tierline::domain::{Limit, ModelClass, ModelId};

const TODAY: Date = date(2026, 11, 24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

fn model(id: &str) -> ModelId {
    ModelId::new(id)
}

fn class(name: &str) -> ModelClass {
    ModelClass::new(name)
}

/// `RPM 1000, ITPM 2000000, ...`
fn brief(limits: &[Limit]) -> String {
    let each: Vec<String> =
        limits.iter().map(|limit| format!("{} {}", Meter(limit.dimension, limit.window.period), limit.capacity)).collect();
    each.join(", ")
}
