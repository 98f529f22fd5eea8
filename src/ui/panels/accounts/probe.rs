//! What a probe found, what it cost, and what the provider does not tell.

use egui::{Label, RichText, Ui};

use crate::domain::command::ProbeReport;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{note, theme};
use super::super::super::widgets::{page, problem};

/// Draws the last probe, if there was one.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, slot: &mut Slot<ProbeReport>) {
    if matches!(slot, Slot::Idle) {
        return;
    }
    ui.add_space(theme().space.apart);
    let mut dismissed = false;
    match slot {
        Slot::Idle => {}
        Slot::Waiting(_) => {
            let text = note(ui, "Asking the provider…");
            ui.label(text);
        }
        Slot::Failed(failed) => {
            problem::show(ui, failed);
            dismissed = ui.button("Dismiss").clicked();
        }
        Slot::Done(report) => dismissed = report_view(ui, scene, report),
    }
    if dismissed {
        *slot = Slot::Idle;
    }
}

fn report_view(ui: &mut Ui, scene: &Scene<'_>, report: &ProbeReport) -> bool {
    let cost =
        report.cost_nanos.map_or("cost unknown".to_owned(), |n| if n == 0 { "free".into() } else { format!("cost {}", format::money(n)) });
    let behind = format!("{}, answered {}, {cost}, at {}", report.request, report.status, format::clock(report.at, scene.zone));
    page::group(ui, &format!("Probe of {}", report.account), &behind);
    page::rule(ui);
    for line in &report.learned {
        ui.add(Label::new(RichText::new(problem::sentence(line))).wrap());
    }
    if report.learned.is_empty() {
        let text = note(ui, "The answer named no limit.");
        ui.label(text);
    }
    if !report.unknown.is_empty() {
        let text = note(ui, format!("Not told by this provider: {}.", report.unknown.join(", ")));
        ui.add(Label::new(text).wrap());
    }
    ui.button("Dismiss").clicked()
}
