//! The sentence that tells a user that their own traffic names a model which ends.

use jiff::Timestamp;

use super::Catalog;
use super::price::{Ask, Price};
use super::retirement::{ModelState, Retirement};
use super::rows::Hours;
use super::usd::Usd;
use super::when::When;
use crate::domain::{Dialect, ModelId};

/// How often a model was named lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The model as requests name it.
    pub model: ModelId,
    /// How many requests.
    pub requests: u64,
    /// In how many days.
    pub days: u32,
}

impl Catalog {
    /// What to tell the user about a model they use; `None` if nothing says that it ends.
    ///
    /// ```text
    /// 214 requests in 7 days name `deepseek-chat`; retired 2026-07-24 15:59 UTC; `deepseek-flash` with thinking
    /// switched off keeps behaviour; off-peak price: input +7 %, cached input +7 %, output +114 %
    /// ```
    #[must_use]
    pub fn retirement_warning(&self, provider: impl Into<Dialect>, traffic: &Traffic, now: Timestamp) -> Option<String> {
        let provider = provider.into();
        let end = self.retirement(provider, &traffic.model, now)?;
        let mut parts = vec![
            format!(
                "{} in {} {} `{}`",
                count(traffic.requests, "request"),
                count(u64::from(traffic.days), "day"),
                if traffic.requests == 1 { "names" } else { "name" },
                traffic.model
            ),
            end.when(),
        ];
        parts.extend(instead(&end));
        parts.extend(end.replacement().map(|model| self.price_change(provider, &end, model, now)));
        Some(parts.join("; "))
    }

    /// What to tell the user when a request for one model was answered by another, which its provider does not announce.
    #[must_use]
    pub fn rerouting_warning(&self, provider: impl Into<Dialect>, asked: &ModelId, served: &ModelId, now: Timestamp) -> Option<String> {
        if super::names::is_same(asked.as_str(), served.as_str()) {
            return None;
        }
        let known = self.retirement(provider, asked, now).map_or_else(String::new, |end| format!("; {asked} {}", end.when()));
        Some(format!("requests for `{asked}` are answered by `{served}`, at its price and with its behaviour{known}"))
    }

    /// How the price changes from a model's last one to its replacement's present one, outside dear hours.
    fn price_change(&self, provider: Dialect, end: &Retirement, replacement: &ModelId, now: Timestamp) -> String {
        let hours = self.hours(provider, now).map(|_| Hours::OffPeak);
        let price = |model: &str, at| self.price_of(&Ask { provider, model, at, prompt_tokens: 0, service: None, hours });
        let last = end.shutdown.map_or(now, |shutdown| now.min(just_before(shutdown)));
        match (price(&end.name, last), price(replacement.as_str(), now)) {
            (Some(old), Some(new)) => compare(&old, &new),
            _ => "how the price changes is unknown".into(),
        }
    }
}

fn just_before(shutdown: When) -> Timestamp {
    shutdown.start().saturating_sub(std::time::Duration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

/// What to use instead, if any row says so.
fn instead(end: &Retirement) -> Option<String> {
    let model = match (end.replacement(), &end.advice) {
        (Some(model), Some(advice)) => format!("`{model}` ({advice})"),
        (Some(model), None) => format!("`{model}`"),
        (None, advice) => return advice.as_ref().map(|advice| format!("use {advice}")),
    };
    Some(match (&end.keeps, end.rerouted, end.state) {
        (Some(keeps), ..) => format!("{model} {keeps} keeps behaviour"),
        (None, true, ModelState::Retired) => format!("{model} answers to the name for now, at its own price"),
        (None, true, _) => format!("{model} will answer to the name, at its own price"),
        (None, false, _) => format!("{model} replaces it"),
    })
}

fn compare(old: &Price, new: &Price) -> String {
    let changes: Vec<(&str, i64)> =
        [("input", old.input, new.input), ("cached input", old.cache_read, new.cache_read), ("output", old.output, new.output)]
            .into_iter()
            .filter_map(|(what, old, new)| Some((what, percent_change(old?, new?)?)))
            .collect();
    let kind = if new.hours == Some(Hours::OffPeak) { "off-peak price" } else { "price" };
    match changes.as_slice() {
        [] => "how the price changes is unknown".into(),
        all if all.iter().all(|(_, percent)| *percent == 0) => format!("the {kind} stays the same"),
        [(_, first), rest @ ..] if rest.iter().all(|(_, percent)| percent == first) => format!("{kind} changes by {first:+} %"),
        all => {
            let each: Vec<String> = all
                .iter()
                .map(|(what, percent)| if *percent == 0 { format!("{what} the same") } else { format!("{what} {percent:+} %") })
                .collect();
            format!("{kind}: {}", each.join(", "))
        }
    }
}

/// From `old` to `new` in whole percent, rounded to the nearest; `None` if the old price was nothing.
fn percent_change(old: Usd, new: Usd) -> Option<i64> {
    let (old, new) = (i128::from(old.nanos()), i128::from(new.nanos()));
    let difference = (new - old) * 100;
    let half = if difference < 0 { -old / 2 } else { old / 2 };
    i64::try_from((difference + half).checked_div(old)?).ok()
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
