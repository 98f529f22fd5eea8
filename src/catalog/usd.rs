//! Amounts of money in integer nano-dollars, read from decimal text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in nano-dollars (10⁻⁹ US dollars). A price is such an amount per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Usd(u64);

impl Usd {
    /// An amount of that many nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Reads `0.003625`: digits, at most nine of them after one point. `None` for anything else.
    ///
    /// ```
    /// use tierline::catalog::Usd;
    /// assert_eq!(Usd::parse("0.003625").map(Usd::nanos), Some(3_625_000));
    /// assert_eq!(Usd::parse("-1"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return None;
        }
        let whole = whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?;
        let fraction = format!("{fraction:0<9}").parse::<u64>().ok()?;
        whole.checked_add(fraction).map(Self)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// That share of it, rounded down to a whole nano-dollar.
    #[must_use]
    pub fn percent(self, percent: u32) -> Self {
        Self(u64::try_from(u128::from(self.0) * u128::from(percent) / 100).unwrap_or(u64::MAX))
    }
}

/// `0.15`, with as many decimals as it has, at least two if any.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{fraction:09}");
        write!(f, "{whole}.{:0<2}", fraction.trim_end_matches('0'))
    }
}

impl TryFrom<String> for Usd {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not an amount in dollars such as \"0.15\""))
    }
}

impl From<Usd> for String {
    fn from(usd: Usd) -> Self {
        usd.to_string()
    }
}
