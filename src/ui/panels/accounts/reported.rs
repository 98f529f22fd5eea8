//! What providers reported as used and billed, where it was imported.

use egui::{Label, RichText, Ui};
use jiff::tz::TimeZone;

use crate::domain::ReportSum;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::{page, problem};

/// Draws a line for each account with a report; nothing if there is none.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, reports: &Slot<Vec<ReportSum>>) {
    match reports {
        Slot::Failed(failed) => {
            ui.add_space(theme().space.apart);
            problem::show(ui, failed);
        }
        Slot::Done(reports) if !reports.is_empty() => {
            ui.add_space(theme().space.apart);
            page::group(ui, "Reported by providers", "as imported on the command line, in UTC days");
            page::rule(ui);
            for report in reports {
                line(ui, scene, report);
            }
        }
        _ => {}
    }
}

fn line(ui: &mut Ui, scene: &Scene<'_>, report: &ReportSum) {
    let Some(account) = scene.account(report.account) else { return };
    let label = &account.account.label;
    let day = |at| format::local(at, &TimeZone::UTC).chars().take(10).collect::<String>();
    let faint = |ui: &mut Ui, text: String| {
        let text = note(ui, text);
        ui.add(Label::new(text).truncate())
    };
    ui.horizontal(|ui| {
        ui.label(label);
        ui.label(report.cost_nanos.map_or_else(|| RichText::new("cost unknown").color(colors(ui).text_faint), |n| format::money(n).into()));
        let tokens = ui.label(format!("{} in, {} out", format::short(report.input), format::short(report.output)));
        tokens.on_hover_text(format!(
            "{} input tokens, cached ones included\n{} output tokens",
            format::grouped(report.input),
            format::grouped(report.output)
        ));
        faint(ui, format!("{} to {}", day(report.days.0), day(report.days.1)));
        let read = format!("read {} ago", format::duration(format::since(scene.now, report.read_at)));
        faint(ui, read).on_hover_text(scene.both_zones(report.read_at));
        let compare = format!("tierline accounts usage --account \"{label}\"");
        copy(ui, &format!("Copy the command that holds the report of {label} against what was recorded here"), &compare);
    });
}
