//! The table of models; whatever has no column stands beside it after a click.

use egui::{Color32, Rect, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::domain::Severity;
use crate::domain::view::ModelView;

use super::super::super::scene::Scene;
use super::super::super::theme::{Color, Palette, colors, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::sort::{Order, Rank};

const COLUMNS: [Column; 8] = [
    Column::rest("Model"),
    Column::text("Provider", 92.0),
    Column::text("State", 76.0),
    Column::text("Ends", 132.0).gives_way(3),
    Column::rest("Replacement").gives_way(2),
    Column::number("In, $/M", 54.0),
    Column::number("Cached", 54.0).gives_way(1),
    Column::number("Out, $/M", 58.0),
];

/// Draws the models that are seen. Answers with the one that was chosen.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    models: &[&ModelView],
    order: &mut Option<Order>,
    selected: Option<&ModelView>,
) -> Option<ModelView> {
    let mut chosen = None;
    let grid = Grid::scrolled(ui, &COLUMNS, scene.density.row());
    grid.sorting_head(ui, order);
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, scene.density.row(), models.len(), |ui, seen| {
        for model in models.get(seen).unwrap_or_default() {
            let current = selected.is_some_and(|other| (other.provider, &other.id) == (model.provider, &model.id));
            if current {
                let ground = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), scene.density.row()));
                ui.painter().rect_filled(ground, theme().size.radius, Color32::from(colors(ui).selected));
            }
            let row = grid.row(ui, Sense::click(), |cells| fill(cells, model));
            row.widget_info(|| WidgetInfo::selected(Role::Button, true, current, sentence(model)));
            if row.clicked() {
                chosen = Some(ModelView::clone(model));
            }
        }
    });
    chosen
}

fn fill(cells: &mut Cells<'_>, model: &ModelView) {
    let c = colors(cells.ui);
    cells.text(RichText::new(&model.id).color(c.text));
    cells.text(RichText::new(model.provider.title()).color(c.text_secondary));
    cells.text(RichText::new(model.state).color(tone(model.severity, c)));
    cells.text(RichText::new(model.ends.as_deref().unwrap_or_default()).color(c.text_secondary));
    cells.text(RichText::new(model.replacement.as_ref().map_or("", |id| id.as_str())).color(c.text_secondary));
    let price = model.price.as_ref();
    for nanos in [price.and_then(|p| p.input), price.and_then(|p| p.cache_read), price.and_then(|p| p.output)] {
        let text = super::price(nanos);
        cells.text(RichText::new(text).color(if nanos.is_some() { c.text_secondary } else { c.text_faint }));
    }
}

/// By what a model is sorted.
pub(super) fn rank<'a>(model: &'a ModelView, column: &str) -> Option<Rank<'a>> {
    let price = model.price.as_ref();
    match column {
        "Model" => Some(Rank::Text(&model.id)),
        "Provider" => Some(Rank::Text(model.provider.title())),
        "State" => Some(Rank::Text(model.state)),
        "Ends" => model.ends.as_deref().map(Rank::Text),
        "Replacement" => model.replacement.as_ref().map(|id| Rank::Text(id.as_str())),
        "In, $/M" => price?.input.map(Rank::Number),
        "Cached" => price?.cache_read.map(Rank::Number),
        "Out, $/M" => price?.output.map(Rank::Number),
        _ => None,
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
    format!("{} of {}, {}{ends}{replacement}", model.id, model.provider.title(), model.state)
}
