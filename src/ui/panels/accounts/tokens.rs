//! Local tokens: what clients show to the gateway instead of a provider's key.

use egui::{Align, Align2, Frame, Key, Label, Layout, TextEdit, Ui};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, corner, mono, note, secondary, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::{button, page, problem};
use super::AccountsState;

/// Draws the list and the line that makes a new one.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    page::group(ui, "Local tokens", "a client's key to the gateway, one for each client");
    page::rule(ui);
    made(ui, state); // first, so that it is seen however long the list is
    let mut intent = list(ui, scene);
    ui.add_space(theme().space.close);
    ui.horizontal(|ui| {
        let field = ui.add(
            TextEdit::singleline(&mut state.token_name).hint_text("name of the client").desired_width(180.0).align(Align2::LEFT_CENTER),
        );
        let field = field.accessible_name("Name of the client");
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let name = state.token_name.trim();
        let ready = !name.is_empty() && !state.token.waiting();
        let clicked =
            ui.add_enabled(ready, egui::Button::new("New token")).on_disabled_hover_text("Give the client a name first").clicked();
        if ready && (clicked || entered) {
            intent = Some(Intent::NewToken(name.to_owned()));
        }
    });
    if let Some(failed) = state.token.problem().or(state.revoked.problem()) {
        ui.add_space(theme().space.tight);
        problem::show(ui, failed);
    }
    intent
}

fn list(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    if scene.view.tokens.is_empty() {
        super::quiet(ui, "None yet. Clients may also send the very key that is stored.");
        return None;
    }
    let mut intent = None;
    for (client, made) in scene.view.tokens.iter() {
        ui.horizontal(|ui| {
            ui.set_min_height(scene.density.row());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(button::small("Revoke")).accessible_name(format!("Revoke {client}")).clicked() {
                    intent = Some(Intent::RevokeToken(client.to_string()));
                }
                let when = note(ui, format!("since {}", format::when(scene.now, *made, scene.zone)));
                ui.add(Label::new(when)).on_hover_text(scene.both_zones(*made));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let name = secondary(ui, client.as_str());
                    ui.add(Label::new(name).truncate());
                });
            });
        });
    }
    intent
}

/// The new token, until it is put away.
fn made(ui: &mut Ui, state: &mut AccountsState) {
    let Slot::Done(token) = &state.token else { return };
    let mut put_away = false;
    let c = colors(ui);
    ui.add_space(theme().space.close);
    Frame::new().stroke((1.0, egui::Color32::from(c.accent))).corner_radius(corner(theme().size.radius)).inner_margin(10.0).show(
        ui,
        |ui| {
            ui.label("Shown once. Put it into the client now.");
            ui.horizontal(|ui| {
                copy(ui, "Copy the token", token.expose());
                ui.add(Label::new(mono(token.expose())).truncate().show_tooltip_when_elided(false));
            });
            put_away = ui.button("Done").clicked();
        },
    );
    if put_away {
        state.token = Slot::Idle;
    }
}
