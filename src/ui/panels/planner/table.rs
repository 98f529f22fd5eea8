//! The tiers as rows: fits or not, what is left of each meter, what binds, and how much would fit.

use egui::{RichText, Role, Sense, Ui, WidgetInfo};

use crate::domain::plan::{Fit, LimitCheck, PlanView};

use super::super::super::format::{self, THIN};
use super::super::super::scene::Scene;
use super::super::super::theme::{Color, colors, note, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::page;

/// Draws the table. Answers with the tier that was chosen as the one where the user stands.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, view: &PlanView) -> Option<String> {
    page::group(ui, "By tier", "click a tier to stand there; numbers have their source on hover");
    let meters = meters(view);
    let batch = view.plan.demand.rows.is_some();
    let mut columns = vec![Column::rest("Tier"), Column::text("", 78.0)];
    columns.extend(meters.iter().map(|meter| Column::number(head(meter), 80.0)));
    columns.push(Column::text("Binds", 52.0));
    columns.push(Column::number("Most a minute", 86.0).gives_way(2));
    columns.push(Column::number("In flight", 58.0).gives_way(1));
    if batch {
        columns.push(Column::number("Takes about", 92.0));
    }
    let grid = Grid::new(ui, &columns, scene.density.row());
    grid.head(ui);
    let mut chosen = None;
    for (at, fit) in view.plan.fits.iter().enumerate() {
        let evidence = view.evidence.get(at).map_or("", String::as_str);
        let here = view.current.as_deref().map_or(at == 0, |name| name == fit.name);
        let row = grid.row(ui, Sense::click(), |cells| fill(cells, fit, &meters, evidence, here, batch));
        row.widget_info(|| WidgetInfo::selected(Role::Button, true, here, sentence(fit)));
        if row.clicked() {
            chosen = Some(fit.name.clone());
        }
    }
    ui.add_space(theme().space.tight);
    chosen
}

/// Every meter that any tier has, in the order in which they come.
fn meters(view: &PlanView) -> Vec<&str> {
    let mut meters: Vec<&str> = Vec::new();
    for check in view.plan.fits.iter().flat_map(|fit| &fit.limits) {
        if !meters.contains(&check.meter.as_str()) {
            meters.push(&check.meter);
        }
    }
    meters
}

/// Heads are names that live for ever; a meter that has none of these is written in the cells.
fn head(meter: &str) -> &'static str {
    const HEADS: [&str; 7] = ["RPM", "ITPM", "OTPM", "TPM", "RPD", "TPD", "IPM"];
    HEADS.into_iter().find(|head| *head == meter).unwrap_or("At once")
}

fn fill(cells: &mut Cells<'_>, fit: &Fit, meters: &[&str], evidence: &str, here: bool, batch: bool) {
    let c = colors(cells.ui);
    let unknown = |text: &str| RichText::new(text).color(c.text_faint);
    cells.cell(|ui| {
        ui.add(egui::Label::new(RichText::new(&fit.title).color(c.text)).truncate());
        if here {
            let text = note(ui, "yours");
            ui.add(egui::Label::new(text).truncate());
        }
    });
    let (word, color) = if fit.fits { ("fits", c.ok) } else { ("does not fit", c.error) };
    cells.text(RichText::new(word).color(color));
    for meter in meters {
        match fit.limits.iter().find(|check| check.meter == *meter) {
            Some(check) => {
                let decides = fit.binding.as_deref() == Some(check.meter.as_str());
                let (text, color) = left(cells.ui, check, decides);
                cells.text(RichText::new(text).color(color)).on_hover_text(source(check, evidence));
            }
            None => drop(cells.text(unknown(format::NONE))),
        }
    }
    cells.text(fit.binding.as_deref().map_or_else(|| unknown(format::NONE), |meter| RichText::new(meter).color(c.binding)));
    let most = fit.most_requests_per_min.filter(|most| most.is_finite());
    cells.text(most.map_or_else(|| unknown(format::NONE), |most| RichText::new(format::rate(most)).color(c.text_secondary)));
    let workers = fit.workers_at_most.filter(|workers| workers.is_finite());
    let in_flight = workers.map_or_else(|| unknown("unknown"), |n| RichText::new(format::grouped(super::whole(n))).color(c.text_secondary));
    cells.text(in_flight).on_hover_text("Requests in flight at the most that fits: its rate times the latency");
    if batch {
        let takes = fit.batch.map_or_else(|| unknown(format::NONE), |time| RichText::new(super::secs(time.expected_secs)).color(c.text));
        let least =
            fit.batch.map_or_else(|| "no request of this size fits".into(), |time| format!("at least {}", super::secs(time.least_secs)));
        cells.text(takes).on_hover_text(least);
    }
}

/// What is left of a limit, or by how much it is exceeded. Only the one that decides, and what does not fit, stands out.
fn left(ui: &Ui, check: &LimitCheck, decides: bool) -> (String, Color) {
    let c = colors(ui);
    let well = if decides { c.text } else { c.text_secondary };
    match check.headroom_percent {
        Some(percent) if check.fits => (format!("{:.0}{THIN}% left", percent.floor()), well),
        Some(percent) if percent < -999.0 => (format!("{:.0}× over", 1.0 - percent / 100.0), c.error),
        Some(percent) if percent < 0.0 => (format!("{:.0}{THIN}% over", (-percent).ceil()), c.error),
        _ if check.fits => ("fits".into(), well),
        _ => ("too small".into(), c.error),
    }
}

fn source(check: &LimitCheck, evidence: &str) -> String {
    let need = check.need.map_or_else(
        || format!("{} each", format::grouped(super::whole(check.each))),
        |need| format!("{} needed", format::grouped(super::whole(need))),
    );
    let most = check.most_requests_per_min.map_or_else(String::new, |most| format!(", so {} requests a minute", format::rate(most)));
    format!("{} {need}, {} allowed{most}\n{}: {evidence}", check.meter, format::grouped(check.limit), check.source)
}

/// A row in words.
fn sentence(fit: &Fit) -> String {
    let word = if fit.fits { "fits" } else { "does not fit" };
    let each = fit.limits.iter().map(|check| {
        let word = if check.fits { "fits" } else { "does not fit" };
        format!("{} {word}", check.meter)
    });
    format!("{} {word}: {}", fit.title, each.collect::<Vec<_>>().join(", "))
}
