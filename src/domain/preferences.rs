//! What the user chose for the program as a whole. Quiet by default: nothing pops up, nothing is forgotten, closing the window ends it.

use serde::{Deserialize, Serialize};

/// Every choice. Unknown or missing fields fall back to the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Requests, header snapshots and refusals are forgotten after this many days; `None` keeps them.
    pub keep_days: Option<u32>,
    /// The gateway goes on serving after the window was closed.
    pub keep_running: bool,
    /// A tray icon, where the desktop has a place for one.
    pub tray: bool,
    /// What the desktop tells the user of.
    pub notify: Notify,
}

/// What the desktop tells the user of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notify {
    /// A limit or a budget that is used up to this many percent.
    pub at_percent: Option<u8>,
    /// An account with which nothing is sent any more.
    pub stopped: bool,
    /// A model in use that ends.
    pub retirements: bool,
    /// An endpoint that keeps failing, so that requests are refused at once.
    pub outages: bool,
    /// A batch that is over, or that paused by itself.
    pub batches: bool,
}

impl Preferences {
    /// Under which name they are stored.
    pub const SETTING: &'static str = "preferences";

    /// Reads what was stored; what cannot be read is the default.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// As they are stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Notify {
    /// What the percentage may be.
    pub const PERCENT: std::ops::RangeInclusive<u8> = 50..=100;

    /// Whether there is nothing to tell of.
    #[must_use]
    pub const fn nothing(&self) -> bool {
        self.at_percent.is_none() && !(self.stopped || self.retirements || self.outages || self.batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_comes_back_and_what_is_broken_is_quiet() {
        let notify = Notify { at_percent: Some(90), stopped: true, batches: true, ..Notify::default() };
        let chosen = Preferences { keep_days: Some(90), keep_running: true, tray: true, notify };
        assert_eq!(Preferences::from_json(&chosen.to_json()), chosen);
        for text in ["", "{}", r#"{"keep_days":null,"more":1}"#, r#"{"notify":{"at_percent":900}}"#] {
            assert_eq!(Preferences::from_json(text), Preferences::default(), "{text:?}");
        }
    }
}
