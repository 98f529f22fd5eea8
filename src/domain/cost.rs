//! What a request takes from each dimension, expected before it is sent or known after.

use std::ops::Index;

use super::Dimension;

/// An amount per dimension; zero where it takes nothing.
///
/// ```
/// use tierline::domain::{Cost, Dimension};
/// let cost = Cost::request().with(Dimension::InputTokens, 1_200);
/// assert_eq!(cost[Dimension::Requests], 1);
/// assert_eq!(cost[Dimension::OutputTokens], 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost([u64; Dimension::ALL.len()]);

impl Cost {
    /// Nothing at all.
    pub const ZERO: Self = Self([0; Dimension::ALL.len()]);

    /// One request, one place in flight, and nothing else.
    #[must_use]
    pub fn request() -> Self {
        Self::ZERO.with(Dimension::Requests, 1).with(Dimension::Concurrent, 1)
    }

    /// The same with another amount in one dimension.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, amount: u64) -> Self {
        self.0[dimension as usize] = amount;
        self
    }

    /// Every dimension in which it takes something.
    pub fn iter(&self) -> impl Iterator<Item = (Dimension, u64)> + '_ {
        Dimension::ALL.into_iter().map(|d| (d, self[d])).filter(|(_, amount)| *amount > 0)
    }
}

impl Index<Dimension> for Cost {
    type Output = u64;
    fn index(&self, dimension: Dimension) -> &u64 {
        &self.0[dimension as usize]
    }
}
