//! The form for a key that is typed or pasted. What is wrong is said where it is wrong, before anything is stored.

use egui::{Context, Ui};
use zeroize::Zeroize;

use crate::domain::command::NewAccount;
use crate::domain::{BaseUrl, Provider, Secret};

use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{note, theme};
use super::super::super::widgets::dialog::{buttons, dialog};
use super::super::super::widgets::field::Field;
use super::super::super::widgets::problem;

/// What the form holds.
#[derive(Default)]
pub struct AddState {
    shown: bool,
    provider: Option<Provider>,
    label: String,
    base_url: String,
    /// Wiped when the form closes.
    key: String,
    /// Errors are shown from the first try on, not while the first letter is typed.
    tried: bool,
    /// The first field wants the keyboard.
    fresh: bool,
    /// Whether it was stored.
    pub saved: Slot<()>,
}

/// The key that is typed must not be printed with the rest.
impl std::fmt::Debug for AddState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddState").field("shown", &self.shown).field("label", &self.label).finish_non_exhaustive()
    }
}

impl AddState {
    /// Shows the empty form.
    pub fn open(&mut self) {
        self.close();
        self.shown = true;
        self.fresh = true;
    }

    /// Whether it is shown.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.shown
    }

    /// Takes in the answer; a stored key closes the form.
    pub fn settle(&mut self) {
        if self.saved.poll() && self.saved.problem().is_none() {
            self.close();
        }
    }

    fn close(&mut self) {
        self.key.zeroize();
        *self = Self::default();
    }

    fn provider(&self) -> Provider {
        self.provider.unwrap_or(Provider::Anthropic)
    }
}

impl Drop for AddState {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// What is wrong with the fields, one by one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wrong {
    label: Option<String>,
    base_url: Option<String>,
    key: Option<String>,
}

impl Wrong {
    const fn nothing(&self) -> bool {
        self.label.is_none() && self.base_url.is_none() && self.key.is_none()
    }
}

/// Draws the form if it is open.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut AddState) -> Option<Intent> {
    if !state.shown {
        return None;
    }
    let answer = dialog(ctx, "Add a key", theme().size.dialog, |ui| form(ui, scene, state));
    let (intent, cancelled) = answer.inner;
    if answer.closed || cancelled {
        state.close();
    }
    intent
}

fn form(ui: &mut Ui, scene: &Scene<'_>, state: &mut AddState) -> (Option<Intent>, bool) {
    let text = note(ui, "Provider");
    ui.label(text);
    ui.horizontal(|ui| {
        let current = state.provider();
        for provider in Provider::ALL {
            if ui.selectable_label(current == provider, provider.title()).clicked() {
                state.provider = Some(provider);
            }
        }
    });
    ui.add_space(theme().space.tight);

    let wrong = if state.tried { check(scene, state) } else { Wrong::default() };
    let label = Field::new("Label").hint("work, side project, …").problem(wrong.label.as_deref()).show(ui, &mut state.label);
    if std::mem::take(&mut state.fresh) {
        label.request_focus();
    }
    let usual = state.provider().default_base_url().unwrap_or("https://api.example.com/v1");
    Field::new("Base URL").hint(usual).problem(wrong.base_url.as_deref()).show(ui, &mut state.base_url);
    Field::new("Key").hint("paste it; spaces around it do not matter").problem(wrong.key.as_deref()).secret().show(ui, &mut state.key);
    let text = match &scene.view.vault {
        Ok(place) => format!("The key goes to {place}. The database keeps its fingerprint."),
        Err(why) => problem::sentence(why),
    };
    let text = note(ui, text);
    ui.label(text);
    if let Some(failed) = state.saved.problem() {
        ui.add_space(theme().space.tight);
        problem::show(ui, failed);
    }

    let (acts, cancels) = buttons(ui, "Add", true, state.saved.waiting());
    let mut intent = None;
    if acts {
        state.tried = true;
        if check(scene, state).nothing() {
            intent = order(state);
        }
    }
    (intent, cancels)
}

fn check(scene: &Scene<'_>, state: &AddState) -> Wrong {
    let label = state.label.trim();
    let url = state.base_url.trim();
    Wrong {
        label: if label.is_empty() {
            Some("Give it a name to know it by.".into())
        } else if scene.view.accounts.iter().any(|a| a.account.label == label) {
            Some(format!("There is an account {label} already."))
        } else {
            None
        },
        base_url: if url.is_empty() {
            (state.provider() == Provider::Custom).then(|| "A custom endpoint needs its address.".into())
        } else {
            BaseUrl::parse(url).err().map(|e| problem::sentence(&e.to_string()))
        },
        key: Secret::from_pasted(&state.key).err().map(|e| problem::sentence(&e.to_string())),
    }
}

fn order(state: &AddState) -> Option<Intent> {
    let url = state.base_url.trim();
    Some(Intent::AddAccount(NewAccount {
        provider: state.provider(),
        label: state.label.trim().to_owned(),
        base_url: (!url.is_empty()).then(|| url.to_owned()),
        key: Secret::from_pasted(&state.key).ok()?,
    }))
}
