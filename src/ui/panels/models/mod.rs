//! The catalogue: every known model with its end, its price and where that is written; and a scan of sources for names that end.

pub mod details;
pub mod scan;
pub mod table;

use egui::{Align, Align2, Key, Label, Layout, TextEdit, Ui, UiBuilder};

use crate::domain::view::{ModelView, ModelsView};
use crate::domain::{Notice, Severity};

use super::super::format;
use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{note, theme};
use super::super::widgets::icon::Icon;
use super::super::widgets::sort::Order;
use super::super::widgets::{page, problem};
use super::traffic::row::words;
use scan::ScanState;

/// Which of the panel's two pages is in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Catalogue,
    Scan,
}

/// Which models are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    #[default]
    All,
    Active,
    Ending,
    Retired,
}

impl Life {
    const ALL: [(Self, &'static str); 4] =
        [(Self::All, "All"), (Self::Active, "Active"), (Self::Ending, "Ending"), (Self::Retired, "Retired")];

    const fn holds(self, model: &ModelView) -> bool {
        match self {
            Self::All => true,
            Self::Active => matches!(model.severity, Severity::Info),
            Self::Ending => matches!(model.severity, Severity::Warning),
            Self::Retired => matches!(model.severity, Severity::Error),
        }
    }
}

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct ModelsState {
    page: Page,
    life: Life,
    /// Only models with all of these words.
    pub filter: String,
    /// By which column they are sorted; as the catalogue has them, if `None`.
    pub order: Option<Order>,
    /// The catalogue, once it was read.
    pub models: Slot<ModelsView>,
    /// The model that is shown in full.
    selected: Option<ModelView>,
    /// The folder scan.
    pub scan: ScanState,
}

impl ModelsState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.models.poll();
        self.scan.settle();
    }

    /// The catalogue, if it was read.
    #[must_use]
    pub const fn catalogue(&self) -> Option<&ModelsView> {
        if let Slot::Done(view) = &self.models { Some(view) } else { None }
    }

    /// Brings the page with the folder scan to the front.
    pub const fn show_scan(&mut self) {
        self.page = Page::Scan;
    }

    /// Shows one model and nothing else.
    pub fn show_model(&mut self, name: String) {
        (self.page, self.life, self.filter) = (Page::Catalogue, Life::All, name);
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut ModelsState) -> Option<Intent> {
    page::header(ui, "Models", |ui| {
        ui.selectable_value(&mut state.page, Page::Scan, "Folder scan");
        ui.selectable_value(&mut state.page, Page::Catalogue, "Catalogue");
    });
    page::rule(ui);
    ui.add_space(theme().space.close);
    match state.page {
        Page::Scan => scan::show(ui, &mut state.scan),
        Page::Catalogue => catalogue(ui, scene, state),
    }
}

fn catalogue(ui: &mut Ui, scene: &Scene<'_>, state: &mut ModelsState) -> Option<Intent> {
    match &state.models {
        Slot::Idle => return Some(Intent::LoadModels),
        Slot::Waiting(_) => {
            let text = note(ui, "Reading the catalogue…");
            ui.label(text);
        }
        Slot::Failed(failed) => {
            problem::show(ui, failed);
            return ui.button("Try again").clicked().then_some(Intent::LoadModels);
        }
        Slot::Done(view) => {
            own_traffic(ui, scene);
            let words = words(&state.filter);
            let life = state.life;
            let fits = |model: &&ModelView| life.holds(model) && matches(model, &words);
            let mut models: Vec<&ModelView> = view.models.iter().filter(fits).collect();
            if let Some(order) = &state.order {
                order.sort(&mut models, |model, column| table::rank(model, column));
            }
            let total = view.models.len();
            controls(ui, &mut state.life, &mut state.filter, &count(models.len(), total, view.as_of));
            ui.add_space(theme().space.close);
            if models.is_empty() {
                page::empty(ui, Icon::Models, "No model matches", &format!("{total} are known."), |_| ());
            } else {
                return listed(ui, scene, &models, &mut state.order, &mut state.selected);
            }
        }
    }
    None
}

/// The table, and beside it the model that was chosen.
fn listed(
    ui: &mut Ui,
    scene: &Scene<'_>,
    models: &[&ModelView],
    order: &mut Option<Order>,
    selected: &mut Option<ModelView>,
) -> Option<Intent> {
    let Some(model) = selected.clone() else {
        *selected = table::show(ui, scene, models, order, None);
        return None;
    };
    let whole = ui.available_rect_before_wrap();
    let (left, right) = whole.split_left_right_at_x(whole.right() - theme().size.side_wide.min(whole.width() * 0.45));
    let left = left.with_max_x(left.right() - theme().space.apart);
    let mut table_ui = ui.new_child(UiBuilder::new().id_salt("table").max_rect(left).layout(Layout::top_down(Align::Min)));
    let chosen = table::show(&mut table_ui, scene, models, order, Some(&model));
    let mut side = ui.new_child(UiBuilder::new().id_salt("side").max_rect(right).layout(Layout::top_down(Align::Min)));
    let wish = details::show(&mut side, &model);
    *selected = chosen.or(Some(model).filter(|_| wish != Some(details::Wish::Close)));
    let planned = selected.as_ref().filter(|_| wish == Some(details::Wish::Plan))?;
    Some(Intent::PlanModel(planned.provider, planned.id.clone()))
}

fn controls(ui: &mut Ui, life: &mut Life, filter: &mut String, count: &str) {
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(filter).hint_text("Filter by model, provider, state…").desired_width(230.0);
        let field = ui.add(field.align(Align2::LEFT_CENTER)).accessible_name("Filter");
        if field.lost_focus() && ui.input(|i| i.key_pressed(Key::Escape)) {
            filter.clear();
        }
        for (choice, name) in Life::ALL {
            ui.selectable_value(life, choice, name);
        }
        let text = note(ui, count);
        ui.add(Label::new(text).truncate());
    });
}

fn count(shown: usize, total: usize, as_of: Option<jiff::civil::Date>) -> String {
    let models = if shown == total { format!("{total} models") } else { format!("{shown} of {total} models") };
    as_of.map_or_else(|| models.clone(), |date| format!("{models}, newest row of {date}"))
}

fn matches(model: &ModelView, words: &[String]) -> bool {
    let provider = [model.provider.name(), model.provider.title()];
    let text = [model.id.as_str(), model.title.as_deref().unwrap_or_default(), model.state].into_iter().chain(provider);
    let text = text.collect::<Vec<_>>().join(" ").to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// What the user's own requests name and what ends.
fn own_traffic(ui: &mut Ui, scene: &Scene<'_>) {
    let met: Vec<&Notice> = scene.view.notices.iter().filter(|notice| notice.key.starts_with("retirement/")).collect();
    if met.is_empty() {
        return;
    }
    page::group(ui, "In your traffic", "");
    page::rule(ui);
    for notice in met {
        ui.add_space(theme().space.tight);
        problem::entry(ui, notice.severity, &notice.text, notice.hint.as_slice());
    }
    ui.add_space(theme().space.apart);
}

/// A price per million tokens.
fn price(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| format::NONE.to_owned(), format::price)
}
