//! Theme, density and scale.

use egui::{Slider, Ui};

use super::super::super::state::{Density, ThemeChoice, UiState};
use super::{group, line};

pub(super) fn show(ui: &mut Ui, window: &mut UiState, scale: &mut Option<u16>) {
    group(ui, "Look", |ui| {
        line(ui, "Theme", "", |ui| {
            for (choice, name) in [(ThemeChoice::System, "As the desktop"), (ThemeChoice::Light, "Light"), (ThemeChoice::Dark, "Dark")] {
                ui.selectable_value(&mut window.theme, choice, name);
            }
        });
        line(ui, "Density", "", |ui| {
            for (choice, name) in [(Density::Comfortable, "Comfortable"), (Density::Compact, "Compact")] {
                ui.selectable_value(&mut window.density, choice, name);
            }
        });
        line(ui, "Scale", "Ctrl with plus, minus or 0 changes it everywhere.", |ui| {
            // the scale is applied when the handle is let go: applied while dragging, the slider would run from under the pointer
            let mut percent = scale.unwrap_or(window.scale_percent);
            let slider = ui.add(Slider::new(&mut percent, UiState::SCALES).step_by(5.0).suffix(" %")).accessible_name("Scale");
            if slider.dragged() {
                *scale = Some(percent);
            } else {
                window.scale_percent = scale.take().unwrap_or(percent);
            }
        });
    });
}
