//! The catalogue for the window: its models, and a scan of the user's own sources for names that end.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::plans::limit_rows;
use crate::catalog::scan::Summary;
use crate::catalog::{Catalog, KnownModel, ModelState, Usd};
use crate::domain::command::Progress;
use crate::domain::view::{ModelView, ModelsView, PriceView, ScanHit, ScanReport, TierLimits};
use crate::domain::{Dialect, ModelClass, ModelId, Problem, Severity};

/// Every model of every provider, as it looks at `now`.
pub(super) fn models(catalog: &Catalog, now: Timestamp) -> ModelsView {
    let models = Dialect::ALL.into_iter().flat_map(|provider| {
        let mut known = catalog.models(provider, now);
        known.sort_by_key(|model| model.state); // what can be used comes first
        known.into_iter().map(move |model| model_view(catalog, provider, model, now))
    });
    ModelsView { as_of: catalog.as_of(), models: models.collect() }
}

fn model_view(catalog: &Catalog, provider: Dialect, known: KnownModel, now: Timestamp) -> ModelView {
    let id = ModelId::new(&known.id);
    let class = catalog.class_of(provider, &id);
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let price = catalog.price(provider, &id, now, 0).map(|price| PriceView {
        input: price.input.map(Usd::nanos),
        cache_read: price.cache_read.map(Usd::nanos),
        output: price.output.map(Usd::nanos),
        evidence: price.about.to_string(),
    });
    let mut remarks = Vec::new();
    if let Some(end) = catalog.retirement(provider, &id, now) {
        remarks.extend(end.advice.map(|advice| format!("use {advice}")));
        remarks.extend(end.keeps.map(|how| format!("{how}, the replacement behaves as before")));
        remarks.extend(end.changes);
    }
    ModelView {
        provider,
        limits: catalog.default_limits(provider, &class, today),
        tiers: tiers(catalog, provider, &class, today),
        class,
        title: known.title,
        state: known.state.name(),
        severity: severity(known.state),
        released: known.released,
        not_before: known.not_before,
        ends: known.shutdown.map(|when| when.to_string()),
        replacement: known.replacement,
        remarks,
        price,
        evidence: known.about.to_string(),
        id: known.id,
    }
}

fn tiers(catalog: &Catalog, provider: Dialect, class: &ModelClass, today: Date) -> Vec<TierLimits> {
    let tiers = catalog.tiers(provider, today).into_iter().map(|tier| TierLimits {
        limits: catalog.limits(provider, class, &tier.name, today),
        evidence: limit_rows(catalog, provider, class, Some(&tier.name), today),
        tier: tier.title,
    });
    tiers.filter(|tier| !tier.limits.is_empty()).collect()
}

const fn severity(state: ModelState) -> Severity {
    match state {
        ModelState::Active => Severity::Info,
        ModelState::Deprecated | ModelState::Retiring => Severity::Warning,
        ModelState::Retired => Severity::Error,
    }
}

/// Goes through a folder until the end, or until it is stopped.
pub(super) fn scan(catalog: &Catalog, dir: &Path, now: Timestamp, progress: &Progress) -> Result<ScanReport, Problem> {
    let mut hits = Vec::new();
    let mut stopped = false;
    let summary = catalog.scan_while(
        dir,
        now,
        &mut |so_far| {
            stopped = !progress.advance(so_far.files);
            !stopped
        },
        &mut |hit| {
            if hits.len() < ScanReport::LISTED {
                hits.push(ScanHit {
                    path: hit.path.strip_prefix(dir).unwrap_or(hit.path).to_owned(),
                    line: hit.line,
                    column: hit.column,
                    name: hit.name.to_owned(),
                    severity: severity(hit.retirement.state),
                    when: hit.retirement.when(),
                    replacement: hit.retirement.replacement().cloned(),
                });
            }
        },
    )?;
    let Summary { files, skipped, retired, retiring } = summary;
    Ok(ScanReport { files, skipped, retired, retiring, hits, stopped })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_retired_model_is_shown_with_its_end_its_replacement_and_its_source() {
        let view = models(Catalog::bundled(), now());
        let chat = view.models.iter().find(|model| model.id == "deepseek-chat").unwrap();
        assert_eq!((chat.provider, chat.state, chat.severity), (Dialect::DeepSeek, "retired", Severity::Error));
        assert_eq!(chat.ends.as_deref(), Some("2026-07-24 15:59 UTC"));
        assert!(chat.replacement.is_some() && !chat.evidence.is_empty());
        let haiku = view.models.iter().find(|model| model.id == "claude-haiku-4-5-20251001").unwrap();
        assert_eq!(haiku.price.as_ref().and_then(|price| price.output), Some(5_000_000_000));
        assert!(!haiku.limits.is_empty());
    }

    #[test]
    fn a_scan_reports_places_below_the_folder_and_stops_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.py"), "ok = 1\nmodel = \"deepseek-chat\"\n").unwrap();
        std::fs::write(dir.path().join("b.py"), "model = \"deepseek-reasoner\"\n").unwrap();
        let report = scan(Catalog::bundled(), dir.path(), now(), &Progress::default()).unwrap();
        assert_eq!((report.files, report.retired, report.stopped), (2, 2, false));
        let hit = &report.hits[0];
        assert_eq!((hit.path.to_str(), hit.line, hit.column, hit.name.as_str()), (Some("a.py"), 2, 10, "deepseek-chat"));

        let progress = Progress::default();
        progress.stop();
        let report = scan(Catalog::bundled(), dir.path(), now(), &progress).unwrap();
        assert_eq!((report.files, report.stopped, progress.done()), (1, true, 1));
    }
}
