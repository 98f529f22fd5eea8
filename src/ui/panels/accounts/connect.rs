//! How a client is pointed at the gateway, ready to paste.

use egui::{Align, Frame, Label, Layout, Ui};

use crate::domain::Provider;
use crate::domain::snippet::Snippet;

use super::super::super::scene::Scene;
use super::super::super::theme::{colors, corner, mono, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::page;
use super::super::history::combo;
use super::AccountsState;

/// Draws the choice and the snippet.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) {
    page::group(ui, "Connect a client", "only the base URL and the key change");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let first = scene.view.accounts.first().map_or(Provider::Anthropic, |a| a.account.provider);
    let provider = state.snippet_for.unwrap_or(first);
    let custom = scene.view.accounts.iter().find(|a| a.account.provider == Provider::Custom).map_or("LABEL", |a| a.account.label.as_str());
    let text = state.snippet.text(provider, scene.gateway_url(), custom);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme().space.hair;
        for snippet in Snippet::ALL {
            ui.selectable_value(&mut state.snippet, snippet, snippet.name());
        }
    });
    ui.horizontal(|ui| {
        if state.snippet.only().is_none() {
            combo(ui, "Provider of the snippet", provider.title(), 96.0, |ui| {
                for choice in Provider::ALL {
                    ui.selectable_value(&mut state.snippet_for, Some(choice), choice.title());
                }
            });
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| copy(ui, "Copy the snippet", &text));
    });
    ui.add_space(theme().space.tight);
    let c = colors(ui);
    Frame::new()
        .fill(c.panel.into())
        .stroke((1.0, egui::Color32::from(c.line)))
        .corner_radius(corner(theme().size.radius))
        .inner_margin(10.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(mono(&text)).wrap().selectable(true));
        });
    super::remark(ui, "TOKEN stands for a local token: the window does not know one after it was shown.");
}
