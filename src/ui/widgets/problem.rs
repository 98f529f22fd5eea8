//! An error in the place where it happened: what, why, and what to do.

use egui::{Color32, Label, RichText, Ui};

use crate::domain::{Problem, Severity};

use super::super::theme::{Color, Palette, colors, note, theme};
use super::icon::Icon;

/// The mark and colour of a severity.
#[must_use]
pub const fn mark(severity: Severity, c: &Palette) -> (Icon, Color) {
    match severity {
        Severity::Info => (Icon::Info, c.text_secondary),
        Severity::Warning => (Icon::Alert, c.warning),
        Severity::Error => (Icon::Alert, c.error),
    }
}

/// Draws a problem.
pub fn show(ui: &mut Ui, problem: &Problem) {
    let lines = [problem.details.as_deref(), problem.hint.as_deref()];
    entry(ui, Severity::Error, &sentence(&problem.summary), &lines.into_iter().flatten().map(sentence).collect::<Vec<_>>());
}

/// A mark, a text, and smaller lines below it.
pub fn entry(ui: &mut Ui, severity: Severity, text: &str, more: &[String]) {
    let (icon, color) = mark(severity, colors(ui));
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme().space.close;
        icon.show(ui, Color32::from(color));
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = theme().space.hair;
            ui.add(Label::new(RichText::new(text)).wrap());
            for line in more {
                ui.add(Label::new(note(ui, line)).wrap());
            }
        });
    });
}

/// Messages begin small and end open, so that they can be joined; alone on a line they are sentences.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
