//! The table of models; whatever has no column stands on hover.

use egui::{Label, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo};

use crate::domain::Severity;
use crate::domain::view::ModelView;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{Color, Palette, colors, faint, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::page;

const COLUMNS: [Column; 8] = [
    Column::rest("Model"),
    Column::text("Provider", 92.0),
    Column::text("State", 76.0),
    Column::text("Ends", 132.0),
    Column::rest("Replacement"),
    Column::number("In, $/M", 54.0),
    Column::number("Cached", 54.0).gives_way(1),
    Column::number("Out, $/M", 58.0),
];

/// Draws the models that are seen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, models: &[&ModelView]) {
    let grid = Grid::scrolled(ui, &COLUMNS, scene.density.row());
    grid.head(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, scene.density.row(), models.len(), |ui, seen| {
        for model in models.get(seen).unwrap_or_default() {
            let row = grid.row(ui, Sense::hover(), |cells| fill(cells, model));
            row.widget_info(|| WidgetInfo::labeled(Role::Row, true, sentence(model)));
            row.on_hover_ui(|ui| details(ui, model));
        }
    });
}

fn fill(cells: &mut Cells<'_>, model: &ModelView) {
    let c = colors(cells.ui);
    let dash = faint(cells.ui, format::NONE);
    cells.text(RichText::new(&model.id).color(c.text));
    cells.text(RichText::new(model.provider.name()).color(c.text_secondary));
    cells.text(RichText::new(model.state).color(tone(model.severity, c)));
    cells.text(model.ends.as_ref().map_or_else(|| dash.clone(), |ends| RichText::new(ends).color(c.text_secondary)));
    cells.text(model.replacement.as_ref().map_or_else(|| dash.clone(), |id| RichText::new(id.as_str()).color(c.text_secondary)));
    let price = model.price.as_ref();
    for nanos in [price.and_then(|p| p.input), price.and_then(|p| p.cache_read), price.and_then(|p| p.output)] {
        let text = super::price(nanos);
        cells.text(RichText::new(text).color(if nanos.is_some() { c.text_secondary } else { c.text_faint }));
    }
}

/// The colour of a place in life.
pub(super) const fn tone(severity: Severity, c: &Palette) -> Color {
    match severity {
        Severity::Info => c.text_secondary,
        Severity::Warning => c.warning,
        Severity::Error => c.error,
    }
}

fn sentence(model: &ModelView) -> String {
    let ends = model.ends.as_ref().map_or_else(String::new, |ends| format!(", ends {ends}"));
    let replacement = model.replacement.as_ref().map_or_else(String::new, |id| format!(", replaced by {id}"));
    format!("{} of {}, {}{ends}{replacement}", model.id, model.provider.name(), model.state)
}

fn details(ui: &mut Ui, model: &ModelView) {
    ui.set_min_width(380.0);
    ui.label(model.title.as_deref().unwrap_or(&model.id));
    let mut lines = vec![("draws on", format!("the bucket of {}", model.class))];
    lines.extend(model.released.map(|date| ("released", date.to_string())));
    lines.extend(model.not_before.map(|date| ("stays until", format!("{date} at least, says the provider"))));
    lines.extend(model.ends.as_ref().map(|ends| ("ends", ends.clone())));
    lines.extend(model.replacement.as_ref().map(|id| ("replaced by", id.to_string())));
    if !model.limits.is_empty() {
        let each = model.limits.iter().map(|l| {
            let meter = crate::domain::dimension::Meter(l.dimension, l.window.period);
            format!("{meter} {}", format::grouped(l.capacity))
        });
        lines.push(("new accounts", each.collect::<Vec<_>>().join(", ")));
    }
    page::facts(ui, "model details", &lines);
    for remark in &model.remarks {
        ui.add(Label::new(RichText::new(remark).small()).wrap());
    }
    ui.add_space(theme().space.tight);
    let mut sources = vec![("row", model.evidence.clone())];
    sources.extend(model.price.as_ref().map(|price| ("price", price.evidence.clone())));
    page::facts(ui, "model sources", &sources);
}
