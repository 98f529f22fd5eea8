//! Beside a chart: the same in words and numbers, what the colours mean, and what happened in that time.

use egui::{Align, Color32, Label, Layout, RichText, Sense, Ui, vec2};

use crate::domain::query::Series;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, note, secondary, theme};
use super::super::super::widgets::page;
use super::marks::clusters;
use super::summary::Summary;
use super::{chart, stack};

/// Draws it.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, text: &Summary, series: &Series, span: f64) {
    page::group(ui, "In this time", "");
    page::rule(ui);
    for (name, value) in &text.facts {
        ui.horizontal(|ui| {
            let name = secondary(ui, *name);
            ui.label(name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(RichText::new(value)).truncate()));
        });
    }
    ui.add_space(theme().space.near);
    ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
    if series.parts.is_empty() {
        lines(ui, text, series);
    } else {
        parts(ui, text, series);
    }
    if text.is_above {
        ui.add_space(theme().space.tight);
        let above = note(
            ui,
            "A minute above the line is no refusal by itself: a bucket that was full gives its content and what refills meanwhile.",
        );
        ui.add(Label::new(above).wrap());
    }
    marks(ui, scene, series, span);
    ui.add_space(theme().space.near);
    let step = note(
        ui,
        format!(
            "One step is {}. Drag or Left and Right move, Ctrl with the wheel or + and − zoom, a double-click or 0 shows all.",
            format::duration(std::time::Duration::from_secs(text.step_secs.into()))
        ),
    );
    ui.add(Label::new(step).wrap());
}

/// What the lines mean.
fn lines(ui: &mut Ui, text: &Summary, series: &Series) {
    let c = colors(ui);
    let mean = match (series.trailing, text.has_peaks) {
        (true, _) => "the minute before",
        (false, true) => "mean over a step",
        (false, false) => "average over a step",
    };
    for (color, word, shown) in
        [(c.used, mean, true), (c.held, "highest minute in a step", text.has_peaks), (c.binding, "tier line", text.has_limit)]
    {
        if shown {
            entry(ui, color.into(), false, word, "");
        }
    }
}

/// Who had how much, in the colours of the chart.
fn parts(ui: &mut Ui, text: &Summary, series: &Series) {
    let c = colors(ui);
    let all: f64 = series.points.iter().map(|p| p[1]).sum();
    let share = |n: f64| if all > 0.0 { format!("{:.0}{}%", n / all * 100.0, format::THIN) } else { String::new() };
    for layer in stack::layers(series) {
        let color = layer.color.and_then(|at| c.parts.get(at)).copied().unwrap_or(c.guard);
        entry(ui, color.into(), true, &layer.name, &share(layer.values.iter().sum()));
    }
    if text.has_limit {
        entry(ui, c.binding.into(), false, "tier line", "");
    }
}

/// What happened in this time, the newest first.
fn marks(ui: &mut Ui, scene: &Scene<'_>, series: &Series, span: f64) {
    const LISTED: usize = 6;
    if series.marks.is_empty() {
        return;
    }
    ui.add_space(theme().space.near);
    page::group(ui, "Marks", "");
    page::rule(ui);
    let clusters = clusters(&series.marks, span);
    for cluster in clusters.iter().rev().take(LISTED) {
        let at = chart::moment(cluster.at);
        let when = at.map_or_else(String::new, |at| format::when(scene.now, at, scene.zone));
        let line = ui.add(Label::new(RichText::new(format!("{when}  {}", whole(&cluster.head()))).small()).wrap());
        if let Some(at) = at {
            line.on_hover_text(scene.both_zones(at));
        }
        for mark in cluster.rest() {
            let text = note(ui, whole(&mark.text));
            ui.add(Label::new(text).wrap());
        }
        ui.add_space(theme().space.hair);
    }
    if clusters.len() > LISTED {
        let text = note(ui, format!("and {} before", clusters.len() - LISTED));
        ui.label(text);
    }
}

/// With its large numbers grouped, and none of them broken at the end of a line.
fn whole(text: &str) -> String {
    format::regrouped(text).replace(format::THIN, "\u{a0}")
}

fn entry(ui: &mut Ui, color: Color32, area: bool, word: &str, behind: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 10.0), Sense::hover());
        if area {
            ui.painter().rect_filled(rect.shrink2(vec2(2.0, 0.0)), 2.0, color);
        } else {
            ui.painter().hline(rect.x_range(), rect.center().y, (2.0, color));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let behind = note(ui, behind);
            ui.label(behind);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = note(ui, word);
                ui.add(Label::new(text).truncate());
            });
        });
    });
}
