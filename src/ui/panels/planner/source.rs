//! Where the load's numbers come from: typed, recorded over a week, or a batch's input file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Align2, Key, TextEdit, Ui};
use jiff::SignedDuration;

use crate::domain::AccountId;
use crate::domain::command::Progress;
use crate::domain::plan::{Load, LoadSource};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{note, secondary, theme};
use super::super::super::widgets::chooser::{Choose, Chooser};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::problem;
use super::super::history::combo;
use super::inputs::Inputs;

/// How far back the history is looked at.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Typed,
    History,
    File,
}

/// What is kept between frames.
#[derive(Debug, Default)]
pub struct SourceState {
    source: Source,
    path: String,
    account: Option<AccountId>,
    chooser: Chooser,
    /// How far the file has been read.
    pub progress: Progress,
    /// What was found.
    pub loads: Slot<Vec<Load>>,
}

impl SourceState {
    /// Takes in answers that came. True in the frame in which loads did.
    pub fn settle(&mut self) -> bool {
        if let Some(path) = self.chooser.poll() {
            self.path = path.display().to_string();
        }
        self.loads.poll()
    }

    /// The file that the load came from, and for which account it was read.
    pub(super) fn file(&self) -> (Option<String>, Option<AccountId>) {
        let read = self.source == Source::File && matches!(self.loads, Slot::Done(_));
        if read { (Some(self.path.trim().to_owned()), self.account) } else { (None, None) }
    }
}

/// The choice in the panel's title line, from the right edge inwards.
pub fn choice(ui: &mut Ui, scene: &Scene<'_>, state: &mut SourceState) -> Option<Intent> {
    let before = state.source;
    ui.spacing_mut().item_spacing.x = theme().space.hair;
    ui.selectable_value(&mut state.source, Source::File, "From a file");
    ui.selectable_value(&mut state.source, Source::History, "From my last 7 days");
    ui.selectable_value(&mut state.source, Source::Typed, "Typed in");
    if before == state.source {
        return None;
    }
    state.progress.stop();
    state.loads = Slot::Idle;
    (state.source == Source::History).then(|| Intent::LoadLoads(LoadSource::History(scene.now - WEEK)))
}

/// The line below the title: the file's path, and the models that were found.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut SourceState, inputs: &mut Inputs) -> Option<Intent> {
    if state.source == Source::Typed {
        return None;
    }
    let asked = if state.source == Source::File { file(ui, scene, state) } else { None };
    match &state.loads {
        Slot::Idle => {}
        Slot::Waiting(_) => {
            let text = match state.source {
                Source::File => format!("{} rows read…", format::grouped(state.progress.done())),
                Source::History | Source::Typed => "Reading the history…".into(),
            };
            let text = secondary(ui, text);
            ui.label(text);
            ui.ctx().request_repaint_after(Duration::from_millis(200));
        }
        Slot::Failed(failed) => problem::show(ui, failed),
        Slot::Done(loads) if loads.is_empty() => {
            let text =
                note(ui, "No answered request was recorded in this time. Send some through the gateway first, or type the numbers in.");
            ui.label(text);
        }
        Slot::Done(loads) => {
            ui.horizontal_wrapped(|ui| {
                for load in loads {
                    let chosen = inputs.model == load.model.as_str() && inputs.provider == load.provider && inputs.basis.is_some();
                    if ui.selectable_label(chosen, super::load_name(load)).on_hover_text(&load.basis).clicked() {
                        inputs.adopt(load);
                    }
                }
                if loads.len() > 1 && inputs.basis.is_none() {
                    let text = note(ui, "Choose a model: its numbers go to the sliders.");
                    ui.label(text);
                }
            });
        }
    }
    ui.add_space(theme().space.close);
    asked
}

fn file(ui: &mut Ui, scene: &Scene<'_>, state: &mut SourceState) -> Option<Intent> {
    let account = state.account.and_then(|id| scene.account(id)).or(scene.view.accounts.first());
    state.account = account.map(|account| account.account.id);
    let mut read = false;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 330.0).clamp(120.0, 560.0);
        let field = TextEdit::singleline(&mut state.path).hint_text("/home/you/prompts.jsonl").desired_width(width);
        let field = ui.add(field.align(Align2::LEFT_CENTER)).accessible_name("File");
        read = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        state.chooser.button(ui, Choose::File, Path::new(state.path.trim()));
        combo(ui, "Account", account.map_or("No account", |a| a.account.label.as_str()), 120.0, |ui| {
            for a in scene.view.accounts.iter() {
                ui.selectable_value(&mut state.account, Some(a.account.id), &a.account.label);
            }
        });
        if state.loads.waiting() {
            if ui.button("Stop").clicked() {
                state.progress.stop();
            }
        } else {
            read |= ui.add_enabled_ui(!state.path.trim().is_empty() && state.account.is_some(), |ui| primary(ui, "Read")).inner;
        }
    });
    state.chooser.remark(ui);
    let path = state.path.trim();
    let ready = read && !path.is_empty() && !state.loads.waiting();
    state.account.filter(|_| ready).map(|id| Intent::LoadLoads(LoadSource::File(PathBuf::from(path), id)))
}
