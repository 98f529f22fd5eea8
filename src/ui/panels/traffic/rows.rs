//! The rows of the table in order: those of the live view, and behind them those of the past, of which a frame touches only what it
//! shows.

use std::sync::Arc;

use crate::domain::{RequestId, RequestRecord};

use super::row::Row;

/// What a filter left of all rows. Cheap to make: nothing is copied from the past.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Who waits, what runs, what has just ended, and the rows of the past that lie among these.
    pub near: Vec<Row<'a>>,
    /// All rows that are older than these.
    pub far: Far<'a>,
}

/// Rows of the past, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Far<'a> {
    /// What was read.
    pub read: &'a [Arc<RequestRecord>],
    /// Which of it the filter found, in order; everything if `None`.
    pub found: Option<&'a [usize]>,
}

impl<'a> Rows<'a> {
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
        self.near.get(at).copied().or_else(|| self.far.get(at.checked_sub(self.near.len())?).map(Row::Done))
    }

    /// Where a request stands.
    #[must_use]
    pub fn position(&self, id: RequestId) -> Option<usize> {
        let near = self.near.iter().position(|row| row.id() == id);
        near.or_else(|| Some(self.near.len() + self.far.position(id)?))
    }
}

impl<'a> Far<'a> {
    fn len(&self) -> usize {
        self.found.map_or(self.read.len(), <[usize]>::len)
    }

    fn get(&self, at: usize) -> Option<&'a Arc<RequestRecord>> {
        self.read.get(self.found.map_or(Some(at), |found| found.get(at).copied())?)
    }

    /// By halves: numbers fall from row to row.
    fn position(&self, id: RequestId) -> Option<usize> {
        let at = self.read.binary_search_by(|record| id.cmp(&record.id)).ok()?;
        self.found.map_or(Some(at), |found| found.binary_search(&at).ok())
    }
}
