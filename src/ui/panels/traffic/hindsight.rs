//! What would have avoided a refusal, as far as the verdict and our own books of that moment tell. Pure.

use crate::domain::dimension::Meter;
use crate::domain::{RefusalRecord, VerdictKind};

/// One or two sentences.
#[must_use]
pub fn hindsight(refused: &RefusalRecord) -> String {
    match refused.verdict.kind {
        VerdictKind::Wait => wait(refused),
        VerdictKind::Never => "No wait: it asks for more than the limit holds. A smaller request or a higher tier would have.".into(),
        VerdictKind::Money => "Credit at the provider before it was sent.".into(),
        VerdictKind::Key => "A key that the provider takes.".into(),
        VerdictKind::Model => "A model that this account may use.".into(),
        VerdictKind::Overload => "Nothing on this machine: the provider had no capacity at that moment.".into(),
        VerdictKind::Request => "A request that the provider accepts; no limit has to do with it.".into(),
    }
}

fn wait(refused: &RefusalRecord) -> String {
    let verdict = &refused.verdict;
    let Some(meter) = verdict.dimension.zip(verdict.period).map(|(dimension, period)| Meter(dimension, period).to_string()) else {
        return "The refusal does not say which limit it met, so that nobody can tell.".into();
    };
    match left(&refused.ledger, &meter) {
        Some(left) if left > 0 => format!(
            "Our books had {left} left of {meter}. The provider had counted more: use by other programs, or a limit that it enforces by \
             the second. Everything through Tierline, or a limit of your own below the provider's, would have."
        ),
        Some(_) => format!("Our books had nothing left of {meter} either: the limit turned out lower, or came back later, than was known."),
        None => format!("No limit of {meter} was known before this refusal. It is known now, and the next requests wait for it."),
    }
}

/// What a line of our books says is left of a meter: `RPM: 26 available, 4 held of 30 (header), ...`.
fn left(ledger: &[String], meter: &str) -> Option<i64> {
    let rest = ledger.iter().find_map(|line| line.strip_prefix(meter)?.strip_prefix(": "))?;
    rest.split_once(" available")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, ClientName, Dimension, ModelClass, Period, RequestId, Verdict, Whose};

    #[test]
    fn our_books_of_that_moment_decide() {
        let refused = |kind, of: Option<(Dimension, Period)>, ledger: &[&str]| RefusalRecord {
            at: jiff::Timestamp::UNIX_EPOCH,
            request: RequestId(1),
            attempt: 1,
            account: AccountId(1),
            account_label: "work".into(),
            client: ClientName::new("agent"),
            class: ModelClass::any(),
            model: None,
            status: 429,
            verdict: Verdict {
                kind,
                dimension: of.map(|(dimension, _)| dimension),
                period: of.map(|(_, period)| period),
                limit: None,
                used: None,
                requested: None,
                retry_after: None,
                scope: None,
                whose: Whose::Account,
                reason: String::new(),
                advice: String::new(),
            },
            ledger: ledger.iter().map(ToString::to_string).collect(),
        };
        let tpm = "TPM: 8 available, 0 held of 9 (header), foreign 0/min, burst 9";
        let rpm = Some((Dimension::Requests, Period::MINUTE));
        for (kind, of, ledger, begins) in [
            (
                VerdictKind::Wait,
                rpm,
                &[tpm, "RPM: 26 available, 4 held of 30 (header), foreign 0/min, burst 30"][..],
                "Our books had 26 left of RPM.",
            ),
            (
                VerdictKind::Wait,
                rpm,
                &["RPM: -4 available, 0 held of 30 (header), foreign 0/min, burst 30"],
                "Our books had nothing left of RPM either",
            ),
            (VerdictKind::Wait, rpm, &[tpm], "No limit of RPM was known"),
            (VerdictKind::Wait, None, &[tpm], "The refusal does not say"),
            (VerdictKind::Never, rpm, &[], "No wait"),
        ] {
            let text = hindsight(&refused(kind, of, ledger));
            assert!(text.starts_with(begins), "{text}");
        }
    }
}
