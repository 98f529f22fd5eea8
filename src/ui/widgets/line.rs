//! One line of text, cut where its room ends, painted without a widget of its own: for tables of many cells.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, Galley, Pos2, Ui, vec2};

/// The laid-out line. egui keeps it from frame to frame.
#[derive(Debug)]
pub struct Line(Arc<Galley>);

impl Line {
    /// Lays it out.
    #[must_use]
    pub fn new(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> Self {
        let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
        job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
        Self(ui.painter().layout_job(job))
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.elided
    }

    /// How wide it is.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.0.size().x
    }

    /// Paints it, its left end and its middle at this place.
    pub fn paint(self, ui: &Ui, left_middle: Pos2) {
        let at = left_middle - vec2(0.0, self.0.size().y / 2.0);
        ui.painter().galley(at, self.0, Color32::PLACEHOLDER);
    }
}
