//! What the user chooses for the program as a whole, and what this program is.

mod about;
pub mod budgets;
mod history;
mod keyboard;
mod limits;
mod look;
pub mod names;
mod notify;
mod program;
pub mod routes;

use egui::{Align, Button, Label, Layout, Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};

use crate::domain::Preferences;
use crate::domain::view::ModelsView;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::state::UiState;
use super::super::theme::{colors, note, secondary, theme};
use super::super::widgets::page;
use super::accounts::limits::{self as ceilings, LimitsState};

/// Which of the panel's two pages is in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Program,
    Rules,
}

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct SettingsState {
    page: Page,
    /// The scale while its slider is dragged.
    scale: Option<u16>,
    /// The percentage while its slider is dragged.
    percent: Option<u8>,
    /// Whether Tierline starts at login.
    pub at_login: Slot<bool>,
    /// How long the history is to be kept, until the question is answered whether what is older may go.
    forgets: Option<u32>,
    /// What may be spent.
    pub budgets: budgets::BudgetsState,
    /// Who serves instead.
    pub routes: routes::RoutesState,
    /// What names stand for.
    pub names: names::NamesState,
}

impl SettingsState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.at_login.poll();
        self.budgets.saved.poll();
        self.routes.offers.poll();
        self.routes.saved.poll();
        self.names.saved.poll();
    }

    /// Brings budgets, limits, routes and names to the front.
    pub const fn show_rules(&mut self) {
        self.page = Page::Rules;
    }
}

/// What the panel changes or reads that is not its own.
pub struct Shared<'a> {
    /// How the window looks.
    pub window: &'a mut UiState,
    /// What was chosen for the program.
    pub chosen: &'a Preferences,
    /// The catalogue.
    pub models: &'a Slot<ModelsView>,
    /// The dialog for the user's own limits.
    pub limits: &'a mut LimitsState,
}

/// Columns of a page are no narrower, or there is one less of them, and no wider.
const COLUMN_LEAST: f32 = 410.0;
const COLUMN: f32 = 560.0;

/// Draws the panel. What belongs to the window is changed in place; the rest is wished for.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, shared: Shared<'_>, state: &mut SettingsState) -> Option<Intent> {
    page::header(ui, "Settings", |ui| {
        ui.selectable_value(&mut state.page, Page::Rules, "Rules");
        ui.selectable_value(&mut state.page, Page::Program, "Program");
    });
    page::rule(ui);
    ui.add_space(theme().space.near);
    let Shared { window, chosen, models, limits } = shared;
    let unread = matches!(models, Slot::Idle).then_some(Intent::LoadModels);
    let asks = matches!(state.at_login, Slot::Idle).then_some(Intent::StartAtLogin(None)).or(unread);
    let wish = match state.page {
        Page::Program => {
            let mut wanted = chosen.clone();
            let (scale, percent, at_login, forgets) = (&mut state.scale, &mut state.percent, &state.at_login, &mut state.forgets);
            let mut wish = None;
            columns(ui, 6, &[&[3], &[2, 4]], |ui, group| match group {
                0 => look::show(ui, window, scale),
                1 => wish = program::show(ui, scene, &mut wanted, at_login),
                2 => notify::show(ui, &mut wanted, percent),
                3 => history::show(ui, &mut wanted, forgets),
                4 => keyboard::show(ui),
                _ => about::show(ui, models),
            });
            if wanted == *chosen { wish } else { Some(Intent::Prefer(wanted)) }
        }
        Page::Rules => {
            let SettingsState { budgets, routes, names, .. } = state;
            let mut wish = None;
            columns(ui, 4, &[&[2], &[2, 3]], |ui, group| match group {
                0 => wish = budgets::show(ui, scene, budgets),
                1 => limits::show(ui, scene, limits),
                2 => wish = routes::show(ui, scene, routes, models).or(wish.take()),
                _ => wish = names::show(ui, scene, names).or(wish.take()),
            });
            ceilings::show(ui.ctx(), scene, limits).or(wish)
        }
    };
    wish.or(asks)
}

/// The groups of a page from top to bottom, in as many columns as the width has room for. `cuts` says for two columns, for three, ...
/// with which group each further column begins.
fn columns(ui: &mut Ui, groups: usize, cuts: &[&[usize]], mut content: impl FnMut(&mut Ui, usize)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let whole = ui.available_rect_before_wrap();
        let gap = theme().space.apart * 2.0;
        let fits = |cuts: &&&[usize]| whole.width() >= COLUMN_LEAST * (cuts.len() + 1) as f32 + gap * cuts.len() as f32;
        let cuts = cuts.iter().rev().find(fits).copied().unwrap_or_default();
        let count = cuts.len() + 1;
        let width = ((whole.width() - gap * cuts.len() as f32) / count as f32).min(COLUMN);
        let mut all = Rect::NOTHING;
        for column in 0..count {
            let place = |at: usize| if at == 0 { Some(0) } else { cuts.get(at - 1).copied() };
            let left = whole.left_top() + vec2((width + gap) * column as f32, 0.0);
            let rect = Rect::from_min_size(left, vec2(width, whole.height()));
            let mut ui = ui.new_child(UiBuilder::new().id_salt(column).max_rect(rect).layout(Layout::top_down(Align::Min)));
            for group in place(column).unwrap_or(groups)..place(column + 1).unwrap_or(groups) {
                content(&mut ui, group);
            }
            all = all.union(ui.min_rect());
        }
        ui.allocate_rect(all, egui::Sense::hover());
    });
}

/// A group of lines under a head.
fn group<R>(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    page::group(ui, name, "");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let inner = content(ui);
    ui.add_space(theme().space.apart);
    inner
}

/// A name, what can be chosen, and a note below it.
fn line<R>(ui: &mut Ui, name: &str, hint: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    const NAME: f32 = 110.0;
    let inner = ui
        .horizontal(|ui| {
            ui.allocate_ui_with_layout(vec2(NAME, theme().size.control), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(NAME);
                let text = secondary(ui, name);
                ui.label(text);
            });
            content(ui)
        })
        .inner;
    if !hint.is_empty() {
        ui.scope(|ui| {
            ui.spacing_mut().interact_size.y = 0.0; // a line of text, not of controls
            ui.horizontal(|ui| {
                ui.add_space(NAME + theme().space.close);
                let text = note(ui, hint);
                ui.add(egui::Label::new(text).wrap());
            });
        });
        ui.add_space(theme().space.tight);
    }
    inner
}

/// A sentence in small type, wrapped.
fn remark(ui: &mut Ui, text: &str) {
    let text = note(ui, text);
    ui.add(Label::new(text).wrap());
}

/// Why a field's text cannot be used.
fn wrong(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).small().color(colors(ui).error));
}

/// A quiet button in a row of a table, which is called by what it does to that row.
fn small_button(ui: &mut Ui, text: &str, name: &str) -> bool {
    let button = Button::new(RichText::new(text).small().color(colors(ui).text_secondary)).small().frame_when_inactive(false);
    ui.add(button.min_size(vec2(0.0, 21.0))).accessible_name(name).clicked()
}
