//! Use over time against the tier lines, and the way out of it as a file.

pub mod aside;
pub mod chart;
pub mod export;
pub mod marks;
pub mod sight;
pub mod stack;
pub mod subject;
pub mod summary;

use egui::{Align, Layout, ScrollArea, Ui, UiBuilder};
use jiff::{SignedDuration, Timestamp};

use crate::domain::query::{Measure, Series, SeriesQuery};
use crate::domain::{AccountId, BucketKey, Dimension, ModelClass, Period};
use crate::journal::LiveView;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{is_narrow, note, theme};
use super::super::widgets::icon::Icon;
use super::super::widgets::{page, problem};
use sight::Sight;
pub use subject::{MEASURES, Range, Subject, classes, combo};

/// What the panel keeps between frames.
#[derive(Debug)]
pub struct HistoryState {
    /// What is shown.
    pub subject: Subject,
    /// The user chose it: nothing is chosen in its place.
    chosen: bool,
    /// The answer that is awaited, or why none came.
    pub loading: Slot<Series>,
    /// What is drawn, for which subject, and from when to when.
    pub shown: Option<(Subject, Series, Timestamp, Timestamp)>,
    /// Which part of the time is looked at.
    pub sight: Sight,
    /// The question that was asked last, and for which subject.
    asked: Option<(Subject, SeriesQuery)>,
    /// Whether that was for the present.
    asked_followed: bool,
    /// The export dialog.
    pub export: export::ExportState,
}

impl Default for HistoryState {
    fn default() -> Self {
        Self {
            subject: Subject { range: Range::default(), measure: Measure::OutputTokens, account: None, class: None, split: None },
            chosen: false,
            loading: Slot::default(),
            shown: None,
            sight: Sight::default(),
            asked: None,
            asked_followed: true,
            export: export::ExportState::default(),
        }
    }
}

impl HistoryState {
    /// Goes on with what was chosen last.
    pub fn choose(&mut self, subject: Subject) {
        (self.subject, self.chosen) = (subject, true);
    }

    /// What the user chose.
    #[must_use]
    pub fn chosen(&self) -> Option<&Subject> {
        self.chosen.then_some(&self.subject)
    }

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
        self.choose(Subject { measure, account, class, ..self.subject.clone() });
    }

    /// Begins with what a person would look for: the bucket that is fullest among those that bind.
    fn begin(&mut self, scene: &Scene<'_>) {
        if !scene.view.accounts.is_empty() && self.subject.account.is_some_and(|id| scene.account(id).is_none()) {
            self.subject.account = None; // it was removed since
        }
        if self.asked.is_some() || self.chosen {
            return;
        }
        let drawn = |key: &BucketKey| key.period == Period::MINUTE && key.class != ModelClass::any();
        let binding = scene.view.buckets.iter().filter(|bucket| bucket.binding && drawn(&bucket.key));
        if let Some(fullest) = binding.max_by(|a, b| a.share_used().total_cmp(&b.share_used())) {
            self.show_bucket(&fullest.key, scene.account_of(&fullest.key.scope));
            self.chosen = false;
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
        let (from, to) = self.sight.range(now, self.subject.range.length());
        if let Some((subject, query)) = &self.asked
            && *subject == self.subject
        {
            let fresh = now.duration_since(query.to) < self.subject.range.stale_after();
            let same = if self.sight.follows() { fresh && self.asked_followed } else { (query.from, query.to) == (from, to) };
            if self.loading.problem().is_some() || same {
                return None;
            }
        }
        let query = SeriesQuery {
            measure: self.subject.measure,
            account: self.subject.account,
            class: self.subject.class.clone(),
            split: self.subject.split,
            from,
            to,
            max_points: if self.subject.split.is_some() { points.min(Self::STACKED) } else { points },
        };
        self.asked_followed = self.sight.follows();
        self.asked = Some((self.subject.clone(), query.clone()));
        Some(query)
    }

    /// A chart of layers reads more rows a step, and thinner steps could not be told apart.
    const STACKED: u32 = 360;
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut HistoryState) -> Option<Intent> {
    state.begin(scene);
    let before = state.subject.clone();
    page::header(ui, "History", |ui| {
        if ui.button("Export…").clicked() {
            state.export.open = true;
        }
        subject::ranges(ui, &mut state.subject.range);
    });
    page::rule(ui);
    ui.add_space(theme().space.close);
    let top = ui.cursor().min;
    subject::selectors(ui, scene, &mut state.subject);
    state.chosen |= before != state.subject;
    if before.range != state.subject.range {
        state.sight.follow();
    }
    state.sight.keys(ui, scene.now, state.subject.range.length());
    ui.add_space(theme().space.close);

    let whole = ui.available_rect_before_wrap().with_max_y(ui.available_rect_before_wrap().bottom() - theme().space.near);
    state.export.area = whole.with_min_y(top.y);
    // a narrow window keeps the chart; its words are in the name that a screen reader tells
    let beside = if is_narrow(ui) { -theme().space.apart } else { 224.0 };
    let (left, right) = whole.split_left_right_at_x(whole.right() - beside);
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
        (Some((_, series, ..)), None) if state.sight.follows() && series.points.iter().all(|p| p[1] == 0.0) => {
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
            chart::show(&mut chart_ui, scene, subject, series, (*from, *to), &text.sentence(), &mut state.sight);
            if !is_narrow(ui) {
                let span = chart::unix(*to) - chart::unix(*from);
                ScrollArea::vertical().auto_shrink(false).show(&mut text_ui, |ui| aside::show(ui, scene, &text, series, span));
            }
        }
    }
    let query = state.asked.as_ref().map(|(_, query)| query);
    if let Some(order) = export::show(ui.ctx(), scene, &mut state.export, state.subject.range, query) {
        intent = Some(order);
    }
    intent
}

/// As many points as the chart has columns of pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width in points, clamped")]
fn points(width: f32) -> u32 {
    width.clamp(60.0, 2_000.0) as u32
}
