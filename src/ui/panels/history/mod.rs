//! Use over time against the tier lines, and the way out of it as a file.

pub mod chart;
pub mod export;
pub mod summary;

use egui::{Align, ComboBox, Label, Layout, RichText, Ui, UiBuilder};
use jiff::{SignedDuration, Timestamp};

use crate::domain::query::{Measure, Series, SeriesQuery};
use crate::domain::{AccountId, BucketKey, Dimension, ModelClass, Period};
use crate::journal::LiveView;

use super::super::format;
use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{colors, note, secondary, theme};
use super::super::widgets::icon::Icon;
use super::super::widgets::{page, problem};

/// How far back the chart goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    const fn stale_after(self) -> SignedDuration {
        match self {
            Self::Minutes5 | Self::Hour => SignedDuration::from_secs(5),
            Self::Hours6 | Self::Day => SignedDuration::from_secs(30),
            Self::Week | Self::Month | Self::Year => SignedDuration::from_mins(5),
        }
    }
}

/// Every measure and its name on screen.
pub const MEASURES: [(Measure, &str); 7] = [
    (Measure::Requests, "Requests"),
    (Measure::InputTokens, "Input tokens"),
    (Measure::OutputTokens, "Output tokens"),
    (Measure::Tokens, "Tokens"),
    (Measure::Refusals, "Refusals"),
    (Measure::WaitMillis, "Wait"),
    (Measure::CostNanos, "Cost"),
];

/// What the chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// How far back.
    pub range: Range,
    /// Of what.
    pub measure: Measure,
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only this class of models.
    pub class: Option<ModelClass>,
}

/// What the panel keeps between frames.
#[derive(Debug)]
pub struct HistoryState {
    /// What is chosen.
    pub subject: Subject,
    /// The answer that is awaited, or why none came.
    pub loading: Slot<Series>,
    /// What is drawn, for which subject, and from when to when.
    pub shown: Option<(Subject, Series, Timestamp, Timestamp)>,
    /// The chart moves on with the time, until it is dragged or zoomed; a double click lets it go on.
    pub follow: bool,
    /// The question that was asked last, and for which subject.
    asked: Option<(Subject, SeriesQuery)>,
    /// The export dialog.
    pub export: export::ExportState,
}

impl Default for HistoryState {
    fn default() -> Self {
        Self {
            subject: Subject { range: Range::default(), measure: Measure::OutputTokens, account: None, class: None },
            loading: Slot::default(),
            shown: None,
            follow: true,
            asked: None,
            export: export::ExportState::default(),
        }
    }
}

impl HistoryState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.export.settle();
        self.loading.poll();
        self.loading = match (std::mem::take(&mut self.loading), &self.asked) {
            (Slot::Done(series), Some((subject, query))) => {
                self.shown = Some((subject.clone(), series, query.from, query.to));
                Slot::Idle
            }
            (other, _) => other,
        };
    }

    /// Shows the measure that a bucket meters, for its account and class.
    pub fn show_bucket(&mut self, key: &BucketKey, account: Option<AccountId>) {
        let measure = match key.dimension {
            Dimension::InputTokens => Measure::InputTokens,
            Dimension::OutputTokens => Measure::OutputTokens,
            Dimension::Tokens => Measure::Tokens,
            Dimension::Money => Measure::CostNanos,
            Dimension::Requests | Dimension::Concurrent | Dimension::Images | Dimension::AudioSeconds => Measure::Requests,
        };
        let class = (key.class != ModelClass::any()).then(|| key.class.clone());
        self.subject = Subject { measure, account, class, ..self.subject.clone() };
    }

    /// Begins with what a person would look for: the bucket that is fullest among those that bind.
    fn begin(&mut self, scene: &Scene<'_>) {
        if self.asked.is_some() || self.subject.class.is_some() || self.subject.account.is_some() {
            return;
        }
        let drawn = |key: &BucketKey| key.period == Period::MINUTE && key.class != ModelClass::any();
        let binding = scene.view.buckets.iter().filter(|bucket| bucket.binding && drawn(&bucket.key));
        if let Some(fullest) = binding.max_by(|a, b| a.share_used().total_cmp(&b.share_used())) {
            self.show_bucket(&fullest.key, scene.account_of(&fullest.key.scope));
        }
        let all = scene.view.recent.len() < LiveView::RECENT;
        let young = |first: Timestamp| scene.now.duration_since(first) < SignedDuration::from_mins(10);
        if all && scene.view.recent.back().is_some_and(|first| young(first.arrived_at)) {
            self.subject.range = Range::Minutes5;
        }
    }

    /// The question to ask now, if one is due.
    fn due(&mut self, now: Timestamp, points: u32) -> Option<SeriesQuery> {
        if self.loading.waiting() {
            return None;
        }
        if let Some((subject, query)) = &self.asked
            && *subject == self.subject
            && (self.loading.problem().is_some() || now.duration_since(query.to) < self.subject.range.stale_after())
        {
            return None;
        }
        let query = SeriesQuery {
            measure: self.subject.measure,
            account: self.subject.account,
            class: self.subject.class.clone(),
            split: None,
            from: now - self.subject.range.length(),
            to: now,
            max_points: points,
        };
        self.asked = Some((self.subject.clone(), query.clone()));
        Some(query)
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut HistoryState) -> Option<Intent> {
    state.begin(scene);
    page::header(ui, "History", |ui| {
        if ui.button("Export…").clicked() {
            state.export.open = true;
        }
        ranges(ui, &mut state.subject.range);
    });
    page::rule(ui);
    ui.add_space(theme().space.close);
    selectors(ui, scene, &mut state.subject);
    if state.asked.as_ref().is_some_and(|(subject, _)| *subject != state.subject) {
        state.follow = true;
    }
    ui.add_space(theme().space.close);

    let whole = ui.available_rect_before_wrap().with_max_y(ui.available_rect_before_wrap().bottom() - theme().space.near);
    let (left, right) = whole.split_left_right_at_x(whole.right() - 224.0);
    let mut chart_ui =
        ui.new_child(UiBuilder::new().max_rect(left.with_max_x(left.right() - theme().space.apart)).layout(Layout::top_down(Align::Min)));
    let mut text_ui = ui.new_child(UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Min)));
    let mut intent = state.due(scene.now, points(left.width())).map(Intent::LoadSeries);

    let current = state.shown.as_ref().filter(|(subject, ..)| *subject == state.subject);
    match (current, state.loading.problem()) {
        (_, Some(problem)) => {
            problem::show(&mut chart_ui, problem);
            if chart_ui.button("Try again").clicked() {
                state.loading = Slot::Idle;
                state.asked = None;
            }
        }
        (None, None) => {
            let text = note(&chart_ui, "Reading the history…");
            chart_ui.label(text);
        }
        (Some((_, series, ..)), None) if series.points.iter().all(|p| p[1] == 0.0) => {
            page::empty(
                &mut chart_ui,
                Icon::History,
                "Nothing in this time",
                "Choose a longer range, or another account or class.",
                |_| (),
            );
        }
        (Some((subject, series, from, to)), None) => {
            let text = summary::of(subject.measure, series);
            chart::show(&mut chart_ui, scene, subject, series, (*from, *to), &text.sentence(), &mut state.follow);
            aside(&mut text_ui, &text);
        }
    }
    if let Some(order) = export::show(ui.ctx(), scene, &mut state.export, state.subject.range) {
        intent = Some(order);
    }
    intent
}

/// As many points as the chart has columns of pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width in points, clamped")]
fn points(width: f32) -> u32 {
    width.clamp(60.0, 2_000.0) as u32
}

fn ranges(ui: &mut Ui, range: &mut Range) {
    ui.add_space(theme().space.near);
    ui.spacing_mut().item_spacing.x = theme().space.hair;
    for choice in Range::ALL.into_iter().rev() {
        ui.selectable_value(range, choice, choice.name());
    }
    ui.spacing_mut().item_spacing.x = theme().space.close;
}

fn selectors(ui: &mut Ui, scene: &Scene<'_>, subject: &mut Subject) {
    ui.horizontal(|ui| {
        let name = MEASURES.iter().find(|(m, _)| *m == subject.measure).map_or("", |(_, name)| *name);
        combo(ui, "Measure", name, 130.0, |ui| {
            for (measure, name) in MEASURES {
                ui.selectable_value(&mut subject.measure, measure, name);
            }
        });
        let account = subject.account.and_then(|id| scene.account(id)).map_or("All accounts", |a| a.account.label.as_str());
        combo(ui, "Account", account, 150.0, |ui| {
            ui.selectable_value(&mut subject.account, None, "All accounts");
            for a in scene.view.accounts.iter() {
                ui.selectable_value(&mut subject.account, Some(a.account.id), &a.account.label);
            }
        });
        let class = subject.class.as_ref().map_or("All models", ModelClass::as_str).to_owned();
        combo(ui, "Models", &class, 170.0, |ui| {
            ui.selectable_value(&mut subject.class, None, "All models");
            for class in classes(scene) {
                let name = class.to_string();
                ui.selectable_value(&mut subject.class, Some(class), name);
            }
        });
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
    ComboBox::from_id_salt(name).selected_text(current).width(width).truncate().show_ui(ui, content).response.accessible_name(name);
}

/// The chart in words and numbers.
fn aside(ui: &mut Ui, text: &summary::Summary) {
    page::group(ui, "In this time", "");
    page::rule(ui);
    for (name, value) in &text.facts {
        ui.horizontal(|ui| {
            let name = secondary(ui, *name);
            ui.label(name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(RichText::new(value)).truncate()));
        });
    }
    ui.add_space(theme().space.near);
    ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
    let c = colors(ui);
    for (color, word) in [(c.used, "mean over a step"), (c.held, "highest minute in a step"), (c.binding, "tier line")] {
        if word == "tier line" && !text.has_limit {
            continue;
        }
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(14.0, 10.0), egui::Sense::hover());
            ui.painter().hline(rect.x_range(), rect.center().y, (2.0, egui::Color32::from(color)));
            let text = note(ui, word);
            ui.label(text);
        });
    }
    ui.add_space(theme().space.near);
    let step = note(
        ui,
        format!(
            "One step is {}. Drag to move, scroll with Ctrl to zoom, double-click to see all.",
            format::duration(std::time::Duration::from_secs(text.step_secs.into()))
        ),
    );
    ui.add(Label::new(step).wrap());
}
