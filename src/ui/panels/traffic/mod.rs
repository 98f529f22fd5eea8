//! Requests, live and recent: a table with a filter, a pause, and the whole story of one request below it.

pub mod detail;
pub mod row;
pub mod table;

use std::sync::Arc;

use egui::{Align2, Key, Panel, TextEdit, Ui};

use crate::domain::RequestId;
use crate::journal::LiveView;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::state::PanelId;
use super::super::theme::note;
use super::super::widgets::icon::Icon;
use super::super::widgets::page;
use row::Row;

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
    table::show(ui, scene, &mut state.selected, &rows);
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
    if field.lost_focus() && ui.input(|i| i.key_pressed(Key::Escape)) {
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
