//! How long the history is kept.

use egui::{Label, Ui};

use crate::domain::Preferences;

use super::super::super::theme::theme;
use super::super::super::widgets::dialog::{buttons, dialog};
use super::super::history::combo;
use super::{group, line};

const KEPT: [(Option<u32>, &str); 5] =
    [(None, "For good"), (Some(30), "30 days"), (Some(90), "90 days"), (Some(365), "A year"), (Some(730), "Two years")];

/// Draws the group. A choice by which rows will be deleted is asked about first: `forgets` is what was chosen then.
pub(super) fn show(ui: &mut Ui, wanted: &mut Preferences, forgets: &mut Option<u32>) {
    group(ui, "History", |ui| {
        let hint = "Requests, header snapshots and refusals that are older are deleted in small steps. Sums by hour and day, and every \
                    change of a limit, are small and stay: the long charts lose nothing.";
        line(ui, "Requests", hint, |ui| {
            let mut chosen = wanted.keep_days;
            combo(ui, "Keep requests", name(chosen), 130.0, |ui| {
                for (days, name) in KEPT {
                    ui.selectable_value(&mut chosen, days, name);
                }
            });
            let shorter = |days: &u32| wanted.keep_days.is_none_or(|kept| *days < kept);
            match chosen.filter(shorter) {
                Some(days) => *forgets = Some(days),
                None => wanted.keep_days = chosen,
            }
        });
    });
    if let Some(days) = *forgets {
        let answer = dialog(ui.ctx(), "Delete older requests", theme().size.dialog, |ui| {
            let text = format!(
                "Requests, header snapshots and refusals older than {} are deleted, beginning now. That cannot be undone; an export keeps \
                 them elsewhere.",
                name(Some(days)).to_lowercase()
            );
            ui.add(Label::new(text).wrap());
            buttons(ui, "Delete them", true, false)
        });
        let (deletes, cancels) = answer.inner;
        if deletes {
            wanted.keep_days = Some(days);
        }
        if deletes || cancels || answer.closed {
            *forgets = None;
        }
    }
}

fn name(days: Option<u32>) -> &'static str {
    KEPT.iter().find(|(kept, _)| *kept == days).map_or("As long as set before", |(_, name)| *name)
}
