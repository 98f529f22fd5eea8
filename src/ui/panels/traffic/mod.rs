//! Requests, live and recent: a table with a filter, a pause, and the whole story of one request below it.

pub mod detail;
pub mod row;

use std::sync::Arc;

use egui::{Align, Align2, Color32, Key, Label, Layout, Panel, RichText, Sense, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};

use crate::domain::RequestId;
use crate::journal::LiveView;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::state::PanelId;
use super::super::theme::{colors, note};
use super::super::widgets::icon::Icon;
use super::super::widgets::page;
use row::{Row, Tone};

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct TrafficState {
    /// Only rows with all of these words.
    pub filter: String,
    /// The view that stands still while the panel is paused.
    pub paused: Option<Arc<LiveView>>,
    /// The row whose story is shown.
    pub selected: Option<RequestId>,
    /// The filter wants the keyboard.
    pub focus_filter: bool,
}

const COLUMNS: [(&str, f32, bool); 13] = [
    ("Time", 54.0, false),
    ("Client", 92.0, false),
    ("Account", 76.0, false),
    ("Model", 0.0, false),
    ("State", 0.0, false),
    ("Waited", 62.0, true),
    ("Ran", 46.0, true),
    ("In", 44.0, true),
    ("Cached", 44.0, true),
    ("Out", 44.0, true),
    ("Cost", 52.0, true),
    ("Tries", 28.0, true),
    ("Status", 38.0, true),
];

/// Room for "waiting #12 for OTPM until 14:05:13".
const STATE: f32 = 222.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState) -> Option<Intent> {
    let frozen = state.paused.clone();
    let scene = &Scene { view: frozen.as_ref().unwrap_or(scene.view), ..*scene };
    let all = row::rows(scene.view);
    let total = all.len();
    let words = row::words(&state.filter);
    let rows: Vec<Row<'_>> = all.into_iter().filter(|row| row.matches(&words)).collect();

    page::header(ui, "Traffic", |ui| controls(ui, scene, state, rows.len(), total));
    page::rule(ui);
    if total == 0 {
        return nothing_yet(ui, scene);
    }
    if let Some(row) = state.selected.and_then(|id| rows.iter().find(|row| row.id() == id)) {
        let mut open = true;
        let frame = egui::Frame::new().inner_margin(egui::Margin { left: 0, right: 0, top: 10, bottom: 10 });
        Panel::bottom("request").resizable(true).default_size(218.0).size_range(120.0..=420.0).frame(frame).show(ui, |ui| {
            open = detail::show(ui, scene, row);
        });
        if !open {
            state.selected = None;
        }
    }
    if rows.is_empty() {
        page::empty(ui, Icon::Traffic, "No row matches the filter", &format!("{total} are hidden."), |ui| {
            if ui.button("Clear the filter").clicked() {
                state.filter.clear();
            }
        });
        return None;
    }
    table(ui, scene, state, &rows);
    None
}

fn controls(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState, shown: usize, total: usize) {
    let paused = state.paused.is_some();
    let text = if paused { "Resume" } else { "Pause" };
    let button = ui.add(egui::Button::new(text).min_size(egui::vec2(68.0, 0.0)).selected(paused));
    if button.on_hover_text("Hold the table still; requests go on").clicked() {
        state.paused = if paused { None } else { Some(Arc::clone(scene.view)) };
    }
    let field = TextEdit::singleline(&mut state.filter)
        .hint_text("Filter by client, model, state…")
        .desired_width(230.0)
        .align(Align2::LEFT_CENTER);
    let field = ui.add(field).accessible_name("Filter");
    if state.focus_filter {
        state.focus_filter = false;
        field.request_focus();
    }
    if field.has_focus() && ui.input(|i| i.key_pressed(Key::Escape)) {
        state.filter.clear();
    }
    let count = if shown == total { format!("{total} requests") } else { format!("{shown} of {total} requests") };
    let text = note(ui, count);
    ui.label(text);
}

fn nothing_yet(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let text = format!(
        "Set {} with a provider's route as the base URL of a client, and its requests appear here while they run.",
        scene.gateway_url()
    );
    page::empty(ui, Icon::Traffic, "No request has come through yet", &text, |ui| ui.button("How to connect a client").clicked())
        .then_some(Intent::Go(PanelId::Accounts))
}

fn table(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState, rows: &[Row<'_>]) {
    let height = scene.density.row();
    ui.spacing_mut().item_spacing.x = 10.0;
    let fixed: f32 = COLUMNS.iter().map(|(_, width, _)| width + 10.0).sum();
    let open = ui.available_width() - fixed;
    // the state has the longest texts that matter: it gets its room first
    let state_width = (open * 0.5).max(STATE);
    let model_width = (open - state_width).max(120.0);
    let mut table =
        TableBuilder::new(ui).id_salt("traffic").sense(Sense::click()).auto_shrink(false).cell_layout(Layout::left_to_right(Align::Center));
    for (name, width, _) in COLUMNS {
        let width = match name {
            "Model" => model_width,
            "State" => state_width,
            _ => width,
        };
        table = table.column(Column::exact(width).clip(true));
    }
    table
        .header(height, |mut header| {
            for (name, _, right) in COLUMNS {
                header.col(|ui| {
                    aligned(ui, right, |ui| {
                        let text = note(ui, name);
                        ui.label(text);
                    })
                });
            }
        })
        .body(|body| {
            body.rows(height, rows.len(), |mut line| {
                let Some(row) = rows.get(line.index()) else { return };
                line.set_selected(state.selected == Some(row.id()));
                for (cell, (_, _, right)) in row.cells(scene).into_iter().zip(COLUMNS) {
                    line.col(|ui| {
                        aligned(ui, right, |ui| {
                            let label = ui.add(Label::new(RichText::new(&cell.text).color(tone(ui, cell.tone))).truncate());
                            if !cell.hover.is_empty() {
                                label.on_hover_text(&cell.hover);
                            }
                        })
                    });
                }
                let response = line.response();
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::Button, true, state.selected == Some(row.id()), row.sentence(scene))
                });
                if response.clicked() {
                    state.selected = if state.selected == Some(row.id()) { None } else { Some(row.id()) };
                }
            });
        });
}

fn aligned(ui: &mut Ui, right: bool, content: impl FnOnce(&mut Ui)) {
    if right {
        ui.with_layout(Layout::right_to_left(Align::Center), content);
    } else {
        content(ui);
    }
}

fn tone(ui: &Ui, tone: Tone) -> Color32 {
    let c = colors(ui);
    match tone {
        Tone::Strong => c.text,
        Tone::Plain => c.text_secondary,
        Tone::Faint => c.text_faint,
        Tone::Wait => c.binding,
        Tone::Run => c.accent,
        Tone::Good => c.ok,
        Tone::Bad => c.error,
    }
    .into()
}
