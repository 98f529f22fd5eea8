//! Below the table: which keys draw on the same buckets, and the limits that the user set.

use egui::{Label, RichText, Ui};

use crate::domain::view::BucketView;
use crate::domain::{AccountId, LimitSource, ModelClass, Severity};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::{page, problem};

/// Draws both, where there are any. Answers with the account whose limits are to be changed.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<AccountId> {
    shared(ui, scene);
    own(ui, scene)
}

fn shared(ui: &mut Ui, scene: &Scene<'_>) {
    let accounts = &scene.view.accounts;
    for (at, account) in accounts.iter().enumerate() {
        let is_first = !accounts.iter().take(at).any(|before| before.scope == account.scope);
        if !is_first || account.shares_with.is_empty() {
            continue;
        }
        ui.add_space(theme().space.close);
        let others = account.shares_with.join(", ");
        let scope = &account.scope;
        let text = format!(
            "{} and {others} draw on the same {} {}: another key of it adds no room.",
            account.account.label,
            scope.kind.name(),
            format::short_id(&scope.id)
        );
        problem::entry(ui, Severity::Info, &text, &[]);
    }
}

fn own(ui: &mut Ui, scene: &Scene<'_>) -> Option<AccountId> {
    let set: Vec<&BucketView> = scene.view.buckets.iter().filter(|bucket| bucket.source == LimitSource::User).collect();
    if set.is_empty() {
        return None;
    }
    ui.add_space(theme().space.apart);
    page::group(ui, "Your own limits", "kept whatever the provider allows");
    page::rule(ui);
    let mut changed = None;
    for bucket in set {
        let account = scene.account_of(&bucket.key.scope);
        ui.horizontal(|ui| {
            let class = if bucket.key.class == ModelClass::any() { "all models".to_owned() } else { bucket.key.class.to_string() };
            ui.label(&bucket.meter);
            ui.label(format::amount(bucket.key.dimension, bucket.capacity));
            let text = note(ui, format!("for {class}, {}", bucket.accounts.join(", ")));
            ui.add(Label::new(text).truncate());
            if let Some(id) = account {
                let button =
                    egui::Button::new(RichText::new("Change…").small().color(colors(ui).accent)).small().frame_when_inactive(false);
                if ui.add(button).accessible_name(format!("Change {} for {class}", bucket.meter)).clicked() {
                    changed = Some(id);
                }
            }
        });
    }
    changed
}
