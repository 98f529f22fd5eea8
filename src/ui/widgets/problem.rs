//! An error in the place where it happened: what, why, and what to do.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, Label, TextStyle, Ui};

use crate::domain::{Problem, Severity};

use super::super::format;
use super::super::theme::{Color, Palette, colors, theme};
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
            ui.add(Label::new(prose(ui, text, &TextStyle::Body)).wrap());
            for line in more {
                ui.add(Label::new(prose(ui, line, &TextStyle::Small)).wrap());
            }
        });
    });
}

/// A sentence with its large numbers grouped, and what it puts between backticks as something that can be pasted.
#[must_use]
pub fn prose(ui: &Ui, text: &str, style: &TextStyle) -> LayoutJob {
    let c = colors(ui);
    let color = if *style == TextStyle::Body { c.text } else { c.text_faint };
    let mut job = LayoutJob::default();
    // egui breaks lines at narrow spaces, and numbers must stay whole
    let text = format::regrouped(text).replace(format::THIN, "\u{a0}");
    for (at, part) in text.split('`').enumerate() {
        let style = if at % 2 == 1 { &TextStyle::Monospace } else { style };
        job.append(part, 0.0, TextFormat::simple(style.resolve(ui.style()), color.into()));
    }
    job
}

/// Messages begin small and end open, so that they can be joined; alone on a line they are sentences. Only a word that
/// cannot be a name is given a capital: an account called deepseek stays as it is.
#[must_use]
pub fn sentence(text: &str) -> String {
    const PLAIN: [&str; 11] = ["a", "an", "answers", "it", "no", "nothing", "prompts", "the", "there", "this", "with"];
    let first = text.split(' ').next().unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    match (PLAIN.contains(&first), text.get(..1), text.get(1..)) {
        (true, Some(letter), Some(rest)) => format!("{}{rest}{end}", letter.to_uppercase()),
        _ => format!("{text}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn names_keep_their_letters() {
        for (text, shown) in [
            ("the key is empty", "The key is empty."),
            ("gpt-4o retires soon", "gpt-4o retires soon."),
            ("deepseek has no credit.", "deepseek has no credit."),
            ("", "."),
        ] {
            assert_eq!(sentence(text), shown);
        }
    }
}
