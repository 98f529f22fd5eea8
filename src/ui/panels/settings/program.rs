//! When the program starts, when it ends, and where it can be seen.

use egui::{Button, Ui};

use crate::domain::Preferences;

use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::widgets::problem;
use super::{group, line};

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, wanted: &mut Preferences, at_login: &Slot<bool>) -> Option<Intent> {
    group(ui, "Gateway", |ui| {
        let demo = scene.view.demo;
        line(ui, "Closed window", "Open it again from the tray, or by starting Tierline once more.", |ui| {
            let runs_on = ui.add_enabled_ui(!demo, |ui| {
                ui.checkbox(&mut wanted.keep_running, "The gateway goes on serving");
            });
            runs_on.response.on_disabled_hover_text("The demo ends with its window");
        });
        let wish = line(ui, "At login", "", |ui| {
            let mut on = matches!(at_login, Slot::Done(true));
            let known = ui.add_enabled_ui(matches!(at_login, Slot::Done(_)), |ui| ui.checkbox(&mut on, "Start Tierline").changed());
            known.inner.then_some(Intent::StartAtLogin(Some(on)))
        });
        if let Some(failed) = at_login.problem() {
            problem::show(ui, failed);
        }
        line(ui, "Tray", "Shows the fullest limit, where the desktop has a place for it.", |ui| {
            ui.checkbox(&mut wanted.tray, "An icon with a menu");
        });
        let quits = line(ui, "", "", |ui| {
            let button = ui.add(Button::new("Quit Tierline"));
            button.on_hover_text("Ends the gateway too; what runs may finish").clicked()
        });
        wish.or(quits.then_some(Intent::Quit))
    })
}
