//! The line at the bottom: where to send requests, what went through, what is wrong.

use egui::{Align, Color32, Label, Layout, RichText, Sense, Ui, vec2};

use crate::domain::Severity;

use super::format;
use super::intent::Intent;
use super::scene::Scene;
use super::state::PanelId;
use super::theme::{colors, note, theme};
use super::widgets::copy::copy;
use super::widgets::problem::mark;

/// Draws the bar.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let mut intent = None;
    ui.horizontal_centered(|ui| {
        gateway(ui, scene);
        divider(ui);
        totals(ui, scene);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            intent = notices(ui, scene);
            divider(ui);
            vault(ui, scene);
            divider(ui);
            let button = egui::Button::new(note(ui, "Explain an error…")).small().frame_when_inactive(false);
            if ui.add(button).on_hover_text("Paste a provider's refusal and read what it means").clicked() {
                intent = Some(Intent::OpenExplain);
            }
        });
    });
    intent
}

fn gateway(ui: &mut Ui, scene: &Scene<'_>) {
    let c = colors(ui);
    match &scene.view.gateway {
        Ok(url) => {
            dot(ui, c.ok.into());
            ui.add(Label::new(RichText::new(url).monospace().color(c.text_secondary)))
                .on_hover_text("The gateway listens here. Set it as the base URL of a client.");
            copy(ui, "Copy the gateway URL", url);
        }
        Err(why) => {
            dot(ui, if why == "starting" { c.text_faint } else { c.error }.into());
            let text = if why == "starting" { "gateway starting".to_owned() } else { format!("no gateway: {why}") };
            ui.scope(|ui| {
                ui.set_max_width(360.0);
                ui.add(Label::new(RichText::new(text).small().color(c.text_secondary)).truncate());
            });
        }
    }
}

fn totals(ui: &mut Ui, scene: &Scene<'_>) {
    let t = &scene.view.totals;
    let refusals = t.upstream_refusals + t.local_refusals;
    let cells = [
        (
            format::short(t.finished),
            "requests",
            format!("{} requests ended since the start, {} of them well", format::grouped(t.finished), format::grouped(t.ok)),
        ),
        (
            format!("{} in, {} out", format::short(t.input_tokens), format::short(t.output_tokens)),
            "tokens",
            format!(
                "{} input tokens, cached ones included\n{} output tokens",
                format::grouped(t.input_tokens),
                format::grouped(t.output_tokens)
            ),
        ),
        (
            format::short(refusals),
            if refusals == 1 { "refusal" } else { "refusals" },
            format!(
                "{} refused by providers (attempts)\n{} refused by Tierline",
                format::grouped(t.upstream_refusals),
                format::grouped(t.local_refusals)
            ),
        ),
        (format::money(t.cost_nanos), "spent", "Since the start, as far as prices are known".into()),
    ];
    for (number, unit, hover) in cells {
        let text = RichText::new(number).small().color(colors(ui).text);
        let unit = note(ui, unit);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = theme().space.tight;
            ui.add(Label::new(text)).on_hover_text(&hover);
            ui.add(Label::new(unit)).on_hover_text(&hover);
        });
        ui.add_space(theme().space.tight);
    }
}

fn vault(ui: &mut Ui, scene: &Scene<'_>) {
    let c = colors(ui);
    let (text, color, hover) = match &scene.view.vault {
        Ok(place) if place.starts_with("only") => {
            (format!("keys {place}"), c.text_faint, "No keyring is used: the keys are forgotten when Tierline ends.".to_owned())
        }
        Ok(place) => (format!("keys in {place}"), c.ok, "Where provider keys are kept. They are in no file of ours.".to_owned()),
        Err(why) if why == "starting" => ("keys: starting".into(), c.text_faint, String::new()),
        Err(why) => ("keys cannot be stored".into(), c.error, why.clone()),
    };
    let response = ui.add(Label::new(note(ui, text)));
    if !hover.is_empty() {
        response.on_hover_text(hover);
    }
    dot(ui, color.into());
}

fn notices(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let count = scene.view.notices.len();
    let worst = scene.view.notices.iter().map(|n| n.severity).max();
    let text = match count {
        0 => "no notices".to_owned(),
        1 => "1 notice".to_owned(),
        n => format!("{n} notices"),
    };
    let color = worst.map_or(colors(ui).text_faint, |severity| mark(severity, colors(ui)).1);
    let button = egui::Button::new(RichText::new(text).small().color(color)).small().frame_when_inactive(false);
    let clicked = ui.add(button).on_hover_text("Notices stand on the overview").clicked();
    if worst.is_some_and(|w| w > Severity::Info) {
        mark(worst.unwrap_or(Severity::Info), colors(ui)).0.show(ui, color.into());
    }
    clicked.then_some(Intent::Go(PanelId::Overview))
}

fn divider(ui: &mut Ui) {
    ui.add_space(theme().space.tight);
    let (rect, _) = ui.allocate_exact_size(vec2(1.0, 12.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, Color32::from(colors(ui).line_strong));
    ui.add_space(theme().space.tight);
}

fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(7.0, 7.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 3.0, color);
}
