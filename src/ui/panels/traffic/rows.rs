//! The rows of the table in order: those of the live view, and those of the past, of which a frame touches only what it shows.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{RequestId, RequestRecord};

use super::super::super::widgets::sort::Order;
use super::rank;
use super::row::Row;

/// What a filter left of all rows, in order. Cheap to make: nothing is copied from the past.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Who waits, what runs, and what has ended since the past was read.
    near: Vec<Row<'a>>,
    /// Where each of these stands among all rows; rising.
    places: Vec<usize>,
    far: Far<'a>,
}

/// Rows of the past.
#[derive(Debug, Clone, Copy)]
pub struct Far<'a> {
    /// What was read, newest first.
    pub read: &'a [Arc<RequestRecord>],
    /// Which of it is shown, in order; everything if `None`.
    pub shown: Option<&'a [usize]>,
}

impl<'a> Rows<'a> {
    /// Puts the near rows where the order wants them: before all others if there is none.
    #[must_use]
    pub fn new(mut near: Vec<Row<'a>>, far: Far<'a>, order: Option<&Order>, now: Timestamp) -> Self {
        let Some(order) = order else {
            return Self { places: (0..near.len()).collect(), near, far };
        };
        near.sort_by(|a, b| rank::compare(order, now, a, b));
        let before = |row: &Row<'_>| far.partition_point(|old| rank::compare(order, now, &old, row) == Ordering::Less);
        let places = near.iter().enumerate().map(|(at, row)| at + before(row)).collect();
        Self { near, places, far }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Row<'a>> {
        match self.places.binary_search(&at) {
            Ok(near) => self.near.get(near).copied(),
            Err(before) => self.far.get(at - before).map(Row::Done),
        }
    }

    /// Where a request stands.
    #[must_use]
    pub fn position(&self, id: RequestId) -> Option<usize> {
        if let Some(near) = self.near.iter().position(|row| row.id() == id) {
            return self.places.get(near).copied();
        }
        let far = self.far.position(id)?;
        // each near row that stands before it moves it on by one
        Some(far + self.places.iter().enumerate().take_while(|(before, place)| **place <= far + before).count())
    }
}

impl<'a> Far<'a> {
    fn len(&self) -> usize {
        self.shown.map_or(self.read.len(), <[usize]>::len)
    }

    fn get(&self, at: usize) -> Option<&'a Arc<RequestRecord>> {
        self.read.get(self.shown.map_or(Some(at), |shown| shown.get(at).copied())?)
    }

    fn partition_point(&self, first: impl Fn(Row<'_>) -> bool) -> usize {
        let first = |at: &usize| self.read.get(*at).is_some_and(|record| first(Row::Done(record)));
        self.shown.map_or(0, |shown| shown.partition_point(first))
    }

    /// Numbers fall from row to row of what was read.
    fn position(&self, id: RequestId) -> Option<usize> {
        let at = self.read.binary_search_by(|record| id.cmp(&record.id)).ok()?;
        self.shown.map_or(Some(at), |shown| shown.iter().position(|shown| *shown == at))
    }
}
