//! How long the history is kept.

use egui::Ui;

use crate::domain::Preferences;

use super::super::super::theme::{note, theme};
use super::super::history::combo;
use super::{group, line};

const KEPT: [(Option<u32>, &str); 5] =
    [(None, "For good"), (Some(30), "30 days"), (Some(90), "90 days"), (Some(365), "A year"), (Some(730), "Two years")];

pub(super) fn show(ui: &mut Ui, wanted: &mut Preferences) {
    group(ui, "History", |ui| {
        let name = KEPT.iter().find(|(days, _)| *days == wanted.keep_days).map_or("As long as set before", |(_, name)| *name);
        line(ui, "Requests", "", |ui| {
            combo(ui, "Keep requests", name, 130.0, |ui| {
                for (days, name) in KEPT {
                    ui.selectable_value(&mut wanted.keep_days, days, name);
                }
            });
        });
        let text = note(
            ui,
            "Requests, header snapshots and refusals that are older are deleted in small steps. Sums by hour and day, and every change of \
             a limit, are small and stay: the long charts lose nothing.",
        );
        ui.add(egui::Label::new(text).wrap());
        ui.add_space(theme().space.tight);
    });
}
