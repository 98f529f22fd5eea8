//! An error as a person sees it: what happened, the details, what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Three short texts, none of which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Problem {
    /// What happened: lower case, no full stop, the thing and then the value.
    pub summary: String,
    /// The cause as the system or the provider told it.
    pub details: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of which only the summary is known.
    #[must_use]
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), details: None, hint: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, details: impl fmt::Display) -> Self {
        self.details = Some(details.to_string());
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One line, for a terminal.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        if let Some(details) = &self.details {
            write!(f, ": {details}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}
