//! One batch: its requests with what becomes of them, and where it stands at a moment.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::Value;

use super::super::config::Batches;

const MILLI: u64 = 1_000_000;
/// How long a cancellation takes, in nanoseconds.
const CANCELLING: u64 = 50 * MILLI;
const NEVER: u64 = u64::MAX;

/// A batch.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    /// Counted from 1.
    pub(super) number: u64,
    /// What its creator called it, in the provider's own form.
    pub(super) name: Value,
    /// Its endpoint (OpenAI) or model (Gemini).
    pub(super) target: String,
    pub(super) input_file: String,
    /// Nanoseconds.
    pub(super) created: u64,
    cancelled: AtomicU64,
    /// It never ran, for this reason, in the provider's own form.
    pub(super) failed: Option<Value>,
    pub(super) rows: Vec<Row>,
    /// Input tokens of all rows.
    pub(super) tokens: u64,
}

/// A request of a batch.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) custom_id: Value,
    pub(super) status: u16,
    pub(super) body: Value,
    /// It is not reached in time, whatever the time.
    pub(super) expires: bool,
}

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    Expired,
    Cancelled,
}

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Validating,
    Running,
    Finalizing,
    Cancelling,
    Completed,
    Expired,
    Cancelled,
    Failed,
}

impl Job {
    pub(super) fn new(id: String, created: u64, rows: Vec<Row>, tokens: u64) -> Self {
        let cancelled = AtomicU64::new(NEVER);
        let (name, target, input_file) = (Value::Null, String::new(), String::new());
        Self { id, number: 0, name, target, input_file, created, cancelled, failed: None, rows, tokens }
    }

    pub(super) fn cancel(&self, now: u64) {
        self.cancelled.fetch_min(now, Relaxed);
    }

    pub(super) fn is_over(&self, rules: &Batches, now: u64) -> bool {
        matches!(self.phase(rules, now), Phase::Completed | Phase::Expired | Phase::Cancelled | Phase::Failed)
    }

    pub(super) fn phase(&self, rules: &Batches, now: u64) -> Phase {
        let age = now.saturating_sub(self.created);
        let take = rules.take_ms.saturating_mul(MILLI);
        let window = rules.window_ms.map_or(NEVER, |window| window.saturating_mul(MILLI));
        let cancelled = self.cancelled.load(Relaxed).saturating_sub(self.created);
        if self.failed.is_some() {
            return if age < take / 10 { Phase::Validating } else { Phase::Failed };
        }
        if cancelled <= age && cancelled < take.min(window) {
            return if age < cancelled + CANCELLING { Phase::Cancelling } else { Phase::Cancelled };
        }
        match age {
            age if age >= window && window < take => Phase::Expired,
            age if age >= take => Phase::Completed,
            age if age < take / 10 => Phase::Validating,
            age if age < take - take / 10 => Phase::Running,
            _ => Phase::Finalizing,
        }
    }

    /// How many rows from the first were reached.
    pub(super) fn reached(&self, rules: &Batches, now: u64) -> usize {
        let take = u128::from(rules.take_ms.saturating_mul(MILLI));
        let window = rules.window_ms.map_or(NEVER, |window| window.saturating_mul(MILLI));
        let cancelled = self.cancelled.load(Relaxed).saturating_sub(self.created);
        let worked = u128::from(now.saturating_sub(self.created).min(window).min(cancelled));
        if self.failed.is_some() {
            return 0;
        }
        if worked >= take { self.rows.len() } else { usize::try_from(self.rows.len() as u128 * worked / take).unwrap_or(0) }
    }

    /// What has become of each row of a batch that is over.
    pub(super) fn fates(&self, rules: &Batches, now: u64) -> Vec<Fate> {
        let reached = self.reached(rules, now);
        let rest = if self.phase(rules, now) == Phase::Cancelled { Fate::Cancelled } else { Fate::Expired };
        let fate = |(at, row): (usize, &Row)| match at < reached {
            true if row.expires => Fate::Expired,
            true => Fate::Answered,
            false => rest,
        };
        self.rows.iter().enumerate().map(fate).collect()
    }
}

impl Row {
    pub(super) const fn is_well(&self) -> bool {
        self.status == 200
    }
}
