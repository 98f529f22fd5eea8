//! A question to the engine and its answer, as a panel keeps them.

use crate::domain::Problem;
use crate::domain::command::{Pending, Poll, Reply};

/// What became of the last question of one kind.
#[derive(Debug, Default)]
pub enum Slot<T> {
    /// Nothing was asked.
    #[default]
    Idle,
    /// The engine works on it.
    Waiting(Pending<Result<T, Problem>>),
    /// It answered.
    Done(T),
    /// It could not.
    Failed(Problem),
}

impl<T: Send + 'static> Slot<T> {
    /// Starts a new question and forgets the last answer. The answer wakes the window.
    pub fn ask(&mut self, ctx: &egui::Context) -> Reply<Result<T, Problem>> {
        let ctx = ctx.clone();
        let (reply, pending) = Reply::new(move || ctx.request_repaint());
        *self = Self::Waiting(pending);
        reply
    }

    /// Looks for the answer once. True in the frame in which it came.
    pub fn poll(&mut self) -> bool {
        let Self::Waiting(pending) = self else { return false };
        *self = match pending.poll() {
            Poll::Waiting => return false,
            Poll::Ready(Ok(answer)) => Self::Done(answer),
            Poll::Ready(Err(problem)) => Self::Failed(problem),
            Poll::Gone => Self::Failed(Problem::new("no answer came").hint("the engine is stopping or was restarted; try again")),
        };
        true
    }

    /// Whether the answer is still to come.
    #[must_use]
    pub const fn waiting(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        if let Self::Failed(problem) = self { Some(problem) } else { None }
    }
}
