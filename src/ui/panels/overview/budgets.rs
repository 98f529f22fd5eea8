//! What the user allows to be spent, as meters above the limits of providers.

use egui::{RichText, Role, Sense, Ui, WidgetInfo};

use crate::domain::budget::BudgetView;
use crate::domain::{BucketKey, Dimension};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, faint, note, theme};
use super::super::super::widgets::grid::{Cells, Grid};
use super::super::super::widgets::meter::{self, Shares};
use super::super::super::widgets::page;

/// Draws all of them in the columns of the limits.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, grid: &Grid, decides: Option<&BucketKey>) {
    if scene.view.budgets.is_empty() {
        return;
    }
    ui.add_space(theme().space.close);
    page::group(ui, "Budgets", "what you allow to be spent");
    ui.add_space(theme().space.tight);
    for budget in scene.view.budgets.iter() {
        if decides.is_some_and(|key| awaited(scene, budget, key)) {
            grid.mark_next(ui);
        }
        let row = grid.row(ui, Sense::hover(), |cells| fill(cells, scene, budget));
        row.widget_info(|| WidgetInfo::labeled(Role::Label, true, sentence(budget)));
        row.on_hover_ui(|ui| {
            ui.label(sentence(budget));
            for line in remarks(scene, budget) {
                let line = note(ui, line);
                ui.label(line);
            }
        });
    }
    ui.add_space(theme().space.close);
}

/// Whether what waits waits for this one.
fn awaited(scene: &Scene<'_>, budget: &BudgetView, key: &BucketKey) -> bool {
    let concerns = budget.budget.account.is_none_or(|id| scene.account(id).is_some_and(|account| account.scope == key.scope));
    key.dimension == Dimension::Money && key.period == budget.budget.period && concerns
}

fn fill(cells: &mut Cells<'_>, scene: &Scene<'_>, view: &BudgetView) {
    let c = colors(cells.ui);
    let (all, spent, held) = (view.budget.nanos, view.spent.nanos, view.held_nanos);
    let left = all.saturating_sub(spent).saturating_sub(held);
    cells.text(RichText::new(format!("{} / {}", whose(view), view.budget.period.name())).color(c.text));
    cells.text("");
    #[expect(clippy::cast_possible_truncation, reason = "shares to draw")]
    let share = |nanos: u64| (nanos as f64 / all.max(1) as f64).min(1.0) as f32;
    let used = share(spent);
    cells.cell(|ui| meter::bar(ui, Shares { used, held: share(held).min(1.0 - used), guard: 0.0 }, spent >= all));
    cells.cell(|ui| {
        let of = faint(ui, format!("/ {}", format::money(all)));
        ui.label(of);
        ui.label(RichText::new(format::money(spent.saturating_add(held))).color(c.text));
    });
    cells.text(RichText::new(format::money(left)).color(if left == 0 { c.error } else { c.text }));
    cells.text("");
    let far = format::since(view.resets_at, scene.now).as_secs() > 3_600;
    let resets = if far { format::when(scene.now, view.resets_at, scene.zone) } else { format::until(scene.now, view.resets_at) };
    cells.text(RichText::new(resets).color(c.text_secondary));
    for _ in 0..3 {
        cells.text("");
    }
    let source = note(cells.ui, "you");
    cells.text(source);
}

fn whose(view: &BudgetView) -> &str {
    view.label.as_deref().unwrap_or("all")
}

/// The row for a screen reader, and for tests.
fn sentence(view: &BudgetView) -> String {
    format!(
        "Budget of {} a {}: {} of {} spent, {} held by requests under way",
        view.label.as_deref().unwrap_or("all accounts"),
        view.budget.period.name(),
        format::money(view.spent.nanos),
        format::money(view.budget.nanos),
        format::money(view.held_nanos),
    )
}

fn remarks(scene: &Scene<'_>, view: &BudgetView) -> Vec<String> {
    let mut lines = vec![format!("Begins anew at {} ({})", scene.both_zones(view.resets_at), view.budget.zone)];
    if view.spent.unpriced > 0 {
        lines.push(format!("{} answers have no known price and are not in it", format::grouped(view.spent.unpriced)));
    }
    lines
}
