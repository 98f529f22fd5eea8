//! Fallback routes: off until they stand here, and what the other side ignores is read before one is switched on.

use egui::{Align2, Key, Label, RichText, Sense, TextEdit, Ui};

use crate::domain::fallback::{Fallback, FallbackView};
use crate::domain::view::ModelsView;
use crate::domain::{AccountId, Api, ModelId, Severity};

use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::{problem, undo};
use super::super::history::combo;
use super::{group, remark, small_button, wrong};

/// The route as it is typed, and what became of the last change.
#[derive(Debug, Default)]
pub struct RoutesState {
    from: String,
    /// The model for which the offers were asked.
    asked: String,
    account: Option<AccountId>,
    to: String,
    tried: bool,
    /// Who could serve it.
    pub offers: Slot<Vec<FallbackView>>,
    /// Whether the last change was stored.
    pub saved: Slot<()>,
    undo: Option<Fallback>,
}

const COLUMNS: [Column; 4] =
    [Column::rest("Requests for"), Column::rest("are served as"), Column::text("by", 96.0), Column::number("", 64.0)];

/// Draws the group.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut RoutesState, models: &Slot<ModelsView>) -> Option<Intent> {
    group(ui, "Fallback routes", |ui| {
        remark(
            ui,
            "When its own account cannot meet the deadline, has no credit or fails, a request may go to another account, before the first \
             byte of an answer. The model's name, the key and the address change, and nothing else.",
        );
        let removed = table(ui, scene, state);
        let asked = ask(ui, state);
        let added = offer(ui, scene, state, models);
        let back = undo::show(ui, &mut state.undo, |route| format!("The route of {} to {}", route.from, route.to)).map(Intent::AddRoute);
        if let Some(failed) = state.saved.problem() {
            problem::show(ui, failed);
        }
        removed.or(asked).or(added).or(back)
    })
}

fn names(apis: &[Api]) -> String {
    apis.iter().map(|api| api.name()).collect::<Vec<_>>().join(", ")
}

fn table(ui: &mut Ui, scene: &Scene<'_>, state: &mut RoutesState) -> Option<Intent> {
    let routes = &scene.view.rules.routes;
    if routes.is_empty() {
        remark(ui, "None: a request is served by the account that it names, or not at all.");
        ui.add_space(theme().space.tight);
        return None;
    }
    let mut intent = None;
    let grid = Grid::new(ui, &COLUMNS, scene.density.row());
    grid.head(ui);
    for view in routes {
        grid.row(ui, Sense::hover(), |cells| intent = row(cells, view, state).or(intent.take()));
    }
    ui.add_space(theme().space.close);
    intent
}

fn row(cells: &mut Cells<'_>, view: &FallbackView, state: &mut RoutesState) -> Option<Intent> {
    let c = colors(cells.ui);
    let FallbackView { route, label, apis, differences } = view;
    let works = !apis.is_empty();
    let more = if works { format!("in {}\n{}", names(apis), differences.join("\n")) } else { differences.join("\n") };
    cells.text(RichText::new(route.from.as_str()).color(if works { c.text } else { c.error })).on_hover_text(&more);
    cells.text(RichText::new(route.to.as_str()).color(c.text)).on_hover_text(&more);
    cells.text(RichText::new(label).color(c.text_secondary));
    cells.cell(|ui| {
        small_button(ui, "Remove", &format!("Remove the route of {} to {label}", route.from)).then(|| {
            state.undo = Some(route.clone());
            Intent::RemoveRoute(route.clone())
        })
    })
}

fn ask(ui: &mut Ui, state: &mut RoutesState) -> Option<Intent> {
    let mut asks = false;
    ui.horizontal(|ui| {
        let label = note(ui, "Requests for");
        let label = ui.label(label);
        let field = TextEdit::singleline(&mut state.from).hint_text("claude-sonnet-5-5").desired_width(190.0).align(Align2::LEFT_CENTER);
        let field = ui.add(field).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let ready = !state.from.trim().is_empty() && !state.offers.waiting();
        let button = ui.add_enabled(ready, egui::Button::new("Who could serve them?"));
        asks = button.on_disabled_hover_text("Write the model's name as requests have it").clicked() || (ready && entered);
    });
    asks.then(|| {
        (state.asked, state.account) = (state.from.trim().to_owned(), None);
        state.undo = None;
        Intent::AskForRoutes(ModelId::new(&state.asked))
    })
}

/// Who speaks the same format, what each ignores, and the button, which is there once that can be read.
fn offer(ui: &mut Ui, scene: &Scene<'_>, state: &mut RoutesState, models: &Slot<ModelsView>) -> Option<Intent> {
    if let Some(failed) = state.offers.problem() {
        problem::show(ui, failed);
    }
    let Slot::Done(offers) = &state.offers else { return None };
    if state.from.trim() != state.asked {
        return None;
    }
    if offers.is_empty() {
        let text = format!("No account speaks a format in which {} can be asked; Tierline does not translate.", state.asked);
        problem::entry(ui, Severity::Info, &text, &[]);
        return None;
    }
    let chosen = state.account.and_then(|id| offers.iter().find(|offer| offer.route.account == id));
    ui.horizontal(|ui| {
        combo(ui, "Served by", chosen.map_or("By which account?", |offer| &offer.label), 150.0, |ui| {
            for offer in offers {
                let name = format!("{} ({})", offer.label, names(&offer.apis));
                ui.selectable_value(&mut state.account, Some(offer.route.account), name);
            }
        });
        let label = note(ui, "as");
        let label = ui.label(label);
        let field = TextEdit::singleline(&mut state.to).hint_text("the model's name there").desired_width(160.0);
        ui.add(field.align(Align2::LEFT_CENTER)).labelled_by(label.id);
    });
    let offer = chosen?;
    let text = note(ui, format!("What differs at {}, in {}:", offer.label, names(&offer.apis)));
    ui.add(Label::new(text).wrap());
    for difference in &offer.differences {
        problem::entry(ui, Severity::Info, difference, &[]);
    }
    if offer.differences.is_empty() {
        remark(ui, "Nothing that is known.");
    }
    let to = state.to.trim();
    unknown(ui, scene, offer.route.account, to, models);
    let adds = ui.add_enabled_ui(!state.saved.waiting(), |ui| primary(ui, "Switch it on")).inner;
    state.tried |= adds;
    if to.is_empty() {
        if state.tried {
            wrong(ui, "Write the model's name at that account.");
        }
        return None;
    }
    let route = Fallback { to: ModelId::new(to), ..offer.route.clone() };
    adds.then(|| {
        (state.from, state.to, state.tried, state.offers) = (String::new(), String::new(), false, Slot::Idle);
        Intent::AddRoute(route)
    })
}

/// A name that the catalogue does not have at that provider may be new, or misspelt.
fn unknown(ui: &mut Ui, scene: &Scene<'_>, account: AccountId, to: &str, models: &Slot<ModelsView>) {
    let (Slot::Done(models), Some(view)) = (models, scene.account(account)) else { return };
    let mut of_provider = models.models.iter().filter(|model| model.provider == view.account.dialect()).peekable();
    if to.is_empty() || of_provider.peek().is_none() || of_provider.any(|model| model.id == to) {
        return;
    }
    remark(ui, &format!("The catalogue knows no {to} there: it is new, or misspelt."));
}
