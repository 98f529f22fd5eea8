//! The user's own ceilings for one account: what is set, and a line to set another.

use egui::{Align, Align2, Context, Label, Layout, RichText, TextEdit, Ui};

use crate::domain::command::UserLimit;
use crate::domain::dimension::Meter;
use crate::domain::rules::LimitRule;
use crate::domain::{AccountId, Dimension, ModelClass, Period};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::dialog::{dialog, primary};
use super::super::super::widgets::{button, page, problem, undo};
use super::super::history::combo;

/// The meters that the command line knows too.
const METERS: [Meter; 8] = [
    Meter(Dimension::Requests, Period::MINUTE),
    Meter(Dimension::InputTokens, Period::MINUTE),
    Meter(Dimension::OutputTokens, Period::MINUTE),
    Meter(Dimension::Tokens, Period::MINUTE),
    Meter(Dimension::Requests, Period::DAY),
    Meter(Dimension::Tokens, Period::DAY),
    Meter(Dimension::Images, Period::MINUTE),
    Meter(Dimension::Concurrent, Period::AT_ONCE),
];

/// What the dialog holds.
#[derive(Debug, Default)]
pub struct LimitsState {
    account: Option<AccountId>,
    class: Option<ModelClass>,
    meter: usize,
    capacity: String,
    wrong: bool,
    /// The one that was cleared last.
    cleared: Option<UserLimit>,
    /// Whether the last change was stored.
    pub saved: Slot<()>,
}

impl LimitsState {
    /// Shows the ceilings of an account.
    pub fn open_for(&mut self, account: AccountId) {
        *self = Self { account: Some(account), ..Self::default() };
    }
}

/// Draws the dialog if it is open.
pub fn show(ctx: &Context, scene: &Scene<'_>, state: &mut LimitsState) -> Option<Intent> {
    let id = state.account?;
    let Some(account) = scene.account(id) else {
        state.account = None;
        return None;
    };
    let label = account.account.label.clone();
    let answer = dialog(ctx, "Your own limits", theme().size.dialog + 60.0, |ui| {
        super::quiet(
            ui,
            &format!("Tierline keeps {label} below these, whatever the provider allows. What the provider allows is found out by itself."),
        );
        ui.add_space(theme().space.close);
        let removed = list(ui, scene, state);
        let added = form(ui, scene, id, state);
        if let Some(failed) = state.saved.problem() {
            ui.add_space(theme().space.tight);
            problem::show(ui, failed);
        }
        removed.or(added)
    });
    if answer.closed {
        state.account = None;
    }
    answer.inner.map(Intent::SetLimit)
}

fn list(ui: &mut Ui, scene: &Scene<'_>, state: &mut LimitsState) -> Option<UserLimit> {
    let own = |rule: &&LimitRule| rule.read_at.is_none() && Some(rule.limit.account) == state.account;
    let rules: Vec<&LimitRule> = scene.view.rules.limits.iter().filter(own).collect();
    let mut removed = None;
    for rule in &rules {
        let limit = &rule.limit;
        let meter = Meter(limit.dimension, limit.period).to_string();
        ui.horizontal(|ui| {
            ui.add(Label::new(&meter));
            super::remark(ui, limit.class.as_ref().map_or("all models", ModelClass::as_str));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(button::small("Clear")).accessible_name(format!("Clear {meter}")).clicked() {
                    removed = Some(UserLimit { capacity: None, ..limit.clone() });
                    state.cleared = Some(limit.clone());
                }
                ui.add(Label::new(format::grouped(limit.capacity.unwrap_or(0))));
            });
        });
    }
    if rules.is_empty() {
        super::remark(ui, "None is set.");
    }
    let name = |limit: &UserLimit| {
        format!("The limit of {} {}", format::grouped(limit.capacity.unwrap_or(0)), Meter(limit.dimension, limit.period))
    };
    let back = undo::show(ui, &mut state.cleared, name);
    ui.add_space(theme().space.close);
    removed.or(back)
}

fn form(ui: &mut Ui, scene: &Scene<'_>, account: AccountId, state: &mut LimitsState) -> Option<UserLimit> {
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let mut set = false;
    ui.horizontal(|ui| {
        let class = state.class.as_ref().map_or("All models", ModelClass::as_str).to_owned();
        combo(ui, "Models", &class, 150.0, |ui| {
            ui.selectable_value(&mut state.class, None, "All models");
            for class in super::super::history::classes(scene) {
                let name = class.to_string();
                ui.selectable_value(&mut state.class, Some(class), name);
            }
        });
        let meter = METERS.get(state.meter).map_or(String::new(), ToString::to_string);
        combo(ui, "Limit", &meter, 110.0, |ui| {
            for (at, meter) in METERS.iter().enumerate() {
                ui.selectable_value(&mut state.meter, at, meter.to_string());
            }
        });
        let field = ui.add(TextEdit::singleline(&mut state.capacity).hint_text("number").desired_width(90.0).align(Align2::LEFT_CENTER));
        let field = field.accessible_name("Number");
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        set = primary(ui, "Set") || entered;
        if state.saved.waiting() {
            let text = note(ui, "Working…");
            ui.label(text);
        }
    });
    let capacity = number(&state.capacity);
    if set {
        state.wrong = capacity.is_none();
    }
    if state.wrong && capacity.is_none() {
        ui.label(RichText::new("Write a whole number above zero, like 30000.").small().color(colors(ui).error));
    }
    let Meter(dimension, period) = *METERS.get(state.meter)?;
    let class = state.class.clone();
    (set && capacity.is_some()).then_some(UserLimit { account, class, dimension, period, capacity })
}

/// A whole number above zero; spaces, points and underscores between digits do not matter.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '_' | ',' | '.' | '\u{202f}')).collect();
    digits.parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, n) in [
            ("30000", Some(30_000)),
            (" 30 000 ", Some(30_000)),
            ("30_000", Some(30_000)),
            ("30,000", Some(30_000)),
            ("0", None),
            ("", None),
            ("many", None),
            ("-5", None),
        ] {
            assert_eq!(number(text), n, "{text:?}");
        }
    }
}
