//! What is wrong with the catalogue or with a user's file: rows without source, overlaps, gaps, old rows, dead ends.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::Catalog;
use super::evidence::{Entry, Origin};
use super::tables::{Kind, Visit};
use super::when::midnight;
use crate::domain::Dialect;

/// Something about a row that a maintainer should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whose row.
    pub provider: Dialect,
    /// Which table.
    pub kind: &'static str,
    /// What the row is about.
    pub subject: String,
    /// Whose file it is in.
    pub origin: Origin,
    /// What is the matter.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: {}", self.provider.name(), self.kind, self.subject, self.what)
    }
}

impl Catalog {
    /// Everything that a maintainer should look at. Rows about the past are never too old.
    #[must_use]
    pub fn check(&self, older_than_days: u32, today: Date) -> Vec<Finding> {
        let mut check = Check { older_than_days: i64::from(older_than_days), today, findings: Vec::new() };
        self.tables.each(&mut check);
        self.dead_ends(&mut check);
        check.findings
    }

    /// Replacements that no row knows.
    fn dead_ends(&self, check: &mut Check) {
        for entry in &self.tables.retirement {
            let Some(replacement) = entry.row.replacement.as_deref().filter(|_| !entry.row.external) else { continue };
            if !self.knows(entry.provider, replacement) {
                check.found(entry, None, format!("its replacement {replacement} is in no row; add a model row, or external = true"));
            }
        }
    }

    fn knows(&self, provider: Dialect, id: &str) -> bool {
        self.tables.model.iter().any(|entry| entry.provider == provider && entry.row.id == id)
            || self.retirement_row(provider, id).is_some()
    }
}

struct Check {
    older_than_days: i64,
    today: Date,
    findings: Vec<Finding>,
}

impl<'a> Visit<'a> for Check {
    fn table<T: Kind>(&mut self, rows: &'a [Entry<T>]) {
        for (index, entry) in rows.iter().enumerate() {
            self.alone(entry);
            let others = rows.iter().filter(|other| alike(entry, other));
            self.overlaps(entry, rows.iter().skip(index + 1).filter(|other| alike(entry, other)));
            self.gap(entry, others);
        }
    }
}

impl Check {
    fn found<T: Kind>(&mut self, Entry { provider, origin, row, .. }: &Entry<T>, subject: Option<String>, what: String) {
        let subject = subject.unwrap_or_else(|| row.subjects().join(", "));
        self.findings.push(Finding { provider: *provider, kind: T::NAME, subject, origin: *origin, what });
    }

    fn alone<T: Kind>(&mut self, entry: &Entry<T>) {
        let about = &entry.about;
        if about.source.trim().is_empty() {
            self.found(entry, None, "it names no source".into());
        }
        if entry.row.subjects().is_empty() {
            self.found(entry, None, "it is about nothing".into());
        }
        if about.begins() >= about.ends() {
            self.found(entry, None, "it ends before it begins".into());
        }
        if about.as_of > self.today {
            self.found(entry, None, format!("its date {} is in the future", about.as_of));
        }
        let age_days = self.today.duration_since(about.as_of).as_hours() / 24;
        let is_history = about.superseded || about.ends() <= midnight(self.today) || entry.row.is_past(self.today);
        if age_days > self.older_than_days && !is_history {
            self.found(entry, None, format!("it is {age_days} days old ({}); read {} again", about.as_of, about.source));
        }
    }

    fn overlaps<'a, T: Kind + 'a>(&mut self, entry: &Entry<T>, others: impl Iterator<Item = &'a Entry<T>>) {
        for other in others.filter(|other| entry.about.begins() < other.about.ends() && other.about.begins() < entry.about.ends()) {
            self.found(entry, shared(entry, other), "two rows hold at the same time".into());
        }
    }

    /// Between the end of a row and the next one about the same.
    fn gap<'a, T: Kind + 'a>(&mut self, entry: &Entry<T>, others: impl Iterator<Item = &'a Entry<T>>) {
        let Some(ends) = entry.about.valid_to else { return };
        let next = others.filter(|other| other.about.begins() >= ends.end()).min_by_key(|other| other.about.begins());
        let Some((next, begins)) = next.and_then(|next| Some((next, next.about.valid_from?))) else { return };
        if begins.start() > ends.end() {
            self.found(entry, shared(entry, next), format!("no row holds between {ends} and {begins}"));
        }
    }
}

/// Whether two rows of one file are about the same and can apply to the same request.
fn alike<T: Kind>(a: &Entry<T>, b: &Entry<T>) -> bool {
    (a.provider, a.origin) == (b.provider, b.origin)
        && !a.about.superseded
        && !b.about.superseded
        && a.row.meets(&b.row)
        && shared(a, b).is_some()
}

/// The first subject that two rows have in common.
fn shared<T: Kind>(a: &Entry<T>, b: &Entry<T>) -> Option<String> {
    let subjects = b.row.subjects();
    a.row.subjects().into_iter().find(|subject| subjects.contains(subject))
}
