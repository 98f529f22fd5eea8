//! Everything that is known of one request, in four columns.

use egui::{Align, Grid, Key, Label, Layout, RichText, ScrollArea, Ui};

use crate::domain::query::Story;
use crate::domain::{Certainty, RequestRecord};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{note, secondary, section, theme};
use super::super::super::widgets::copy::copy;
use super::row::{Row, verdict_word};
use super::story;

type Facts = Vec<(&'static str, String)>;

/// Draws it. False once it was closed.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, row: &Row<'_>, story: &Slot<Story>) -> bool {
    let mut open = !ui.input(|i| i.key_pressed(Key::Escape));
    ui.horizontal(|ui| {
        ui.add(Label::new(section(format!("Request {}", row.id().0))));
        let text = note(ui, row.state(scene));
        ui.add(Label::new(text).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            open &= !ui.button("Close").clicked();
            if let Row::Done(record) = row
                && let Some(id) = &record.upstream_request_id
            {
                copy(ui, "Copy the provider's request id", id);
            }
        });
    });
    ui.add_space(theme().space.tight);
    let columns = match row {
        Row::Waiting(_) => waiting(scene, row),
        Row::Running(_) => running(scene, row),
        Row::Done(record) => done(scene, record),
    };
    ScrollArea::vertical().id_salt("request").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
        if let Slot::Done(story) = story {
            story::refusals(ui, scene, story); // why it was refused is what one looks for
        }
        ui.columns(columns.len(), |uis| {
            for (at, (ui, (title, facts))) in uis.iter_mut().zip(&columns).enumerate() {
                let head = secondary(ui, *title);
                ui.label(head);
                ui.add_space(theme().space.hair);
                Grid::new(("facts", at)).num_columns(2).spacing([theme().space.near, theme().space.hair]).show(ui, |ui| {
                    for (name, value) in facts {
                        let name = note(ui, *name);
                        ui.add(Label::new(name));
                        ui.add(Label::new(RichText::new(value).small()).truncate().selectable(true));
                        ui.end_row();
                    }
                });
            }
        });
        if !matches!(row, Row::Waiting(_)) {
            story::show(ui, scene, story);
        }
    });
    open
}

fn waiting(scene: &Scene<'_>, row: &Row<'_>) -> Vec<(&'static str, Facts)> {
    let Row::Waiting(w) = row else { return Vec::new() };
    let request = vec![
        ("client", w.client.to_string()),
        ("account", w.account_label.clone()),
        ("model", w.model.as_ref().map_or("none".into(), ToString::to_string)),
        ("class", w.class.to_string()),
        ("queue", w.lane.name().into()),
    ];
    let wait = vec![
        ("position", w.position.to_string()),
        ("waits for", scene.waits_for(w)),
        ("since", format::local(w.since, scene.zone)),
        ("goes at", w.ready_at.map_or("unknown".into(), |at| format::local(at, scene.zone))),
    ];
    vec![("Request", request), ("Wait", wait)]
}

fn running(scene: &Scene<'_>, row: &Row<'_>) -> Vec<(&'static str, Facts)> {
    let Row::Running(r) = row else { return Vec::new() };
    let a = &r.arrival;
    let request = vec![
        ("client", a.client.to_string()),
        ("account", a.account_label.clone()),
        ("provider", a.provider.title().into()),
        ("API", a.api.name().into()),
        ("model", a.model.as_ref().map_or("none".into(), ToString::to_string)),
        ("class", a.class.to_string()),
        ("queue", a.lane.name().into()),
    ];
    let time = vec![
        ("arrived", format::local(a.at, scene.zone)),
        ("waited", format::millis(r.waited_millis)),
        ("sent", format::local(r.sent_at, scene.zone)),
        ("attempt", r.attempt.to_string()),
        ("answer", if r.answering { "has begun".into() } else { "not yet".into() }),
    ];
    vec![("Request", request), ("Time", time)]
}

fn done(scene: &Scene<'_>, r: &RequestRecord) -> Vec<(&'static str, Facts)> {
    let name = |model: Option<&crate::domain::ModelId>| model.map_or("not said".to_owned(), ToString::to_string);
    let request = vec![
        ("client", r.client.to_string()),
        ("account", format!("{} ({})", r.account_label, r.provider.title())),
        ("API", r.api.name().into()),
        ("asked for", name(r.model_asked.as_ref())),
        ("served by", name(r.usage.model.as_ref())),
        ("class", r.class.to_string()),
        ("request id", r.upstream_request_id.clone().unwrap_or_else(|| "not said".into())),
    ];
    let mut time = vec![
        ("arrived", format::local(r.arrived_at, scene.zone)),
        ("UTC", format::utc(r.arrived_at)),
        ("waited", format::millis(r.wait_millis)),
        ("bound by", r.bound_by.clone().unwrap_or_else(|| "nothing".into())),
        ("first byte", r.first_byte_millis.map_or("none".into(), format::millis)),
        ("whole", format::duration(format::since(r.finished_at, r.arrived_at))),
        ("attempts", r.attempts.to_string()),
    ];
    let mut tokens = vec![
        ("input", format::grouped(r.usage.input)),
        ("from cache", format::grouped(r.usage.cache_read)),
        ("into cache", format::grouped(r.usage.cache_write)),
        ("output", format::grouped(r.usage.output)),
        ("of it reasoning", format::grouped(r.usage.reasoning)),
        (
            "certainty",
            match r.usage.certainty {
                Certainty::Exact => "exact".into(),
                Certainty::AtLeast => "at least: the answer broke off".into(),
                Certainty::Unknown => "unknown: the answer did not say".into(),
            },
        ),
        ("cost", r.cost_nanos.map_or("unknown".into(), format::money)),
    ];
    let limits = vec![
        ("counted input", counted(r.counted_input, r.reserved_input)),
        ("counted output", counted(r.counted_output, r.reserved_output)),
        ("status", if r.status == 0 { "none".into() } else { r.status.to_string() }),
        ("verdict", r.verdict.map_or("none".into(), |v| verdict_word(v).into())),
        ("queue", r.lane.name().into()),
        ("request", format::bytes(r.request_bytes)),
        ("answer", format::bytes(r.response_bytes)),
    ];
    if r.usage.certainty == Certainty::Unknown {
        tokens.retain(|(name, _)| matches!(*name, "certainty" | "cost")); // zeros would say that they were counted
    }
    if r.wait_millis == 0 {
        time.retain(|(name, _)| *name != "bound by");
    }
    vec![("Request", request), ("Time", time), ("Tokens", tokens), ("Limits", limits)]
}

fn counted(counted: u64, reserved: u64) -> String {
    format!("{} of {} reserved", format::grouped(counted), format::grouped(reserved))
}
