//! What may be spent: every budget with what is spent of it, and a line to set another.

use egui::{Align2, RichText, Sense, TextEdit, Ui};
use jiff::tz::TimeZone;

use crate::domain::budget::{Budget, BudgetView, Dollars};
use crate::domain::{AccountId, Period};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, theme};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::{problem, undo};
use super::super::history::combo;
use super::{group, remark, small_button, wrong};

/// The budget as it is typed, and what became of the last change.
#[derive(Debug, Default)]
pub struct BudgetsState {
    account: Option<AccountId>,
    monthly: bool,
    amount: String,
    /// The user's own zone while nothing else is written.
    zone: Option<String>,
    tried: bool,
    /// Whether the last change was stored.
    pub saved: Slot<()>,
    undo: Option<Budget>,
}

const COLUMNS: [Column; 5] = [
    Column::rest("Budget of"),
    Column::text("each", 44.0),
    Column::number("Spent of it", 128.0),
    Column::number("Anew in", 78.0),
    Column::number("", 118.0),
];

const ALL: &str = "All accounts";

/// Draws the group.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut BudgetsState) -> Option<Intent> {
    group(ui, "Budgets", |ui| {
        remark(ui, "A request that would go beyond a budget is refused at once, with the time at which it begins anew.");
        let removed = table(ui, scene, state);
        let set = form(ui, scene, state);
        let back = undo::show(ui, &mut state.undo, name_of(scene)).map(Intent::SetBudget);
        if let Some(failed) = state.saved.problem() {
            problem::show(ui, failed);
        }
        removed.or(set).or(back)
    })
}

fn name_of<'a>(scene: &'a Scene<'a>) -> impl Fn(&Budget) -> String + 'a {
    |budget| format!("The budget of {} a {} of {}", Dollars(budget.nanos), each(budget.period), whose(scene, budget.account))
}

fn whose(scene: &Scene<'_>, account: Option<AccountId>) -> String {
    account.and_then(|id| scene.account(id)).map_or_else(|| ALL.to_lowercase(), |view| view.account.label.clone())
}

const fn each(period: Period) -> &'static str {
    if period.as_secs() == Period::DAY.as_secs() { "day" } else { "month" }
}

fn table(ui: &mut Ui, scene: &Scene<'_>, state: &mut BudgetsState) -> Option<Intent> {
    if scene.view.budgets.is_empty() {
        remark(ui, "None is set: requests cost what they cost.");
        ui.add_space(theme().space.tight);
        return None;
    }
    let mut intent = None;
    let grid = Grid::new(ui, &COLUMNS, scene.density.row());
    grid.head(ui);
    for view in scene.view.budgets.iter() {
        grid.row(ui, Sense::hover(), |cells| {
            intent = row(cells, scene, view, state).or(intent.take());
        });
    }
    ui.add_space(theme().space.close);
    intent
}

fn row(cells: &mut Cells<'_>, scene: &Scene<'_>, view: &BudgetView, state: &mut BudgetsState) -> Option<Intent> {
    let c = colors(cells.ui);
    let Budget { account, period, nanos, zone } = &view.budget;
    let whose = view.label.as_deref().unwrap_or(ALL);
    cells.text(RichText::new(whose).color(c.text));
    cells.text(RichText::new(each(*period)).color(c.text_secondary));
    let spent = view.spent.nanos.saturating_add(view.held_nanos);
    let color = if spent >= *nanos { c.error } else { c.text };
    let mut more = vec![format!("{} spent, {} held by requests under way", Dollars(view.spent.nanos), Dollars(view.held_nanos))];
    if view.spent.unpriced > 0 {
        more.push(format!("{} answers of unknown price are not in it", format::grouped(view.spent.unpriced)));
    }
    cells.text(RichText::new(format!("{} of {}", Dollars(spent), Dollars(*nanos))).color(color)).on_hover_text(more.join("\n"));
    let resets = format::until(scene.now, view.resets_at);
    cells
        .text(RichText::new(resets).color(c.text_secondary))
        .on_hover_text(format!("{}\nat midnight in {zone}", scene.both_zones(view.resets_at)));
    cells.cell(|ui| {
        let named = |what: &str| format!("{what} the budget of {whose} a {}", each(*period));
        let removes = small_button(ui, "Remove", &named("Remove"));
        if small_button(ui, "Change", &named("Change")) {
            (state.account, state.monthly) = (*account, *period != Period::DAY);
            (state.amount, state.zone) = (Dollars(*nanos).to_string().trim_start_matches('$').to_owned(), Some(zone.clone()));
            state.tried = false;
        }
        removes.then(|| {
            state.undo = Some(view.budget.clone());
            Intent::RemoveBudget(*account, *period)
        })
    })
}

fn form(ui: &mut Ui, scene: &Scene<'_>, state: &mut BudgetsState) -> Option<Intent> {
    let own = scene.zone.iana_name().unwrap_or("UTC").to_owned();
    if state.account.is_some_and(|id| scene.account(id).is_none()) {
        state.account = None;
    }
    let mut sets = false;
    ui.horizontal_wrapped(|ui| {
        let shown = state.account.and_then(|id| scene.account(id)).map_or(ALL, |view| view.account.label.as_str());
        combo(ui, "Budget of", shown, 116.0, |ui| {
            ui.selectable_value(&mut state.account, None, ALL);
            for view in scene.view.accounts.iter() {
                ui.selectable_value(&mut state.account, Some(view.account.id), &view.account.label);
            }
        });
        combo(ui, "Each", if state.monthly { "a month" } else { "a day" }, 76.0, |ui| {
            ui.selectable_value(&mut state.monthly, false, "a day");
            ui.selectable_value(&mut state.monthly, true, "a month");
        });
        let field = TextEdit::singleline(&mut state.amount).hint_text("$").desired_width(56.0).align(Align2::LEFT_CENTER);
        let field = ui.add(field).accessible_name("US dollars");
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let mut zone = state.zone.clone().unwrap_or_else(|| own.clone());
        let field = TextEdit::singleline(&mut zone).desired_width(100.0).align(Align2::LEFT_CENTER);
        let field = ui.add(field).on_hover_text("Whose midnights begin its days").accessible_name("Time zone");
        if field.changed() {
            state.zone = Some(zone).filter(|zone| !zone.trim().is_empty());
        }
        sets = ui.add_enabled_ui(!state.saved.waiting(), |ui| primary(ui, "Set")).inner || entered;
    });
    state.tried |= sets;
    let zone = state.zone.as_deref().unwrap_or(&own).trim().to_owned();
    let amount = Dollars::parse(&state.amount);
    if state.tried && amount.is_none() {
        wrong(ui, "Write an amount in dollars, like 5 or 12.50.");
    }
    let known = TimeZone::get(&zone).is_ok();
    if !known {
        wrong(ui, &format!("No time zone is called {zone}; write it like Europe/Berlin."));
    }
    let budget = Budget {
        account: state.account,
        period: if state.monthly { Period::MONTH } else { Period::DAY },
        nanos: amount.filter(|_| known)?.0,
        zone,
    };
    warn(ui, scene, &budget);
    sets.then(|| {
        (state.amount, state.zone, state.tried) = (String::new(), None, false);
        state.undo = None;
        Intent::SetBudget(budget)
    })
}

/// What setting it would do at once.
fn warn(ui: &mut Ui, scene: &Scene<'_>, budget: &Budget) {
    let there = scene.view.budgets.iter().find(|view| view.budget.account == budget.account && view.budget.period == budget.period);
    let Some(there) = there else { return };
    let spent = there.spent.nanos;
    let text = if spent >= budget.nanos {
        format!("{} is spent already: requests will be refused until it begins anew.", Dollars(spent))
    } else {
        format!("It replaces the one of {}.", Dollars(there.budget.nanos))
    };
    remark(ui, &text);
}
