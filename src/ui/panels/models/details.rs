//! Everything that is known of one model: dates, limits by tier, prices, and where each was read.

use egui::{Key, Label, RichText, ScrollArea, Ui};

use crate::domain::Limit;
use crate::domain::dimension::Meter;
use crate::domain::view::ModelView;

use super::super::super::format;
use super::super::super::theme::{note, section, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::{button, page};

/// What is wanted of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Plan a load with it.
    Plan,
    /// Put it away.
    Close,
}

/// Draws it.
pub fn show(ui: &mut Ui, model: &ModelView) -> Option<Wish> {
    let in_front = ui.memory(|m| m.top_modal_layer().is_some());
    let mut wish = (!in_front && ui.input(|i| i.key_pressed(Key::Escape))).then_some(Wish::Close);
    ui.horizontal(|ui| {
        ui.add(Label::new(section(&model.id)).truncate());
        copy(ui, "Copy the name", &model.id);
    });
    ui.horizontal(|ui| {
        if ui.add(button::small("Plan with it")).clicked() {
            wish = Some(Wish::Plan);
        }
        if ui.add(button::small("Close")).accessible_name("Close the model").clicked() {
            wish = Some(Wish::Close);
        }
    });
    page::rule(ui);
    ScrollArea::vertical().id_salt("model").auto_shrink(false).show(ui, |ui| {
        facts(ui, model);
        limits(ui, model);
    });
    wish
}

/// Dates, prices and their sources.
pub(super) fn facts(ui: &mut Ui, model: &ModelView) {
    let mut lines = vec![("draws on", format!("the bucket of {}", model.class))];
    if let Some(title) = &model.title {
        lines.insert(0, ("called", title.clone()));
    }
    lines.extend(model.released.map(|date| ("released", date.to_string())));
    lines.extend(model.not_before.map(|date| ("stays until", format!("{date} at least, says the provider"))));
    lines.extend(model.ends.as_ref().map(|ends| ("ends", ends.clone())));
    lines.extend(model.replacement.as_ref().map(|id| ("replaced by", id.to_string())));
    if !model.limits.is_empty() {
        lines.push(("new accounts", each(&model.limits)));
    }
    lines.push(("row", model.evidence.clone()));
    if let Some(price) = &model.price {
        let parts = [("in", price.input), ("cached", price.cache_read), ("out", price.output)];
        let parts = parts.into_iter().filter_map(|(name, nanos)| Some(format!("{name} ${}", format::price(nanos?))));
        lines.push(("a million", parts.collect::<Vec<_>>().join(", ")));
        lines.push(("price", price.evidence.clone()));
    }
    page::facts(ui, "model facts", &lines);
    for remark in &model.remarks {
        ui.add(Label::new(RichText::new(remark).small()).wrap());
    }
}

fn limits(ui: &mut Ui, model: &ModelView) {
    if model.tiers.is_empty() {
        return;
    }
    ui.add_space(theme().space.near);
    page::group(ui, "Limits by tier", "");
    page::rule(ui);
    let lines: Vec<(&str, String)> = model.tiers.iter().map(|tier| (tier.tier.as_str(), each(&tier.limits))).collect();
    page::facts(ui, "limits by tier", &lines);
    let mut sources: Vec<&str> = model.tiers.iter().flat_map(|tier| tier.evidence.lines()).collect();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        let text = note(ui, source);
        ui.add(Label::new(text).wrap());
    }
}

/// `RPM 1 000, ITPM 450 000`.
fn each(limits: &[Limit]) -> String {
    let each = limits.iter().map(|l| format!("{} {}", Meter(l.dimension, l.window.period), format::grouped(l.capacity)));
    each.collect::<Vec<_>>().join(", ")
}
