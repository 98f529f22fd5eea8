//! How things stand: the sentence, every bucket, what the user should know, and who waits. A bucket opens in a drawer below.

pub mod buckets;
pub mod budgets;
pub mod details;
pub mod side;

use egui::{Color32, Label, Layout, Panel, ScrollArea, Sense, Ui, UiBuilder, vec2};

use jiff::Timestamp;

use crate::domain::BucketKey;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::standing::{Mood, standing};
use super::super::theme::{colors, is_narrow, lead, note, secondary, theme};
use super::super::widgets::page;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct OverviewState {
    /// The bucket whose drawer is open.
    pub selected: Option<BucketKey>,
    /// The outage that the next request is to try, and when it was noticed.
    tried: Option<(String, Timestamp)>,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut OverviewState) -> Option<Intent> {
    page::header(ui, "Overview", |ui| {
        if !is_narrow(ui) {
            legend(ui);
        }
    });
    let decides = sentence(ui, scene);
    ui.add_space(theme().space.near);
    page::rule(ui);
    let wish = drawer(ui, scene, state);
    ui.add_space(theme().space.close);
    wish.or(body(ui, scene, state, decides.as_ref()))
}

fn drawer(ui: &mut Ui, scene: &Scene<'_>, state: &mut OverviewState) -> Option<Intent> {
    let bucket = state.selected.as_ref().and_then(|key| scene.view.buckets.iter().find(|bucket| bucket.key == *key))?;
    let most = (ui.available_height() * 0.75).max(220.0);
    let panel = Panel::bottom("bucket").resizable(true).default_size(262.0).size_range(120.0..=most).frame(page::drawer());
    match panel.show(ui, |ui| details::show(ui, scene, bucket)).inner {
        Some(details::Pressed::Close) => state.selected = None,
        Some(details::Pressed::Wish(intent)) => return Some(intent),
        None => {}
    }
    None
}

fn body(ui: &mut Ui, scene: &Scene<'_>, state: &mut OverviewState, decides: Option<&BucketKey>) -> Option<Intent> {
    if ui.available_width() < theme().size.stack_below {
        return ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                buckets::show(ui, scene, &mut state.selected, decides);
                ui.add_space(theme().space.apart);
                side::show(ui, scene, &mut state.tried)
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
    ScrollArea::vertical()
        .id_salt("buckets")
        .auto_shrink(false)
        .show(&mut left, |ui| buckets::show(ui, scene, &mut state.selected, decides));
    let mut right = ui.new_child(UiBuilder::new().max_rect(beside).layout(Layout::top_down(egui::Align::Min)));
    ScrollArea::vertical().id_salt("side").auto_shrink(false).show(&mut right, |ui| side::show(ui, scene, &mut state.tried)).inner
}

/// Draws the sentence and answers with the limit that it names.
fn sentence(ui: &mut Ui, scene: &Scene<'_>) -> Option<BucketKey> {
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
    standing.decides
}

fn legend(ui: &mut Ui) {
    let c = colors(ui);
    for (color, word, hover) in [
        (c.foreign, "others", "A minute's use by other machines, as far as headers tell"),
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
