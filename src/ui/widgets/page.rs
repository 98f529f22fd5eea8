//! What every panel has in common: a title line, groups, and a quiet way to say that there is nothing.

use egui::{Align, Color32, Grid, Label, Layout, Response, RichText, Stroke, Ui, UiBuilder, vec2};

use super::super::theme::{colors, faint, note, section, theme, title};
use super::icon::Icon;

/// The title line. `right` draws the panel's controls, from the right edge inwards.
pub fn header<R>(ui: &mut Ui, name: &str, right: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(ui.available_width(), theme().size.header);
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    let mut left = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    left.add(Label::new(title(name)));
    let mut controls = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
    right(&mut controls)
}

/// The head of a group, with a note behind it.
pub fn group(ui: &mut Ui, name: &str, behind: &str) -> Response {
    let line = ui.horizontal(|ui| {
        ui.add(Label::new(section(name)));
        if !behind.is_empty() {
            let text = note(ui, behind);
            ui.add(Label::new(text).truncate());
        }
    });
    line.response
}

/// Names and values in two columns of small text.
pub fn facts(ui: &mut Ui, id: &str, lines: &[(&str, String)]) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
        Grid::new(id).num_columns(2).spacing([theme().space.near, theme().space.hair]).show(ui, |ui| {
            for (name, value) in lines {
                let name = note(ui, *name);
                ui.label(name);
                ui.add(Label::new(RichText::new(value).small()).wrap().selectable(true));
                ui.end_row();
            }
        });
    });
}

/// The frame of a drawer: a panel below the main content that tells all of what is chosen there.
pub fn drawer() -> egui::Frame {
    egui::Frame::new().inner_margin(egui::Margin { left: 0, right: 0, top: 10, bottom: 10 })
}

/// A hair line over the whole width.
pub fn rule(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, Color32::from(colors(ui).line)));
}

/// An empty state: a drawing, a line, and what would fill the place.
pub fn empty<R>(ui: &mut Ui, icon: Icon, line: &str, text: &str, more: impl FnOnce(&mut Ui) -> R) -> R {
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.28).max(theme().space.apart));
        let (rect, _) = ui.allocate_exact_size(vec2(36.0, 36.0), egui::Sense::hover());
        icon.paint(ui.painter(), rect, colors(ui).line_strong.into());
        ui.add_space(theme().space.near);
        ui.label(title(line));
        ui.add_space(theme().space.tight);
        ui.scope(|ui| {
            ui.set_max_width(460.0);
            let text = faint(ui, text);
            ui.add(Label::new(text).wrap().halign(Align::Center));
        });
        ui.add_space(theme().space.near);
        more(ui)
    })
    .inner
}
