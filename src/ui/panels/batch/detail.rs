//! One batch: how it goes, what can be done with it, and how that compares with what was planned.

use egui::{Grid, Label, RichText, Ui};

use crate::domain::Severity;
use crate::domain::batch::{BatchRunner, BatchState, BatchVia, BatchView, BatchWish};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, mono, note, section, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::{page, problem};
use super::list::{bar, cost, failed, finished, share, tone};

/// What is wanted of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Send nothing for now.
    Pause,
    /// Go on.
    Resume,
    /// Give up the rest, after a question.
    Cancel,
}

/// Draws it. `ending` is what was asked of it and not yet done.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, view: &BatchView, ending: Option<BatchWish>, busy: bool) -> Option<Wish> {
    let record = &view.record;
    let word = super::state_word(view);
    ui.horizontal(|ui| {
        ui.add(Label::new(section(format!("Batch {}", record.id.0))));
        let color = tone(record.state, word, colors(ui));
        ui.add(Label::new(RichText::new(word).color(color)));
        let text = note(ui, format!("planned {}", format::when(scene.now, record.created_at, scene.zone)));
        ui.add(Label::new(text).truncate()).on_hover_text(scene.both_zones(record.created_at));
    });
    page::rule(ui);
    ui.add_space(theme().space.close);
    let done = finished(view);
    bar(ui, done, record.rows, ui.available_width());
    let text = format!("{} of {} rows, {}", format::grouped(done), format::grouped(record.rows), share(done, record.rows));
    ui.add(Label::new(text).truncate());
    ui.add_space(theme().space.tight);
    page::facts(ui, "batch", &facts(scene, view));
    if let Some(reason) = &record.reason {
        ui.add_space(theme().space.tight);
        let severity = if reason.contains("by the user") { Severity::Info } else { Severity::Warning };
        problem::entry(ui, severity, &problem::sentence(reason), &[]);
    }
    if let BatchRunner::Elsewhere(process) = view.runner {
        ui.add_space(theme().space.tight);
        let who = process.map_or_else(|| "Another process".to_owned(), |process| format!("Another Tierline (process {process})"));
        let lines = ["A pause or a cancelling is asked of it, and takes effect within a second or two.".to_owned()];
        problem::entry(ui, Severity::Info, &format!("{who} runs it, such as `tierline batch run` in a terminal."), &lines);
    }
    if word == "interrupted" {
        ui.add_space(theme().space.tight);
        let lines = ["Rows that were on their way are sent again; no answer is lost.".to_owned()];
        problem::entry(ui, Severity::Warning, "The process that ran it has ended.", &lines);
    }
    ui.add_space(theme().space.close);
    let wish = match ending {
        None => actions(ui, view, busy),
        Some(wish) => {
            let doing = if wish == BatchWish::Pause { "Pausing" } else { "Cancelling" };
            let text = note(ui, format!("{doing}: rows that are on their way are let end, for 30 s at the most."));
            ui.add(Label::new(text).wrap());
            None
        }
    };
    ui.add_space(theme().space.apart);
    compare(ui, view);
    files(ui, view);
    wish
}

fn facts(scene: &Scene<'_>, view: &BatchView) -> Vec<(&'static str, String)> {
    let record = &view.record;
    let mut facts = Vec::new();
    if let Some(progress) = &view.progress {
        facts.push(("rate", format!("{} rows a minute", format::rate(progress.rows_per_min))));
        facts.push((
            "left",
            progress.eta_secs.map_or_else(|| "unknown yet".into(), |secs| format!("about {}", format::millis(secs * 1_000))),
        ));
        if let Some(secs) = progress.latest_secs {
            facts.push(("at the latest", format!("in {}, as the provider promises", format::millis(secs * 1_000))));
        }
        let (on_their_way, bound_by) = match view.runner {
            BatchRunner::Elsewhere(_) => through_here(scene, view),
            _ => (progress.in_flight, progress.bound_by.clone()),
        };
        facts.push(("on their way", format::grouped(on_their_way)));
        if progress.at_provider > 0 {
            let batches = if progress.at_provider == 1 { "1 batch".to_owned() } else { format!("{} batches", progress.at_provider) };
            facts.push(("at the provider", batches));
        }
        if progress.again > 0 {
            facts.push(("go again", format::grouped(progress.again)));
        }
        if record.via == BatchVia::Gateway {
            facts.push(("bound by", bound_by.unwrap_or_else(|| "nothing yet".into())));
        }
    }
    if record.via == BatchVia::ProviderBatch {
        facts.push(("way", "the provider's batch API".into()));
    }
    facts.push(("failed", format::grouped(failed(view))));
    if record.resent > 0 {
        facts.push(("sent twice", format!("{} that were on their way when it was interrupted", format::grouped(record.resent))));
    }
    let unpriced = if record.unpriced > 0 {
        format!(", and {} answers without a known price", format::grouped(record.unpriced))
    } else {
        String::new()
    };
    facts.push(("cost so far", format!("{}{unpriced}", format::money(cost(view)))));
    facts.push(("tokens", format!("{} in, {} out", format::short(record.input_tokens), format::short(record.output_tokens))));
    facts.push(("account", record.account.clone()));
    facts
}

/// Another process's rows that come through this gateway: how many are on their way, and what they wait for.
fn through_here(scene: &Scene<'_>, view: &BatchView) -> (u64, Option<String>) {
    let client = format!("batch-{}", view.record.id.0);
    let sent = scene.view.running.iter().filter(|running| running.arrival.client.as_str() == client).count();
    let waits = scene.view.waiting.iter().find(|waiting| waiting.client.as_str() == client);
    (sent as u64, waits.and_then(|waiting| waiting.bucket.as_ref()).map(|key| key.meter().to_string()))
}

fn actions(ui: &mut Ui, view: &BatchView, busy: bool) -> Option<Wish> {
    if !view.record.state.is_open() {
        return None;
    }
    let mut wish = None;
    ui.horizontal(|ui| {
        ui.add_enabled_ui(!busy, |ui| {
            let runs = view.runner != BatchRunner::Nobody;
            if runs {
                if ui.button("Pause").clicked() {
                    wish = Some(Wish::Pause);
                }
            } else if ui.button("Resume").clicked() {
                wish = Some(Wish::Resume);
            }
            if ui.button("Cancel…").clicked() {
                wish = Some(Wish::Cancel);
            }
        });
        if busy {
            let text = note(ui, "Working…");
            ui.label(text);
        }
    });
    wish
}

/// What was planned against what came of it; while it runs, against what it comes to at this rate.
fn compare(ui: &mut Ui, view: &BatchView) {
    let record = &view.record;
    let Some(estimate) = &record.estimate else { return };
    let over = record.state == BatchState::Done;
    page::group(ui, "Plan against actual", if over { "" } else { "not over yet" });
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let ran = record.ran_secs + view.progress.as_ref().map_or(0, |progress| progress.elapsed_secs);
    let unknown = || "unknown".to_owned();
    let planned_time = estimate.expected_secs.map_or_else(unknown, |secs| format::millis(secs * 1_000));
    let planned_cost = estimate.cost_nanos.map_or_else(unknown, format::money);
    let comes_to = view.progress.as_ref().and_then(|progress| progress.eta_secs).filter(|_| !over);
    let time = match comes_to {
        Some(left) => format!("{}, {} in all", format::millis(ran * 1_000), format::millis((ran + left) * 1_000)),
        None => format::millis(ran * 1_000),
    };
    let bound = view.progress.as_ref().and_then(|progress| progress.bound_by.clone()).unwrap_or_else(|| format::NONE.into());
    let lines = [
        ("time", planned_time, time),
        ("cost", planned_cost, format::money(cost(view))),
        ("binds", estimate.binding.clone().unwrap_or_else(unknown), bound),
    ];
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        Grid::new("plan against actual").num_columns(3).spacing([theme().space.apart, theme().space.hair]).show(ui, |ui| {
            for head in ["", "planned", if over { "actual" } else { "so far" }] {
                let text = note(ui, head);
                ui.label(text);
            }
            ui.end_row();
            for (name, planned, actual) in lines {
                let text = note(ui, name);
                ui.label(text);
                ui.label(RichText::new(planned).small());
                ui.label(RichText::new(actual).small());
                ui.end_row();
            }
        });
    });
    for line in &estimate.basis {
        let text = note(ui, format::regrouped(line));
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(theme().space.apart);
}

fn files(ui: &mut Ui, view: &BatchView) {
    page::group(ui, "Files", "");
    page::rule(ui);
    for (name, what, path) in [("from", "Copy the input's path", &view.record.input), ("to", "Copy the output's path", &view.record.output)]
    {
        ui.horizontal(|ui| {
            let text = note(ui, name);
            ui.label(text);
            let path = path.display().to_string();
            copy(ui, what, &path);
            ui.add(Label::new(mono(&path).small()).truncate());
        });
    }
    let (written, done) = (view.record.written, finished(view));
    let order = if view.record.ordered { "in the order of the rows" } else { "as they came" };
    let text = note(ui, format!("{} answers are in the output, {order}", format::grouped(written)));
    ui.add(Label::new(text).wrap());
    if written < done {
        let text = note(ui, format!("{} wait in the journal until it is their turn", format::grouped(done - written)));
        ui.add(Label::new(text).wrap());
    }
}
