//! What a file holds and will take, and which rows cannot be sent: seen before anything is.

use std::time::Duration;

use egui::{Label, RichText, ScrollArea, Sense, Ui};

use crate::domain::Severity;
use crate::domain::batch::{BatchCheck, BatchEstimate, BatchVia};
use crate::domain::command::Progress;

use super::super::super::format;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, faint, lead, note, secondary, theme};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::grid::{Column, Grid};
use super::super::super::widgets::icon::Icon;
use super::super::super::widgets::{page, problem};

const COLUMNS: [Column; 2] = [Column::number("Line", 70.0), Column::rest("Why it cannot be sent")];

/// Draws what was found. Whether the batch is to be started.
pub fn show(ui: &mut Ui, slot: &Slot<BatchCheck>, progress: &Progress, same: bool, skip: &mut bool) -> bool {
    match slot {
        Slot::Idle => {
            let text = "Every row is checked first: which can be sent, how long it will take, and what it will cost.";
            page::empty(ui, Icon::Batch, "Nothing checked yet", text, |_| ());
            false
        }
        Slot::Waiting(_) => {
            counting(ui, "rows checked", progress);
            false
        }
        Slot::Failed(failed) => {
            problem::show(ui, failed);
            false
        }
        Slot::Done(check) => found(ui, check, same, skip),
    }
}

/// While the rows are written into the journal.
pub fn planning(ui: &mut Ui, progress: &Progress) {
    counting(ui, "rows written into the journal", progress);
}

fn counting(ui: &mut Ui, what: &str, progress: &Progress) {
    ui.horizontal(|ui| {
        let text = secondary(ui, format!("{} {what}…", format::grouped(progress.done())));
        ui.label(text);
        if ui.button("Stop").clicked() {
            progress.stop();
        }
    });
    ui.ctx().request_repaint_after(Duration::from_millis(200));
}

fn found(ui: &mut Ui, check: &BatchCheck, same: bool, skip: &mut bool) -> bool {
    ui.add(Label::new(lead(sentence(check))).wrap());
    if let Some(text) = way(check) {
        problem::entry(ui, Severity::Info, &text, &[]);
    }
    let models: Vec<String> = check.models.iter().map(|(model, rows)| format!("{} for {model}", format::grouped(*rows))).collect();
    if !models.is_empty() {
        let text = note(ui, models.join(", "));
        ui.add(Label::new(text).wrap());
    }
    for warning in &check.warnings {
        problem::entry(ui, Severity::Warning, &problem::sentence(warning), &[]);
    }
    ui.add_space(theme().space.near);
    if check.rows > 0 {
        estimate(ui, &check.estimate);
        ui.add_space(theme().space.near);
    }
    let text = note(ui, format!("The answers go to {}.", check.output.display()));
    ui.add(Label::new(text).wrap());
    if let Some(id) = check.unfinished {
        let lines = ["Answers that are there stay; nothing is sent twice.".to_owned()];
        problem::entry(ui, Severity::Info, &format!("Batch {} of this file is not over: it goes on where it stopped.", id.0), &lines);
    }
    ui.add_space(theme().space.close);
    let mut starts = false;
    if check.bad > 0 && check.rows > 0 {
        let rows = if check.bad == 1 { "the row".to_owned() } else { format!("the {} rows", format::grouped(check.bad)) };
        ui.checkbox(skip, format!("Go on without {rows} that cannot be sent"));
    }
    ui.horizontal(|ui| {
        let ready = check.rows > 0 && same && (check.bad == 0 || *skip || check.unfinished.is_some());
        let name = if check.unfinished.is_some() { "Go on" } else { "Start" };
        starts = ui.add_enabled_ui(ready, |ui| primary(ui, name)).inner;
        let why = match (same, check.rows, ready) {
            (false, ..) => "The form has changed: check the file again.",
            (true, 0, _) => "There is nothing to send.",
            (true, _, false) => "Mend the rows below, or go on without them.",
            (true, _, true) if check.via == BatchVia::ProviderBatch => "The provider runs them beside everything interactive.",
            (true, _, true) => "Rows go behind everything interactive.",
        };
        let text = note(ui, why);
        ui.add(Label::new(text).truncate());
    });
    if !check.bad_rows.is_empty() {
        ui.add_space(theme().space.near);
        bad(ui, check);
    }
    starts
}

fn sentence(check: &BatchCheck) -> String {
    let rows = |n: u64| if n == 1 { "1 row".to_owned() } else { format!("{} rows", format::grouped(n)) };
    match (check.rows, check.bad) {
        (0, 0) => "The file has no rows.".into(),
        (0, bad) => format!("None of the {} can be sent.", rows(bad)),
        (good, 0) => format!("{} can be sent.", rows(good)),
        (good, bad) => format!("{} can be sent, {} cannot.", rows(good), format::grouped(bad)),
    }
}

/// Which way the rows go, and why, where that is not what the user chose from the first.
fn way(check: &BatchCheck) -> Option<String> {
    match (&check.why, check.via) {
        (Some(why), _) => {
            let (first, rest) = (why.get(..1)?, why.get(1..)?);
            Some(format!("{}{rest}.", first.to_uppercase()))
        }
        (None, BatchVia::ProviderBatch) => {
            Some("Through the provider's batch API: many rows at once, for the price of its batches.".into())
        }
        (None, BatchVia::Gateway) => None,
    }
}

fn estimate(ui: &mut Ui, estimate: &BatchEstimate) {
    let secs = |secs: Option<u64>| match secs {
        None => "unknown".to_owned(),
        Some(0) => "no time".into(),
        Some(secs) => format::millis(secs * 1_000),
    };
    let money = |nanos: Option<u64>| nanos.map_or_else(|| "unknown".to_owned(), format::money);
    let figures = [
        ("Takes about", secs(estimate.expected_secs)),
        ("At least", secs(estimate.least_secs)),
        ("Costs about", money(estimate.cost_nanos)),
        ("At most", money(estimate.most_cost_nanos)),
        ("Binds", estimate.binding.clone().unwrap_or_else(|| "unknown".into())),
    ];
    let basis = format::regrouped(&estimate.basis.join("\n"));
    ui.columns(figures.len(), |columns| {
        for (ui, (name, value)) in columns.iter_mut().zip(figures) {
            ui.spacing_mut().item_spacing.y = theme().space.hair;
            let label = note(ui, name);
            ui.add(Label::new(label).truncate());
            let text = if value == "unknown" { lead(value).color(colors(ui).text_faint) } else { lead(value) };
            ui.add(Label::new(text).truncate()).on_hover_text(&basis);
        }
    });
    for line in &estimate.basis {
        let text = note(ui, format::regrouped(line));
        ui.add(Label::new(text).wrap());
    }
}

fn bad(ui: &mut Ui, check: &BatchCheck) {
    let listed = check.bad_rows.len() as u64;
    let behind =
        if listed < check.bad { format!("the first {} of {}", format::grouped(listed), format::grouped(check.bad)) } else { String::new() };
    page::group(ui, "Rows that cannot be sent", &behind);
    let row = theme().size.row;
    let grid = Grid::scrolled(ui, &COLUMNS, row);
    grid.head(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("bad rows").auto_shrink(false).show_rows(ui, row, check.bad_rows.len(), |ui, seen| {
        for bad in check.bad_rows.get(seen).unwrap_or_default() {
            grid.row(ui, Sense::hover(), |cells| {
                let line = faint(cells.ui, format::grouped(bad.line));
                cells.text(line);
                let color = colors(cells.ui).text_secondary;
                cells.text(RichText::new(&bad.reason).color(color));
            });
        }
    });
}
