//! Every limit that somebody wrote down: the user's own ceilings, and what an admin API said is configured.

use egui::{RichText, Sense, Ui};

use crate::domain::ModelClass;
use crate::domain::dimension::Meter;
use crate::domain::rules::LimitRule;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, theme};
use super::super::super::widgets::grid::{Column, Grid};
use super::super::accounts::limits::LimitsState;
use super::{group, remark, small_button};

const COLUMNS: [Column; 5] = [
    Column::text("Account", 96.0),
    Column::rest("Models"),
    Column::number("Limit", 116.0),
    Column::text("From", 92.0),
    Column::number("", 64.0),
];

/// Draws the group. The dialog in which limits are set is that of the accounts.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, dialog: &mut LimitsState) {
    group(ui, "Limits", |ui| {
        remark(ui, "What providers allow is found out by itself. Your own limits hold where they are lower.");
        let rules = &scene.view.rules.limits;
        if rules.is_empty() {
            remark(ui, "None is set, and none was read with an admin key.");
        } else {
            let grid = Grid::new(ui, &COLUMNS, scene.density.row());
            grid.head(ui);
            for rule in rules {
                row(ui, &grid, scene, rule, dialog);
            }
        }
        ui.add_space(theme().space.close);
        ui.menu_button("Set a limit…", |ui| {
            for view in scene.view.accounts.iter() {
                if ui.button(&view.account.label).clicked() {
                    dialog.open_for(view.account.id);
                }
            }
        });
    });
}

fn row(ui: &mut Ui, grid: &Grid, scene: &Scene<'_>, rule: &LimitRule, dialog: &mut LimitsState) {
    let limit = &rule.limit;
    let label = scene.account(limit.account).map_or("", |view| view.account.label.as_str());
    let class = limit.class.as_ref().filter(|class| **class != ModelClass::any());
    let meter = Meter(limit.dimension, limit.period);
    grid.row(ui, Sense::hover(), |cells| {
        let c = colors(cells.ui);
        cells.text(RichText::new(label).color(c.text));
        cells.text(RichText::new(class.map_or("all", ModelClass::as_str)).color(c.text_secondary));
        let capacity = format::amount(limit.dimension, limit.capacity.unwrap_or(0));
        cells.text(RichText::new(format!("{capacity} {meter}")).color(c.text));
        match rule.read_at {
            None => cells.text(RichText::new("you").color(c.text_secondary)),
            Some(at) => {
                let when = format!("Read {}", scene.both_zones(at));
                cells.text(RichText::new("admin API").color(c.text_secondary)).on_hover_text(when)
            }
        };
        cells.cell(|ui| {
            let own = rule.read_at.is_none();
            if own && small_button(ui, "Change…", &format!("Change {meter} of {label}")) {
                dialog.open_for(limit.account);
            }
        });
    });
}
