//! How things stand: the sentence, every bucket, what the user should know, and who waits.

pub mod buckets;
pub mod side;

use egui::{Color32, Label, Layout, ScrollArea, Sense, Ui, UiBuilder, vec2};

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::standing::{Mood, standing};
use super::super::theme::{colors, lead, note, secondary, theme};
use super::super::widgets::page;

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    page::header(ui, "Overview", legend);
    sentence(ui, scene);
    ui.add_space(theme().space.near);
    page::rule(ui);
    ui.add_space(theme().space.close);

    if ui.available_width() < theme().size.stack_below {
        return ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                let chosen = buckets::show(ui, scene);
                ui.add_space(theme().space.apart);
                side::show(ui, scene).or(chosen)
            })
            .inner;
    }
    let whole = ui.available_rect_before_wrap();
    let gap = theme().space.apart;
    // a wide window gives the bars more room up to a point, then the notices, then nobody
    let main_width = (whole.width() - theme().size.side - gap).min(theme().size.table);
    let side_width = (whole.width() - main_width - gap).min(theme().size.side_wide);
    let (main, rest) = whole.split_left_right_at_x(whole.left() + main_width);
    let beside = rest.with_min_x(rest.left() + gap).with_max_x(rest.left() + gap + side_width);
    let mut left = ui.new_child(UiBuilder::new().max_rect(main).layout(Layout::top_down(egui::Align::Min)));
    let chosen = ScrollArea::vertical().id_salt("buckets").auto_shrink(false).show(&mut left, |ui| buckets::show(ui, scene)).inner;
    let mut right = ui.new_child(UiBuilder::new().max_rect(beside).layout(Layout::top_down(egui::Align::Min)));
    ScrollArea::vertical().id_salt("side").auto_shrink(false).show(&mut right, |ui| side::show(ui, scene)).inner.or(chosen)
}

fn sentence(ui: &mut Ui, scene: &Scene<'_>) {
    let standing = standing(scene.view, scene.now);
    let c = colors(ui);
    let color = match standing.mood {
        Mood::Calm => c.ok,
        Mood::Waiting => c.binding,
        Mood::Trouble => c.error,
    };
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 20.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 4.0, Color32::from(color));
        ui.add(Label::new(lead(standing.lead)).wrap());
    });
    ui.horizontal(|ui| {
        ui.add_space(10.0 + theme().space.close);
        let text = secondary(ui, standing.note);
        ui.add(Label::new(text).wrap());
    });
}

fn legend(ui: &mut Ui) {
    let c = colors(ui);
    for (color, word, hover) in [
        (c.guard, "kept back", "What the limiter does not offer, so that a burst or a rounded header cannot cross the limit"),
        (c.held, "held", "Reserved by requests in flight"),
        (c.used, "used", "Taken and not yet refilled"),
    ] {
        let text = note(ui, word);
        ui.add(Label::new(text)).on_hover_text(hover);
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, theme().size.bar), Sense::hover());
        ui.painter().rect_filled(rect, 2.0, Color32::from(color));
        ui.add_space(theme().space.close);
    }
}
