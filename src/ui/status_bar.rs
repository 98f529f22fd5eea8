//! The line at the bottom: where to send requests, what went through, what is wrong.

use egui::{Align, Button, Color32, Label, Layout, RichText, Sense, TextStyle, TextWrapMode, Ui, UiBuilder, WidgetText, vec2};

use crate::domain::Severity;

use super::format;
use super::intent::Intent;
use super::scene::Scene;
use super::state::PanelId;
use super::theme::{colors, is_narrow, note, theme};
use super::widgets::copy::copy;
use super::widgets::problem::mark;

/// Draws the bar over the whole of `ui`. Where the room is short, sums give way, the last first.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let whole = ui.max_rect();
    let right = Right::of(ui, scene);
    let (left, right_rect) = whole.split_left_right_at_x(whole.right() - right.width(ui));
    let row = |rect| UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    let mut left_ui = ui.new_child(row(left.with_max_x(left.right() - theme().space.near)).id_salt("left"));
    gateway(&mut left_ui, scene);
    totals(&mut left_ui, scene);
    right.show(&mut ui.new_child(row(right_rect).id_salt("right")))
}

/// What stands at the right end, which never gives way.
struct Right {
    explain: RichText,
    vault: RichText,
    vault_color: Color32,
    vault_hover: String,
    notices: RichText,
    worst: Option<Severity>,
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
                ui.set_max_width(ui.available_width().min(360.0));
                ui.add(Label::new(RichText::new(text).small().color(c.text_secondary)).truncate());
            });
        }
    }
}

fn totals(ui: &mut Ui, scene: &Scene<'_>) {
    const DIVIDER: f32 = 32.0;
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
    for (at, (number, unit, hover)) in cells.into_iter().enumerate() {
        let text = RichText::new(number).small().color(colors(ui).text);
        let unit = note(ui, unit);
        let before = if at == 0 { DIVIDER } else { 0.0 };
        if width(ui, &text) + width(ui, &unit) + before + theme().space.near > ui.available_width() {
            return;
        }
        if at == 0 {
            divider(ui);
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = theme().space.tight;
            ui.add(Label::new(text)).on_hover_text(&hover);
            ui.add(Label::new(unit)).on_hover_text(&hover);
        });
        ui.add_space(theme().space.tight);
    }
}

impl Right {
    fn of(ui: &Ui, scene: &Scene<'_>) -> Self {
        let c = colors(ui);
        let (vault, color, hover) = match &scene.view.vault {
            Ok(place) if place.starts_with("only") => {
                (format!("keys {place}"), c.text_faint, "No keyring is used: the keys are forgotten when Tierline ends.".to_owned())
            }
            Ok(place) => (format!("keys in {place}"), c.ok, "Where provider keys are kept. They are in no file of ours.".to_owned()),
            Err(why) if why == "starting" => ("keys: starting".into(), c.text_faint, String::new()),
            Err(why) => ("keys cannot be stored".into(), c.error, why.clone()),
        };
        let worst = scene.view.notices.iter().map(|n| n.severity).max();
        let notices = match scene.view.notices.len() {
            0 => "no notices".to_owned(),
            1 => "1 notice".to_owned(),
            n => format!("{n} notices"),
        };
        let ink = worst.map_or(c.text_faint, |severity| mark(severity, c).1);
        Self {
            explain: note(ui, if is_narrow(ui) { "Explain…" } else { "Explain an error…" }),
            vault: note(ui, vault),
            vault_color: color.into(),
            vault_hover: hover,
            notices: RichText::new(notices).small().color(ink),
            worst,
        }
    }

    fn width(&self, ui: &Ui) -> f32 {
        // two dividers, two buttons with their padding, a dot and a mark
        const BETWEEN: f32 = 128.0;
        [&self.explain, &self.vault, &self.notices].into_iter().map(|text| width(ui, text)).sum::<f32>() + BETWEEN
    }

    fn show(self, ui: &mut Ui) -> Option<Intent> {
        let mut intent = None;
        let explain = Button::new(self.explain).small().frame_when_inactive(false);
        let explain = ui.add(explain).accessible_name("Explain an error…");
        if explain.on_hover_text("Paste a provider's refusal and read what it means").clicked() {
            intent = Some(Intent::OpenExplain);
        }
        divider(ui);
        dot(ui, self.vault_color);
        let vault = ui.add(Label::new(self.vault));
        if !self.vault_hover.is_empty() {
            vault.on_hover_text(self.vault_hover);
        }
        divider(ui);
        if let Some(worst) = self.worst.filter(|worst| *worst > Severity::Info) {
            let (icon, color) = mark(worst, colors(ui));
            icon.show(ui, color.into());
        }
        let notices = Button::new(self.notices).small().frame_when_inactive(false);
        if ui.add(notices).on_hover_text("Notices stand on the overview").clicked() {
            intent = Some(Intent::Go(PanelId::Overview));
        }
        intent
    }
}

/// How wide a small text is.
fn width(ui: &Ui, text: &RichText) -> f32 {
    WidgetText::from(text.clone()).into_galley(ui, Some(TextWrapMode::Extend), f32::INFINITY, TextStyle::Small).size().x
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
