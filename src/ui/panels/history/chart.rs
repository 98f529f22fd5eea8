//! The plot: mean and peaks of each step, or layers by client or model, and the limit as a line above them.

use egui::{Color32, Ui, Vec2b};
use egui_plot::{
    AxisHints, FilledArea, GridMark, HPlacement, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points,
    VLine,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::domain::query::{MarkKind, Measure, Series};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{Palette, colors, note};
use super::Subject;
use super::marks;
use super::sight::Sight;
use super::stack::{self, Layer};

/// Draws the series over the whole room that is left, under the name of its unit.
pub fn show(
    ui: &mut Ui,
    scene: &Scene<'_>,
    subject: &Subject,
    series: &Series,
    (from, to): (Timestamp, Timestamp),
    name: &str,
    sight: &mut Sight,
) {
    let unit = note(ui, unit(subject.measure));
    ui.label(unit);
    let c = colors(ui);
    let (start, end) = (unix(from), unix(to));
    let measure = subject.measure;
    let layers = if series.parts.is_empty() { Vec::new() } else { stack::layers(series) };
    let top = series.points.iter().chain(&series.peaks).map(|p| p[1]).chain(lasting(&series.limits, start, end)).fold(1.0, f64::max) * 1.08;
    let zone = scene.zone;
    let span = end - start;

    let in_label = &layers;
    let x = AxisHints::new_x().tick_label_color(c.text_secondary).formatter(move |mark: GridMark, _| tick(mark.value, span, zone));
    let y = AxisHints::new_y()
        .tick_label_color(c.text_secondary)
        .placement(HPlacement::Left)
        .min_thickness(52.0)
        .formatter(move |mark: GridMark, _| amount(measure, mark.value));
    let plot = Plot::new(("history", format!("{subject:?}")))
        .custom_x_axes(vec![x])
        .custom_y_axes(vec![y])
        .default_x_bounds(start, end)
        .default_y_bounds(0.0, top)
        .auto_bounds(Vec2b::FALSE)
        .allow_scroll(Vec2b::FALSE)
        .allow_boxed_zoom(false)
        .allow_drag(Vec2b::new(true, false))
        .allow_zoom(Vec2b::new(true, false))
        .show_background(false)
        .x_grid_spacer(move |input| grid(input.bounds, zone))
        .grid_color(Color32::from(c.line))
        .cursor_color(Color32::from(c.line_strong))
        .label_formatter(move |position| {
            let (HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position }) = position;
            let at = position.x;
            let when = Timestamp::from_second(whole_secs(at)).ok()?;
            let told = told(measure, series, in_label, at) + &marked(series, at, span);
            Some(format!("{}\n{}{told}", format::local(when, zone), format::utc(when)))
        });
    let whole = sight.follows() || std::mem::take(&mut sight.jump);
    let (shown_from, shown_to) = if sight.follows() { (start, end) } else { sight_bounds(scene, subject, sight) };
    let shown = plot.show(ui, |plot| {
        if whole {
            plot.set_plot_bounds_x(shown_from..=shown_to);
        }
        plot.set_plot_bounds_y(0.0..=top);
        if layers.is_empty() {
            lines(plot, series, end, c);
        } else {
            areas(plot, series, &layers, end, c);
        }
        if let Some(line) = limit_line(&series.limits, end) {
            plot.line(Line::new("limit", PlotPoints::Owned(line)).color(c.binding).width(1.5).style(LineStyle::dashed_loose()));
        }
        for mark in marks::clusters(&series.marks, span) {
            let color = Color32::from(match mark.kind {
                MarkKind::Measured => c.text_faint,
                MarkKind::Limit => c.binding,
                MarkKind::Retirement => c.error,
            });
            let line = VLine::new("", mark.at).color(color.gamma_multiply(0.6)).width(1.0);
            plot.vline(line.style(LineStyle::dotted_dense()).allow_hover(false));
            let flag = Points::new("", vec![[mark.at, top * 0.992]]).shape(MarkerShape::Down).radius(4.5).color(color);
            plot.points(flag.allow_hover(false));
        }
    });
    let zoomed = shown.response.hovered() && ui.input(|i| (i.zoom_delta() - 1.0).abs() > f32::EPSILON);
    if shown.response.double_clicked() {
        sight.follow();
    } else if shown.response.dragged() || zoomed {
        let bounds = shown.transform.bounds();
        sight.hold((bounds.min()[0], bounds.max()[0]));
    }
    shown.response.accessible_name(name);
}

/// What stands on the axis.
const fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::Requests => "requests a minute",
        Measure::InputTokens => "input tokens a minute",
        Measure::OutputTokens => "output tokens a minute",
        Measure::Tokens => "tokens a minute",
        Measure::Refusals => "refusals a minute",
        Measure::WaitMillis => "wait of a request",
        Measure::CostNanos => "money a minute",
        Measure::TokensPerRequest => "tokens of a request",
        Measure::RefusedShare => "refused of a hundred attempts",
        Measure::Retries => "retries a minute",
    }
}

fn sight_bounds(scene: &Scene<'_>, subject: &Subject, sight: &Sight) -> (f64, f64) {
    let (from, to) = sight.range(scene.now, subject.range.length());
    (unix(from), unix(to))
}

fn lines(plot: &mut PlotUi<'_>, series: &Series, end: f64, c: &Palette) {
    let (used, held) = (Color32::from(c.used), Color32::from(c.held));
    // bands would join the stairs into slopes
    let peaks = Line::new("highest minute", stairs(&series.peaks, series.step_secs, end)).allow_band(false);
    plot.line(peaks.color(held.gamma_multiply(0.8)).width(1.0));
    let mean = Line::new("mean", stairs(&series.points, series.step_secs, end)).allow_band(false);
    plot.line(mean.color(used).width(1.5).fill(0.0).fill_alpha(0.22));
}

/// One layer on the other, the first at the ground.
fn areas(plot: &mut PlotUi<'_>, series: &Series, layers: &[Layer], end: f64, c: &Palette) {
    let step = f64::from(series.step_secs);
    let xs: Vec<f64> = series.points.iter().flat_map(|p| [p[0], (p[0] + step).min(end)]).collect();
    let mut ground = vec![0.0; xs.len()];
    for layer in layers {
        let color = Color32::from(layer.color.and_then(|at| c.parts.get(at)).copied().unwrap_or(c.guard));
        let height = layer.values.iter().flat_map(|n| [*n, *n]);
        let top: Vec<f64> = ground.iter().zip(height).map(|(ground, height)| ground + height).collect();
        if top.len() != xs.len() {
            continue; // a part without a value for each step is no layer
        }
        plot.add(FilledArea::new(&layer.name, &xs, &ground, &top).fill_color(color.gamma_multiply(0.75)).allow_hover(false));
        ground = top;
    }
}

/// The values of the step in which a moment lies.
fn told(measure: Measure, series: &Series, layers: &[Layer], at: f64) -> String {
    let line = |name: &str, value: f64| format!("\n{name} {}", format::measured(measure, value));
    let value = |points: &[[f64; 2]]| points.iter().rev().find(|p| p[0] <= at).map(|p| p[1]);
    let step = series.points.iter().rposition(|p| p[0] <= at);
    let layers = layers.iter().rev().filter_map(|layer| Some((layer.name.as_str(), *layer.values.get(step?)?))).filter(|(_, n)| *n > 0.0);
    let mean = match (series.trailing, measure.adds_up()) {
        (true, _) => "the minute before",
        (false, true) => "mean",
        (false, false) => "average",
    };
    let whole = [(mean, &series.points), ("highest", &series.peaks), ("limit", &series.limits)];
    let whole = whole.into_iter().filter_map(|(name, points)| Some((name, value(points)?)));
    layers.chain(whole).map(|(name, n)| line(name, n)).collect()
}

/// The marks that a moment is next to.
fn marked(series: &Series, at: f64, span: f64) -> String {
    let near = series.marks.iter().filter(|mark| (mark.at - at).abs() < span * 0.008);
    near.flat_map(|mark| ["\n".to_owned(), format::regrouped(&mark.text)]).collect()
}

/// A value holds over its whole step: slopes between steps would show rates that never were.
fn stairs(points: &[[f64; 2]], step_secs: u32, end: f64) -> PlotPoints<'static> {
    let step = f64::from(step_secs);
    PlotPoints::Owned(points.iter().flat_map(|p| [p[0], (p[0] + step).min(end)].map(|x| PlotPoint::new(x, p[1]))).collect())
}

/// Limits that held for a part of the range that can be seen. One that was assumed until the first answer would press
/// everything else to the ground; it may leave the picture at the top.
fn lasting(limits: &[[f64; 2]], start: f64, end: f64) -> impl Iterator<Item = f64> {
    const LEAST: f64 = 0.1;
    let ends = limits.iter().skip(1).map(|next| next[0]).chain([f64::INFINITY]);
    limits.iter().zip(ends).filter(move |(limit, until)| until - limit[0].max(start) >= LEAST * (end - start)).map(|(limit, _)| limit[1])
}

/// A limit holds until the next one: a staircase that ends at the right edge.
fn limit_line(limits: &[[f64; 2]], end: f64) -> Option<Vec<PlotPoint>> {
    let last = limits.last()?;
    let mut line = Vec::with_capacity(limits.len() * 2 + 1);
    for (at, limit) in limits.iter().enumerate() {
        if let Some(before) = at.checked_sub(1).and_then(|at| limits.get(at)) {
            line.push(PlotPoint::new(limit[0], before[1]));
        }
        line.push(PlotPoint::new(limit[0], limit[1]));
    }
    line.push(PlotPoint::new(end, last[1]));
    Some(line)
}

/// Vertical lines at times that people count in, in their own zone.
fn grid((from, to): (f64, f64), zone: &TimeZone) -> Vec<GridMark> {
    const STEPS: [f64; 15] = [
        10.0,
        30.0,
        60.0,
        300.0,
        600.0,
        900.0,
        1_800.0,
        3_600.0,
        7_200.0,
        14_400.0,
        43_200.0,
        86_400.0,
        604_800.0,
        2_592_000.0,
        7_776_000.0,
    ];
    let step = STEPS.into_iter().find(|step| (to - from) / step <= 10.0).unwrap_or(STEPS[14]);
    let offset = Timestamp::from_second(whole_secs(from)).map_or(0, |t| zone.to_offset(t).seconds());
    let offset = f64::from(offset);
    let first = ((from + offset) / step).ceil() * step - offset;
    (0_u32..12).map(|n| first + f64::from(n) * step).take_while(|at| *at <= to).map(|value| GridMark { value, step_size: step }).collect()
}

fn tick(at: f64, span: f64, zone: &TimeZone) -> String {
    let format = match span {
        s if s <= 600.0 => "%H:%M:%S",
        s if s <= 3_700.0 * 24.0 => "%H:%M",
        s if s <= 86_400.0 * 60.0 => "%b %e",
        _ => "%b %Y",
    };
    Timestamp::from_second(whole_secs(at)).map(|t| t.to_zoned_datetime(zone.clone()).strftime(format).to_string()).unwrap_or_default()
}

fn amount(measure: Measure, value: f64) -> String {
    if value < 0.0 {
        return String::new();
    }
    format::measured(measure, value).trim_end_matches("/min").to_owned()
}

/// A moment as the chart counts it.
pub(super) fn unix(at: Timestamp) -> f64 {
    at.as_second() as f64
}

/// The moment at a place of the chart.
pub(super) fn moment(at: f64) -> Option<Timestamp> {
    Timestamp::from_second(whole_secs(at)).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range saturates, and is then no timestamp")]
fn whole_secs(at: f64) -> i64 {
    at as i64
}
