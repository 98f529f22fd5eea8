//! The dialog that writes a table of the history into a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Align2, ColorImage, Context, Label, Rect, RichText, TextEdit, Ui};

use crate::domain::command::{ChartOrder, Pending, Picture, Poll, Reply};
use crate::domain::query::{ExportFormat, ExportOrder, ExportWhat, SeriesQuery};

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

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A table of the history.
    Table(ExportWhat),
    /// The numbers of the chart.
    ChartData,
    /// The chart as it stands on the screen.
    ChartPicture,
}

/// How far a picture is.
#[derive(Debug)]
enum Taking {
    No,
    /// The next frame, which is drawn without the dialog, asks for it.
    Wanted,
    Awaited(Pending<Arc<ColorImage>>),
}

/// What the dialog keeps between frames.
#[derive(Debug)]
pub struct ExportState {
    /// Whether it is shown.
    pub open: bool,
    /// Where files go unless the user says otherwise.
    pub folder: PathBuf,
    /// What to write.
    pub what: What,
    /// How to write it.
    pub format: ExportFormat,
    /// Only the range of the chart, or everything.
    pub everything: bool,
    /// The path as typed; while it is `None` it follows the other choices.
    pub path: Option<String>,
    /// Where on the screen the chart is.
    pub area: Rect,
    /// The picture that is awaited. While it is taken, the dialog must not stand before the chart.
    picture: Taking,
    /// The number of rows, once written.
    pub written: Slot<u64>,
    chooser: Chooser,
}

impl Default for ExportState {
    fn default() -> Self {
        Self {
            open: false,
            folder: PathBuf::new(),
            what: What::Table(ExportWhat::Requests),
            format: ExportFormat::Csv,
            everything: false,
            path: None,
            area: Rect::NOTHING,
            picture: Taking::No,
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
        match (self.what, self.format) {
            (What::ChartPicture, _) => "png",
            (What::Table(_), ExportFormat::Json) => "json",
            _ => "csv",
        }
    }

    const fn name(&self) -> &'static str {
        match self.what {
            What::Table(what) => what.name(),
            What::ChartData | What::ChartPicture => "chart",
        }
    }

    fn default_path(&self, scene: &Scene<'_>) -> String {
        let day = scene.now.to_zoned_datetime(scene.zone.clone()).strftime("%Y-%m-%d").to_string();
        self.folder.join(format!("tierline-{}-{day}.{}", self.name(), self.extension())).display().to_string()
    }
}

/// Draws the dialog if it is open.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut ExportState, range: Range, chart: Option<&SeriesQuery>) -> Option<Intent> {
    if !state.open {
        return None;
    }
    match &state.picture {
        Taking::No => {}
        Taking::Wanted => {
            take_picture(ctx, state);
            return None;
        }
        Taking::Awaited(pending) => {
            let taken = match pending.poll() {
                Poll::Waiting => return None,
                Poll::Ready(screen) => crop(&screen, state.area, ctx.pixels_per_point()),
                Poll::Gone => None,
            };
            state.picture = Taking::No;
            let path = state.path.clone().unwrap_or_else(|| state.default_path(scene)).into();
            let order = |(picture, query): (_, &SeriesQuery)| ChartOrder { query: query.clone(), picture: Some(picture), path };
            return taken.zip(chart).map(order).map(Intent::WriteChart);
        }
    }
    let answer = dialog(ctx, "Export", theme().size.dialog, |ui| form(ui, scene, state, range, chart));
    let (intent, done) = answer.inner;
    if answer.closed || done {
        state.open = false;
        state.written = Slot::default();
    }
    intent
}

fn form(ui: &mut Ui, scene: &Scene<'_>, state: &mut ExportState, range: Range, chart: Option<&SeriesQuery>) -> (Option<Intent>, bool) {
    choice(ui, "What", |ui| {
        for (what, name) in [
            (What::Table(ExportWhat::Requests), "Requests"),
            (What::Table(ExportWhat::Refusals), "Refusals"),
            (What::Table(ExportWhat::Snapshots), "Header snapshots"),
            (What::Table(ExportWhat::Limits), "Limit changes"),
            (What::ChartData, "This chart's numbers"),
            (What::ChartPicture, "This chart as a picture"),
        ] {
            ui.selectable_value(&mut state.what, what, name);
        }
    });
    if let What::Table(_) = state.what {
        choice(ui, "Time", |ui| {
            ui.selectable_value(&mut state.everything, false, format!("Last {}", range.name()));
            ui.selectable_value(&mut state.everything, true, "Everything");
        });
        choice(ui, "Format", |ui| {
            ui.selectable_value(&mut state.format, ExportFormat::Csv, "CSV");
            ui.selectable_value(&mut state.format, ExportFormat::Json, "JSON");
        });
    }

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
        intent = match state.what {
            What::Table(what) => Some(Intent::Export(ExportOrder { what, from, to: None, format: state.format, path })),
            What::ChartData => chart.map(|query| Intent::WriteChart(ChartOrder { query: query.clone(), picture: None, path })),
            What::ChartPicture => {
                state.picture = Taking::Wanted;
                ui.ctx().request_repaint();
                None
            }
        };
    }
    (intent, cancels)
}

/// Asks for a picture of this frame.
fn take_picture(ctx: &Context, state: &mut ExportState) {
    let wake = ctx.clone();
    let (reply, pending): (Reply<Arc<ColorImage>>, _) = Reply::new(move || wake.request_repaint());
    state.picture = Taking::Awaited(pending);
    ctx.request_screenshot(move |screen| reply.send(screen));
}

/// The part of a picture of the screen that lies in an area given in points; `None` if the window no longer reaches there.
fn crop(screen: &ColorImage, area: Rect, pixels_per_point: f32) -> Option<Picture> {
    let [width, height] = screen.size.map(|side| side as f32 / pixels_per_point);
    let area = area.expand(theme().space.close).intersect(Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height)));
    if !area.is_positive() {
        return None;
    }
    let part = screen.region(&area, Some(pixels_per_point));
    let [width, height] = part.size.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    Some(Picture { width, height, rgba: part.pixels.iter().flat_map(egui::Color32::to_array).collect() })
}

fn outcome(ui: &mut Ui, state: &ExportState, path: &str) {
    match &state.written {
        Slot::Done(rows) => {
            ui.add_space(theme().space.tight);
            ui.horizontal(|ui| {
                let text = if state.what == What::ChartPicture {
                    "Picture written".to_owned()
                } else if *rows == 1 {
                    "1 row written".to_owned()
                } else {
                    format!("{} rows written", format::grouped(*rows))
                };
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
