//! What the user allows to be spent: by one account, or by all of them, in a day or a month of the user's own calendar.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, Period};

/// One budget. There is at most one for each account (and one for all of them) and period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Whose; everybody's together if `None`.
    pub account: Option<AccountId>,
    /// [`Period::DAY`] or [`Period::MONTH`].
    pub period: Period,
    /// How much, in nano-dollars.
    pub nanos: u64,
    /// The IANA name of the time zone whose midnights begin its days.
    pub zone: String,
}

/// What was spent in a window, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Nano-dollars.
    pub nanos: u64,
    /// Answers whose price is unknown, and which are therefore not in it.
    pub unpriced: u64,
}

/// One budget at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetView {
    /// The budget.
    pub budget: Budget,
    /// The account's label; `None` for all accounts.
    pub label: Option<String>,
    /// What is spent since the window began.
    pub spent: Spent,
    /// What requests under way may still cost, in nano-dollars.
    pub held_nanos: u64,
    /// When it begins anew.
    pub resets_at: Timestamp,
}

impl BudgetView {
    /// How much of it is spent or held, from 0 to 1 (and above).
    #[must_use]
    pub fn share_used(&self) -> f64 {
        self.spent.nanos.saturating_add(self.held_nanos) as f64 / self.budget.nanos.max(1) as f64
    }
}

/// Nano-dollars for people: `$4.20`, and as many digits as a small amount needs.
///
/// ```
/// use tierline::domain::budget::Dollars;
/// assert_eq!(Dollars(4_200_000_000).to_string(), "$4.20");
/// assert_eq!(Dollars(1_300_000).to_string(), "$0.0013");
/// assert_eq!(Dollars(0).to_string(), "$0.00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dollars(pub u64);

impl Dollars {
    /// Reads an amount above zero as people write it, with or without the sign, to nine decimals.
    ///
    /// ```
    /// use tierline::domain::budget::Dollars;
    /// assert_eq!(Dollars::parse("$2.50"), Some(Dollars(2_500_000_000)));
    /// assert_eq!(Dollars::parse("0"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('$');
        let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(cents) || cents.len() > 9 {
            return None;
        }
        let (whole, part): (u64, u64) = (whole.parse().ok()?, format!("{cents:0<9}").parse().ok()?);
        whole.checked_mul(1_000_000_000)?.checked_add(part).filter(|nanos| *nanos > 0).map(Self)
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.0 as f64 / 1e9;
        if self.0 >= 10_000_000 || self.0 == 0 { write!(f, "${dollars:.2}") } else { write!(f, "${dollars:.4}") }
    }
}
