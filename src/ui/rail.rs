//! The list of panels at the left edge.

use egui::{Align2, Color32, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::scene::Scene;
use super::state::PanelId;
use super::theme::{colors, is_narrow, theme};
use super::widgets::icon::Icon;

/// Draws the rail; answers with the panel that was chosen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, current: PanelId) -> Option<PanelId> {
    let narrow = is_narrow(ui);
    brand(ui, scene.view.demo, narrow);
    let mut chosen = None;
    for (at, panel) in PanelId::ALL.into_iter().enumerate() {
        if panel == PanelId::Models || panel == PanelId::Settings {
            ui.add_space(theme().space.near);
        }
        if entry(ui, scene, panel, Place { key: at + 1, current: panel == current, narrow }) {
            chosen = Some(panel);
        }
    }
    chosen
}

/// How wide it is.
#[must_use]
pub fn width(ui: &Ui) -> f32 {
    if is_narrow(ui) { theme().size.rail_narrow } else { theme().size.rail }
}

/// How an entry stands in the rail.
#[derive(Clone, Copy)]
struct Place {
    key: usize,
    current: bool,
    /// There is room for the icon alone.
    narrow: bool,
}

fn brand(ui: &mut Ui, demo: bool, narrow: bool) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme().size.header), Sense::hover());
    let c = colors(ui);
    let mark = Rect::from_center_size(pos2(icon_at(rect, narrow), rect.center().y), vec2(16.0, 16.0));
    Icon::Mark.paint(ui.painter(), mark, c.accent.into());
    if narrow {
        return;
    }
    let name = ui.painter().text(
        pos2(rect.left() + 34.0, rect.center().y),
        Align2::LEFT_CENTER,
        "Tierline",
        FontId::proportional(theme().scale.brand),
        c.text.into(),
    );
    if demo {
        ui.painter().text(
            pos2(name.right() + theme().space.close, rect.center().y + 1.0),
            Align2::LEFT_CENTER,
            "demo",
            FontId::proportional(theme().scale.small),
            c.binding.into(),
        );
    }
}

fn icon_at(rect: Rect, narrow: bool) -> f32 {
    if narrow { rect.center().x } else { rect.left() + 17.0 }
}

fn entry(ui: &mut Ui, scene: &Scene<'_>, panel: PanelId, Place { key, current, narrow }: Place) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme().size.control + 4.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, current, panel.title()));
    let c = colors(ui);
    let painter = ui.painter();
    if current {
        painter.rect_filled(rect, theme().size.radius, Color32::from(c.selected));
    } else if response.hovered() {
        painter.rect_filled(rect, theme().size.radius, Color32::from(c.hover));
    }
    if response.has_focus() {
        painter.rect_stroke(rect, theme().size.radius, (1.5, Color32::from(c.accent)), egui::StrokeKind::Inside);
    }
    let ink = if current { c.text } else { c.text_secondary };
    let icon = Rect::from_center_size(pos2(icon_at(rect, narrow), rect.center().y), vec2(theme().size.icon, theme().size.icon));
    Icon::from(panel).paint(painter, icon, if current { c.accent } else { c.text_faint }.into());
    let asks = badge(scene, panel);
    let hover = format!("{} ({key} or Ctrl+{key})", panel.title());
    if narrow {
        if asks.is_some() {
            painter.circle_filled(rect.right_top() + vec2(-6.0, 6.0), 3.0, Color32::from(c.binding));
        }
        return response.on_hover_text(hover).clicked();
    }
    painter.text(
        pos2(rect.left() + 34.0, rect.center().y),
        Align2::LEFT_CENTER,
        panel.title(),
        FontId::proportional(theme().scale.body),
        ink.into(),
    );
    let (text, color) = match asks {
        Some(text) => (text, c.binding),
        None if response.hovered() => (key.to_string(), c.text_faint),
        None => (String::new(), c.text_faint),
    };
    painter.text(
        pos2(rect.right() - 10.0, rect.center().y),
        Align2::RIGHT_CENTER,
        text,
        FontId::proportional(theme().scale.small),
        color.into(),
    );
    response.on_hover_text(hover).clicked()
}

/// A number that asks for a look at the panel.
fn badge(scene: &Scene<'_>, panel: PanelId) -> Option<String> {
    let count = match panel {
        PanelId::Traffic => scene.view.waiting.len(),
        PanelId::Accounts => scene.view.accounts.iter().filter(|a| a.stopped.is_some()).count(),
        _ => 0,
    };
    (count > 0).then(|| count.to_string())
}
