//! The planner by its accessible names. The plans are the engine's own.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use tierline::domain::command::Command;
use tierline::domain::plan::{Demand, Load, LoadSource, PlanQuery};
use tierline::domain::{AccountId, ModelId, Problem, Provider};
use tierline::engine;
use tierline::ui::{PanelId, ThemeChoice};

use super::{Window, fixture, plain, themed, window};

impl Window {
    /// Answers every question of the planner as the engine would, and says what was asked last.
    fn planned(&mut self) -> PlanQuery {
        let mut last = None;
        for _ in 0..20 {
            let asked: Vec<Command> = self.orders.try_iter().filter(|order| !matches!(order, Command::SaveSetting(..))).collect();
            if asked.is_empty() {
                break;
            }
            for order in asked {
                match order {
                    Command::Plan(query, reply) => {
                        reply.send(engine::plan(&query, fixture::now()));
                        last = Some(query);
                    }
                    Command::Models(reply) => reply.send(Ok(fixture::models())),
                    other => panic!("not expected of a planner: {other:?}"),
                }
            }
            self.harness.run_ok();
        }
        last.expect("a plan was asked for")
    }

    fn row(&self, part: &str) -> bool {
        self.harness.query_all_by_role(Role::Button).any(|node| plain(&format!("{node:?}")).contains(part))
    }
}

fn planner() -> Window {
    let mut w = window(fixture::busy(), PanelId::Planner);
    w.planned();
    w
}

/// 100 requests a minute of 3,000 and 500 tokens at 2,000 RPM, 160,000 ITPM and 32,000 OTPM.
fn guide() -> Window {
    let mut w = planner();
    for (meter, limit) in [("RPM", "2000"), ("ITPM", "160 000"), ("OTPM", "32,000")] {
        w.write(meter, limit);
        w.planned();
    }
    w
}

#[test]
fn the_example_of_the_guide_fits_by_requests_and_by_neither_kind_of_tokens() {
    let mut w = guide();
    assert!(w.shows("It does not fit with your limits: ITPM and OTPM are too small."), "the sentence");
    assert!(w.row("your limits does not fit: RPM fits, ITPM does not fit, OTPM does not fit"), "the row");
    assert!(w.shows("ITPM: 300\u{202f}000 needed; your limits 160\u{202f}000, too small"), "the chart");

    w.click("Set the lower rate");
    let query = w.planned();
    assert_eq!(query.demand.requests_per_min, Some(53.33));
    assert!(w.shows("It fits with your limits."));
    w.click("Clear your own limits");
    assert!(w.planned().given.is_empty());
}

#[test]
fn picture_of_the_planner() {
    guide().picture("planner_dark");
    let mut w = themed(fixture::busy(), PanelId::Planner, ThemeChoice::Light);
    w.planned();
    w.picture("planner_light");
}

#[test]
fn it_begins_with_the_model_in_use_and_every_change_is_planned_anew() {
    let mut w = window(fixture::busy(), PanelId::Planner);
    let first = w.planned();
    assert_eq!((first.provider, first.model.as_str()), (Provider::Anthropic, "claude-sonnet-5-5"));
    assert_eq!(first.demand, Demand { requests_per_min: Some(100.0), input_tokens: 3_000, output_tokens: 500, ..Demand::default() });

    w.harness.get_by_role_and_label(Role::Slider, "Latency").focus();
    w.harness.run_ok();
    w.press(egui::Modifiers::NONE, Key::ArrowRight);
    let moved = w.planned();
    assert!(moved.demand.latency_secs.is_some_and(|secs| secs > 0.0), "a slider moves by key: {moved:?}");

    w.click("As a batch");
    let batch = w.planned();
    assert_eq!((batch.demand.requests_per_min, batch.demand.rows), (None, Some(1_000)));
    assert!(w.shows("Cost, the batch") && w.shows("The batch takes about"));
}

#[test]
fn a_tier_is_stood_on_by_a_click() {
    let mut w = planner();
    let name = "Build fits: RPM fits, ITPM fits, OTPM fits";
    w.harness.get_by_role_and_label(Role::Button, name).click();
    w.harness.run_ok();
    assert_eq!(w.planned().tier.as_deref(), Some("build"));
    assert!(w.shows("It fits with Build."));
}

#[test]
fn recorded_traffic_goes_to_the_sliders() {
    let mut w = planner();
    w.click("From my last 7 days");
    let Command::Loads(LoadSource::History(since), _, reply) = w.order() else { panic!("the history is not read") };
    assert_eq!(fixture::now().duration_since(since).as_hours(), 7 * 24);
    assert!(w.shows("Reading the history…"));
    let load = |model: &str, rate| Load {
        provider: Provider::OpenAi,
        model: ModelId::new(model),
        demand: Demand {
            requests_per_min: Some(rate),
            input_tokens: 812,
            output_tokens: 240,
            cached_share: 0.25,
            latency_secs: Some(4.5),
            rows: None,
        },
        basis: "41 recorded requests".into(),
        open_ended: 0,
    };
    reply.send(Ok(vec![load("gpt-6-luna", 12.0), load("gpt-4o-mini", 3.0)]));
    w.harness.run_ok();
    assert!(w.shows("Choose a model: its numbers go to the sliders."));
    w.click("gpt-4o-mini (OpenAI)");
    let query = w.planned();
    assert_eq!((query.model.as_str(), query.demand.requests_per_min, query.demand.cached_share), ("gpt-4o-mini", Some(3.0), 0.25));
    assert!(w.shows("41 recorded requests"));
}

#[test]
fn a_files_rows_go_to_the_sliders_and_on_to_a_batch() {
    let mut w = planner();
    w.click("From a file");
    w.write("File", "/data/prompts.jsonl");
    w.click("Read");
    let Command::Loads(LoadSource::File(path, account), progress, reply) = w.order() else { panic!("the file is not read") };
    assert_eq!((path.to_str(), account), (Some("/data/prompts.jsonl"), AccountId(1)));
    assert!(progress.advance(700));
    w.harness.step();
    assert!(w.shows("700 rows read…"));
    w.harness.get_by_role_and_label(Role::Button, "Stop").click();
    w.harness.step();
    assert!(!progress.advance(800), "reading a file can be stopped");
    let demand = Demand { rows: Some(900), input_tokens: 40, output_tokens: 64, ..Demand::default() };
    let model = ModelId::new("claude-sonnet-5-5");
    reply.send(Ok(vec![Load { provider: Provider::Anthropic, model, demand, basis: "900 rows".into(), open_ended: 7 }]));
    w.harness.run_ok();
    assert_eq!(w.planned().demand.rows, Some(900));
    assert!(w.shows("7 rows set no maximum for their answers"));

    w.click("Start a batch with this plan…");
    assert_eq!(w.panel(), PanelId::Batch);
    w.click("Check the file");
    let Command::CheckBatch(order, ..) = w.order() else { panic!("the file is not checked") };
    assert_eq!((order.input.to_str(), order.model.as_ref().map(ModelId::as_str)), (Some("/data/prompts.jsonl"), Some("claude-sonnet-5-5")));
}

#[test]
fn what_cannot_be_read_or_planned_is_said_in_its_place() {
    let mut w = planner();
    w.click("From a file");
    w.write("File", "/nowhere");
    w.click("Read");
    let Command::Loads(_, _, reply) = w.order() else { panic!("the file is not read") };
    reply.send(Err(Problem::new("the input /nowhere could not be read")));
    w.harness.run_ok();
    assert!(w.shows("The input /nowhere could not be read."));
    w.click("Typed in");
    w.write("TPM", "many");
    assert!(w.shows("Write whole numbers above zero, like 30000."));

    let mut w = window(fixture::first_run(), PanelId::Planner);
    let Command::Models(reply) = w.order() else { panic!("the catalogue is not read") };
    reply.send(Ok(fixture::models()));
    w.harness.run_ok();
    assert!(w.shows("Which model?"));
}
