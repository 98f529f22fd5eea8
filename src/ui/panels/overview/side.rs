//! Beside the buckets: what the user should know, and who waits.

use egui::text::LayoutJob;
use egui::{Align, FontSelection, Label, RichText, Role, Sense, Ui, WidgetInfo};

use jiff::Timestamp;

use crate::domain::Notice;
use crate::domain::view::WaitingView;

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, faint, note, theme};
use super::super::super::widgets::grid::{Column, Grid};
use super::super::super::widgets::{button, page, problem};

/// More than these are counted, not listed.
const LISTED: usize = 40;

const QUEUE: [Column; 4] = [Column::number("", 14.0), Column::rest(""), Column::text("", 40.0), Column::number("", 48.0)];

/// Draws both groups. `tried` is the outage that the next request is to try.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, tried: &mut Option<(String, Timestamp)>) -> Option<Intent> {
    let wish = notices(ui, scene, tried);
    ui.add_space(theme().space.apart);
    queue(ui, scene).or(wish)
}

fn notices(ui: &mut Ui, scene: &Scene<'_>, tried: &mut Option<(String, Timestamp)>) -> Option<Intent> {
    let mut wish = None;
    page::group(ui, "Notices", "");
    page::rule(ui);
    if scene.view.notices.is_empty() {
        let text = faint(ui, "Nothing needs you.");
        ui.label(text);
    }
    for notice in &scene.view.notices {
        ui.add_space(theme().space.tight);
        ui.scope(|ui| {
            let more: Vec<String> = notice.hint.iter().cloned().collect();
            problem::entry(ui, notice.severity, &notice.text, &more);
        })
        .response
        .on_hover_text(format!("{}\n{}", notice.key, scene.both_zones(notice.at)));
        if let Some(model) = notice.key.strip_prefix("retirement/") {
            below(ui, |ui| {
                let look = button::link(ui, "Look it up");
                if ui.add(look).accessible_name(format!("Look up {model}")).clicked() {
                    wish = Some(Intent::ShowModel(model.to_owned()));
                }
            });
        }
        if let Some(label) = notice.key.strip_prefix("outage/") {
            below(ui, |ui| {
                wish = try_now(ui, scene, notice, label, tried).or(wish.take());
            });
        }
        ui.add_space(theme().space.tight);
    }
    wish
}

/// What can be done about a notice, under its text.
fn below(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.add_space(theme().size.icon - 2.0);
        content(ui);
    });
}

/// The next request tries an endpoint that keeps failing at once, once the user says that it is well again.
fn try_now(ui: &mut Ui, scene: &Scene<'_>, notice: &Notice, label: &str, tried: &mut Option<(String, Timestamp)>) -> Option<Intent> {
    let id = scene.view.accounts.iter().find(|view| view.account.label == label)?.account.id;
    // a newer notice of the same is of a try that failed
    if tried.as_ref().is_some_and(|(key, at)| *key == notice.key && *at == notice.at) {
        let text = note(ui, "The next request tries it.");
        ui.label(text);
        return None;
    }
    let again = button::link(ui, "Try now");
    let clicked =
        ui.add(again).accessible_name(format!("Try {label} now")).on_hover_text("Lets the next request through at once").clicked();
    clicked.then(|| {
        *tried = Some((notice.key.clone(), notice.at));
        Intent::TryNow(id)
    })
}

fn queue(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let waiting = &scene.view.waiting;
    page::group(ui, "Queue", &if waiting.is_empty() { String::new() } else { format!("{} waiting", scene.view.waiting_count()) });
    page::rule(ui);
    if waiting.is_empty() {
        let text = faint(ui, "Nobody waits.");
        ui.label(text);
        return None;
    }
    let grid = Grid::new(ui, &QUEUE, scene.density.row());
    let mut clicked = None;
    for waits in waiting.iter().take(LISTED) {
        if entry(ui, scene, &grid, waits) {
            clicked = Some(Intent::ShowRequest(waits.id));
        }
    }
    if scene.view.waiting_count() > LISTED {
        let text = note(ui, format!("and {} more", scene.view.waiting_count() - LISTED));
        ui.label(text);
    }
    clicked
}

fn entry(ui: &mut Ui, scene: &Scene<'_>, grid: &Grid, waits: &WaitingView) -> bool {
    let c = colors(ui);
    let meter = waits.meter().map_or("order".to_owned(), |meter| meter.to_string());
    let eta = waits.ready_at.map_or(format::NONE.to_owned(), |at| format::until(scene.now, at));
    let response = grid.row(ui, Sense::click(), |cells| {
        cells.text(RichText::new(waits.position.to_string()).color(c.text_faint));
        cells.cell(|ui| {
            let mut who = LayoutJob::default();
            RichText::new(format!("{}  ", waits.client)).color(c.text_secondary).append_to(
                &mut who,
                ui.style(),
                FontSelection::Default,
                Align::Center,
            );
            note(ui, &waits.account_label).append_to(&mut who, ui.style(), FontSelection::Default, Align::Center);
            ui.add(Label::new(who).truncate())
        });
        cells.text(RichText::new(&meter).color(c.binding));
        cells.text(RichText::new(&eta).color(c.text));
    });
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            format!("{} of {} waits for {meter} of {} ({}), goes in {eta}", waits.position, waits.client, waits.class, waits.account_label),
        )
    });
    response
        .on_hover_ui(|ui| {
            ui.label(format!("{} asks for {}", waits.client, waits.model.as_ref().map_or("no model", |m| m.as_str())));
            let lines = [
                format!("{} queue, position {}", waits.lane.name(), waits.position),
                format!("waits for {}", scene.waits_for(waits)),
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
