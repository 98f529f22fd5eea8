//! What the user chooses for the program as a whole, and what this program is.

mod about;
mod history;
mod keyboard;
mod look;
mod notify;
mod program;

use egui::{Align, Layout, ScrollArea, Ui, UiBuilder, vec2};

use crate::domain::Preferences;
use crate::domain::view::ModelsView;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::state::UiState;
use super::super::theme::{note, secondary, theme};
use super::super::widgets::page;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct SettingsState {
    /// The scale while its slider is dragged.
    scale: Option<u16>,
    /// The percentage while its slider is dragged.
    percent: Option<u8>,
    /// Whether Tierline starts at login.
    pub at_login: Slot<bool>,
}

impl SettingsState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.at_login.poll();
    }
}

/// Narrower than this, the second column goes below the first.
const TWO_COLUMNS: f32 = 860.0;
const COLUMN: f32 = 560.0;

/// Draws the panel. What belongs to the window is changed in place; the rest is wished for.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    window: &mut UiState,
    chosen: &Preferences,
    state: &mut SettingsState,
    models: &Slot<ModelsView>,
) -> Option<Intent> {
    page::header(ui, "Settings", |_| ());
    page::rule(ui);
    ui.add_space(theme().space.near);
    let unread = matches!(models, Slot::Idle).then_some(Intent::LoadModels);
    let asks = matches!(state.at_login, Slot::Idle).then_some(Intent::StartAtLogin(None)).or(unread);
    let mut wanted = chosen.clone();
    let mut wish = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let both = ui.available_rect_before_wrap();
        let gap = theme().space.apart * 2.0;
        let two = both.width() >= TWO_COLUMNS;
        let width = if two { ((both.width() - gap) / 2.0).min(COLUMN) } else { both.width().min(COLUMN) };
        let mut left = ui.new_child(UiBuilder::new().max_rect(both.with_max_x(both.left() + width)).layout(Layout::top_down(Align::Min)));
        look::show(&mut left, window, &mut state.scale);
        wish = program::show(&mut left, scene, &mut wanted, &state.at_login);
        notify::show(&mut left, &mut wanted, &mut state.percent);
        let from = if two { both.left_top() + vec2(width + gap, 0.0) } else { left.min_rect().left_bottom() };
        let beside = egui::Rect::from_min_size(from, vec2(width, both.height()));
        let mut right = ui.new_child(UiBuilder::new().max_rect(beside).layout(Layout::top_down(Align::Min)));
        wish = limits(&mut right, scene).or(wish.take());
        history::show(&mut right, &mut wanted);
        keyboard::show(&mut right);
        about::show(&mut right, models);
        ui.allocate_rect(left.min_rect().union(right.min_rect()), egui::Sense::hover());
    });
    if wanted != *chosen {
        return Some(Intent::Prefer(wanted));
    }
    wish.or(asks)
}

/// The user's own ceilings live with their accounts; here is the way to them.
fn limits(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let own = scene.view.buckets.iter().filter(|bucket| bucket.source == crate::domain::LimitSource::User).count();
    group(ui, "Limits", |ui| {
        let said = match own {
            0 => "You set none: what the providers allow holds.".to_owned(),
            1 => "One limit holds that you set below the provider's.".to_owned(),
            n => format!("{n} limits hold that you set below the providers'."),
        };
        line(ui, "Your own", "", |ui| {
            let text = secondary(ui, said);
            ui.label(text);
        });
        line(ui, "", "", |ui| ui.button("Set them at the accounts").clicked())
    })
    .then_some(Intent::Go(super::super::state::PanelId::Accounts))
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
