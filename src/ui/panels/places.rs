//! Panels whose time has not come: what will stand there, and what serves until then.

use egui::Ui;

use super::super::state::PanelId;
use super::super::theme::mono;
use super::super::widgets::copy::copy;
use super::super::widgets::icon::Icon;
use super::super::widgets::page;

/// Draws the empty place of a panel.
pub fn show(ui: &mut Ui, panel: PanelId) {
    page::header(ui, panel.title(), |_| ());
    let (line, text, command) = match panel {
        PanelId::Batch => (
            "No batches",
            "Long jobs will run here beside your own work: on what the limits leave over, resumable, with an order of rows that stays. \
             Until then, a client that sends the header x-tierline-priority: batch waits behind everything interactive.",
            None,
        ),
        PanelId::Planner => (
            "Nothing planned",
            "How long a job takes, what it costs and which limit it meets will be worked out here before it is sent. \
             Until then, the overview says how many more requests like your recent ones fit.",
            None,
        ),
        _ => (
            "The catalogue is not shown yet",
            "Models with limits, prices, retirement dates and sources will stand here. The catalogue itself is in use: \
             limits taken from it carry its date on the overview, and retirements that your traffic meets appear among the notices.",
            Some("tierline limits list"),
        ),
    };
    page::empty(ui, Icon::from(panel), line, text, |ui| {
        if let Some(command) = command {
            ui.horizontal(|ui| {
                // centred by hand: a horizontal line starts at the left edge
                ui.add_space((ui.available_width() - 170.0).max(0.0) / 2.0);
                ui.label(mono(command));
                copy(ui, "Copy the command", command);
            });
        }
    });
}
