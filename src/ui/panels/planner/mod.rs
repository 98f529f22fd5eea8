//! The planner: a load on the left, what each tier makes of it on the right. Every change is worked out again at once.

pub mod figures;
pub mod inputs;
pub mod ladder;
pub mod source;
pub mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use egui::{Align, Label, Layout, ScrollArea, Ui, UiBuilder};

use crate::domain::plan::{Advice, Load, PlanQuery, PlanView};
use crate::domain::view::ModelsView;
use crate::domain::{AccountId, Dialect, ModelId, Provider};

use super::super::format;
use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{lead, note, theme};
use super::super::widgets::icon::Icon;
use super::super::widgets::{button, page, problem};
use inputs::Inputs;
use source::SourceState;

/// The width of the load's side.
const SIDE: f32 = 292.0;
/// Where it is narrower than this, the load stands above its plan.
const STACK_BELOW: f32 = 720.0;

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct PlannerState {
    /// The load, as it is typed and dragged.
    pub inputs: Inputs,
    /// Where its numbers are taken from.
    pub source: SourceState,
    /// The catalogue, for the choice of a model.
    pub models: Slot<ModelsView>,
    /// The plan that is awaited, or why there is none.
    pub answer: Slot<PlanView>,
    /// The plan that is drawn.
    shown: Option<PlanView>,
    asked: Option<PlanQuery>,
    begun: bool,
}

/// What a batch is begun with that was planned here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The file, if the load came from one.
    pub path: Option<String>,
    /// The account that it was read for, or the first of the provider.
    pub account: Option<AccountId>,
    /// The model.
    pub model: ModelId,
}

impl PlannerState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.models.poll();
        if self.source.settle()
            && let Slot::Done(loads) = &self.source.loads
            && let [only] = loads.as_slice()
        {
            self.inputs.adopt(only);
        }
        self.answer.poll();
        self.answer = match std::mem::take(&mut self.answer) {
            Slot::Done(plan) => {
                self.shown = Some(in_its_words(plan));
                Slot::Idle
            }
            other => other,
        };
    }

    /// Begins with the model that was asked for most of late through the first account, else with the provider's first.
    fn begin(&mut self, scene: &Scene<'_>) {
        if self.begun || scene.starting() {
            return;
        }
        let Some(account) = scene.view.accounts.first() else { return };
        self.inputs.provider = account.account.provider;
        let of_account = scene.view.recent.iter().filter(|record| record.account == account.account.id);
        let mut times = BTreeMap::<_, u32>::new();
        for model in of_account.filter_map(|record| record.model_asked.as_ref()) {
            *times.entry(model).or_default() += 1;
        }
        let asked = times.into_iter().max_by_key(|(_, times)| *times).map(|(model, _)| model.to_string());
        let known = || inputs::known(self.inputs.provider, &self.models).first().map(|model| model.id.clone());
        if let Some(model) = asked.or_else(known) {
            self.inputs.model = model;
        }
        self.begun = !self.inputs.model.is_empty() || matches!(self.models, Slot::Done(_));
    }

    /// From now on plans with this model. One of an endpoint that is no route of its own is a custom one's.
    pub fn plan_model(&mut self, dialect: Dialect, model: String) {
        self.begun = true;
        self.inputs.provider = Provider::from_name(dialect.name()).unwrap_or(Provider::Custom);
        (self.inputs.model, self.inputs.tier) = (model, None);
    }

    /// The question to ask now, if the load has changed since the last one.
    fn due(&mut self, scene: &Scene<'_>) -> Option<PlanQuery> {
        if self.answer.waiting() {
            return None;
        }
        let stands_at = self.inputs.tier.clone().or_else(|| {
            // a tier that the shown ladder does not have belongs to another scheme
            let tier = scene.view.accounts.iter().find(|a| a.account.provider == self.inputs.provider)?.tier.clone()?;
            let shown = self.shown.as_ref().filter(|view| view.provider == self.inputs.provider)?;
            shown.plan.fits.iter().any(|fit| fit.title == tier).then_some(tier)
        });
        let query = self.inputs.query(stands_at)?;
        if self.asked.as_ref() == Some(&query) {
            return None;
        }
        self.asked = Some(query.clone());
        Some(query)
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut PlannerState) -> Option<Intent> {
    state.begin(scene);
    let picked = page::header(ui, "Planner", |ui| source::choice(ui, scene, &mut state.source));
    page::rule(ui);
    ui.add_space(theme().space.close);
    let read = source::show(ui, scene, &mut state.source, &mut state.inputs);
    let mut wish = None;
    if ui.available_width() < STACK_BELOW {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            inputs::show(ui, scene, &mut state.inputs, &state.models);
            ui.add_space(theme().space.apart);
            wish = plan(ui, scene, state);
        });
    } else {
        let whole = ui.available_rect_before_wrap();
        let (left, right) = whole.split_left_right_at_x(whole.left() + SIDE);
        let mut side = ui.new_child(UiBuilder::new().id_salt("load").max_rect(left).layout(Layout::top_down(Align::Min)));
        ScrollArea::vertical().id_salt("load").auto_shrink(false).show(&mut side, |ui| {
            ui.set_width(SIDE - theme().space.near);
            inputs::show(ui, scene, &mut state.inputs, &state.models);
        });
        let right = right.with_min_x(right.left() + theme().space.apart);
        let right = right.with_max_x(right.right().min(right.left() + theme().size.table));
        let mut main = ui.new_child(UiBuilder::new().id_salt("plan").max_rect(right).layout(Layout::top_down(Align::Min)));
        ScrollArea::vertical().id_salt("plan").auto_shrink(false).show(&mut main, |ui| wish = plan(ui, scene, state));
    }
    let due = state.due(scene).map(Intent::Plan);
    let models = matches!(state.models, Slot::Idle).then_some(Intent::LoadPlannerModels);
    if due.is_some() && models.is_some() {
        ui.ctx().request_repaint(); // one wish a frame
    }
    wish.or(picked).or(read).or(due).or(models)
}

fn plan(ui: &mut Ui, scene: &Scene<'_>, state: &mut PlannerState) -> Option<Intent> {
    if let Some(failed) = state.answer.problem() {
        problem::show(ui, failed);
        if ui.button("Try again").clicked() {
            (state.answer, state.asked) = (Slot::Idle, None);
        }
        return None;
    }
    let Some(view) = &state.shown else {
        if state.inputs.model.trim().is_empty() {
            page::empty(ui, Icon::Planner, "Which model?", "Choose one on the left: limits and prices are the model's.", |_| ());
        } else {
            let text = note(ui, "Working it out…");
            ui.label(text);
        }
        return None;
    };
    ui.add(Label::new(lead(verdict(view))).wrap());
    if let Some(end) = &view.end {
        problem::entry(ui, crate::domain::Severity::Warning, &problem::sentence(end), &[]);
    }
    ui.add_space(theme().space.near);
    figures::show(ui, view);
    ui.add_space(theme().space.apart);
    if view.plan.fits.is_empty() {
        let unknown = "No limit of this model is known. Type in what the provider's console shows, on the left.";
        ui.add(Label::new(note(ui, unknown)).wrap());
    } else {
        ladder::show(ui, view);
        ui.add_space(theme().space.apart);
        if let Some(tier) = table::show(ui, scene, view) {
            state.inputs.tier = Some(tier);
        }
    }
    if !view.unknown.is_empty() {
        let text = note(ui, format!("Not published for {}.", view.unknown.join(", ")));
        ui.add(Label::new(text).wrap());
    }
    let advice: Vec<Advice> = view.plan.advice.clone();
    advised(ui, &advice, &mut state.inputs);
    ui.add_space(theme().space.near);
    let begin = ui
        .button("Start a batch with this plan…")
        .on_hover_text("Opens the batch panel with this model, and with the file if the load came from one");
    begin.clicked().then(|| Intent::SeedBatch(state.seed(scene)))
}

impl PlannerState {
    fn seed(&self, scene: &Scene<'_>) -> Seed {
        let of_provider = || scene.view.accounts.iter().find(|a| a.account.provider == self.inputs.provider).map(|a| a.account.id);
        let (path, account) = self.source.file();
        Seed { path, account: account.or_else(of_provider), model: ModelId::new(self.inputs.model.trim()) }
    }
}

/// The window speaks to whom the command speaks of.
fn in_its_words(mut view: PlanView) -> PlanView {
    const YOURS: &str = "your limits";
    if let Some(given) = view.plan.fits.iter_mut().find(|fit| fit.name == "given") {
        let spoken_of = std::mem::replace(&mut given.title, YOURS.into());
        for advice in &mut view.plan.advice {
            let choice = advice.choice_mut();
            if *choice == spoken_of {
                *choice = YOURS.into();
            }
        }
    }
    view
}

/// What would make it fit; what can be set on the left is set by a click.
fn advised(ui: &mut Ui, advice: &[Advice], inputs: &mut Inputs) {
    if advice.is_empty() {
        return;
    }
    ui.add_space(theme().space.near);
    page::group(ui, "What makes it fit", "");
    page::rule(ui);
    for one in advice {
        ui.horizontal(|ui| {
            let text = problem::prose(ui, &problem::sentence(&one.to_string()), &egui::TextStyle::Body);
            ui.add(Label::new(text));
            let set = |ui: &mut Ui, name: &str| ui.add(button::small("Set")).accessible_name(name.to_owned()).clicked();
            match one {
                Advice::ShorterPrompt { input_tokens, .. } if set(ui, "Set the shorter prompt") => {
                    inputs.input_tokens = *input_tokens as f64;
                }
                Advice::ShorterAnswer { output_tokens, .. } if set(ui, "Set the shorter answer") => {
                    inputs.output_tokens = *output_tokens as f64;
                }
                Advice::ShorterBoth { sizes, .. } if set(ui, "Set the shorter prompt and answer") => {
                    (inputs.input_tokens, inputs.output_tokens) = (sizes.input_tokens as f64, sizes.output_tokens as f64);
                }
                Advice::MoreFromCache { from_cache, .. } if set(ui, "Set the larger cached share") => {
                    inputs.cached_percent = from_cache.cached_share * 100.0;
                    inputs.output_tokens = from_cache.output_tokens.map_or(inputs.output_tokens, |most| most as f64);
                }
                Advice::FewerRequests { requests_per_min, .. } if set(ui, "Set the lower rate") => {
                    inputs.requests_per_min = (requests_per_min * 100.0).floor() / 100.0;
                }
                _ => {}
            }
        });
    }
}

/// The one sentence: whether it fits where the user stands, what decides, and where it would fit.
#[must_use]
pub fn verdict(view: &PlanView) -> String {
    let plan = &view.plan;
    let Some(at) = plan.fits.iter().position(|fit| view.current.as_deref() == Some(&fit.name)).or((!plan.fits.is_empty()).then_some(0))
    else {
        return format!("Whether it fits cannot be told: no limit of {} is known.", view.class);
    };
    let Some(here) = plan.fits.get(at) else { return String::new() };
    if here.fits {
        let binds = here.binding.as_deref().unwrap_or("no limit");
        let left = here.limits.iter().find(|check| check.meter == binds).and_then(|check| check.headroom_percent);
        let left = left.map_or_else(String::new, |left| format!(", {left:.0}{}% of it left", format::THIN));
        let takes = here.batch.map_or_else(String::new, |time| format!(" The batch takes about {}.", secs(time.expected_secs)));
        return format!("It fits with {}. {binds} binds{left}.{takes}", here.title);
    }
    let short: Vec<&str> = here.limits.iter().filter(|check| !check.fits).map(|check| check.meter.as_str()).collect();
    let (last, first) = short.split_last().map_or(("", &[][..]), |(last, first)| (*last, first));
    let meters = if first.is_empty() { format!("{last} is") } else { format!("{} and {last} are", first.join(", ")) };
    let higher = plan.fits.iter().skip(at + 1).find(|fit| fit.fits);
    let higher = higher.map_or_else(String::new, |fit| format!(" It fits with {}.", fit.title));
    format!("It does not fit with {}: {meters} too small.{higher}", here.title)
}

/// [`format::duration`] of seconds.
pub(super) fn secs(secs: f64) -> String {
    format::duration(Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or(Duration::MAX))
}

/// A number of something, rounded up: a need is never shown smaller than it is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn whole(n: f64) -> u64 {
    n.max(0.0).ceil() as u64
}

/// The loads of a file or of the history, by name.
pub(super) fn load_name(load: &Load) -> String {
    load.demand.rows.map_or_else(
        || format!("{} ({})", load.model, Provider::title(load.provider)),
        |rows| format!("{} ({} rows)", load.model, format::grouped(rows)),
    )
}
