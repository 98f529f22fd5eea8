//! What happened in the time of a chart, with what happened at nearly the same moment told together. Pure.

use crate::domain::query::{Mark, MarkKind};

/// Marks that could not be told apart on the chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster<'a> {
    /// When the first of them was (Unix seconds).
    pub at: f64,
    /// Of which kind, the gravest.
    pub kind: MarkKind,
    /// All of them, oldest first.
    pub marks: Vec<&'a Mark>,
}

/// Marks nearer to each other than this share of the chart are one cluster.
const NEAR: f64 = 0.012;

/// Gathers marks, oldest first, on a chart that is `span` seconds long.
#[must_use]
pub fn clusters(marks: &[Mark], span: f64) -> Vec<Cluster<'_>> {
    let mut found: Vec<Cluster<'_>> = Vec::new();
    for mark in marks {
        match found.last_mut().filter(|last| mark.at - last.at < span * NEAR) {
            Some(last) => {
                last.kind = last.kind.max(mark.kind);
                last.marks.push(mark);
            }
            None => found.push(Cluster { at: mark.at, kind: mark.kind, marks: vec![mark] }),
        }
    }
    found
}

impl Cluster<'_> {
    /// What it says beside the chart.
    #[must_use]
    pub fn head(&self) -> String {
        let count = self.marks.len();
        match (self.marks.as_slice(), self.kind) {
            ([one], _) => one.text.clone(),
            (_, MarkKind::Measured) => format!("{count} limits measured for the first time"),
            (marks, MarkKind::Retirement) if marks.iter().all(|m| m.kind == MarkKind::Retirement) => format!("{count} models ended"),
            (marks, _) if marks.iter().any(|m| m.kind == MarkKind::Retirement) => format!("{count} limits and models changed"),
            _ => format!("{count} limits changed"),
        }
    }

    /// The marks behind a head that only counts them.
    #[must_use]
    pub fn rest(&self) -> &[&Mark] {
        if self.marks.len() == 1 { &[] } else { &self.marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_at_once_is_told_once() {
        use MarkKind::{Limit, Measured, Retirement};

        let mark = |at: f64, kind| Mark { at, kind, text: format!("at {at}") };
        let check = |marks: &[(f64, MarkKind)], expect: &[(f64, &str)]| {
            let marks: Vec<Mark> = marks.iter().map(|(at, kind)| mark(*at, *kind)).collect();
            let found = clusters(&marks, 1_000.0);
            let found: Vec<(f64, String)> = found.iter().map(|cluster| (cluster.at, cluster.head())).collect();
            let expect: Vec<(f64, String)> = expect.iter().map(|(at, head)| (*at, (*head).to_owned())).collect();
            assert_eq!(found, expect);
        };
        check(&[], &[]);
        check(&[(5.0, Limit)], &[(5.0, "at 5")]);
        check(&[(0.0, Measured), (1.0, Measured), (2.0, Measured)], &[(0.0, "3 limits measured for the first time")]);
        check(&[(0.0, Measured), (1.0, Limit), (500.0, Limit)], &[(0.0, "2 limits changed"), (500.0, "at 500")]);
        check(&[(0.0, Retirement), (1.0, Retirement)], &[(0.0, "2 models ended")]);
        check(&[(0.0, Limit), (1.0, Retirement)], &[(0.0, "2 limits and models changed")]);
        assert!(clusters(&[mark(0.0, Limit)], 1_000.0)[0].rest().is_empty(), "one mark is its own head");
    }
}
