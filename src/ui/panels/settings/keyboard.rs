//! The keys.

use egui::Ui;

use super::super::super::theme::secondary;
use super::{group, line};

pub(super) fn show(ui: &mut Ui) {
    group(ui, "Keyboard", |ui| {
        for (keys, what) in [
            ("1 to 8", "the panels; with Ctrl also while typing"),
            ("Ctrl+K", "everything that can be done, by name"),
            ("Ctrl+F", "filter the traffic"),
            ("Up, Down", "the next request or limit; Enter opens a request"),
            ("Left, Right", "move a chart; + and − zoom, 0 shows all"),
            ("Tab", "the next control; Enter or Space presses it"),
            ("Esc", "close a dialog or a detail"),
        ] {
            line(ui, keys, "", |ui| {
                let text = secondary(ui, what);
                ui.label(text);
            });
        }
    });
}
