//! Panels whose time has not come: what will stand there, and what serves until then.

use egui::Ui;

use super::super::state::PanelId;
use super::super::widgets::icon::Icon;
use super::super::widgets::page;

/// Draws the empty place of a panel.
pub fn show(ui: &mut Ui, panel: PanelId) {
    page::header(ui, panel.title(), |_| ());
    let (line, text) = if panel == PanelId::Batch {
        (
            "No batches",
            "Long jobs will run here beside your own work: on what the limits leave over, resumable, with an order of rows that stays. \
             Until then, a client that sends the header x-tierline-priority: batch waits behind everything interactive.",
        )
    } else {
        (
            "Nothing planned",
            "How long a job takes, what it costs and which limit it meets will be worked out here before it is sent. \
             Until then, the overview says how many more requests like your recent ones fit.",
        )
    };
    page::empty(ui, Icon::from(panel), line, text, |_| ());
}
