//! The sums behind the charts: what is summed, over which grains, and how a batch is added to them.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::domain::{AccountId, ModelClass};

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
pub(super) struct Rollups(BTreeMap<(Key, i64), Sums>);

impl Rollups {
    /// Adds to the minute in which `at` lies, under all four keys.
    pub(super) fn add(&mut self, at: i64, account: AccountId, class: &ModelClass, sums: Sums) {
        let minute = Grain::Minute.start(at);
        for key in [(Some(account), Some(class.clone())), (Some(account), None), (None, Some(class.clone())), (None, None)] {
            *self.0.entry((key, minute)).or_default() += sums;
        }
    }

    /// Writes everything that was collected, within the caller's transaction.
    pub(super) fn store(&self, db: &Connection) -> rusqlite::Result<()> {
        let mut hours = BTreeMap::<(&Key, i64), (Sums, Peaks)>::new();
        let mut days = BTreeMap::<(&Key, i64), (Sums, Peaks)>::new();
        let mut minute_row = db.prepare_cached(&UPSERTS.minute)?;
        for ((key, minute), sums) in &self.0 {
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
        Ok(())
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

static UPSERTS: LazyLock<Upserts> =
    LazyLock::new(|| Upserts { minute: upsert(Grain::Minute), hour: upsert(Grain::Hour), day: upsert(Grain::Day) });

fn upsert(grain: Grain) -> String {
    let with_peaks = grain != Grain::Minute;
    let sums = Sum::ALL.map(Sum::column);
    let peaks = if with_peaks { Sum::PEAKS.map(|sum| format!("peak_{}", sum.column())).to_vec() } else { Vec::new() };
    let columns = ["account", "class", "start"].into_iter().chain(sums).chain(peaks.iter().map(String::as_str)).collect::<Vec<_>>();
    let add = sums.into_iter().map(|column| format!("{column} = min({column} + excluded.{column}, {CAP})"));
    let raise = peaks.iter().map(|column| format!("{column} = max({column}, excluded.{column})"));
    let returning = if with_peaks { String::new() } else { format!(" RETURNING {}", Sum::PEAKS.map(Sum::column).join(", ")) };
    format!(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO UPDATE SET {}{returning}",
        grain.table(),
        columns.join(", "),
        vec!["?"; columns.len()].join(", "),
        add.chain(raise).collect::<Vec<_>>().join(", "),
    )
}
