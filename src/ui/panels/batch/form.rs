//! The form for a new batch. What is wrong is said where it is wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Align2, Label, TextEdit, Ui};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::domain::batch::{BatchOptions, BatchOrder, BatchVia};
use crate::domain::budget::Dollars;
use crate::domain::{AccountId, ModelId};

use super::super::super::scene::Scene;
use super::super::super::theme::{note, theme};
use super::super::super::widgets::chooser::{Choose, Chooser};
use super::super::super::widgets::dialog::primary;
use super::super::super::widgets::field::Field;
use super::super::super::widgets::page;
use super::super::accounts::limits::number;
use super::super::history::combo;
use super::super::planner::Seed;

/// The fields as they are typed.
#[derive(Debug, Default)]
pub struct Form {
    path: String,
    chooser: Chooser,
    account: Option<AccountId>,
    model: String,
    template: String,
    max_output: String,
    output: String,
    out_chooser: Chooser,
    max_cost: String,
    deadline: String,
    concurrency: String,
    poll: String,
    way: Way,
    as_they_come: bool,
    /// Go on without the rows that cannot be sent.
    pub skip_invalid: bool,
    /// Errors are shown from the first try on.
    tried: bool,
}

/// Which way the rows are to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Gateway,
    ProviderBatch,
    Auto,
}

impl Way {
    const ALL: [Self; 3] = [Self::Gateway, Self::ProviderBatch, Self::Auto];

    const fn title(self) -> &'static str {
        match self {
            Self::Gateway => "One by one, at the limits",
            Self::ProviderBatch => "The provider's batch API",
            Self::Auto => "As deadline and cost decide",
        }
    }

    const fn fixed(self) -> Option<BatchVia> {
        match self {
            Self::Gateway => Some(BatchVia::Gateway),
            Self::ProviderBatch => Some(BatchVia::ProviderBatch),
            Self::Auto => None,
        }
    }
}

/// What is wrong with the fields, one by one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    path: Option<String>,
    account: Option<String>,
    max_output: Option<String>,
    max_cost: Option<String>,
    deadline: Option<String>,
    concurrency: Option<String>,
    poll: Option<String>,
}

impl Form {
    /// Filled with what was planned.
    #[must_use]
    pub fn of(seed: Seed) -> Self {
        Self { path: seed.path.unwrap_or_default(), account: seed.account, model: seed.model.to_string(), ..Self::default() }
    }

    /// Takes in what the desktop's dialogs answered.
    pub fn settle(&mut self) {
        if let Some(path) = self.chooser.poll() {
            self.path = path.display().to_string();
        }
        if let Some(path) = self.out_chooser.poll() {
            self.output = path.display().to_string();
        }
    }

    /// The order that the fields make.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn order(&self, now: Timestamp, zone: &TimeZone) -> Result<BatchOrder, Wrong> {
        let mut wrong = Wrong::default();
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut count = |field: &str, most: u64, slot: fn(&mut Wrong) -> &mut Option<String>| {
            let n = number(field).filter(|n| *n <= most);
            if n.is_none() && !field.trim().is_empty() {
                *slot(&mut wrong) = Some(format!("Write a whole number from 1 to {most}."));
            }
            n
        };
        let max_output = count(&self.max_output, 1_000_000, |wrong| &mut wrong.max_output);
        let concurrency = count(&self.concurrency, 10_000, |wrong| &mut wrong.concurrency);
        let poll_secs = count(&self.poll, 86_400, |wrong| &mut wrong.poll);
        let max_cost_nanos = text(&self.max_cost).and_then(|text| {
            let nanos = Dollars::parse(&text).map(|Dollars(nanos)| nanos);
            if nanos.is_none() {
                wrong.max_cost = Some("Write an amount in dollars, like 2.50.".into());
            }
            nanos
        });
        let deadline = text(&self.deadline).and_then(|text| {
            let at = moment(&text, now, zone);
            if at.is_none() {
                wrong.deadline = Some("Write a time from now like 8h, or a moment like 2026-11-25 06:00.".into());
            }
            at
        });
        if self.path.trim().is_empty() {
            wrong.path = Some("Name the file with the rows.".into());
        }
        let Some(account) = self.account.filter(|_| wrong == Wrong::default()) else {
            wrong.account = self.account.is_none().then(|| "Choose the account that serves them.".into());
            return Err(wrong);
        };
        Ok(BatchOrder {
            input: PathBuf::from(self.path.trim()),
            account,
            model: text(&self.model).map(|model| ModelId::new(&model)),
            template: text(&self.template),
            max_output,
            output: text(&self.output).map(PathBuf::from),
            via: self.way.fixed(),
            as_they_come: self.as_they_come,
            skip_invalid: self.skip_invalid,
            options: BatchOptions {
                concurrency: concurrency.and_then(|n| usize::try_from(n).ok()),
                max_cost_nanos,
                deadline,
                poll: poll_secs.map(Duration::from_secs),
            },
        })
    }
}

/// Draws the form; answers with the order whose file is to be checked.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, form: &mut Form, busy: bool) -> Option<BatchOrder> {
    if form.account.and_then(|id| scene.account(id)).is_none() {
        form.account = scene.view.accounts.first().map(|account| account.account.id);
    }
    let found = form.order(scene.now, scene.zone);
    let wrong = if form.tried { found.err().unwrap_or_default() } else { Wrong::default() };
    page::group(ui, "File", "JSONL in the form of OpenAI's or Anthropic's batches, or columns");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    path(ui, "Rows", "/home/you/prompts.jsonl", &mut form.path, &mut form.chooser, Choose::File, wrong.path.as_deref());
    path(ui, "Answers", "beside the rows, as NAME.out.jsonl", &mut form.output, &mut form.out_chooser, Choose::NewFile, None);
    ui.horizontal(|ui| {
        let label = note(ui, "Account");
        ui.label(label);
        let account = form.account.and_then(|id| scene.account(id)).map_or("Choose one", |a| a.account.label.as_str());
        combo(ui, "Account", account, 160.0, |ui| {
            for a in scene.view.accounts.iter() {
                ui.selectable_value(&mut form.account, Some(a.account.id), &a.account.label);
            }
        });
    });
    ui.add_space(theme().space.close);
    Field::new("Model").hint("of rows that name none").show(ui, &mut form.model);
    let label = ui.label(note(ui, "Prompt, for plain columns"));
    let prompt = TextEdit::multiline(&mut form.template).hint_text("Translate {{text}} into {{language}}").desired_rows(2);
    ui.add(prompt.desired_width(f32::INFINITY).lock_focus(false)).labelled_by(label.id);
    ui.add_space(theme().space.tight);
    Field::new("Most output tokens, for plain columns").hint("1024").problem(wrong.max_output.as_deref()).show(ui, &mut form.max_output);

    page::group(ui, "Run", "all of these may stay as they are");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    combo(ui, "Way", form.way.title(), 230.0, |ui| {
        for way in Way::ALL {
            ui.selectable_value(&mut form.way, way, way.title());
        }
    });
    ui.checkbox(&mut form.as_they_come, "Write answers as they come, not in the order of the rows");
    ui.add_space(theme().space.tight);
    Field::new("Most it may cost, $").hint("no bound").problem(wrong.max_cost.as_deref()).show(ui, &mut form.max_cost);
    Field::new("Pause at").hint("8h, or 2026-11-25 06:00").problem(wrong.deadline.as_deref()).show(ui, &mut form.deadline);
    Field::new("Rows at once").hint("as many as the limits admit").problem(wrong.concurrency.as_deref()).show(ui, &mut form.concurrency);
    if form.way != Way::Gateway {
        let hint = "by the age of the batch";
        Field::new("Seconds between looks at it there").hint(hint).problem(wrong.poll.as_deref()).show(ui, &mut form.poll);
    }
    let mut asked = None;
    ui.horizontal(|ui| {
        if ui.add_enabled_ui(!busy, |ui| primary(ui, "Check the file")).inner {
            form.tried = true;
            asked = form.order(scene.now, scene.zone).ok();
        }
        let text = note(ui, "Nothing is sent yet.");
        ui.add(Label::new(text).truncate());
    });
    asked
}

fn path(ui: &mut Ui, name: &str, hint: &str, text: &mut String, chooser: &mut Chooser, what: Choose, wrong: Option<&str>) {
    let label = ui.label(note(ui, name));
    ui.push_id(name, |ui| {
        ui.horizontal(|ui| {
            let width = ui.available_width() - 92.0;
            ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(width).align(Align2::LEFT_CENTER)).labelled_by(label.id);
            chooser.button(ui, what, Path::new(text.trim()));
        });
    });
    chooser.remark(ui);
    if let Some(wrong) = wrong {
        ui.label(egui::RichText::new(wrong).small().color(super::super::super::theme::colors(ui).error));
    }
    ui.add_space(theme().space.tight);
}

/// `8h` from now, `2026-11-25 06:00` in the user's zone, or a moment with its own.
fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(local) = text.parse::<jiff::civil::DateTime>() {
        return Some(local.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    }
    let ahead = text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    now.checked_add(ahead).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let now = at("2026-11-24T14:00:00Z").unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, when) in [
            ("8h", at("2026-11-24T22:00:00Z")),
            ("90 min", at("2026-11-24T15:30:00Z")),
            ("2026-11-25 06:00", at("2026-11-25T05:00:00Z")),
            ("2026-11-25T06:00:00Z", at("2026-11-25T06:00:00Z")),
            ("soon", None),
        ] {
            assert_eq!(moment(text, now, &berlin), when, "{text:?}");
        }
    }
}
