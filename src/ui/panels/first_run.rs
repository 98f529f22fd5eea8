//! No account yet: three ways in, side by side.

use std::collections::BTreeSet;

use egui::{Align, Color32, Frame, Label, Layout, RichText, Ui, vec2};

use crate::domain::command::FoundKey;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{colors, corner, faint, lead, mono, note, secondary, section, theme, title};
use super::super::widgets::copy::copy;
use super::super::widgets::dialog::primary;
use super::super::widgets::problem;

/// The command that shows everything with simulated providers.
pub const DEMO: &str = "tierline demo";

const CARD: f32 = 312.0;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct FirstRunState {
    /// Variables that the user does not want imported.
    pub unwanted: BTreeSet<String>,
    /// The import.
    pub importing: Slot<()>,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut FirstRunState) -> Option<Intent> {
    ui.add_space((ui.available_height() - 440.0).max(24.0) * 0.45);
    ui.vertical_centered(|ui| {
        ui.label(lead("Use every key up to its real limit"));
        ui.add_space(theme().space.tight);
        let text = secondary(
            ui,
            "Clients send their requests to Tierline. It sends each one when the provider has room for it, and shows which limit decides.",
        );
        ui.label(text);
    });
    ui.add_space(theme().space.apart);
    let width = ui.available_width();
    let card = CARD.min((width - 2.0 * theme().space.near) / 3.0);
    let indent = ((width - 3.0 * card - 2.0 * theme().space.near) / 2.0).max(0.0);
    let mut intent = None;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(indent);
        for (at, draw) in [import, by_hand, demo].into_iter().enumerate() {
            if at > 0 {
                ui.add_space(theme().space.near);
            }
            if let Some(wish) = framed(ui, card, |ui| draw(ui, scene, state)) {
                intent = Some(wish);
            }
        }
    });
    ui.add_space(theme().space.apart);
    ui.vertical_centered(|ui| {
        let (text, color) = match &scene.view.vault {
            Ok(place) => (format!("Keys are kept in {place}, and in no file."), colors(ui).text_faint),
            Err(why) if why == "starting" => ("Looking for the keyring…".into(), colors(ui).text_faint),
            Err(why) => (format!("Keys cannot be stored now: {}", problem::sentence(why)), colors(ui).error),
        };
        ui.label(RichText::new(text).small().color(color));
    });
    intent
}

fn framed<R>(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui) -> R) -> R {
    let c = colors(ui);
    let margin = 16.0;
    Frame::new()
        .fill(c.panel.into())
        .stroke((1.0, Color32::from(c.line)))
        .corner_radius(corner(theme().size.radius * 2.0))
        .inner_margin(margin)
        .show(ui, |ui| {
            ui.allocate_ui_with_layout(vec2(width - 2.0 * margin, 228.0), Layout::top_down(Align::Min), |ui| {
                ui.set_min_size(vec2(width - 2.0 * margin, 228.0));
                ui.spacing_mut().item_spacing = vec2(theme().space.close, theme().space.tight);
                content(ui)
            })
            .inner
        })
        .inner
}

fn import(ui: &mut Ui, scene: &Scene<'_>, state: &mut FirstRunState) -> Option<Intent> {
    ui.label(title("Import keys"));
    ui.add_space(theme().space.tight);
    let found: Vec<&FoundKey> = scene.view.found_keys.iter().filter(|k| !k.known).collect();
    if found.is_empty() {
        let text = secondary(ui, "None of the variables in which SDKs look for a key is set. Set one of these and start again:");
        ui.add(Label::new(text).wrap());
        for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"] {
            ui.label(mono(variable));
        }
        return None;
    }
    let text = secondary(ui, "Found in the environment. Only names and fingerprints are shown.");
    ui.add(Label::new(text).wrap());
    ui.add_space(theme().space.tight);
    for key in &found {
        let mut wanted = !state.unwanted.contains(&key.variable);
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(theme().space.tight);
        ui.checkbox(&mut wanted, mono(&key.variable));
        ui.indent(&key.variable, |ui| {
            let text = note(ui, format!("{}, fingerprint {}", key.provider.title(), key.fingerprint));
            ui.add(Label::new(text).truncate());
        });
        if wanted {
            state.unwanted.remove(&key.variable);
        } else {
            state.unwanted.insert(key.variable.clone());
        }
    }
    if let Some(failed) = state.importing.problem() {
        problem::show(ui, failed);
    }
    let chosen: Vec<String> = found.iter().map(|k| k.variable.clone()).filter(|v| !state.unwanted.contains(v)).collect();
    let act = match chosen.len() {
        1 => "Import 1 key".to_owned(),
        n => format!("Import {n} keys"),
    };
    let clicked = foot(ui, |ui| ui.add_enabled_ui(!chosen.is_empty() && !state.importing.waiting(), |ui| primary(ui, &act)).inner);
    clicked.then_some(Intent::ImportKeys(chosen))
}

fn by_hand(ui: &mut Ui, _: &Scene<'_>, _: &mut FirstRunState) -> Option<Intent> {
    ui.label(title("Add a key by hand"));
    ui.add_space(theme().space.tight);
    let text = secondary(
        ui,
        "For Anthropic, OpenAI, Gemini, DeepSeek, or any endpoint that speaks OpenAI's format: OpenRouter, Groq, Mistral, your own server.",
    );
    ui.add(Label::new(text).wrap());
    ui.add_space(theme().space.tight);
    ui.label(section("You need"));
    for text in ["the key", "a name for it", "its base URL, if it is not the provider's own"] {
        let text = faint(ui, text);
        ui.label(text);
    }
    foot(ui, |ui| ui.button("Add a key…").clicked()).then_some(Intent::EnterKey)
}

fn demo(ui: &mut Ui, _: &Scene<'_>, _: &mut FirstRunState) -> Option<Intent> {
    ui.label(title("Look at the demo"));
    ui.add_space(theme().space.tight);
    let text = secondary(
        ui,
        "Simulated providers on this machine, several clients with different habits, and a small batch. No key, no cost, nothing leaves the machine.",
    );
    ui.add(Label::new(text).wrap());
    ui.add_space(theme().space.tight);
    ui.label(section("To see it, run"));
    ui.horizontal(|ui| {
        ui.label(mono(DEMO));
        copy(ui, "Copy the demo command", DEMO);
    });
    None
}

/// What acts stands at the same height in every card.
fn foot<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space((ui.available_height() - theme().size.control).max(theme().space.close));
    ui.horizontal(content).inner
}
