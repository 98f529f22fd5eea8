//! The form for another base URL of an account. Its key is asked for again, because the stored one goes nowhere else.

use egui::{Context, Label, Ui};
use zeroize::Zeroize;

use crate::domain::command::MovedAccount;
use crate::domain::{Account, AccountId, BaseUrl, Secret};

use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::theme;
use super::super::super::widgets::dialog::{buttons, dialog};
use super::super::super::widgets::field::Field;
use super::super::super::widgets::problem;

/// What the form holds.
#[derive(Default)]
pub struct AddressState {
    account: Option<AccountId>,
    base_url: String,
    /// Wiped when the form closes.
    key: String,
    /// Errors are shown from the first try on.
    tried: bool,
    /// Whether it was stored.
    pub saved: Slot<()>,
}

/// The key that is typed must not be printed with the rest.
impl std::fmt::Debug for AddressState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddressState").field("account", &self.account).finish_non_exhaustive()
    }
}

impl AddressState {
    /// Shows the form with where the account goes now.
    pub fn open_for(&mut self, account: &Account) {
        self.close();
        (self.account, self.base_url) = (Some(account.id), account.base_url.to_string());
    }

    /// Takes in the answer; a stored address closes the form.
    pub fn settle(&mut self) {
        if self.saved.poll() && self.saved.problem().is_none() {
            self.close();
        }
    }

    fn close(&mut self) {
        self.key.zeroize();
        *self = Self::default();
    }
}

impl Drop for AddressState {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Draws the form if it is open.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut AddressState) -> Option<Intent> {
    let id = state.account?;
    let Some(account) = scene.account(id) else {
        state.close();
        return None;
    };
    let label = account.account.label.clone();
    let answer = dialog(ctx, "Change the base URL", theme().size.dialog, |ui| form(ui, id, &label, state));
    let (intent, cancelled) = answer.inner;
    if answer.closed || cancelled {
        state.close();
    }
    intent
}

fn form(ui: &mut Ui, id: AccountId, label: &str, state: &mut AddressState) -> (Option<Intent>, bool) {
    let text = format!("The key of {label} was stored for the present address and goes to no other. Give the key for the new one.");
    ui.add(Label::new(text).wrap());
    let (url, key) = (BaseUrl::parse(&state.base_url), Secret::from_pasted(&state.key));
    let wrong_url = url.as_ref().err().filter(|_| state.tried).map(|why| problem::sentence(&why.to_string()));
    let wrong_key = key.as_ref().err().filter(|_| state.tried).map(|why| problem::sentence(&why.to_string()));
    Field::new("Base URL").problem(wrong_url.as_deref()).show(ui, &mut state.base_url);
    Field::new("Key").hint("paste it; spaces around it do not matter").problem(wrong_key.as_deref()).secret().show(ui, &mut state.key);
    if let Some(failed) = state.saved.problem() {
        ui.add_space(theme().space.tight);
        problem::show(ui, failed);
    }
    let (acts, cancels) = buttons(ui, "Change", true, state.saved.waiting());
    state.tried |= acts;
    let moved = match (acts, url, key) {
        (true, Ok(base_url), Ok(key)) => Some(Intent::MoveAccount(MovedAccount { id, base_url: base_url.to_string(), key })),
        _ => None,
    };
    (moved, cancels)
}
