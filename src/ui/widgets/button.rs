//! Buttons that stand in a line of text or a row of a table: as high as each other, wherever they are.

use egui::{Button, Color32, RichText, Ui, vec2};

use super::super::theme::{Color, colors, theme};

/// With a frame.
pub fn small(text: impl Into<String>) -> Button<'static> {
    line(RichText::new(text).small())
}

/// A word that does something; its frame shows once it is pointed at.
pub fn link(ui: &Ui, text: impl Into<String>) -> Button<'static> {
    word(text, colors(ui).accent)
}

/// The same in the colour of the text around it.
pub fn quiet(ui: &Ui, text: impl Into<String>) -> Button<'static> {
    word(text, colors(ui).text_secondary)
}

/// The same in a colour of one's own.
pub fn word(text: impl Into<String>, color: Color) -> Button<'static> {
    line(RichText::new(text).small().color(Color32::from(color))).frame_when_inactive(false)
}

fn line(text: RichText) -> Button<'static> {
    Button::new(text).small().min_size(vec2(0.0, theme().size.control_small))
}
