//! How things stand, in one sentence and a note below it. A pure function of the view.

use jiff::{SignedDuration, Timestamp};

use crate::domain::view::{BucketView, WaitingView};
use crate::domain::{BucketKey, Dimension, Outcome, Period};
use crate::journal::LiveView;

use super::{format, pace};

/// How much attention the sentence wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Everything goes through.
    Calm,
    /// Something waits, or nothing more would fit now.
    Waiting,
    /// Something does not work.
    Trouble,
}

/// The sentence and the note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How much attention it wants.
    pub mood: Mood,
    /// The sentence.
    pub lead: String,
    /// What runs, waits and was refused.
    pub note: String,
    /// The limit that the sentence names.
    pub decides: Option<BucketKey>,
}

/// How many recent requests say what "like your recent ones" means.
const TYPICAL_OF: usize = 20;

/// How things stand.
#[must_use]
pub fn standing(view: &LiveView, now: Timestamp) -> Standing {
    let (mood, lead, decides) = lead(view, now);
    Standing { mood, lead, note: note(view, now), decides }
}

fn lead(view: &LiveView, now: Timestamp) -> (Mood, String, Option<BucketKey>) {
    if let Err(why) = &view.gateway {
        return match why.as_str() {
            "starting" => (Mood::Calm, "Starting.".into(), None),
            why => (Mood::Trouble, format!("The gateway is not running: {}.", why.trim_end_matches('.')), None),
        };
    }
    if let Some(next) = view.waiting.first() {
        return (Mood::Waiting, waiting(next, view, now), next.bucket.clone());
    }
    if let Some((bucket, room)) = tightest(view) {
        let (mood, text) = with_room(bucket, room, now);
        return (mood, text, Some(bucket.key.clone()));
    }
    if view.totals.finished == 0 && view.running.is_empty() {
        return (Mood::Calm, "Ready. No request has come through yet.".into(), None);
    }
    (Mood::Calm, "Nothing waits. No limit is known that the recent requests draw on.".into(), None)
}

fn waiting(next: &WaitingView, view: &LiveView, now: Timestamp) -> String {
    let count = view.waiting_count();
    let who = if count == 1 { "1 request waits".to_owned() } else { format!("{} requests wait", format::grouped(count as u64)) };
    let what = next.bucket.as_ref().map_or_else(String::new, |key| match key.dimension {
        Dimension::Money => format!(" for money of the {} that others hold,", budget(key.period)),
        dimension => format!(" for {} ({})", dimension.unit(), key.meter()),
    });
    let goes = match next.ready_at {
        Some(at) if at <= now => "now".to_owned(),
        Some(at) => format!("in {}", format::until(now, at)),
        None => "when a running one ends".to_owned(),
    };
    let same = |other: &WaitingView| (other.account, &other.class, &other.bucket) == (next.account, &next.class, &next.bucket);
    if view.waiting.iter().all(same) {
        format!("{who}{what} on {}; the next goes {goes}.", next.class)
    } else {
        format!("{who}, the first{what} on {}; it goes {goes}.", next.class)
    }
}

/// `day's budget`.
fn budget(period: Period) -> String {
    format!("{}'s budget", period.name())
}

fn with_room(bucket: &BucketView, room: u64, now: Timestamp) -> (Mood, String) {
    let bind = format!("{} ({}) bind on {}", bucket.key.dimension.unit(), bucket.meter, bucket.key.class);
    if room == 0 {
        let again = bucket
            .frozen_until
            .or(bucket.full_at)
            .map_or_else(String::new, |at| format!(" before it refills in {}", format::until(now, at)));
        return (Mood::Waiting, format!("No room for another request like your recent ones{again}; {bind}."));
    }
    let more = if room == 1 { "1 more request".to_owned() } else { format!("{} more requests", format::grouped(room)) };
    (Mood::Calm, format!("Room for {more} like your recent ones{}; {bind}.", span(bucket.key.period)))
}

fn span(period: Period) -> String {
    match period {
        Period::AT_ONCE => " at the same time".into(),
        Period::MINUTE => " this minute".into(),
        Period::HOUR => " this hour".into(),
        Period::DAY => " today".into(),
        Period::MONTH => " this month".into(),
        other => format!(" in {}", format::duration(other.duration())),
    }
}

/// The binding bucket with room for the fewest requests like the recent ones, and how many that are.
fn tightest(view: &LiveView) -> Option<(&BucketView, u64)> {
    view.buckets
        .iter()
        .filter(|bucket| bucket.binding)
        .filter_map(|bucket| Some((bucket, room(view, bucket)?)))
        .min_by_key(|(_, room)| *room)
}

/// How many more requests like the recent ones fit into a bucket.
#[must_use]
pub fn room(view: &LiveView, bucket: &BucketView) -> Option<u64> {
    let each = typical(view, bucket)?;
    Some(u64::try_from(bucket.remaining).unwrap_or(0) / each)
}

/// What a recent request took from this bucket, on average and at least one.
fn typical(view: &LiveView, bucket: &BucketView) -> Option<u64> {
    let costs: Vec<u64> = view
        .recent
        .iter()
        .filter(|r| r.outcome == Outcome::Ok && r.class == bucket.key.class && bucket.accounts.contains(&r.account_label))
        .filter_map(|r| pace::taken(r, bucket.key.dimension))
        .take(TYPICAL_OF)
        .collect();
    let count = u64::try_from(costs.len()).ok().filter(|n| *n > 0)?;
    Some((costs.iter().sum::<u64>() / count).max(1))
}

fn note(view: &LiveView, now: Timestamp) -> String {
    let hour_ago = now - SignedDuration::from_hours(1);
    // the oldest that is still known, if that is not an hour ago
    let cut = view.recent.back().map(|oldest| oldest.finished_at).filter(|at| *at >= hour_ago && view.recent.len() >= LiveView::RECENT);
    let since = cut.unwrap_or(hour_ago);
    let theirs = view.refused_at.iter().filter(|at| **at >= since).count();
    let ours = view.recent.iter().filter(|r| r.finished_at >= since && r.outcome == Outcome::RefusedLocally).count();
    let span = if cut.is_some() { format!("among the last {} requests", view.recent.len()) } else { "in the last hour".to_owned() };
    let refused = match (theirs, ours) {
        (0, 0) => format!("Nothing was refused {span}."),
        (theirs, 0) => format!("{theirs} refused by providers {span}."),
        (0, ours) => format!("{ours} refused by Tierline {span}."),
        (theirs, ours) => format!("{theirs} refused by providers and {ours} by Tierline {span}."),
    };
    format!("{} running, {} waiting. {refused}", view.running.len(), view.waiting_count())
}
