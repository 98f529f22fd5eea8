//! Batches: which there are, how they go, and a new one, whose file is checked before anything is sent.

pub mod check;
pub mod detail;
pub mod form;
pub mod list;

use egui::{Align, Context, Label, Layout, ScrollArea, Ui, UiBuilder};

use crate::domain::batch::{BatchCheck, BatchId, BatchOptions, BatchOrder, BatchRunner, BatchState as Life, BatchView, BatchWish};
use crate::domain::command::Progress;

use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::theme;
use super::super::widgets::dialog::{buttons, dialog, primary};
use super::super::widgets::icon::Icon;
use super::super::widgets::sort::Order;
use super::super::widgets::{page, problem};
use super::planner::Seed;
use form::Form;

/// Which of the panel's two pages is in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Batches,
    New,
}

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct BatchState {
    page: Page,
    /// By which column they are sorted; newest first, if `None`.
    pub order: Option<Order>,
    /// The new batch, as it is typed.
    pub form: Form,
    /// What its file holds.
    pub check: Slot<BatchCheck>,
    /// How many rows were checked.
    pub checking: Progress,
    /// The order whose file was checked.
    checked: Option<BatchOrder>,
    /// Whether it could be started.
    pub started: Slot<BatchId>,
    /// How many rows were planned.
    pub planning: Progress,
    /// Whether a pause, a cancelling or a going on was taken.
    pub told: Slot<()>,
    /// What was asked of which batch last.
    asked: Option<(BatchId, BatchWish)>,
    selected: Option<BatchId>,
    cancelling: Option<BatchId>,
}

impl BatchState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.form.settle();
        self.check.poll();
        self.told.poll();
        self.started.poll();
        if let Slot::Done(id) = self.started {
            (self.page, self.selected) = (Page::Batches, Some(id));
            (self.started, self.check, self.checked) = (Slot::Idle, Slot::Idle, None);
            self.form = Form::default();
        }
    }

    /// Brings the form for a new batch to the front.
    pub const fn open_new(&mut self) {
        self.page = Page::New;
    }

    /// Brings the form to the front with what was planned.
    pub fn begin(&mut self, seed: Seed) {
        self.page = Page::New;
        (self.check, self.checked) = (Slot::Idle, None);
        self.form = Form::of(seed);
    }

    /// The order whose file is being checked from now on.
    pub fn checks(&mut self, order: &BatchOrder) {
        self.checking = Progress::default();
        self.checked = Some(order.clone());
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut BatchState) -> Option<Intent> {
    page::header(ui, "Batch", |ui| {
        if scene.view.batches.is_empty() && state.page == Page::Batches {
            return; // the empty page has the one button that there is use for
        }
        ui.selectable_value(&mut state.page, Page::New, "New batch");
        ui.selectable_value(&mut state.page, Page::Batches, "Batches");
    });
    page::rule(ui);
    ui.add_space(theme().space.close);
    let intent = match state.page {
        Page::Batches => batches(ui, scene, state),
        Page::New => new(ui, scene, state),
    };
    cancel(ui.ctx(), scene, state).or(intent)
}

fn batches(ui: &mut Ui, scene: &Scene<'_>, state: &mut BatchState) -> Option<Intent> {
    let views = &scene.view.batches;
    if views.is_empty() {
        let text =
            "A file of requests is run to the edge of the limits, behind your interactive work. It is checked first, and survives a crash.";
        let begins = page::empty(ui, Icon::Batch, "No batches", text, |ui| primary(ui, "New batch…"));
        if begins {
            state.page = Page::New;
        }
        return None;
    }
    let chosen = state.selected.and_then(|id| views.iter().find(|view| view.record.id == id)).or(views.first())?;
    let whole = ui.available_rect_before_wrap();
    if whole.width() < theme().size.stack_below - 200.0 {
        return ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                if let Some(id) = list::show(ui, scene, chosen.record.id, &mut state.order) {
                    state.selected = Some(id);
                }
                ui.add_space(theme().space.apart);
                detail(ui, scene, chosen, state)
            })
            .inner;
    }
    let (left, right) = whole.split_left_right_at_x(whole.right() - theme().size.side_wide);
    let left = left.with_max_x(left.right() - theme().space.apart);
    let mut list_ui = ui.new_child(UiBuilder::new().id_salt("list").max_rect(left).layout(Layout::top_down(Align::Min)));
    let clicked = ScrollArea::vertical()
        .id_salt("list")
        .auto_shrink(false)
        .show(&mut list_ui, |ui| list::show(ui, scene, chosen.record.id, &mut state.order));
    if let Some(id) = clicked.inner {
        state.selected = Some(id);
    }
    let mut side = ui.new_child(UiBuilder::new().id_salt("detail").max_rect(right).layout(Layout::top_down(Align::Min)));
    ScrollArea::vertical().id_salt("detail").auto_shrink(false).show(&mut side, |ui| detail(ui, scene, chosen, state)).inner
}

fn detail(ui: &mut Ui, scene: &Scene<'_>, view: &BatchView, state: &mut BatchState) -> Option<Intent> {
    let id = view.record.id;
    let running = view.record.state == Life::Running;
    // what was asked is done once the batch runs no more, and forgotten if it could not be asked
    if !running || state.told.problem().is_some() {
        state.asked = state.asked.filter(|(asked, _)| *asked != id);
    }
    let ending = state.asked.filter(|(asked, _)| *asked == id).map(|(_, wish)| wish);
    let wish = detail::show(ui, scene, view, ending, state.told.waiting());
    if let Some(failed) = state.told.problem() {
        ui.add_space(theme().space.close);
        problem::show(ui, failed);
    }
    match wish? {
        detail::Wish::Pause => {
            state.asked = Some((id, BatchWish::Pause));
            Some(Intent::StopBatch(id, BatchWish::Pause))
        }
        detail::Wish::Resume => Some(Intent::ResumeBatch(id)),
        detail::Wish::Cancel => {
            (state.cancelling, state.told) = (Some(id), Slot::Idle);
            None
        }
    }
}

fn new(ui: &mut Ui, scene: &Scene<'_>, state: &mut BatchState) -> Option<Intent> {
    if scene.view.accounts.is_empty() {
        page::empty(ui, Icon::Batch, "No account yet", "A batch needs the key of an account. Add one in the panel Accounts.", |_| ());
        return None;
    }
    let whole = ui.available_rect_before_wrap();
    let stacked = whole.width() < theme().size.stack_below - 200.0;
    if stacked {
        return ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                let asked = form::show(ui, scene, &mut state.form, state.check.waiting());
                ui.add_space(theme().space.apart);
                checked(ui, scene, state, asked)
            })
            .inner;
    }
    let (left, right) = whole.split_left_right_at_x(whole.left() + theme().size.side_wide);
    let mut form_ui = ui.new_child(UiBuilder::new().id_salt("form").max_rect(left).layout(Layout::top_down(Align::Min)));
    let asked = ScrollArea::vertical().id_salt("form").auto_shrink(false).show(&mut form_ui, |ui| {
        ui.set_width(theme().size.side_wide - theme().space.near);
        form::show(ui, scene, &mut state.form, state.check.waiting())
    });
    let right = right.with_min_x(right.left() + theme().space.apart);
    let mut check_ui = ui.new_child(UiBuilder::new().id_salt("check").max_rect(right).layout(Layout::top_down(Align::Min)));
    checked(&mut check_ui, scene, state, asked.inner)
}

/// What the file holds, and the button that starts it, which is there once that has been seen.
fn checked(ui: &mut Ui, scene: &Scene<'_>, state: &mut BatchState, asked: Option<BatchOrder>) -> Option<Intent> {
    if let Some(order) = asked {
        state.started = Slot::Idle;
        return Some(Intent::CheckBatch(order));
    }
    let now = state.form.order(scene.now, scene.zone).ok();
    let same = match (&state.checked, &now) {
        (Some(was), Some(now)) => {
            // the deadline is what the way was chosen by
            let deadline = |order: &BatchOrder| order.options.deadline.filter(|_| order.via.is_none());
            let options = |order: &BatchOrder| BatchOptions { deadline: deadline(order), ..BatchOptions::default() };
            let file = |order: &BatchOrder| BatchOrder { skip_invalid: false, options: options(order), ..order.clone() };
            file(was) == file(now)
        }
        _ => false,
    };
    if state.started.waiting() {
        check::planning(ui, &state.planning);
        return None;
    }
    let starts = check::show(ui, &state.check, &state.checking, same, &mut state.form.skip_invalid);
    if let Some(failed) = state.started.problem() {
        ui.add_space(theme().space.close);
        problem::show(ui, failed);
    }
    let (order, Slot::Done(check)) = (now.filter(|_| starts)?, &state.check) else { return None };
    // what was seen is what is done
    Some(Intent::StartBatch(BatchOrder { skip_invalid: state.form.skip_invalid, via: Some(check.via), ..order }))
}

/// The question before a batch is given up.
fn cancel(ctx: &Context, scene: &Scene<'_>, state: &mut BatchState) -> Option<Intent> {
    let id = state.cancelling?;
    let open = |view: &&BatchView| view.record.id == id && matches!(view.record.state, Life::Running | Life::Paused);
    let Some(view) = scene.view.batches.iter().find(open) else {
        state.cancelling = None;
        return None;
    };
    let answer = dialog(ctx, "Cancel the batch", theme().size.dialog, |ui| {
        let left = view.record.rows.saturating_sub(view.record.finished());
        let text = format!(
            "Batch {} sends nothing more: {} rows stay without an answer. The answers that there are go to {}.",
            id.0,
            super::super::format::grouped(left),
            view.record.output.display()
        );
        ui.add(Label::new(text).wrap());
        buttons(ui, "Cancel the rest", true, state.told.waiting())
    });
    let (acts, cancels) = answer.inner;
    if answer.closed || cancels || acts {
        state.cancelling = None;
    }
    acts.then(|| {
        state.asked = Some((id, BatchWish::Cancel));
        Intent::StopBatch(id, BatchWish::Cancel)
    })
}

/// How a batch stands, in a word. One that runs in no process that is known was interrupted.
#[must_use]
pub const fn state_word(view: &BatchView) -> &'static str {
    match view.record.state {
        Life::Running => match view.runner {
            BatchRunner::Here => "running",
            BatchRunner::Elsewhere(_) => "runs elsewhere",
            BatchRunner::Nobody => "interrupted",
        },
        state => state.name(),
    }
}
