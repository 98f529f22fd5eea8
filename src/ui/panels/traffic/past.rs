//! Requests from before the live view: read a page at a time as the reader scrolls down, kept until the window closes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::query::{Requests, RequestsQuery};
use crate::domain::{RequestId, RequestRecord};
use crate::journal::LiveView;

use super::super::super::slot::Slot;
use super::row::Row;

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

impl Past {
    /// Rows in one page.
    const PAGE: u32 = 2_000;
    /// Rows that are kept at the most: beyond, an export is the better tool.
    const MOST: usize = 200_000;

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

    /// The rows that the live view does not hold and that have all the words.
    pub fn rows<'a>(&'a mut self, view: &LiveView, words: &[String]) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let live: BTreeSet<RequestId> = view.recent.iter().map(|record| record.id).collect();
        self.forget_if_a_gap_opened(&live);
        if !words.is_empty() {
            self.find(words);
        }
        let filtered = !words.is_empty();
        let count = if filtered { self.found.at.len() } else { self.read.len() };
        let (read, found) = (&self.read, &self.found);
        let oldest_live = live.first().copied();
        (0..count)
            .filter_map(move |n| read.get(if filtered { *found.at.get(n)? } else { n }))
            .filter(move |record| oldest_live.is_none_or(|oldest| record.id < oldest) || !live.contains(&record.id))
            .map(Row::Done)
    }

    /// The live view lets go of rows that were not read as older ones: then everything is read anew.
    fn forget_if_a_gap_opened(&mut self, live: &BTreeSet<RequestId>) {
        let (Some(newest), Some(oldest_live)) = (self.read.first(), live.first()) else { return };
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
