//! The table of batches, newest first.

use egui::{Color32, Label, Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::domain::batch::{BatchId, BatchState, BatchView};

use super::super::super::format::{self, THIN};
use super::super::super::scene::Scene;
use super::super::super::theme::{Color, Palette, colors, note, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::sort::{Order, Rank};

const COLUMNS: [Column; 7] = [
    Column::number("#", 26.0),
    Column::rest("File"),
    Column::text("Account", 112.0).gives_way(1),
    Column::text("State", 92.0),
    Column::text("Rows", 150.0),
    Column::number("Failed", 50.0).gives_way(2),
    Column::number("Cost", 64.0),
];

/// Draws it; answers with the batch that was chosen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, selected: BatchId, order: &mut Option<Order>) -> Option<BatchId> {
    let grid = Grid::new(ui, &COLUMNS, scene.density.row() + 4.0);
    grid.sorting_head(ui, order);
    let mut batches: Vec<&BatchView> = scene.view.batches.iter().collect();
    if let Some(order) = order {
        order.sort(&mut batches, |view, column| rank(view, column));
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut chosen = None;
    for view in batches {
        let current = view.record.id == selected;
        let ground = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), scene.density.row() + 4.0));
        if current {
            let fill = Color32::from(colors(ui).selected);
            ui.painter().rect_filled(ground.expand2(vec2(theme().space.tight, 0.0)), theme().size.radius, fill);
        }
        let row = grid.row(ui, Sense::click(), |cells| fill(cells, view));
        row.widget_info(|| WidgetInfo::selected(Role::Button, true, current, sentence(view)));
        if row.clicked() {
            chosen = Some(view.record.id);
        }
    }
    chosen
}

fn fill(cells: &mut Cells<'_>, view: &BatchView) {
    let c = colors(cells.ui);
    let record = &view.record;
    cells.text(RichText::new(record.id.0.to_string()).color(c.text_faint));
    let name = record.input.file_name().unwrap_or_default().to_string_lossy();
    cells.text(RichText::new(name).color(c.text)).on_hover_text(record.input.display().to_string());
    cells.text(RichText::new(&record.account).color(c.text_secondary));
    let word = super::state_word(view);
    cells.text(RichText::new(word).color(tone(record.state, word, c)));
    cells.cell(|ui| {
        let done = finished(view);
        bar(ui, done, record.rows, 70.0);
        let text = note(ui, share(done, record.rows));
        ui.add(Label::new(text).truncate()).on_hover_text(format!("{} of {} rows", format::grouped(done), format::grouped(record.rows)));
    });
    let failed = failed(view);
    cells.text(RichText::new(format::grouped(failed)).color(if failed > 0 { c.warning } else { c.text_faint }));
    cells.text(RichText::new(format::money(cost(view))).color(c.text_secondary));
}

/// By what a batch is sorted: its rows by the share that is done.
fn rank<'a>(view: &'a BatchView, column: &str) -> Option<Rank<'a>> {
    const PER_MYRIAD: u64 = 10_000;
    match column {
        "#" => Some(Rank::Number(u64::try_from(view.record.id.0).unwrap_or(0))),
        "File" => view.record.input.file_name()?.to_str().map(Rank::Text),
        "Account" => Some(Rank::Text(&view.record.account)),
        "State" => Some(Rank::Text(super::state_word(view))),
        "Rows" => finished(view).saturating_mul(PER_MYRIAD).checked_div(view.record.rows).map(Rank::Number),
        "Failed" => Some(Rank::Number(failed(view))),
        "Cost" => Some(Rank::Number(cost(view))),
        _ => None,
    }
}

/// The colour of a state. Waiting is the binding colour, running the accent.
pub(super) fn tone(state: BatchState, word: &str, c: &Palette) -> Color {
    match state {
        _ if word == "interrupted" => c.warning,
        BatchState::Planning | BatchState::Running => c.accent,
        BatchState::Paused => c.binding,
        BatchState::Done => c.ok,
        BatchState::Cancelled => c.text_faint,
    }
}

/// The journal knows what is on the disk, the run what has just happened: the greater counts.
pub(super) fn finished(view: &BatchView) -> u64 {
    let live = view.progress.as_ref().map_or(0, |progress| progress.answered + progress.failed);
    view.record.finished().max(live)
}

pub(super) fn failed(view: &BatchView) -> u64 {
    view.record.failed.max(view.progress.as_ref().map_or(0, |progress| progress.failed))
}

pub(super) fn cost(view: &BatchView) -> u64 {
    view.record.cost_nanos.max(view.progress.as_ref().map_or(0, |progress| progress.cost_nanos))
}

/// Rounded down: only what is done is 100 %.
pub(super) fn share(done: u64, rows: u64) -> String {
    format!("{}{THIN}%", (done.saturating_mul(100)).checked_div(rows).unwrap_or(0))
}

/// How much is done, as a bar of this width.
pub(super) fn bar(ui: &mut Ui, done: u64, rows: u64, width: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, theme().size.bar), Sense::hover());
    let c = colors(ui);
    #[expect(clippy::cast_possible_truncation, reason = "a share to draw")]
    let part = (done as f64 / rows.max(1) as f64).min(1.0) as f32;
    ui.painter().rect_filled(rect, 2.0, Color32::from(c.line));
    ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(rect.width() * part, rect.height())), 2.0, Color32::from(c.used));
}

fn sentence(view: &BatchView) -> String {
    let record = &view.record;
    let name = record.input.file_name().unwrap_or_default().to_string_lossy();
    let (done, rows) = (format::grouped(finished(view)), format::grouped(record.rows));
    format!("Batch {}, {name}, {}, {done} of {rows} rows", record.id.0, super::state_word(view))
}
