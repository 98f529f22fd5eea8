//! The table of buckets, grouped by scope and class of models.

use egui::{Key, Label, Layout, Modifiers, RichText, Role, Sense, Ui, WidgetInfo};

use crate::domain::view::BucketView;
use crate::domain::{BucketKey, ModelClass, Period};

use super::super::super::format;
use super::super::super::pace::{self, Pace};
use super::super::super::scene::Scene;
use super::super::super::standing::room;
use super::super::super::theme::{colors, faint, note, secondary, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::{meter, page, trend};
use super::{budgets, details};

const COLUMNS: [Column; 11] = [
    Column::text("Limit", 88.0),
    Column::text("Last 5 min", 64.0).gives_way(4),
    Column::rest("Now"),
    Column::number("Used / limit", 104.0),
    Column::number("Left", 54.0),
    Column::number("Runs out", 54.0),
    Column::number("Full in", 68.0),
    Column::number("Own/min", 52.0).gives_way(5),
    Column::number("Others", 44.0).gives_way(3),
    Column::number("Wait", 30.0).gives_way(2),
    Column::text("Source", 102.0).gives_way(1),
];

/// Draws all of them. A click, Enter or Space on a row opens what is known of it, and closes it again; the arrow keys move on.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, selected: &mut Option<BucketKey>, decides: Option<&BucketKey>) {
    let grid = Grid::new(ui, &COLUMNS, scene.density.row());
    ui.spacing_mut().item_spacing.y = theme().space.hair;
    if scene.view.buckets.is_empty() {
        page::group(ui, "Limits", "");
        let text =
            faint(ui, "No limit is known yet. The first answer of a provider, the catalogue, or a limit that you set fills this table.");
        ui.add(Label::new(text).wrap());
        return;
    }
    let moved = arrows(ui, scene, selected);
    grid.head(ui);
    budgets::show(ui, scene, &grid, decides);
    for (at, of_scope) in scene.view.buckets.chunk_by(|a, b| a.key.scope == b.key.scope).enumerate() {
        ui.add_space(if at == 0 { theme().space.close } else { theme().space.apart });
        if let Some(first) = of_scope.first() {
            scope(ui, scene, first);
        }
        for of_class in of_scope.chunk_by(|a, b| a.key.class == b.key.class) {
            ui.add_space(theme().space.tight);
            class(ui, scene, of_class);
            for bucket in of_class {
                let chosen = selected.as_ref() == Some(&bucket.key);
                if decides == Some(&bucket.key) && !chosen {
                    grid.mark_next(ui);
                }
                let response = row(ui, scene, &grid, bucket, chosen);
                if response.clicked() {
                    *selected = (!chosen).then(|| bucket.key.clone());
                } else if chosen && moved {
                    response.scroll_to_me(None);
                }
            }
        }
    }
    ui.add_space(theme().space.apart);
}

/// Up and Down move the choice while no control has the keyboard.
fn arrows(ui: &Ui, scene: &Scene<'_>, selected: &mut Option<BucketKey>) -> bool {
    if ui.memory(|m| m.focused().is_some() || m.top_modal_layer().is_some()) {
        return false;
    }
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let at = selected.as_ref().and_then(|key| scene.view.buckets.iter().position(|bucket| bucket.key == *key));
    let to = match (pressed(Key::ArrowDown), pressed(Key::ArrowUp), at) {
        (true, _, at) => at.map_or(0, |at| at + 1),
        (_, true, Some(at)) if at > 0 => at - 1,
        _ => return false,
    };
    let Some(bucket) = scene.view.buckets.get(to) else { return false };
    *selected = Some(bucket.key.clone());
    true
}

fn scope(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let scope = &bucket.key.scope;
    let account = scene.view.accounts.iter().find(|a| a.scope == *scope && a.tier.is_some());
    let accounts = match bucket.accounts.as_slice() {
        [one] => one.clone(),
        several => format!("shared by {}", several.join(", ")),
    };
    let named = bucket.accounts.contains(&scope.id);
    let id = if named { String::new() } else { format!("  ·  {} {}", scope.kind.name(), format::short_id(&scope.id)) };
    let tier = account.and_then(|a| a.tier.as_ref()).map_or_else(String::new, |tier| format!("  ·  {tier}"));
    let next = account.and_then(|a| a.next_tier.as_ref());
    ui.horizontal(|ui| {
        page::group(ui, scope.provider.title(), &format!("{accounts}{tier}{id}")).on_hover_text(scope.to_string());
        if let Some(next) = next {
            let text = note(ui, format!("next: {}", next.title));
            let gives: String = next.gives.iter().flat_map(|line| ["\n".to_owned(), format::regrouped(line)]).collect();
            ui.add(Label::new(text)).on_hover_text(format!("{}: {}{gives}", next.title, next.takes));
        }
    });
}

/// The name of a class, how many more requests fit, and whose the last minute was.
fn class(ui: &mut Ui, scene: &Scene<'_>, buckets: &[BucketView]) {
    let Some(binding) = buckets.iter().find(|bucket| bucket.binding).or(buckets.first()) else { return };
    let name = if binding.key.class == ModelClass::any() { "all models" } else { binding.key.class.as_str() };
    ui.horizontal(|ui| {
        let text = secondary(ui, name);
        ui.add(Label::new(text).truncate());
        let mut notes = Vec::new();
        if let Some(room) = buckets.iter().filter_map(|bucket| room(scene.view, bucket)).min() {
            notes.push(format!("room for {} more", format::grouped(room)));
        }
        let clients = pace::by_client(scene.view, binding, scene.now);
        let all = clients.iter().map(|(_, n)| *n as f64).sum::<f64>();
        notes.extend(clients.iter().take(3).map(|(client, n)| format!("{client} {:.0}{}%", *n as f64 / all * 100.0, format::THIN)));
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            let text = note(ui, notes.join("  ·  "));
            ui.add(Label::new(text).truncate()).on_hover_text(
                "How many more requests like your recent ones fit, and which clients used the binding limit in the last minute",
            );
        });
    });
}

fn row(ui: &mut Ui, scene: &Scene<'_>, grid: &Grid, bucket: &BucketView, chosen: bool) -> egui::Response {
    let response = grid.selectable_row(ui, chosen, |cells| fill(cells, scene, bucket));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, sentence(scene, bucket)));
    if chosen {
        return response; // the drawer tells the same
    }
    response.on_hover_ui_at_pointer(|ui| details::hover(ui, scene, bucket))
}

fn fill(cells: &mut Cells<'_>, scene: &Scene<'_>, bucket: &BucketView) {
    let c = colors(cells.ui);
    let dimension = bucket.key.dimension;
    // what is nothing is left out: a column speaks where there is something to say
    let number = |n: String, present: bool| RichText::new(if present { n } else { String::new() }).color(c.text_secondary);

    cells.cell(|ui| {
        let name = RichText::new(short_meter(bucket)).color(if bucket.binding { c.text } else { c.text_secondary });
        ui.add(Label::new(name).truncate());
        if bucket.binding {
            ui.add(Label::new(RichText::new("binds").small().color(c.binding)));
        }
    });
    cells.cell(|ui| {
        let seen = scene.view.trends.get(&bucket.key);
        let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), scene.density.row() - 8.0), Sense::hover());
        trend::paint(
            ui,
            rect,
            &seen.map(|t| t.points(scene.now)).unwrap_or_default(),
            bucket.frozen_until.is_some_and(|at| at > scene.now),
        );
    });
    cells.cell(|ui| meter::show(ui, bucket));
    cells.cell(|ui| {
        let of = faint(ui, format!("/ {}", format::short_amount(dimension, bucket.capacity)));
        ui.add(Label::new(of));
        ui.add(Label::new(RichText::new(format::short_amount(dimension, bucket.used)).color(c.text)));
    });
    let left = format::short_signed(bucket.remaining);
    cells.text(RichText::new(left).color(if bucket.remaining <= 0 { c.error } else { c.text }));
    cells.text(match pace::pace(bucket, scene.now) {
        Pace::Out => RichText::new("now").color(c.error),
        Pace::In(after) => RichText::new(format::duration(after)).color(c.binding),
        Pace::Lasts | Pace::Idle => RichText::new(""),
    });
    cells.text(match refills(scene, bucket) {
        Some((text, frozen)) => RichText::new(text).color(if frozen { c.error } else { c.text_secondary }),
        None => RichText::new(""),
    });
    cells.text(number(format::rate(bucket.own_per_minute), bucket.own_per_minute > 0.0));
    cells.text(number(format::rate(bucket.foreign_per_minute), bucket.foreign_per_minute > 0.0).color(c.foreign));
    cells.text(number(bucket.waiting.to_string(), bucket.waiting > 0).color(c.binding));
    let source = note(cells.ui, bucket.source.to_string());
    cells.text(source);
}

/// "concurrency" is too long for the column of the three-letter names.
fn short_meter(bucket: &BucketView) -> &str {
    if bucket.key.period == Period::AT_ONCE { "at once" } else { &bucket.meter }
}

/// When there is room again, and whether that is a ban by the provider.
fn refills(scene: &Scene<'_>, bucket: &BucketView) -> Option<(String, bool)> {
    let frozen = bucket.frozen_until.filter(|at| *at > scene.now);
    let full = bucket.full_at.filter(|at| *at > scene.now && bucket.key.period != Period::AT_ONCE);
    let at = frozen.or(full)?;
    let far = format::since(at, scene.now).as_secs() > 3_600;
    let text = if far { format::when(scene.now, at, scene.zone) } else { format::until(scene.now, at) };
    Some((text, frozen.is_some()))
}

/// The row for a screen reader, and for tests.
#[must_use]
pub fn sentence(scene: &Scene<'_>, bucket: &BucketView) -> String {
    let dimension = bucket.key.dimension;
    let binds = if bucket.binding { ", binds" } else { "" };
    let waiting = if bucket.waiting > 0 { format!(", {} waiting", bucket.waiting) } else { String::new() };
    let frozen = bucket
        .frozen_until
        .filter(|at| *at > scene.now)
        .map_or_else(String::new, |at| format!(", frozen for {}", format::until(scene.now, at)));
    format!(
        "{} of {}: {} of {} used, {} held, {} left{binds}{waiting}{frozen}, source {}",
        bucket.meter,
        bucket.key.class,
        format::amount(dimension, bucket.used),
        format::amount(dimension, bucket.capacity),
        format::amount(dimension, bucket.held),
        format::signed(bucket.remaining),
        bucket.source,
    )
}
