//! Below the table: which keys draw on the same buckets, what the next tier takes and gives, and the limits that the user set.

use egui::{Label, RichText, Ui};

use crate::domain::view::BucketView;
use crate::domain::{AccountId, LimitSource, ModelClass, Severity};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, is_narrow, note, theme};
use super::super::super::widgets::{button, page, problem};

/// Draws them, where there are any. Answers with the account whose limits are to be changed.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<AccountId> {
    shared(ui, scene);
    let has_tier = scene.view.accounts.iter().any(|account| account.tier.is_some());
    let has_own = scene.view.buckets.iter().any(|bucket| bucket.source == LimitSource::User);
    if has_tier || has_own {
        ui.add_space(theme().space.apart);
    }
    if has_tier && has_own && !is_narrow(ui) {
        return ui.columns(2, |uis| {
            let [left, right] = uis else { return None };
            tiers(left, scene);
            own(right, scene)
        });
    }
    if has_tier {
        tiers(ui, scene);
    }
    if has_own { own(ui, scene) } else { None }
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

/// Where each scope stands on its provider's ladder, and what the rung above takes and gives.
fn tiers(ui: &mut Ui, scene: &Scene<'_>) {
    const LISTED: usize = 3;
    let accounts = &scene.view.accounts;
    let first = |at: usize| !accounts.iter().take(at).any(|before| accounts.get(at).is_some_and(|this| this.scope == before.scope));
    let known: Vec<_> = accounts.iter().enumerate().filter(|(at, account)| account.tier.is_some() && first(*at)).collect();
    page::group(ui, "Tiers", "found from the limits that are measured");
    page::rule(ui);
    let c = colors(ui);
    for (_, account) in known {
        let tier = account.tier.as_deref().unwrap_or_default();
        let Some(next) = &account.next_tier else {
            ui.horizontal(|ui| {
                ui.label(tier);
                let text = note(ui, format!("{}: no higher tier is published", scene.whose(&account.scope)));
                ui.add(Label::new(text).truncate());
            });
            continue;
        };
        ui.horizontal(|ui| {
            ui.label(tier);
            ui.label(RichText::new("›").color(c.text_faint));
            ui.label(&next.title);
            let text = note(ui, format!("{}: {}", scene.whose(&account.scope), format::regrouped(&next.takes)));
            ui.add(Label::new(text).truncate());
        });
        let gives = next.gives.iter().take(LISTED).map(|line| format::regrouped(line)).collect::<Vec<_>>().join("  ·  ");
        let more = next.gives.len().saturating_sub(LISTED);
        if !gives.is_empty() {
            let more = if more > 0 { format!("  ·  and {more} more") } else { String::new() };
            let text = note(ui, format!("gives {gives}{more}"));
            let all: Vec<String> = next.gives.iter().map(|line| format::regrouped(line)).collect();
            ui.add(Label::new(text).truncate()).on_hover_text(all.join("\n"));
        }
    }
}

fn own(ui: &mut Ui, scene: &Scene<'_>) -> Option<AccountId> {
    let set: Vec<&BucketView> = scene.view.buckets.iter().filter(|bucket| bucket.source == LimitSource::User).collect();
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
                let change = button::link(ui, "Change…");
                if ui.add(change).accessible_name(format!("Change {} for {class}", bucket.meter)).clicked() {
                    changed = Some(id);
                }
            }
        });
    }
    changed
}
