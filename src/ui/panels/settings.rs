//! How the window looks, and what this program is.

use egui::{Slider, Ui};

use super::super::state::{Density, ThemeChoice, UiState};
use super::super::theme::{faint, note, secondary, theme};
use super::super::widgets::page;

/// Draws the panel. It changes `state` in place; the app notices and stores it.
pub fn show(ui: &mut Ui, state: &mut UiState, scale: &mut Option<u16>) {
    page::header(ui, "Settings", |_| ());
    ui.scope(|ui| {
        ui.set_max_width(620.0);
        look(ui, state, scale);
        ui.add_space(theme().space.apart);
        keyboard(ui);
        ui.add_space(theme().space.apart);
        about(ui);
    });
}

fn look(ui: &mut Ui, state: &mut UiState, scale: &mut Option<u16>) {
    page::group(ui, "Look", "");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    line(ui, "Theme", "System follows the desktop", |ui| {
        for (choice, name) in [(ThemeChoice::System, "System"), (ThemeChoice::Light, "Light"), (ThemeChoice::Dark, "Dark")] {
            ui.selectable_value(&mut state.theme, choice, name);
        }
    });
    line(ui, "Density", "Compact shows more lines of a table", |ui| {
        for (choice, name) in [(Density::Comfortable, "Comfortable"), (Density::Compact, "Compact")] {
            ui.selectable_value(&mut state.density, choice, name);
        }
    });
    line(ui, "Scale", "Ctrl with plus, minus or 0 changes it everywhere", |ui| {
        // the scale is applied when the handle is let go: applied while dragging, the slider would run from under the pointer
        let mut percent = scale.unwrap_or(state.scale_percent);
        let slider = ui.add(Slider::new(&mut percent, UiState::SCALES).step_by(5.0).suffix(" %"));
        let slider = slider.accessible_name("Scale");
        if slider.dragged() {
            *scale = Some(percent);
        } else {
            state.scale_percent = scale.take().unwrap_or(percent);
        }
    });
}

fn keyboard(ui: &mut Ui) {
    page::group(ui, "Keyboard", "");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    for (keys, what) in [
        ("1 to 8", "the panels, in the order of the rail; with Ctrl also while typing"),
        ("Ctrl+K", "everything that can be done, by name"),
        ("Ctrl+F", "filter the traffic"),
        ("Up, Down", "the next request in the traffic"),
        ("Tab", "the next control; Enter or Space presses it"),
        ("Esc", "close a dialog or a detail"),
    ] {
        line(ui, keys, "", |ui| {
            let text = secondary(ui, what);
            ui.label(text);
        });
    }
}

fn about(ui: &mut Ui) {
    page::group(ui, "About", "");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    ui.label(format!("Tierline {}", env!("CARGO_PKG_VERSION")));
    for text in [
        "Keys stay in the keyring of the operating system. Requests go only to the providers of your accounts.",
        "No telemetry, ever.",
        "MIT or Apache-2.0, as you like.",
    ] {
        let text = faint(ui, text);
        ui.label(text);
    }
}

fn line(ui: &mut Ui, name: &str, hint: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(egui::vec2(110.0, theme().size.control), egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(110.0);
            let text = secondary(ui, name);
            ui.label(text);
        });
        content(ui);
        if !hint.is_empty() {
            ui.add_space(theme().space.close);
            let text = note(ui, hint);
            ui.label(text);
        }
    });
}
