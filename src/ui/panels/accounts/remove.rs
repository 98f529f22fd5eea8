//! The question before an account and its key are deleted.

use egui::{Context, Label};

use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::theme::theme;
use super::super::super::widgets::dialog::{buttons, dialog};
use super::super::super::widgets::problem;
use super::AccountsState;

/// Draws the question if it is asked.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    let id = state.removing?;
    let Some(account) = scene.account(id) else {
        state.removing = None;
        return None;
    };
    let answer = dialog(ctx, "Remove the account", theme().size.dialog, |ui| {
        let text = format!(
            "{} is forgotten and its key deleted from the keyring. Its history stays. Requests that run now finish; new ones are refused.",
            account.account.label
        );
        ui.add(Label::new(text).wrap());
        if let Some(failed) = state.removed.problem() {
            ui.add_space(theme().space.tight);
            problem::show(ui, failed);
        }
        buttons(ui, "Remove", true, state.removed.waiting())
    });
    let (acts, cancels) = answer.inner;
    if answer.closed || cancels {
        state.removing = None;
    }
    acts.then_some(Intent::RemoveAccount(id))
}
