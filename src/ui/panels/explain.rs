//! The dialog that says what a pasted error means.

use egui::{Align2, Context, Label, RichText, ScrollArea, TextEdit, Ui};

use crate::domain::command::PastedError;
use crate::domain::dimension::Meter;
use crate::domain::{Dialect, ScopeKind, Verdict, VerdictKind, Whose};

use super::super::format;
use super::super::intent::Intent;
use super::super::slot::Slot;
use super::super::theme::{colors, mono, note, section, theme};
use super::super::widgets::copy::copy;
use super::super::widgets::dialog::{buttons, dialog};
use super::super::widgets::{page, problem};
use super::history::combo;
use super::traffic::row::verdict_word;

/// What the dialog holds.
#[derive(Debug)]
pub struct ExplainState {
    open: bool,
    provider: Dialect,
    status: String,
    headers: String,
    body: String,
    /// What it means.
    pub verdict: Slot<Verdict>,
}

impl Default for ExplainState {
    fn default() -> Self {
        Self {
            open: false,
            provider: Dialect::Anthropic,
            status: "429".into(),
            headers: String::new(),
            body: String::new(),
            verdict: Slot::default(),
        }
    }
}

impl ExplainState {
    /// Shows the dialog with what was pasted last.
    pub const fn open(&mut self) {
        self.open = true;
    }

    fn code(&self) -> Option<u16> {
        self.status.trim().parse().ok().filter(|code| (100..1_000).contains(code))
    }
}

/// What it means is no narrower, as long as it stands beside what was pasted.
const SIDE_LEAST: f32 = 280.0;

/// Draws the dialog if it is open.
pub fn show(ctx: &Context, state: &mut ExplainState) -> Option<Intent> {
    if !state.open {
        return None;
    }
    let (side, gap) = (theme().size.dialog, theme().space.apart);
    let room = ctx.content_rect().width() - 3.0 * gap;
    let beside = room >= side + SIDE_LEAST + gap;
    let width = if beside { room.min(2.0 * side + gap) } else { room.min(side) };
    let answer = dialog(ctx, "Explain an error", width, |ui| form(ui, state, beside));
    let (intent, cancelled) = answer.inner;
    if answer.closed || cancelled {
        state.open = false;
    }
    intent
}

/// What was pasted, and what it means: beside it, so that an answer moves nothing, or below where the window is narrow.
fn form(ui: &mut Ui, state: &mut ExplainState, beside: bool) -> (Option<Intent>, bool) {
    if !beside {
        typed(ui, state);
        meaning(ui, &state.verdict);
        return foot(ui, state);
    }
    let whole = ui.available_width();
    ui.horizontal_top(|ui| {
        let width = (whole - theme().space.apart) / 2.0;
        let left = ui.vertical(|ui| {
            ui.set_width(width);
            typed(ui, state);
        });
        ui.add_space(theme().space.apart - ui.spacing().item_spacing.x);
        ui.vertical(|ui| {
            ui.set_width(width);
            let height = left.response.rect.height();
            ScrollArea::vertical().id_salt("verdict").max_height(height).min_scrolled_height(height).auto_shrink(false).show(ui, |ui| {
                meaning(ui, &state.verdict);
            });
        });
    });
    foot(ui, state)
}

fn typed(ui: &mut Ui, state: &mut ExplainState) {
    ui.horizontal(|ui| {
        combo(ui, "Provider", state.provider.title(), 150.0, |ui| {
            for dialect in Dialect::ALL {
                ui.selectable_value(&mut state.provider, dialect, dialect.title());
            }
        });
        let label = ui.label(note(ui, "HTTP status"));
        ui.add(TextEdit::singleline(&mut state.status).desired_width(56.0).align(Align2::LEFT_CENTER)).labelled_by(label.id);
        if state.code().is_none() {
            ui.label(RichText::new("A status is a number from 100 to 999.").small().color(colors(ui).error));
        }
    });
    ui.add_space(theme().space.tight);
    pasted(ui, "Headers", "retry-after: 12\nanthropic-ratelimit-requests-remaining: 0", 5, &mut state.headers);
    pasted(ui, "Body", "the whole answer, as it came", 11, &mut state.body);
}

fn meaning(ui: &mut Ui, verdict: &Slot<Verdict>) {
    match verdict {
        Slot::Idle | Slot::Waiting(_) => {
            let text = note(ui, "What it means stands here. Nothing of it leaves this machine.");
            ui.add(Label::new(text).wrap());
        }
        Slot::Failed(failed) => problem::show(ui, failed),
        Slot::Done(verdict) => told(ui, verdict),
    }
}

fn foot(ui: &mut Ui, state: &ExplainState) -> (Option<Intent>, bool) {
    let status = state.code();
    let (acts, cancels) = buttons(ui, "Explain", status.is_some(), state.verdict.waiting());
    let (headers, body) = (state.headers.clone(), state.body.clone());
    let intent = status.filter(|_| acts).map(|status| Intent::Explain(PastedError { provider: state.provider, status, headers, body }));
    (intent, cancels)
}

fn pasted(ui: &mut Ui, name: &str, hint: &str, rows: usize, text: &mut String) {
    let label = ui.label(note(ui, name));
    ScrollArea::vertical().id_salt(name).max_height(if rows > 5 { 190.0 } else { 96.0 }).show(ui, |ui| {
        let field = TextEdit::multiline(text).hint_text(hint).code_editor().desired_rows(rows).desired_width(f32::INFINITY);
        ui.add(field.lock_focus(false)).labelled_by(label.id);
    });
    ui.add_space(theme().space.tight);
}

fn told(ui: &mut Ui, verdict: &Verdict) {
    let c = colors(ui);
    ui.horizontal(|ui| {
        let color = if matches!(verdict.kind, VerdictKind::Wait | VerdictKind::Overload) { c.binding } else { c.error };
        ui.add(Label::new(section(capital(verdict_word(verdict.kind))).color(color)));
        let whose = note(ui, whose(verdict.whose));
        ui.label(whose);
    });
    for text in [&verdict.reason, &verdict.advice] {
        let text = problem::prose(ui, &problem::sentence(text), &egui::TextStyle::Body);
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(theme().space.tight);
    page::facts(ui, "verdict", &facts(verdict));
    ui.add_space(theme().space.tight);
    let text = serde_json::to_string_pretty(&verdict.json()).unwrap_or_default();
    ui.horizontal(|ui| {
        let heading = note(ui, "The same as `tierline explain --json` writes it");
        ui.label(heading);
        copy(ui, "Copy the JSON", &text);
    });
    ScrollArea::vertical().id_salt("verdict as JSON").max_height(96.0).show(ui, |ui| {
        ui.add(Label::new(mono(&text)).wrap().selectable(true));
    });
}

/// What the provider said in numbers; what it did not say has no line.
#[must_use]
pub fn facts(verdict: &Verdict) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(verdict.dimension.map(|dimension| match verdict.period {
        Some(period) => ("limit", format!("{}, {} in a {}", Meter(dimension, period), dimension.unit(), period.name())),
        None => ("limit", format!("{}, over a time it did not say", dimension.unit())),
    }));
    let amount = |n| verdict.dimension.map_or_else(|| format::grouped(n), |dimension| format::amount(dimension, n));
    facts.extend(verdict.limit.map(|n| ("allowed", amount(n))));
    facts.extend(verdict.used.map(|n| ("used", amount(n))));
    facts.extend(verdict.requested.map(|n| ("wanted", amount(n))));
    facts.extend(verdict.scope.map(|scope: ScopeKind| ("of the", scope.name().to_owned())));
    facts.push(("wait", verdict.retry_after.map_or_else(|| "no time was given".to_owned(), format::duration)));
    facts
}

const fn whose(whose: Whose) -> &'static str {
    match whose {
        Whose::Account => "about your account or your request",
        Whose::Provider => "about the provider, not about you",
        Whose::Gateway => "from Tierline itself",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
