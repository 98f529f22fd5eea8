//! What was imported of providers' usage reports, in sum, for the window.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Account, Problem, ReportSum};
use crate::store::Reader;

/// As many days as an import can ask for.
const DAYS: i64 = 31;

/// The sum of each account that has a report of the last days.
pub(super) fn sums(reader: &Reader, accounts: &[Account], now: Timestamp) -> Result<Vec<ReportSum>, Problem> {
    let since = now - SignedDuration::from_hours(24 * DAYS);
    let mut sums = Vec::new();
    for account in accounts {
        if let Some((report, read_at)) = reader.admin_report(account.id, since)? {
            sums.extend(ReportSum::of(account.id, &report, read_at));
        }
    }
    Ok(sums)
}
