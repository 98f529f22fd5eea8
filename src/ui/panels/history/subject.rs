//! What a chart shows, and the controls that choose it.

use egui::{ComboBox, Ui};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::query::{Measure, Split};
use crate::domain::{AccountId, ModelClass};

use super::super::super::scene::Scene;
use super::super::super::theme::{colors, is_narrow, theme};
use super::super::super::widgets::icon::Icon;

/// How far back the chart goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Range {
    Minutes5,
    #[default]
    Hour,
    Hours6,
    Day,
    Week,
    Month,
    Year,
}

impl Range {
    /// Every range, shortest first.
    pub const ALL: [Self; 7] = [Self::Minutes5, Self::Hour, Self::Hours6, Self::Day, Self::Week, Self::Month, Self::Year];

    /// Its name on the button.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minutes5 => "5 min",
            Self::Hour => "1 h",
            Self::Hours6 => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
            Self::Year => "1 y",
        }
    }

    /// Its length.
    #[must_use]
    pub const fn length(self) -> SignedDuration {
        match self {
            Self::Minutes5 => SignedDuration::from_mins(5),
            Self::Hour => SignedDuration::from_hours(1),
            Self::Hours6 => SignedDuration::from_hours(6),
            Self::Day => SignedDuration::from_hours(24),
            Self::Week => SignedDuration::from_hours(24 * 7),
            Self::Month => SignedDuration::from_hours(24 * 30),
            Self::Year => SignedDuration::from_hours(24 * 365),
        }
    }

    /// A chart older than this is read again when a frame is drawn anyway.
    pub(super) const fn stale_after(self) -> SignedDuration {
        match self {
            Self::Minutes5 | Self::Hour => SignedDuration::from_secs(5),
            Self::Hours6 | Self::Day => SignedDuration::from_secs(30),
            Self::Week | Self::Month | Self::Year => SignedDuration::from_mins(5),
        }
    }
}

/// Every measure and its name on screen.
pub const MEASURES: [(Measure, &str); 10] = [
    (Measure::Requests, "Requests"),
    (Measure::InputTokens, "Input tokens"),
    (Measure::OutputTokens, "Output tokens"),
    (Measure::Tokens, "Tokens"),
    (Measure::Refusals, "Refusals"),
    (Measure::WaitMillis, "Wait"),
    (Measure::CostNanos, "Cost"),
    (Measure::TokensPerRequest, "Tokens per request"),
    (Measure::RefusedShare, "429 rate"),
    (Measure::Retries, "Retries"),
];

/// How a chart can be divided, and the name of that on screen.
const SPLITS: [(Option<Split>, &str); 3] = [(None, "Not divided"), (Some(Split::Client), "By client"), (Some(Split::Model), "By model")];

/// What the chart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// How far back.
    pub range: Range,
    /// Of what.
    pub measure: Measure,
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only this class of models.
    pub class: Option<ModelClass>,
    /// Divided by this.
    pub split: Option<Split>,
}

/// The buttons that choose how far back.
pub(super) fn ranges(ui: &mut Ui, range: &mut Range) {
    ui.add_space(theme().space.near);
    ui.spacing_mut().item_spacing.x = theme().space.hair;
    for choice in Range::ALL.into_iter().rev() {
        ui.selectable_value(range, choice, choice.name());
    }
    ui.spacing_mut().item_spacing.x = theme().space.close;
}

/// The lists that choose what is shown.
pub(super) fn selectors(ui: &mut Ui, scene: &Scene<'_>, subject: &mut Subject) {
    let narrow = is_narrow(ui);
    let width = |full: f32| if narrow { full * 0.82 } else { full };
    ui.horizontal(|ui| {
        let name = MEASURES.iter().find(|(m, _)| *m == subject.measure).map_or("", |(_, name)| *name);
        combo(ui, "Measure", name, width(140.0), |ui| {
            for (measure, name) in MEASURES {
                ui.selectable_value(&mut subject.measure, measure, name);
            }
        });
        let account = subject.account.and_then(|id| scene.account(id)).map_or("All accounts", |a| a.account.label.as_str());
        combo(ui, "Account", account, width(150.0), |ui| {
            ui.selectable_value(&mut subject.account, None, "All accounts");
            for a in scene.view.accounts.iter() {
                ui.selectable_value(&mut subject.account, Some(a.account.id), &a.account.label);
            }
        });
        let class = subject.class.as_ref().map_or("All models", ModelClass::as_str).to_owned();
        combo(ui, "Models", &class, width(170.0), |ui| {
            ui.selectable_value(&mut subject.class, None, "All models");
            for class in classes(scene) {
                let name = class.to_string();
                ui.selectable_value(&mut subject.class, Some(class), name);
            }
        });
        let split = if subject.measure.adds_up() { subject.split } else { None };
        let name = SPLITS.iter().find(|(by, _)| *by == split).map_or("", |(_, name)| *name);
        let divided = ui.add_enabled_ui(subject.measure.adds_up(), |ui| {
            combo(ui, "Divided", name, width(110.0), |ui| {
                for (split, name) in SPLITS {
                    ui.selectable_value(&mut subject.split, split, name);
                }
            });
        });
        divided.response.on_disabled_hover_text("Averages of several clients or models do not add up");
    });
}

/// Every class that has a bucket, each once.
#[must_use]
pub fn classes(scene: &Scene<'_>) -> Vec<ModelClass> {
    let mut classes: Vec<ModelClass> = scene.view.buckets.iter().map(|b| b.key.class.clone()).filter(|c| *c != ModelClass::any()).collect();
    classes.sort();
    classes.dedup();
    classes
}

/// A selector whose accessible name is what it selects.
pub fn combo(ui: &mut Ui, name: &str, current: &str, width: f32, content: impl FnOnce(&mut Ui)) {
    let chevron = |ui: &Ui, rect, _: &_, _| Icon::Chevron.paint(ui.painter(), rect, colors(ui).text_faint.into());
    let list = ComboBox::from_id_salt(name).selected_text(current).width(width).truncate().icon(chevron);
    list.show_ui(ui, content).response.accessible_name(name);
}
