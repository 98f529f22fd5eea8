//! A labelled text field with the reason below it why its text cannot be used.

use egui::{Align2, Response, RichText, TextEdit, Ui};

use super::super::theme::{colors, note, theme};

/// One field of a form.
pub struct Field<'a> {
    label: &'a str,
    hint: &'a str,
    problem: Option<&'a str>,
    secret: bool,
}

impl<'a> Field<'a> {
    /// A plain field.
    #[must_use]
    pub const fn new(label: &'a str) -> Self {
        Self { label, hint: "", problem: None, secret: false }
    }

    /// What stands in it while it is empty.
    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// Why its text cannot be used.
    #[must_use]
    pub const fn problem(mut self, problem: Option<&'a str>) -> Self {
        self.problem = problem;
        self
    }

    /// Shows dots for what is typed.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Draws it over the whole width.
    pub fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        let label = ui.label(note(ui, self.label));
        let response = ui
            .add(
                TextEdit::singleline(text)
                    .hint_text(self.hint)
                    .password(self.secret)
                    .desired_width(f32::INFINITY)
                    .align(Align2::LEFT_CENTER),
            )
            .labelled_by(label.id);
        if self.secret
            && let Some(mut state) = TextEdit::load_state(ui.ctx(), response.id)
        {
            state.clear_undoer(); // undo would keep every stage of the secret in memory
            state.store(ui.ctx(), response.id);
        }
        if let Some(problem) = self.problem {
            ui.label(RichText::new(problem).small().color(colors(ui).error));
        }
        ui.add_space(theme().space.tight);
        response
    }
}
