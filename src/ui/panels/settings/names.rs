//! Model names that stand for others, so that a program goes on working after its model was retired.

use egui::{Align2, RichText, Sense, TextEdit, Ui};
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use crate::domain::{AccountId, Alias, ModelId};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::{problem, undo};
use super::super::history::combo;
use super::{group, remark, small_button, wrong};

/// The alias as it is typed, and what became of the last change.
#[derive(Debug, Default)]
pub struct NamesState {
    account: Option<AccountId>,
    from: String,
    to: String,
    until: String,
    set: String,
    tried: bool,
    /// Whether the last change was stored.
    pub saved: Slot<()>,
    undo: Option<Alias>,
}

const COLUMNS: [Column; 5] = [
    Column::rest("Name in requests"),
    Column::rest("leaves as"),
    Column::text("of", 84.0),
    Column::text("until", 72.0),
    Column::number("", 64.0),
];

/// Draws the group.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut NamesState) -> Option<Intent> {
    group(ui, "Names of models", |ui| {
        remark(ui, "A name in an account's requests can stand for another, so that a retired model's programs go on.");
        let removed = table(ui, scene, state);
        let set = form(ui, scene, state);
        let back = undo::show(ui, &mut state.undo, |alias| format!("The name {}", alias.from)).map(Intent::SetAlias);
        if let Some(failed) = state.saved.problem() {
            problem::show(ui, failed);
        }
        removed.or(set).or(back)
    })
}

fn table(ui: &mut Ui, scene: &Scene<'_>, state: &mut NamesState) -> Option<Intent> {
    let aliases = &scene.view.rules.aliases;
    if aliases.is_empty() {
        return None;
    }
    let mut intent = None;
    let grid = Grid::new(ui, &COLUMNS, scene.density.row());
    grid.head(ui);
    for alias in aliases {
        grid.row(ui, Sense::hover(), |cells| intent = row(cells, scene, alias, state).or(intent.take()));
    }
    ui.add_space(theme().space.close);
    intent
}

fn row(cells: &mut Cells<'_>, scene: &Scene<'_>, alias: &Alias, state: &mut NamesState) -> Option<Intent> {
    let c = colors(cells.ui);
    let holds = alias.holds(&alias.from, scene.now);
    cells.text(RichText::new(alias.from.as_str()).color(if holds { c.text } else { c.text_faint }));
    let sets = if alias.set.is_empty() { String::new() } else { format!("sets {}", Value::Object(alias.set.clone())) };
    let to = cells.text(RichText::new(alias.to.as_str()).color(c.text));
    if !sets.is_empty() {
        to.on_hover_text(sets);
    }
    let label = scene.account(alias.account).map_or("", |view| view.account.label.as_str());
    cells.text(RichText::new(label).color(c.text_secondary));
    match alias.until {
        None => cells.text(RichText::new("for good").color(c.text_faint)),
        Some(_) if !holds => cells.text(RichText::new("over").color(c.text_faint)),
        Some(until) => {
            let when = format::when(scene.now, until, scene.zone);
            cells.text(RichText::new(when).color(c.text_secondary)).on_hover_text(scene.both_zones(until))
        }
    };
    cells.cell(|ui| {
        small_button(ui, "Remove", &format!("Remove the name {} of {label}", alias.from)).then(|| {
            state.undo = Some(alias.clone());
            Intent::RemoveAlias(alias.account, alias.from.clone())
        })
    })
}

fn form(ui: &mut Ui, scene: &Scene<'_>, state: &mut NamesState) -> Option<Intent> {
    if state.account.and_then(|id| scene.account(id)).is_none() {
        state.account = scene.view.accounts.first().map(|view| view.account.id);
    }
    let mut sets = false;
    ui.horizontal_wrapped(|ui| {
        let shown = state.account.and_then(|id| scene.account(id)).map_or("No account", |view| view.account.label.as_str());
        combo(ui, "Requests of", shown, 100.0, |ui| {
            for view in scene.view.accounts.iter() {
                ui.selectable_value(&mut state.account, Some(view.account.id), &view.account.label);
            }
        });
        let field = |ui: &mut Ui, text: &mut String, hint: &str, name: &str, width: f32| {
            let field = TextEdit::singleline(text).hint_text(hint).desired_width(width).align(Align2::LEFT_CENTER);
            ui.add(field).accessible_name(name);
        };
        field(ui, &mut state.from, "name in requests", "Name in requests", 130.0);
        let between = note(ui, "leaves as");
        ui.label(between);
        field(ui, &mut state.to, "name that leaves", "Name that leaves", 130.0);
        field(ui, &mut state.until, "until, or for good", "Last day", 120.0);
        field(ui, &mut state.set, "fields to set, as JSON", "Fields to set", 150.0);
        sets = ui.add_enabled_ui(!state.saved.waiting(), |ui| primary(ui, "Let it stand")).inner;
    });
    state.tried |= sets;
    let alias = alias(state);
    if state.tried
        && let Err(why) = &alias
    {
        wrong(ui, why);
    }
    let alias = alias.ok().filter(|_| sets)?;
    *state = NamesState { account: state.account, ..NamesState::default() };
    Some(Intent::SetAlias(alias))
}

/// What the fields make, or what is wrong with the first that is.
fn alias(state: &NamesState) -> Result<Alias, String> {
    let account = state.account.ok_or("Add an account first.")?;
    let (from, to) = (state.from.trim(), state.to.trim());
    if from.is_empty() || to.is_empty() {
        return Err("Write both names.".into());
    }
    let end_of = |day: Date| day.tomorrow().and_then(|next| Offset::UTC.to_timestamp(next.at(0, 0, 0, 0)));
    let until = match state.until.trim() {
        "" => None,
        text => {
            let day: Date = text.parse().map_err(|_| format!("{text} is not a date such as 2026-12-31."))?;
            Some(end_of(day).map_err(|error| error.to_string())?)
        }
    };
    let set = match state.set.trim() {
        "" => Map::new(),
        text => match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields,
            _ => return Err("Write the fields as a JSON object, like {\"thinking\":{\"type\":\"disabled\"}}.".into()),
        },
    };
    Ok(Alias { account, from: ModelId::new(from), to: ModelId::new(to), set, until })
}
