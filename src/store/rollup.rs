//! The sums behind the charts: what is summed, over which grains, and how a batch is added to them.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::parts::{Part, Parts};
use super::row::{int, millis};
use crate::domain::{AccountId, ModelClass, Outcome, RequestRecord};

/// What is summed. The migration says what each one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    Ended,
    Sent,
    Ok,
    RefusedLocal,
    RefusedUpstream,
    Input,
    Output,
    Cached,
    CountedInput,
    CountedOutput,
    CountedTotal,
    WaitMillis,
    Retries,
    CostNanos,
}

impl Sum {
    const ALL: [Self; 14] = [
        Self::Ended,
        Self::Sent,
        Self::Ok,
        Self::RefusedLocal,
        Self::RefusedUpstream,
        Self::Input,
        Self::Output,
        Self::Cached,
        Self::CountedInput,
        Self::CountedOutput,
        Self::CountedTotal,
        Self::WaitMillis,
        Self::Retries,
        Self::CostNanos,
    ];

    /// Those whose highest minute is kept beside the sum, because a tier line is drawn through them.
    const PEAKS: [Self; 6] =
        [Self::Sent, Self::RefusedUpstream, Self::CountedInput, Self::CountedOutput, Self::CountedTotal, Self::CostNanos];

    /// Its column.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Sent => "sent",
            Self::Ok => "ok",
            Self::RefusedLocal => "refused_local",
            Self::RefusedUpstream => "refused_upstream",
            Self::Input => "input",
            Self::Output => "output",
            Self::Cached => "cached",
            Self::CountedInput => "counted_input",
            Self::CountedOutput => "counted_output",
            Self::CountedTotal => "counted_total",
            Self::WaitMillis => "wait_millis",
            Self::Retries => "retries",
            Self::CostNanos => "cost_nanos",
        }
    }

    /// Whether its highest minute is kept.
    pub(super) fn has_peak(self) -> bool {
        Self::PEAKS.contains(&self)
    }
}

/// The length of a row of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    Minute,
    Hour,
    Day,
}

impl Grain {
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Minute => "rollup_minute",
            Self::Hour => "rollup_hour",
            Self::Day => "rollup_day",
        }
    }

    pub(super) const fn millis(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// The start of the row in which a time lies.
    pub(super) const fn start(self, millis: i64) -> i64 {
        millis - millis.rem_euclid(self.millis())
    }
}

/// No sum grows beyond this, so that adding two cannot overflow, whatever nonsense an answer reported.
const CAP: i64 = 1 << 62;

/// One value for each [`Sum`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums([i64; Sum::ALL.len()]);

impl Sums {
    pub(super) fn with(mut self, sum: Sum, amount: i64) -> Self {
        self.0[sum as usize] = amount.clamp(0, CAP);
        self
    }
}

impl Sums {
    /// What a request adds, and when it was sent.
    pub(super) fn of(record: &RequestRecord) -> (i64, Self) {
        let usage = &record.usage;
        let sums = Self::default()
            .with(Sum::Ended, 1)
            .with(Sum::Sent, i64::from(record.attempts > 0))
            .with(Sum::Ok, i64::from(record.outcome == Outcome::Ok))
            .with(Sum::RefusedLocal, i64::from(record.outcome == Outcome::RefusedLocally))
            .with(Sum::Input, int(usage.input.saturating_add(usage.cache_read).saturating_add(usage.cache_write)))
            .with(Sum::Output, int(usage.output))
            .with(Sum::Cached, int(usage.cache_read))
            .with(Sum::CountedInput, int(record.counted_input))
            .with(Sum::CountedOutput, int(record.counted_output))
            .with(Sum::CountedTotal, int(record.counted_input.saturating_add(record.counted_output)))
            .with(Sum::WaitMillis, int(record.wait_millis))
            .with(Sum::Retries, i64::from(record.attempts.saturating_sub(1)))
            .with(Sum::CostNanos, int(record.cost_nanos.unwrap_or(0)));
        let arrived = millis(record.arrived_at);
        (arrived.saturating_add(int(record.wait_millis)).min(millis(record.finished_at).max(arrived)), sums)
    }

    /// In the order of the columns.
    pub(super) fn values(self) -> impl Iterator<Item = i64> {
        self.0.into_iter()
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs).min(CAP);
        }
    }
}

/// Whose sums: `None` is everybody's.
type Key = (Option<AccountId>, Option<ModelClass>);
type Peaks = [i64; Sum::PEAKS.len()];

/// What a batch adds, collected before it is written, so that a batch of 500 requests touches a dozen rows.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    sums: BTreeMap<(Key, i64), Sums>,
    parts: Parts,
}

impl Rollups {
    /// Adds to the minute in which `at` lies, under all four keys and to its part.
    pub(super) fn add(&mut self, at: i64, part: Part, sums: Sums) {
        let minute = Grain::Minute.start(at);
        let (account, class) = (part.account, &part.class);
        for key in [(Some(account), Some(class.clone())), (Some(account), None), (None, Some(class.clone())), (None, None)] {
            *self.sums.entry((key, minute)).or_default() += sums;
        }
        self.parts.add(at, part, sums);
    }

    /// Writes everything that was collected, within the caller's transaction.
    pub(super) fn store(&self, db: &Connection) -> rusqlite::Result<()> {
        let mut hours = BTreeMap::<(&Key, i64), (Sums, Peaks)>::new();
        let mut days = BTreeMap::<(&Key, i64), (Sums, Peaks)>::new();
        let mut minute_row = db.prepare_cached(&UPSERTS.minute)?;
        for ((key, minute), sums) in &self.sums {
            // the row as it is now, with what earlier batches put in: a candidate for the peaks
            let peaks: Peaks = minute_row.query_row(params_from_iter(values(key, *minute, sums, &[])), |row| {
                let mut peaks = Peaks::default();
                for (at, peak) in peaks.iter_mut().enumerate() {
                    *peak = row.get(at)?;
                }
                Ok(peaks)
            })?;
            for (grain, rows) in [(Grain::Hour, &mut hours), (Grain::Day, &mut days)] {
                let (sum, highest) = rows.entry((key, grain.start(*minute))).or_default();
                *sum += *sums;
                for (highest, peak) in highest.iter_mut().zip(peaks) {
                    *highest = peak.max(*highest);
                }
            }
        }
        for (sql, rows) in [(&UPSERTS.hour, hours), (&UPSERTS.day, days)] {
            let mut row = db.prepare_cached(sql)?;
            for ((key, start), (sums, peaks)) in rows {
                row.execute(params_from_iter(values(key, start, &sums, &peaks)))?;
            }
        }
        self.parts.store(db)
    }
}

/// The account column of the sums of all accounts.
pub(super) fn account_column(account: Option<AccountId>) -> i64 {
    account.map_or(0, |id| id.0)
}

/// The class column of the sums of all classes.
pub(super) fn class_column(class: Option<&ModelClass>) -> &str {
    class.map_or("", ModelClass::as_str)
}

fn values(key: &Key, start: i64, sums: &Sums, peaks: &[i64]) -> Vec<Value> {
    let (account, class) = key;
    [account_column(*account).into(), class_column(class.as_ref()).to_owned().into(), start.into()]
        .into_iter()
        .chain(sums.0.iter().chain(peaks).map(|number| Value::Integer(*number)))
        .collect()
}

struct Upserts {
    minute: String,
    hour: String,
    day: String,
}

static UPSERTS: LazyLock<Upserts> = LazyLock::new(|| {
    let key = ["account", "class", "start"];
    let highest = format!(" RETURNING {}", Sum::PEAKS.map(Sum::column).join(", "));
    Upserts {
        minute: upsert(Grain::Minute.table(), &key, &[]) + &highest,
        hour: upsert(Grain::Hour.table(), &key, &Sum::PEAKS),
        day: upsert(Grain::Day.table(), &key, &Sum::PEAKS),
    }
});

/// Adds every [`Sum`] to a row, and raises the peaks that it keeps.
pub(super) fn upsert(table: &str, key: &[&str], peaks: &[Sum]) -> String {
    let sums = Sum::ALL.map(Sum::column);
    let peaks: Vec<String> = peaks.iter().map(|sum| format!("peak_{}", sum.column())).collect();
    let columns = key.iter().copied().chain(sums).chain(peaks.iter().map(String::as_str)).collect::<Vec<_>>();
    let add = sums.into_iter().map(|column| format!("{column} = min({column} + excluded.{column}, {CAP})"));
    let raise = peaks.iter().map(|column| format!("{column} = max({column}, excluded.{column})"));
    format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT DO UPDATE SET {}",
        columns.join(", "),
        vec!["?"; columns.len()].join(", "),
        add.chain(raise).collect::<Vec<_>>().join(", "),
    )
}
