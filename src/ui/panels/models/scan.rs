//! The folder scan: a path, how far it has come, and the places it found.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Align2, Key, Label, RichText, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo};

use crate::domain::command::Progress;
use crate::domain::view::{ScanHit, ScanReport};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, faint, note, secondary, theme};
use super::super::super::widgets::chooser::{Choose, Chooser};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::grid::{Column, Grid};
use super::super::super::widgets::icon::Icon;
use super::super::super::widgets::{page, problem};
use super::table::tone;

const COLUMNS: [Column; 4] =
    [Column::rest("Place"), Column::text("Name", 220.0), Column::text("State", 180.0), Column::text("Use instead", 200.0).gives_way(1)];

/// What the page keeps between frames.
#[derive(Debug, Default)]
pub struct ScanState {
    path: String,
    chooser: Chooser,
    /// How far the scan that runs has come.
    pub progress: Progress,
    /// What the last scan found.
    pub report: Slot<ScanReport>,
}

impl ScanState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.report.poll();
        if let Some(path) = self.chooser.poll() {
            self.path = path.display().to_string();
        }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, state: &mut ScanState) -> Option<Intent> {
    let text =
        faint(ui, "Finds names of models that end in a source tree, as git sees it: ignored files are passed over, nothing is changed.");
    ui.add(Label::new(text).wrap());
    ui.add_space(theme().space.tight);
    let asked = form(ui, state);
    state.chooser.remark(ui);
    ui.add_space(theme().space.near);
    match &state.report {
        Slot::Idle => {}
        Slot::Waiting(_) => {
            let text = secondary(ui, format!("{} files searched…", format::grouped(state.progress.done())));
            ui.label(text);
            ui.ctx().request_repaint_after(Duration::from_millis(200));
        }
        Slot::Failed(failed) => problem::show(ui, failed),
        Slot::Done(report) => found(ui, report),
    }
    asked
}

fn form(ui: &mut Ui, state: &mut ScanState) -> Option<Intent> {
    let mut asked = false;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 190.0).clamp(120.0, 560.0);
        let field = TextEdit::singleline(&mut state.path).hint_text("/home/you/project").desired_width(width);
        let field = ui.add(field.align(Align2::LEFT_CENTER)).accessible_name("Folder");
        asked = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        state.chooser.button(ui, Choose::Folder, Path::new(state.path.trim()));
        if state.report.waiting() {
            if ui.button("Stop").clicked() {
                state.progress.stop();
            }
        } else {
            asked |= ui.add_enabled_ui(!state.path.trim().is_empty(), |ui| primary(ui, "Scan")).inner;
        }
    });
    let ready = asked && !state.path.trim().is_empty() && !state.report.waiting();
    ready.then(|| Intent::ScanModels(PathBuf::from(state.path.trim())))
}

fn found(ui: &mut Ui, report: &ScanReport) {
    let left_out = if report.skipped > 0 { format!(", {} left out", format::grouped(report.skipped)) } else { String::new() };
    let stopped = if report.stopped { ", stopped" } else { "" };
    page::group(ui, &outcome(report), &format!("{} files searched{left_out}{stopped}", format::grouped(report.files)));
    if report.hits.is_empty() {
        page::rule(ui);
        return page::empty(ui, Icon::Check, "No name of a model that ends", "Only names that the catalogue knows are found.", |_| ());
    }
    let row = theme().size.row;
    let grid = Grid::scrolled(ui, &COLUMNS, row);
    grid.head(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, row, report.hits.len(), |ui, seen| {
        for hit in report.hits.get(seen).unwrap_or_default() {
            entry(ui, &grid, hit);
        }
    });
}

fn outcome(report: &ScanReport) -> String {
    let places = |n: u64| if n == 1 { "1 place names".to_owned() } else { format!("{} places name", format::grouped(n)) };
    match (report.retired, report.retiring) {
        (0, 0) => "Nothing found".into(),
        (0, ending) => format!("{} a model that will end", places(ending)),
        (ended, 0) => format!("{} a retired model", places(ended)),
        (ended, ending) => format!("{} a retired model, {} one that will end", places(ended), format::grouped(ending)),
    }
}

/// A click copies the place, as editors take it.
fn entry(ui: &mut Ui, grid: &Grid, hit: &ScanHit) {
    let c = colors(ui);
    let place = format!("{}:{}:{}", hit.path.display(), hit.line, hit.column);
    let instead = hit.replacement.as_ref().map_or(format::NONE, |id| id.as_str());
    let row = grid.row(ui, Sense::click(), |cells| {
        cells.text(RichText::new(&place).color(c.text));
        cells.text(RichText::new(&hit.name).color(c.text_secondary));
        cells.text(RichText::new(&hit.when).color(tone(hit.severity, c)));
        cells.text(RichText::new(instead).color(c.text_secondary));
    });
    row.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{place} names {}, {}", hit.name, hit.when)));
    let row = row.on_hover_ui(|ui| {
        ui.label(&place);
        let text = note(ui, "A click copies the place.");
        ui.label(text);
    });
    if row.clicked() {
        ui.ctx().copy_text(place);
    }
}
