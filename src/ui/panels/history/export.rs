//! The dialog that writes a table of the history into a file.

use std::path::{Path, PathBuf};

use egui::{Align2, Context, Label, RichText, TextEdit, Ui};

use crate::domain::query::{ExportFormat, ExportOrder, ExportWhat};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::chooser::{Choose, Chooser};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::dialog::{buttons, dialog};
use super::super::super::widgets::problem;
use super::Range;

/// What the dialog keeps between frames.
#[derive(Debug)]
pub struct ExportState {
    /// Whether it is shown.
    pub open: bool,
    /// Where files go unless the user says otherwise.
    pub folder: PathBuf,
    /// Which table.
    pub what: ExportWhat,
    /// How to write it.
    pub format: ExportFormat,
    /// Only the range of the chart, or everything.
    pub everything: bool,
    /// The path as typed; while it is `None` it follows the other choices.
    pub path: Option<String>,
    /// The number of rows, once written.
    pub written: Slot<u64>,
    chooser: Chooser,
}

impl Default for ExportState {
    fn default() -> Self {
        Self {
            open: false,
            folder: PathBuf::new(),
            what: ExportWhat::Requests,
            format: ExportFormat::Csv,
            everything: false,
            path: None,
            written: Slot::default(),
            chooser: Chooser::default(),
        }
    }
}

impl ExportState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.written.poll();
        if let Some(path) = self.chooser.poll() {
            self.path = Some(path.display().to_string());
        }
    }

    fn extension(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
        }
    }

    fn default_path(&self, scene: &Scene<'_>) -> String {
        let day = scene.now.to_zoned_datetime(scene.zone.clone()).strftime("%Y-%m-%d").to_string();
        self.folder.join(format!("tierline-{}-{day}.{}", self.what.name(), self.extension())).display().to_string()
    }
}

/// Draws the dialog if it is open.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut ExportState, range: Range) -> Option<Intent> {
    if !state.open {
        return None;
    }
    let answer = dialog(ctx, "Export", theme().size.dialog, |ui| form(ui, scene, state, range));
    let (intent, done) = answer.inner;
    if answer.closed || done {
        state.open = false;
        state.written = Slot::default();
    }
    intent
}

fn form(ui: &mut Ui, scene: &Scene<'_>, state: &mut ExportState, range: Range) -> (Option<Intent>, bool) {
    choice(ui, "What", |ui| {
        for (what, name) in [
            (ExportWhat::Requests, "Requests"),
            (ExportWhat::Refusals, "Refusals"),
            (ExportWhat::Snapshots, "Header snapshots"),
            (ExportWhat::Limits, "Limit changes"),
        ] {
            ui.selectable_value(&mut state.what, what, name);
        }
    });
    choice(ui, "Time", |ui| {
        ui.selectable_value(&mut state.everything, false, format!("Last {}", range.name()));
        ui.selectable_value(&mut state.everything, true, "Everything");
    });
    choice(ui, "Format", |ui| {
        ui.selectable_value(&mut state.format, ExportFormat::Csv, "CSV");
        ui.selectable_value(&mut state.format, ExportFormat::Json, "JSON");
    });

    let label = ui.label(note(ui, "File"));
    let mut path = state.path.clone().unwrap_or_else(|| state.default_path(scene));
    ui.horizontal(|ui| {
        let width = ui.available_width() - 92.0;
        if ui.add(TextEdit::singleline(&mut path).desired_width(width).align(Align2::LEFT_CENTER)).labelled_by(label.id).changed() {
            state.path = Some(path.clone());
        }
        state.chooser.button(ui, Choose::NewFile, Path::new(&path));
    });
    state.chooser.remark(ui);
    outcome(ui, state, &path);

    let mut intent = None;
    let (acts, cancels) = buttons(ui, "Export", !path.trim().is_empty(), state.written.waiting());
    if acts {
        let from = (!state.everything).then(|| scene.now - range.length());
        let path = PathBuf::from(path.trim());
        intent = Some(Intent::Export(ExportOrder { what: state.what, from, to: None, format: state.format, path }));
    }
    (intent, cancels)
}

fn outcome(ui: &mut Ui, state: &ExportState, path: &str) {
    match &state.written {
        Slot::Done(rows) => {
            ui.add_space(theme().space.tight);
            ui.horizontal(|ui| {
                let text = if *rows == 1 { "1 row written".to_owned() } else { format!("{} rows written", format::grouped(*rows)) };
                ui.add(Label::new(RichText::new(text).color(colors(ui).ok)));
                copy(ui, "Copy the path", path);
            });
        }
        Slot::Failed(failed) => {
            ui.add_space(theme().space.tight);
            problem::show(ui, failed);
        }
        Slot::Idle | Slot::Waiting(_) => {}
    }
}

fn choice(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    let text = note(ui, name);
    ui.label(text);
    ui.horizontal_wrapped(content);
    ui.add_space(theme().space.tight);
}
