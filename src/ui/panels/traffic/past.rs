//! Requests from before the live view: read a page at a time as the reader scrolls down, kept until the window closes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::query::{Requests, RequestsQuery};
use crate::domain::{RequestId, RequestRecord};
use crate::journal::LiveView;

use super::super::super::slot::Slot;
use super::super::super::widgets::sort::Order;
use super::rank::rank;
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
    shown: Shown,
}

/// What the last filter left of the rows read until then, in the last order.
#[derive(Debug, Default)]
struct Shown {
    words: Vec<String>,
    order: Option<Order>,
    /// How many rows were looked at.
    seen: usize,
    at: Vec<usize>,
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

    /// How many rows were read.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.read.len()
    }

    /// Whether a request is among what was read. Numbers fall from row to row.
    #[must_use]
    pub fn holds(&self, id: RequestId) -> bool {
        self.read.binary_search_by(|record| id.cmp(&record.id)).is_ok()
    }

    /// The rows that have all the words, in this order or else newest first. Worked out when one of the three changes, not in each frame.
    pub fn rows(&mut self, words: &[String], order: Option<&Order>) -> Far<'_> {
        if words.is_empty() && order.is_none() {
            return Far { read: &self.read, shown: None };
        }
        let shown = &mut self.shown;
        if shown.words != words || shown.order.as_ref() != order || shown.seen > self.read.len() {
            *shown = Shown { words: words.to_vec(), order: order.cloned(), ..Shown::default() };
        }
        if shown.seen < self.read.len() {
            let new = self.read.iter().enumerate().skip(shown.seen);
            shown.at.extend(new.filter(|(_, record)| Row::Done(record).matches(words)).map(|(at, _)| at));
            shown.seen = self.read.len();
            if let Some(order) = order {
                sort(&self.read, &mut shown.at, order);
            }
        }
        Far { read: &self.read, shown: Some(&self.shown.at) }
    }

    /// The live view lets go of rows that were not read as older ones: then everything is read anew.
    pub fn forget_if_a_gap_opened(&mut self, view: &LiveView) {
        let oldest_live = view.recent.iter().map(|record| record.id).min();
        let (Some(newest), Some(oldest_live)) = (self.read.first(), oldest_live) else { return };
        if newest.id.0 + 1 < oldest_live.0 && !self.page.waiting() {
            *self = Self::default();
        }
    }
}

/// What is over has the same rank at any moment, so that it is looked up once for each row.
fn sort(read: &[Arc<RequestRecord>], at: &mut [usize], order: &Order) {
    let rank = |at: usize| read.get(at).and_then(|record| rank(&Row::Done(record), &order.by, Timestamp::UNIX_EPOCH));
    let mut ranked: Vec<_> = at.iter().map(|at| (rank(*at), *at)).collect();
    ranked.sort_unstable_by(|a, b| order.compare(a.0, b.0).then(a.1.cmp(&b.1)));
    for (to, (_, from)) in at.iter_mut().zip(ranked) {
        *to = from;
    }
}
