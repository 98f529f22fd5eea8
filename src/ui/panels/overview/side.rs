//! Beside the buckets: what the user should know, and who waits.

use egui::{Align, Color32, Label, Layout, RichText, Sense, Ui, UiBuilder, WidgetInfo, Role, vec2};

use crate::domain::view::WaitingView;

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, faint, note, theme};
use super::super::super::widgets::{page, problem};

/// More than these are counted, not listed.
const LISTED: usize = 40;

/// Draws both groups.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    notices(ui, scene);
    ui.add_space(theme().space.apart);
    queue(ui, scene)
}

fn notices(ui: &mut Ui, scene: &Scene<'_>) {
    page::group(ui, "Notices", "");
    page::rule(ui);
    if scene.view.notices.is_empty() {
        let text = faint(ui, "Nothing needs you.");
        ui.label(text);
    }
    for notice in &scene.view.notices {
        ui.add_space(theme().space.tight);
        ui.scope(|ui| {
            let more: Vec<String> = notice.hint.iter().map(|hint| problem::sentence(hint)).collect();
            problem::entry(ui, notice.severity, &problem::sentence(&notice.text), &more);
        })
        .response
        .on_hover_text(format!("{}\n{}", notice.key, scene.both_zones(notice.at)));
        ui.add_space(theme().space.tight);
    }
}

fn queue(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let waiting = &scene.view.waiting;
    page::group(ui, "Queue", &if waiting.is_empty() { String::new() } else { format!("{} waiting", waiting.len()) });
    page::rule(ui);
    if waiting.is_empty() {
        let text = faint(ui, "Nobody waits.");
        ui.label(text);
        return None;
    }
    let mut clicked = None;
    for waits in waiting.iter().take(LISTED) {
        if entry(ui, scene, waits) {
            clicked = Some(Intent::ShowRequest(waits.id));
        }
    }
    if waiting.len() > LISTED {
        let text = note(ui, format!("and {} more", waiting.len() - LISTED));
        ui.label(text);
    }
    clicked
}

fn entry(ui: &mut Ui, scene: &Scene<'_>, waits: &WaitingView) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), scene.density.row()), Sense::click());
    let meter = waits.bucket.as_ref().map_or("order".to_owned(), |key| key.meter().to_string());
    let eta = waits.ready_at.map_or(format::NONE.to_owned(), |at| format::until(scene.now, at));
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, format!("{} of {} waits for {meter} of {}, goes in {eta}", waits.position, waits.client, waits.class))
    });
    let c = colors(ui);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect.expand2(vec2(theme().space.tight, 0.0)), theme().size.radius, Color32::from(c.hover));
    }
    let mut line = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    let ui = &mut line;
    let position = faint(ui, waits.position.to_string());
    ui.allocate_ui_with_layout(vec2(16.0, rect.height()), Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(position)));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let eta_text = RichText::new(&eta).color(c.text);
        ui.allocate_ui_with_layout(vec2(58.0, rect.height()), Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(eta_text)));
        ui.allocate_ui_with_layout(vec2(52.0, rect.height()), Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(meter).color(c.binding)).truncate());
        });
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(waits.client.as_str()).color(c.text_secondary)).truncate());
        });
    });
    response
        .on_hover_ui(|ui| {
            ui.label(format!("{} asks for {}", waits.client, waits.model.as_ref().map_or("no model", |m| m.as_str())));
            let lines = [
                format!("{} queue, position {}", waits.lane.name(), waits.position),
                waits.bucket.as_ref().map_or("waits for its turn".to_owned(), |key| format!("waits for {key}")),
                format!("since {}", scene.both_zones(waits.since)),
                waits.ready_at.map_or("no time can be told".to_owned(), |at| format!("goes at {}", scene.both_zones(at))),
            ];
            for line in lines {
                let text = note(ui, line);
                ui.label(text);
            }
        })
        .clicked()
}
