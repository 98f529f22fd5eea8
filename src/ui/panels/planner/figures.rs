//! What does not depend on the tier: workers, and what it costs in three ways.

use egui::{Label, RichText, Ui};

use crate::domain::plan::PlanView;

use super::super::super::format;
use super::super::super::theme::{colors, lead, note, theme};

/// Draws them side by side.
pub fn show(ui: &mut Ui, view: &PlanView) {
    let plan = &view.plan;
    let per = if plan.demand.rows.is_some() { "the batch" } else { "an hour" };
    let price = view.price_evidence.as_deref().unwrap_or("no price is known for this model");
    let workers = match (plan.workers, plan.demand.rows) {
        (Some(workers), _) => (format::grouped(super::whole(workers)), "requests in flight at this rate, by Little's law".to_owned()),
        (None, Some(_)) => (format::NONE.to_owned(), "a batch has no rate of its own; the table says how many fit at once".into()),
        (None, None) => ("unknown".to_owned(), "set a latency: workers are the rate times the latency (Little's law)".into()),
    };
    let cost = |nanos: Option<u64>, each: Option<u64>, none: &str| {
        nanos.map_or_else(
            || (none.to_owned(), price.to_owned()),
            |nanos| {
                let each = each.map_or_else(String::new, |each| format!("{} a request\n", format::money(each)));
                (format::money(nanos), format!("{each}{price}"))
            },
        )
    };
    let (each, whole) = (&plan.each, &plan.whole);
    let cached = if plan.demand.cached_share > 0.0 { "unknown" } else { format::NONE };
    let figures = [
        ("Workers".to_owned(), workers),
        (format!("Cost, {per}"), cost(whole.now_nanos, each.now_nanos, "unknown")),
        ("With the Batch API".to_owned(), cost(whole.batch_api_nanos, each.batch_api_nanos, "not offered")),
        ("With this cache share".to_owned(), cost(whole.cached_nanos, each.cached_nanos, cached)),
    ];
    ui.columns(figures.len(), |columns| {
        for (ui, (name, (value, source))) in columns.iter_mut().zip(figures) {
            figure(ui, &name, &value, &source);
        }
    });
}

fn figure(ui: &mut Ui, name: &str, value: &str, source: &str) {
    ui.spacing_mut().item_spacing.y = theme().space.hair;
    let label = note(ui, name);
    ui.add(Label::new(label).truncate());
    let is_number = value.contains(|letter: char| letter.is_ascii_digit());
    let text: RichText = if is_number { lead(value) } else { lead(value).color(colors(ui).text_faint) };
    ui.add(Label::new(text).truncate()).on_hover_text(format::regrouped(source));
}
