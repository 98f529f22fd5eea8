//! Requests, live and recent: a table with a filter, a pause, and the whole story of one request below it.

pub mod detail;
pub mod hindsight;
pub mod past;
pub mod rank;
pub mod row;
pub mod rows;
pub mod story;
pub mod table;

use std::sync::Arc;

use egui::{Align2, Key, Panel, TextEdit, Ui};

use crate::domain::RequestId;
use crate::domain::query::{Story, StoryQuery};
use crate::journal::LiveView;

use super::super::format;
use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::state::PanelId;
use super::super::theme::note;
use super::super::widgets::icon::Icon;
use super::super::widgets::page;
use super::super::widgets::sort::Order;
use past::Past;
use row::Row;
use rows::Rows;
use table::Choice;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct TrafficState {
    /// Only rows with all of these words.
    pub filter: String,
    /// By which column the rows are sorted; who waits, what runs and then the newest first, if `None`.
    pub order: Option<Order>,
    /// The view that stands still while the panel is paused.
    pub paused: Option<Arc<LiveView>>,
    /// The row that is chosen.
    choice: Choice,
    /// Requests from before the live view.
    pub past: Past,
    /// What is stored of the selected request.
    pub story: Slot<Story>,
    /// Of which request, and at which attempt and end of it.
    told: Option<(StoryQuery, u32)>,
    /// The filter wants the keyboard.
    pub focus_filter: bool,
}

impl TrafficState {
    /// Chooses a request and opens it.
    pub fn show_request(&mut self, id: RequestId) {
        self.choice = Choice { id: Some(id), open: true, by_key: false };
    }

    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.past.settle();
        self.story.poll();
    }
}

/// The last rows that are seen are this near to the end when older ones are read.
const NEAR_THE_END: usize = 100;

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState) -> Option<Intent> {
    let frozen = state.paused.clone();
    let scene = &Scene { view: frozen.as_ref().unwrap_or(scene.view), ..*scene };
    let words = row::words(&state.filter);
    let mut past = std::mem::take(&mut state.past);
    past.forget_if_a_gap_opened(scene.view);
    let mut near = row::rows(scene.view);
    near.retain(|row| !past.holds(row.id()));
    let total = near.len() + past.count();
    near.retain(|row| row.matches(&words));
    let older = past.more().then(|| Intent::LoadRequests(past.next()));
    let order = state.order.clone();
    let rows = Rows::new(near, past.rows(&words, order.as_ref()), order.as_ref(), scene.now);
    let intent = draw(ui, scene, state, &rows, total, older);
    drop(rows);
    state.past = past;
    intent
}

/// `older` asks for the next page of the past.
fn draw(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState, rows: &Rows<'_>, total: usize, older: Option<Intent>) -> Option<Intent> {
    let filtered = !state.filter.trim().is_empty();
    let search = page::header(ui, "Traffic", |ui| controls(ui, scene, state, rows.len(), total, older.is_some()));
    page::rule(ui);
    if total == 0 {
        return nothing_yet(ui, scene).or(older);
    }
    let mut intent = None;
    let open = state.choice.id.filter(|_| state.choice.open);
    if let Some(row) = open.and_then(|id| rows.get(rows.position(id)?)) {
        let mut open = true;
        let most = (ui.available_height() * 0.75).max(220.0);
        intent = ask_for_story(state, &row);
        Panel::bottom("request").resizable(true).default_size(356.0).size_range(120.0..=most).frame(page::drawer()).show(ui, |ui| {
            open = detail::show(ui, scene, &row, &state.story);
        });
        if !open {
            state.choice.open = false;
        }
    }
    if rows.is_empty() {
        page::empty(ui, Icon::Traffic, "No row matches the filter", &format!("{total} are hidden."), |ui| {
            if ui.button("Clear the filter").clicked() {
                state.filter.clear();
            }
        });
        return intent.or(older.filter(|_| search));
    }
    let in_order = state.order.is_some();
    let last = table::show(ui, scene, &mut state.choice, &mut state.order, rows);
    // a filter that finds little would read the whole past by itself, and sorted rows would move away: then a button asks for it
    let wanted = search || (!filtered && !in_order && last + NEAR_THE_END >= rows.len());
    intent.or(older.filter(|_| wanted))
}

/// The story is read when a row is chosen, and again when it goes on.
fn ask_for_story(state: &mut TrafficState, row: &Row<'_>) -> Option<Intent> {
    let (from, to, attempt) = match row {
        Row::Waiting(_) => return None,
        Row::Running(r) => (r.arrival.at, None, r.attempt + u32::from(r.answering)),
        Row::Done(r) => (r.arrived_at, Some(r.finished_at), r.attempts),
    };
    let query = StoryQuery { id: row.id(), from, to };
    if state.told == Some((query, attempt)) {
        return None;
    }
    state.told = Some((query, attempt));
    Some(Intent::LoadStory(query))
}

/// Whether older requests shall be searched, too.
fn controls(ui: &mut Ui, scene: &Scene<'_>, state: &mut TrafficState, shown: usize, total: usize, more: bool) -> bool {
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
    let number = |n: usize| format::grouped(n as u64);
    let count =
        if shown == total { format!("{} requests", number(total)) } else { format!("{} of {} requests", number(shown), number(total)) };
    let text = note(ui, count);
    ui.label(text);
    if !more || (state.filter.trim().is_empty() && state.order.is_none()) {
        return false;
    }
    ui.button("Search older").on_hover_text("Reads the next page of the history, and filters and sorts it, too").clicked()
}

fn nothing_yet(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let text = format!(
        "Set {} with a provider's route as the base URL of a client, and its requests appear here while they run.",
        scene.gateway_url()
    );
    page::empty(ui, Icon::Traffic, "No request has come through yet", &text, |ui| ui.button("How to connect a client").clicked())
        .then_some(Intent::Go(PanelId::Accounts))
}
