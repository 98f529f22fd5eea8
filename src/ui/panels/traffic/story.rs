//! What is stored of a request beside its row: why attempts were refused, what our own books said then, and what the headers said.

use egui::{Label, RichText, TextStyle, Ui};

use crate::domain::dimension::Meter;
use crate::domain::query::Story;
use crate::domain::{Pool, Reading, RefusalRecord, Snapshot};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::{page, problem};
use super::super::explain;
use super::hindsight::hindsight;
use super::row::verdict_word;

/// Draws the attempts that were refused.
pub fn refusals(ui: &mut Ui, scene: &Scene<'_>, story: &Story) {
    for refused in &story.refusals {
        refusal(ui, scene, refused);
    }
}

/// Draws what the headers said.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, story: &Slot<Story>) {
    ui.add_space(theme().space.near);
    match story {
        Slot::Idle => {}
        Slot::Waiting(_) => {
            let text = note(ui, "Reading what was stored…");
            ui.label(text);
        }
        Slot::Failed(failed) => problem::show(ui, failed),
        Slot::Done(story) => {
            for head in &story.snapshots {
                snapshot(ui, scene, head);
            }
            if story.refusals.is_empty() && story.snapshots.is_empty() {
                let text = note(ui, "No attempt was refused, and the headers said nothing about limits.");
                ui.label(text);
            }
        }
    }
}

/// One refused attempt: what it means, what would have avoided it, and the numbers behind both. The way out stands first.
fn refusal(ui: &mut Ui, scene: &Scene<'_>, refused: &RefusalRecord) {
    let behind = format!("status {} at {}", refused.status, format::clock(refused.at, scene.zone));
    page::group(ui, &format!("Attempt {} refused, {}", refused.attempt, verdict_word(refused.verdict.kind)), &behind);
    page::rule(ui);
    ui.add_space(theme().space.hair);
    ui.columns(3, |uis| {
        let [meaning, avoiding, numbers] = uis else { return };
        // columns would stretch the words of a sentence to both edges
        meaning.vertical(|ui| {
            for text in [&refused.verdict.advice, &refused.verdict.reason] {
                let text = problem::prose(ui, &problem::sentence(text), &TextStyle::Body);
                ui.add(Label::new(text).wrap());
            }
            page::facts(ui, &format!("refusal {}", refused.attempt), &explain::facts(&refused.verdict));
        });
        avoiding.vertical(|ui| {
            let text = note(ui, "What would have avoided it");
            ui.label(text);
            let text = problem::prose(ui, &hindsight(refused), &TextStyle::Body);
            ui.add(Label::new(text).wrap());
        });
        numbers.vertical(|ui| ours(ui, refused));
    });
    ui.add_space(theme().space.near);
}

/// What our own books said.
fn ours(ui: &mut Ui, refused: &RefusalRecord) {
    let text = note(ui, "Our own books at that moment");
    ui.label(text);
    for line in &refused.ledger {
        ui.add(Label::new(RichText::new(format::regrouped(line)).small().color(colors(ui).text_secondary)).wrap());
    }
    if refused.ledger.is_empty() {
        let text = note(ui, "No limit was known that it draws on.");
        ui.label(text);
    }
}

fn snapshot(ui: &mut Ui, scene: &Scene<'_>, head: &Snapshot) {
    let wait = head.retry_after.map_or_else(String::new, |wait| format!(", retry after {}", format::duration(wait)));
    let behind = format!("status {} at {}{wait}", head.status, format::clock(head.at, scene.zone));
    page::group(ui, "Headers", &behind).on_hover_text(scene.both_zones(head.at));
    page::rule(ui);
    let mut lines: Vec<(String, String)> = head.readings.iter().map(|reading| (name(reading), said(scene, head, reading))).collect();
    lines.extend(head.oddities.iter().map(|odd| (odd.header.clone(), format!("not as documented: {}", odd.what))));
    let lines: Vec<(&str, String)> = lines.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    page::facts(ui, &format!("headers {}", head.at), &lines);
    ui.add_space(theme().space.near);
}

fn name(reading: &Reading) -> String {
    let meter = reading.period.map_or_else(|| reading.dimension.unit().to_owned(), |period| Meter(reading.dimension, period).to_string());
    match reading.pool {
        Pool::Standard => meter,
        Pool::Priority => format!("{meter}, priority"),
        Pool::Fast => format!("{meter}, fast"),
        Pool::Project => format!("{meter}, project"),
        Pool::LongContext => format!("{meter}, long context"),
        Pool::Batch => format!("{meter}, batch"),
    }
}

/// What a header did not say is left out.
fn said(scene: &Scene<'_>, head: &Snapshot, reading: &Reading) -> String {
    let amount = |n| format::amount(reading.dimension, n);
    let mut parts = Vec::new();
    parts.extend(reading.remaining.map(|n| format!("{} left", amount(n))));
    parts.extend(reading.limit.map(|n| format!("limit {}", amount(n))));
    parts.extend(reading.full_at.map(|at| {
        if at <= head.at {
            return "full".to_owned();
        }
        format!("full in {}, at {}", format::until(head.at, at), format::clock(at, scene.zone))
    }));
    if reading.grain > 1 {
        parts.push(format!("rounded to {}", amount(reading.grain)));
    }
    parts.join(", ")
}
