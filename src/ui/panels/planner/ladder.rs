//! The chart: for each meter the demand as a bar, and each tier's limit as a line across it.

use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::domain::plan::PlanView;

use super::super::super::format;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::page;

/// The height of one meter: a bar, and the names of the tiers below it.
const ROW: f32 = 38.0;
/// What the meter's name and the demand take at both ends.
const NAME: f32 = 52.0;
const NEED: f32 = 96.0;

/// One meter: what is needed, and what each tier allows.
struct Rung<'a> {
    meter: &'a str,
    need: f64,
    limits: Vec<(&'a str, u64)>,
}

/// Draws the chart. A batch has no rate to hold against the lines, and no chart.
pub fn show(ui: &mut Ui, view: &PlanView) {
    let rungs = rungs(view);
    if rungs.is_empty() {
        return;
    }
    page::group(ui, "Demand against the tiers", "a logarithmic scale for each meter");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    for rung in &rungs {
        draw(ui, rung);
    }
    let text = note(ui, "The bar is what the load needs; a line that it crosses is a tier that is too small.");
    ui.label(text);
}

fn rungs(view: &PlanView) -> Vec<Rung<'_>> {
    let mut rungs: Vec<Rung<'_>> = Vec::new();
    for fit in &view.plan.fits {
        for check in &fit.limits {
            let Some(need) = check.need else { continue };
            match rungs.iter_mut().find(|rung| rung.meter == check.meter) {
                Some(rung) => rung.limits.push((&fit.title, check.limit)),
                None => rungs.push(Rung { meter: &check.meter, need, limits: vec![(&fit.title, check.limit)] }),
            }
        }
    }
    // limits that the user gave stand anywhere among the tiers
    for rung in &mut rungs {
        rung.limits.sort_by_key(|(_, limit)| *limit);
    }
    rungs
}

fn draw(ui: &mut Ui, rung: &Rung<'_>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, sentence(rung)));
    let c = colors(ui);
    let small = FontId::proportional(theme().scale.small);
    let painter = ui.painter();
    let track = Rect::from_x_y_ranges(rect.left() + NAME..=rect.right() - NEED, rect.top() + 3.0..=rect.top() + 3.0 + theme().size.bar);
    let values = || rung.limits.iter().map(|(_, limit)| *limit as f64).chain([rung.need]).filter(|n| *n > 0.0);
    let (least, most) = (values().fold(f64::MAX, f64::min) / 2.0, values().fold(1.0, f64::max) * 1.25);
    let x = |n: f64| {
        let share = ((n.max(least) / least).ln() / (most / least).ln()).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "a share to draw")]
        let share = share as f32;
        track.left() + track.width() * share
    };
    painter.text(pos2(rect.left(), track.center().y), Align2::LEFT_CENTER, rung.meter, small.clone(), c.text_secondary.into());
    painter.rect_filled(track, 2.0, Color32::from(c.line));
    painter.rect_filled(track.with_max_x(x(rung.need)), 2.0, Color32::from(c.used));
    let mut named_to = f32::NEG_INFINITY;
    for (title, limit) in &rung.limits {
        let (at, fits) = (x(*limit as f64), rung.need <= *limit as f64);
        let color = Color32::from(if fits { c.binding } else { c.error });
        painter.vline(at, track.top() - 3.0..=track.bottom() + 3.0, Stroke::new(1.5, color));
        let text = painter.layout_no_wrap(format!("{title} {}", format::short(*limit)), small.clone(), c.text_faint.into());
        // a name that would lie on the one before it stands in the table and on hover
        let left = (at - text.size().x / 2.0).clamp(track.left(), (track.right() - text.size().x).max(track.left()));
        if left > named_to + theme().space.close {
            named_to = left + text.size().x;
            painter.galley(pos2(left, track.bottom() + 4.0), text, c.text_faint.into());
        }
    }
    let need = format!("{} needed", format::short(super::whole(rung.need)));
    painter.text(pos2(rect.right(), track.center().y), Align2::RIGHT_CENTER, need, small, c.text.into());
    response.on_hover_text(sentence(rung));
}

fn sentence(rung: &Rung<'_>) -> String {
    let each = rung.limits.iter().map(|(title, limit)| {
        let word = if rung.need <= *limit as f64 { "fits" } else { "too small" };
        format!("{title} {}, {word}", format::grouped(*limit))
    });
    format!("{}: {} needed; {}", rung.meter, format::grouped(super::whole(rung.need)), each.collect::<Vec<_>>().join("; "))
}
