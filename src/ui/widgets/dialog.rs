//! A question in front of everything else. Esc, the cross and a click beside it close it.

use egui::{Align, Color32, Context, Frame, Id, Label, Layout, Modal, RichText, Role, Sense, StrokeKind, Ui, Vec2, WidgetInfo};

use super::super::theme::{colors, section, theme};
use super::icon::Icon;

/// What a dialog answered in this frame.
pub struct Answer<R> {
    /// What its content returned.
    pub inner: R,
    /// Whether it was closed.
    pub closed: bool,
}

/// Shows a dialog with a title.
pub fn dialog<R>(ctx: &Context, name: &'static str, width: f32, content: impl FnOnce(&mut Ui) -> R) -> Answer<R> {
    let mut crossed = false;
    let frame = Frame::window(&ctx.global_style());
    let response = Modal::new(Id::unique(("dialog", name))).frame(frame).show(ctx, |ui| {
        ui.set_width(width);
        ui.horizontal(|ui| {
            ui.add(Label::new(section(name)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| crossed = cross(ui));
        });
        ui.add_space(theme().space.close);
        content(ui)
    });
    let closed = response.should_close() || crossed;
    Answer { inner: response.inner, closed }
}

fn cross(ui: &mut Ui) -> bool {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(theme().size.icon + 6.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Close"));
    let color = if response.hovered() || response.has_focus() { colors(ui).text } else { colors(ui).text_faint };
    Icon::Close.paint(ui.painter(), rect.shrink(4.0), color.into());
    response.on_hover_text("Close (Esc)").clicked()
}

/// The line of buttons at the foot: the one that acts to the right, in the accent colour. Returns whether it acts, and whether to close.
pub fn buttons(ui: &mut Ui, act: &str, enabled: bool, busy: bool) -> (bool, bool) {
    ui.add_space(theme().space.near);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let acts = ui.add_enabled_ui(enabled && !busy, |ui| primary(ui, act)).inner;
        let cancels = ui.button("Cancel").clicked();
        if busy {
            ui.add(Label::new(super::super::theme::note(ui, "Working…")));
        }
        (acts, cancels)
    })
    .inner
}

/// A button in the accent colour.
pub fn primary(ui: &mut Ui, text: &str) -> bool {
    let c = colors(ui);
    let button = egui::Button::new(RichText::new(text).color(c.on_accent)).fill(c.accent).stroke((1.0, Color32::from(c.accent)));
    let response = ui.add(button);
    if response.has_focus() {
        // its own stroke hides the one that focus would have
        let around = response.rect.expand(2.0);
        ui.painter().rect_stroke(around, theme().size.radius + 2.0, (1.5, Color32::from(c.accent)), StrokeKind::Inside);
    }
    response.clicked()
}
