//! Requests from before the live view: read a page at a time as the reader scrolls down, kept until the window closes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::query::{Requests, RequestsQuery};
use crate::domain::{RequestId, RequestRecord};
use crate::journal::LiveView;

use super::super::super::slot::Slot;
use super::row::Row;
use super::rows::Far;

/// What was read so far, newest first.
#[derive(Debug, Default)]
pub struct Past {
    read: Vec<Arc<RequestRecord>>,
    /// The page that is awaited.
    pub page: Slot<Requests>,
    /// There is nothing older, or no more is kept.
    ended: bool,
    /// What the last filter found among the rows read until then.
    found: Found,
}

#[derive(Debug, Default)]
struct Found {
    words: Vec<String>,
    /// How many rows were looked at.
    seen: usize,
    at: Vec<usize>,
}

/// The requests that are over and in the live view.
#[derive(Debug)]
pub struct Live(BTreeSet<RequestId>);

impl Live {
    /// Of this view.
    #[must_use]
    pub fn of(view: &LiveView) -> Self {
        Self(view.recent.iter().map(|record| record.id).collect())
    }
}

impl Past {
    /// Rows in one page.
    const PAGE: u32 = 2_000;
    /// Rows that are kept at the most: beyond, an export is the better tool.
    const MOST: usize = 100_000;

    /// Takes in a page that came.
    pub fn settle(&mut self) {
        self.page.poll();
        if let Slot::Done(page) = &mut self.page {
            let whole = page.len() >= Self::PAGE as usize;
            self.read.extend(page.drain(..).map(Arc::new));
            self.ended = !whole || self.read.len() >= Self::MOST;
            self.page = Slot::Idle;
        }
    }

    /// Whether older requests can be asked for.
    #[must_use]
    pub const fn more(&self) -> bool {
        !self.ended && matches!(self.page, Slot::Idle)
    }

    /// The question for the next page.
    #[must_use]
    pub fn next(&self) -> RequestsQuery {
        RequestsQuery { account: None, before: self.read.last().map(|oldest| oldest.id.0), limit: Self::PAGE }
    }

    /// The rows that the live view does not hold and that have all the words: those that lie among the live ones, and those that are
    /// older than all of them.
    pub fn rows<'a>(&'a mut self, live: &Live, words: &[String]) -> (Vec<Row<'a>>, Far<'a>) {
        self.forget_if_a_gap_opened(live);
        if !words.is_empty() {
            self.find(words);
        }
        let among = self.among(live);
        let (near, far) = self.read.split_at_checked(among).unwrap_or((&self.read, &[]));
        let fits = |record: &&Arc<RequestRecord>| !live.0.contains(&record.id) && Row::Done(record).matches(words);
        let near = near.iter().filter(fits).map(Row::Done).collect();
        if words.is_empty() {
            return (near, Far { read: far, found: None });
        }
        let found = self.found.at.get(self.found.at.partition_point(|at| *at < among)..).unwrap_or_default();
        (near, Far { read: &self.read, found: Some(found) })
    }

    /// How many rows the live view does not hold.
    #[must_use]
    pub fn count(&self, live: &Live) -> usize {
        let among = self.among(live);
        let held = self.read.iter().take(among).filter(|record| live.0.contains(&record.id)).count();
        self.read.len() - held
    }

    /// How many rows are as new as the live ones.
    fn among(&self, live: &Live) -> usize {
        live.0.first().map_or(0, |oldest| self.read.partition_point(|record| record.id >= *oldest))
    }

    /// The live view lets go of rows that were not read as older ones: then everything is read anew.
    fn forget_if_a_gap_opened(&mut self, live: &Live) {
        let (Some(newest), Some(oldest_live)) = (self.read.first(), live.0.first()) else { return };
        if newest.id.0 + 1 < oldest_live.0 && !self.page.waiting() {
            *self = Self::default();
        }
    }

    fn find(&mut self, words: &[String]) {
        if self.found.words != words || self.found.seen > self.read.len() {
            self.found = Found { words: words.to_vec(), ..Found::default() };
        }
        let new = self.read.iter().enumerate().skip(self.found.seen);
        self.found.at.extend(new.filter(|(_, record)| Row::Done(record).matches(words)).map(|(at, _)| at));
        self.found.seen = self.read.len();
    }
}
