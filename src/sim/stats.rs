//! What a simulated provider has seen, counted without waiting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::meters::Dim;

/// What a simulated provider has seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimStats {
    /// Calls that would cost something: everything but lists, balances and checks of life.
    pub requests: u64,
    /// Those that were let in.
    pub admitted: u64,
    /// Those that a limit refused, by the limit's name (`rpm`, `itpm`, ..., `concurrency`).
    pub refused: BTreeMap<String, u64>,
    /// 529 or 503 by fault.
    pub overloads: u64,
    /// Faults that were played, overloads and 429s by fault included.
    pub faults: u64,
    /// Calls with a missing or wrong key.
    pub bad_keys: u64,
    /// Input tokens taken from the limits.
    pub charged_input: u64,
    /// Output tokens taken from the limits, reserves that were not given back included.
    pub charged_output: u64,
    /// Requests in flight now.
    pub in_flight: u64,
    /// The most requests that were in flight at once.
    pub max_in_flight: u64,
    /// Clients that left before their answer was complete.
    pub disconnects: u64,
    /// Batches that were created.
    pub batches: u64,
    /// Requests in them.
    pub batch_rows: u64,
    /// Files that were uploaded and not deleted.
    #[serde(default)]
    pub uploads: u64,
    /// Requests by model, as the request named it.
    pub models: BTreeMap<String, ModelStats>,
}

impl SimStats {
    /// All that limits refused.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// What one model was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStats {
    /// Requests that were let in.
    pub admitted: u64,
    /// Requests that a limit refused.
    pub refused: u64,
    /// Input tokens that answers reported, neither read from the cache nor written to it.
    pub input: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
    /// Output tokens that answers reported, or made before the client left.
    pub output: u64,
}

/// The live counters behind [`SimStats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) admitted: AtomicU64,
    pub(super) refused: [AtomicU64; Dim::ALL.len()],
    pub(super) overloads: AtomicU64,
    pub(super) faults: AtomicU64,
    pub(super) bad_keys: AtomicU64,
    pub(super) charged_input: AtomicU64,
    pub(super) charged_output: AtomicU64,
    pub(super) disconnects: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) batch_rows: AtomicU64,
    in_flight: AtomicU64,
    max_in_flight: AtomicU64,
}

impl Counters {
    pub(super) fn enter(&self) {
        self.admitted.fetch_add(1, Relaxed);
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        self.max_in_flight.fetch_max(in_flight, Relaxed);
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(super) fn refuse(&self, dim: Dim) {
        if let Some(counter) = self.refused.get(dim as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn read(&self) -> SimStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        SimStats {
            requests: get(&self.requests),
            admitted: get(&self.admitted),
            refused: Dim::ALL
                .into_iter()
                .zip(&self.refused)
                .map(|(dim, counter)| (dim.name().to_owned(), get(counter)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            overloads: get(&self.overloads),
            faults: get(&self.faults),
            bad_keys: get(&self.bad_keys),
            charged_input: get(&self.charged_input),
            charged_output: get(&self.charged_output),
            in_flight: get(&self.in_flight),
            max_in_flight: get(&self.max_in_flight),
            disconnects: get(&self.disconnects),
            batches: get(&self.batches),
            batch_rows: get(&self.batch_rows),
            // whoever has them adds them
            uploads: 0,
            models: BTreeMap::new(),
        }
    }
}

/// The live counters behind [`ModelStats`].
#[derive(Debug, Default)]
pub(super) struct ModelCounters {
    pub(super) admitted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) input: AtomicU64,
    pub(super) cache_read: AtomicU64,
    pub(super) cache_write: AtomicU64,
    pub(super) output: AtomicU64,
}

impl ModelCounters {
    pub(super) fn read(&self) -> ModelStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        ModelStats {
            admitted: get(&self.admitted),
            refused: get(&self.refused),
            input: get(&self.input),
            cache_read: get(&self.cache_read),
            cache_write: get(&self.cache_write),
            output: get(&self.output),
        }
    }
}
