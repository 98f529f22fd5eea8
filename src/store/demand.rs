//! The load that was really there: of each model, how many requests, how large, how long, how often.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use super::failure::failed;
use super::reader::Reader;
use super::row::{millis, named, uint};
use crate::domain::{ModelId, Problem, Provider};

/// The requests of one model over some time, summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordedLoad {
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: ModelId,
    /// Requests that were answered.
    pub requests: u64,
    /// Requests in the busiest minute.
    pub busiest_minute: u64,
    /// Input tokens, cached ones included.
    pub input: Spread,
    /// Output tokens.
    pub output: Spread,
    /// The part of all input that was read from a cache, 0 to 1.
    pub cached_share: f64,
    /// Milliseconds from sending a request to the end of its answer, without the wait for room.
    pub latency_millis: Spread,
}

/// A distribution in three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Rounded.
    pub mean: u64,
    /// Half of the values are not above this.
    pub p50: u64,
    /// All but one in twenty are not above this.
    pub p95: u64,
}

/// The newest requests are enough to plan with, and fit in memory.
const MOST: u32 = 200_000;

#[derive(Default)]
struct Seen {
    input: Vec<u64>,
    output: Vec<u64>,
    latency: Vec<u64>,
    cached: u64,
    minutes: BTreeMap<i64, u64>,
}

impl Reader {
    /// What arrived since then, was sent by itself and answered, by model, the most used first. Looks at the newest 200,000 requests at most.
    pub fn recorded_load(&self, since: Timestamp) -> Result<Vec<RecordedLoad>, Problem> {
        let mut models: BTreeMap<(Provider, String), Seen> = BTreeMap::new();
        let mut read = || -> rusqlite::Result<()> {
            let mut find = self.db.prepare_cached(
                "SELECT provider, model_asked, arrived_at, finished_at - arrived_at - wait_millis, input + cache_read + cache_write,
                     cache_read, output FROM requests
                 WHERE arrived_at >= ? AND outcome = 'ok' AND attempts > 0 AND model_asked IS NOT NULL AND certainty <> 'unknown'
                 ORDER BY arrived_at DESC LIMIT ?",
            )?;
            let mut rows = find.query(params![millis(since), MOST])?;
            while let Some(row) = rows.next()? {
                let seen = models.entry((named(row.get_ref(0)?.as_str()?)?, row.get(1)?)).or_default();
                *seen.minutes.entry(row.get::<_, i64>(2)?.div_euclid(60_000)).or_default() += 1;
                seen.latency.push(uint(row.get(3)?));
                seen.input.push(uint(row.get(4)?));
                seen.cached += uint(row.get(5)?);
                seen.output.push(uint(row.get(6)?));
            }
            Ok(())
        };
        read().map_err(failed("read the recorded requests"))?;
        let mut loads: Vec<RecordedLoad> = models.into_iter().map(|((provider, model), seen)| seen.load(provider, &model)).collect();
        loads.sort_by_key(|load| std::cmp::Reverse(load.requests));
        Ok(loads)
    }
}

impl Seen {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn load(self, provider: Provider, model: &str) -> RecordedLoad {
        let all_input: u64 = self.input.iter().sum();
        RecordedLoad {
            provider,
            model: ModelId::new(model),
            requests: self.input.len() as u64,
            busiest_minute: self.minutes.values().copied().max().unwrap_or(0),
            cached_share: if all_input > 0 { self.cached as f64 / all_input as f64 } else { 0.0 },
            input: Spread::of(self.input),
            output: Spread::of(self.output),
            latency_millis: Spread::of(self.latency),
        }
    }
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let count = values.len();
        let at = |percent: usize| values.get((count * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
        let mean = values.iter().sum::<u64>() / (count as u64).max(1);
        Self { mean, p50: at(50), p95: at(95) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_values_that_were_there() {
        for (values, mean, p50, p95) in
            [(vec![], 0, 0, 0), (vec![7], 7, 7, 7), (vec![4, 1, 3, 2], 2, 2, 4), ((1..=100).collect(), 50, 50, 95)]
        {
            assert_eq!(Spread::of(values.clone()), Spread { mean, p50, p95 }, "{values:?}");
        }
    }
}
