//! A small button that puts a text on the clipboard and says that it did.

use std::time::Duration;

use egui::{Color32, Id, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use super::super::theme::{colors, theme};
use super::icon::Icon;

/// How long the tick stays.
const SAID: Duration = Duration::from_millis(1_200);

/// The button; `what` names it ("Copy the gateway URL").
pub fn copy(ui: &mut Ui, what: &str, text: &str) -> Response {
    let side = theme().size.icon + 6.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), what));
    let id: Id = response.id.with("copied");
    let now = ui.input(|i| i.time);
    if response.clicked() {
        ui.ctx().copy_text(text.to_owned());
        ui.data_mut(|d| d.insert_temp(id, now));
        ui.ctx().request_repaint_after(SAID);
    }
    let said = ui.data(|d| d.get_temp::<f64>(id)).is_some_and(|at| now - at < SAID.as_secs_f64());
    let c = colors(ui);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme().size.radius, Color32::from(c.hover));
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, theme().size.radius, (1.5, Color32::from(c.accent)), egui::StrokeKind::Inside);
    }
    let (icon, color) = match (said, response.hovered()) {
        (true, _) => (Icon::Check, c.ok),
        (false, true) => (Icon::Copy, c.text),
        (false, false) => (Icon::Copy, c.text_faint),
    };
    icon.paint(ui.painter(), rect.shrink(3.5), color.into());
    response.on_hover_text(if said { "Copied" } else { what })
}
