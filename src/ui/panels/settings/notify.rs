//! What the desktop tells the user of.

use egui::{Slider, Ui};

use crate::domain::Preferences;
use crate::domain::preferences::Notify;

use super::{group, line};

/// Where the threshold stands when it is switched on.
const USUAL: u8 = 90;

pub(super) fn show(ui: &mut Ui, wanted: &mut Preferences, dragged: &mut Option<u8>) {
    let notify = &mut wanted.notify;
    group(ui, "Notifications", |ui| {
        line(ui, "A full limit", "Or budget. Told once, and again only after it was calm.", |ui| {
            let mut on = notify.at_percent.is_some();
            if ui.checkbox(&mut on, "From").changed() {
                notify.at_percent = on.then_some(USUAL);
            }
            ui.add_enabled_ui(on, |ui| {
                let mut percent = dragged.or(notify.at_percent).unwrap_or(USUAL);
                let slider = ui.add(Slider::new(&mut percent, Notify::PERCENT).suffix(" %")).accessible_name("Notify from this use on");
                // a stored setting for each step of the pointer would be many
                if slider.dragged() {
                    *dragged = Some(percent);
                } else if on {
                    notify.at_percent = Some(dragged.take().unwrap_or(percent));
                }
            });
        });
        line(ui, "Accounts", "", |ui| {
            ui.checkbox(&mut notify.stopped, "One is stopped: no credit, a refused key");
        });
        line(ui, "Models", "", |ui| {
            ui.checkbox(&mut notify.retirements, "One that your traffic names ends");
        });
        line(ui, "Endpoints", "", |ui| {
            ui.checkbox(&mut notify.outages, "One keeps failing: its requests are refused at once");
        });
        line(ui, "Batches", "", |ui| {
            ui.checkbox(&mut notify.batches, "One is over, or has paused by itself");
        });
    });
}
