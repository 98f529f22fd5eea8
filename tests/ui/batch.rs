//! The batch panel by its accessible names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use jiff::SignedDuration;
use tierline::domain::batch::{
    BadRow, BatchCheck, BatchEstimate, BatchId, BatchOrder, BatchProgress, BatchRecord, BatchRunner, BatchState, BatchVia, BatchView,
    BatchWish,
};
use tierline::domain::command::Command;
use tierline::domain::{AccountId, ModelId, Problem};
use tierline::journal::LiveView;
use tierline::ui::{PanelId, ThemeChoice};

use super::{Window, fixture, themed, window};

fn record(id: i64, state: BatchState, rows: u64, answered: u64, failed: u64) -> BatchRecord {
    BatchRecord {
        id: BatchId(id),
        input: PathBuf::from(format!("/home/ada/work/evaluation-of-the-summariser/prompts-{id}.jsonl")),
        output: PathBuf::from(format!("/home/ada/work/evaluation-of-the-summariser/prompts-{id}.out.jsonl")),
        account: "claude-work".into(),
        via: BatchVia::Gateway,
        ordered: true,
        state,
        reason: None,
        rows,
        answered,
        failed,
        resent: 0,
        cost_nanos: answered * 1_530_000,
        unpriced: 0,
        input_tokens: answered * 812,
        output_tokens: answered * 240,
        written: answered / 2,
        output_bytes: 0,
        estimate: Some(estimate()),
        ran_secs: 0,
        created_at: fixture::now() - SignedDuration::from_mins(20 * id),
        updated_at: fixture::now(),
    }
}

fn estimate() -> BatchEstimate {
    BatchEstimate {
        least_secs: Some(720),
        expected_secs: Some(1_260),
        binding: Some("OTPM".into()),
        cost_nanos: Some(4_590_000_000),
        most_cost_nanos: Some(9_200_000_000),
        basis: vec!["claude-sonnet-5-5: answers of 240 tokens, as in the last 7 days; limits of claude-work as they stand".into()],
    }
}

fn with(batches: Vec<BatchView>) -> LiveView {
    LiveView { batches: Arc::new(batches), ..fixture::busy() }
}

fn running() -> BatchView {
    let progress = BatchProgress {
        rows: 3_000,
        answered: 1_204,
        failed: 3,
        in_flight: 26,
        again: 2,
        rows_per_min: 141.6,
        eta_secs: Some(760),
        latest_secs: None,
        cost_nanos: 1_842_000_000,
        bound_by: Some("OTPM".into()),
        at_provider: 0,
        pausing_secs: None,
        elapsed_secs: 512,
    };
    BatchView { record: record(4, BatchState::Running, 3_000, 1_200, 3), runner: BatchRunner::Here, progress: Some(progress) }
}

fn several() -> LiveView {
    let paused =
        BatchRecord { reason: Some("the next row could exceed the maximum cost".into()), ..record(3, BatchState::Paused, 800, 511, 0) };
    let left = record(2, BatchState::Running, 12_000, 640, 0);
    let done = BatchRecord { ran_secs: 1_311, ..record(1, BatchState::Done, 3_000, 2_996, 4) };
    let idle = |record| BatchView { record, runner: BatchRunner::Nobody, progress: None };
    with(vec![running(), idle(paused), idle(left), idle(done)])
}

fn check() -> BatchCheck {
    let reasons = ["not JSON: key must be a string at column 2", "the custom_id \"r3\" stands on line 4 already"];
    BatchCheck {
        rows: 400,
        bad: 2,
        bad_rows: reasons.into_iter().zip([401, 402]).map(|(reason, line)| BadRow { line, reason: reason.into() }).collect(),
        models: vec![(ModelId::new("claude-sonnet-5-5"), 400)],
        warnings: vec!["the model claude-3-haiku retires 2026-12-11; use claude-haiku-4-5".into()],
        output: "/data/rows.out.jsonl".into(),
        via: BatchVia::Gateway,
        why: None,
        unfinished: None,
        estimate: estimate(),
    }
}

/// A file that was checked, with this result.
fn checked(result: Result<BatchCheck, Problem>) -> (Window, BatchOrder) {
    checked_in(ThemeChoice::Dark, result)
}

fn checked_in(theme: ThemeChoice, result: Result<BatchCheck, Problem>) -> (Window, BatchOrder) {
    let mut w = themed(with(Vec::new()), PanelId::Batch, theme);
    w.click("New batch…");
    w.write("Rows", "/data/rows.jsonl");
    w.click("Check the file");
    let Command::CheckBatch(order, _, reply) = w.order() else { panic!("the file is not checked") };
    reply.send(result);
    w.harness.run_ok();
    (w, order)
}

#[test]
fn picture_of_the_batches() {
    window(several(), PanelId::Batch).picture("batch_dark");
    themed(several(), PanelId::Batch, ThemeChoice::Light).picture("batch_light");
}

#[test]
fn picture_of_a_checked_file() {
    checked_in(ThemeChoice::Dark, Ok(check())).0.picture("batch_new_dark");
    checked_in(ThemeChoice::Light, Ok(check())).0.picture("batch_new_light");
}

#[test]
fn a_way_through_the_provider_asks_how_often_to_look_there() {
    let mut w = window(with(Vec::new()), PanelId::Batch);
    w.click("New batch…");
    w.write("Rows", "/data/rows.jsonl");
    assert!(!w.shows("Seconds between looks"), "nothing is looked for at the gateway");
    w.choose("Way", "The provider's batch API");
    w.write("Seconds between looks at it there", "90");
    w.click("Check the file");
    let Command::CheckBatch(order, ..) = w.order() else { panic!("the file is not checked") };
    assert_eq!(order.options.poll, Some(Duration::from_secs(90)));
}

#[test]
fn nothing_is_sent_before_bad_rows_were_seen() {
    let (mut w, order) = checked(Ok(check()));
    assert_eq!((order.account, order.input.to_str(), order.skip_invalid), (AccountId(1), Some("/data/rows.jsonl"), false));
    for part in [
        "400 rows can be sent, 2 cannot.",
        "stands on line 4 already",
        "retires 2026-12-11",
        "The answers go to /data/rows.out.jsonl.",
        "Mend the rows below, or go on without them.",
    ] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Start");
    assert_eq!(w.orders.try_iter().filter(|order| matches!(order, Command::StartBatch(..))).count(), 0, "it cannot be started yet");
    w.harness.get_by_role_and_label(Role::CheckBox, "Go on without the 2 rows that cannot be sent").click();
    w.harness.run_ok();
    w.click("Start");
    let Command::StartBatch(order, progress, reply) = w.order() else { panic!("it is not started") };
    assert!(order.skip_invalid);
    assert!(progress.advance(250));
    w.harness.step();
    assert!(w.shows("250 rows written into the journal…"));
    reply.send(Ok(BatchId(4)));
    w.view(several());
    assert!(w.shows("1\u{202f}207 of 3\u{202f}000 rows"), "the batch that was started is shown");
}

#[test]
fn a_form_that_changed_is_checked_again() {
    let (mut w, _) = checked(Ok(BatchCheck { bad: 0, bad_rows: Vec::new(), ..check() }));
    assert!(w.shows("Rows go behind everything interactive."));
    w.write("Model", "claude-opus-5");
    assert!(w.shows("The form has changed: check the file again."));
}

#[test]
fn fields_say_what_is_wrong_with_them() {
    let mut w = window(with(Vec::new()), PanelId::Batch);
    w.click("New batch…");
    for (field, text) in [("Most it may cost, $", "two"), ("Pause at", "soon"), ("Rows at once", "-3")] {
        w.write(field, text);
    }
    w.click("Check the file");
    assert!(w.orders.try_iter().all(|order| matches!(order, Command::SaveSetting(..))), "nothing is ordered");
    for part in ["Name the file with the rows.", "like 2.50", "like 8h", "from 1 to 10000"] {
        assert!(w.shows(part), "{part}");
    }
}

#[test]
fn a_check_shows_how_far_it_is_can_be_stopped_and_can_fail() {
    let mut w = window(with(Vec::new()), PanelId::Batch);
    w.click("New batch…");
    w.write("Rows", "/data/rows.jsonl");
    w.click("Check the file");
    let Command::CheckBatch(_, progress, reply) = w.order() else { panic!("the file is not checked") };
    assert!(progress.advance(90_000));
    w.harness.step();
    assert!(w.shows("90\u{202f}000 rows checked…"));
    w.harness.get_by_role_and_label(Role::Button, "Stop").click();
    w.harness.step();
    assert!(!progress.advance(90_001));
    reply.send(Err(Problem::new("stopped before the end of the file")));
    w.harness.run_ok();
    assert!(w.shows("stopped before the end of the file."));

    let (w, _) = checked(Ok(BatchCheck { unfinished: Some(BatchId(3)), ..check() }));
    assert!(w.shows("Batch 3 of this file is not over: it goes on where it stopped.") && w.shows("Go on"));
}

#[test]
fn a_running_batch_tells_how_it_goes_and_is_paused() {
    let mut w = window(several(), PanelId::Batch);
    for part in [
        "142 rows a minute",
        "about 12\u{202f}min\u{202f}40\u{202f}s",
        "OTPM",
        "8\u{202f}min\u{202f}32\u{202f}s, 21\u{202f}min\u{202f}12\u{202f}s in all",
    ] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Pause");
    let Command::StopBatch(id, wish, reply) = w.order() else { panic!("it is not paused") };
    assert_eq!((id, wish), (BatchId(4), BatchWish::Pause));
    reply.send(Ok(()));
    w.harness.run_ok();
    assert!(w.shows("Pausing: rows that are on their way are let end"));
}

#[test]
fn batches_that_stopped_say_why_and_go_on() {
    let mut w = window(several(), PanelId::Batch);
    w.click("Batch 3, prompts-3.jsonl, paused, 511 of 800 rows");
    assert!(w.shows("The next row could exceed the maximum cost."));
    w.click("Resume");
    let Command::ResumeBatch(id, _, reply) = w.order() else { panic!("it does not go on") };
    assert_eq!(id, BatchId(3));
    reply.send(Err(Problem::new("the input has changed since batch 3 was planned")));
    w.harness.run_ok();
    assert!(w.shows("The input has changed since batch 3 was planned."));

    w.click("Batch 2, prompts-2.jsonl, interrupted, 640 of 12\u{202f}000 rows");
    assert!(w.shows("The process that ran it has ended.") && w.shows("Resume"));
}

#[test]
fn the_way_is_chosen_told_and_kept() {
    let mut w = window(with(Vec::new()), PanelId::Batch);
    w.click("New batch…");
    w.write("Rows", "/data/rows.jsonl");
    w.choose("Way", "As deadline and cost decide");
    w.write("Pause at", "48h");
    w.click("Check the file");
    let Command::CheckBatch(order, _, reply) = w.order() else { panic!("the file is not checked") };
    assert_eq!((order.via, order.as_they_come), (None, false));
    let why = "through the batch API, because its 24 h end before the deadline in 2 days: for $2.30 instead of $4.59";
    reply.send(Ok(BatchCheck { bad: 0, bad_rows: Vec::new(), via: BatchVia::ProviderBatch, why: Some(why.into()), ..check() }));
    w.harness.run_ok();
    assert!(w.shows("Through the batch API, because its 24 h end before the deadline"));
    w.write("Pause at", " 30m");
    assert!(w.shows("The form has changed: check the file again."), "another deadline may decide otherwise");
    w.click("Check the file");
    let Command::CheckBatch(_, _, reply) = w.order() else { panic!("the file is not checked") };
    reply.send(Ok(BatchCheck { bad: 0, bad_rows: Vec::new(), via: BatchVia::ProviderBatch, why: Some(why.into()), ..check() }));
    w.harness.run_ok();
    w.click("Start");
    let Command::StartBatch(order, ..) = w.order() else { panic!("it is not started") };
    assert_eq!(order.via, Some(BatchVia::ProviderBatch), "what was seen is what is done");
}

#[test]
fn whoever_else_runs_a_batch_is_named_and_asked() {
    let progress = BatchProgress { rows: 3_000, answered: 900, rows_per_min: 60.0, eta_secs: Some(2_100), ..BatchProgress::default() };
    let runner = BatchRunner::Elsewhere(Some(4_711));
    let view = BatchView { record: record(5, BatchState::Running, 3_000, 900, 0), runner, progress: Some(progress) };
    let mut w = window(with(vec![view]), PanelId::Batch);
    for part in ["runs elsewhere", "Another Tierline (process 4711) runs it", "60 rows a minute", "about 35\u{202f}min"] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Pause");
    assert!(matches!(w.order(), Command::StopBatch(BatchId(5), BatchWish::Pause, _)));
}

#[test]
fn a_batch_is_cancelled_only_after_a_question() {
    let mut w = window(several(), PanelId::Batch);
    w.click("Cancel…");
    assert!(w.shows("1\u{202f}797 rows stay without an answer"));
    w.click("Cancel the rest");
    let Command::StopBatch(id, wish, _) = w.order() else { panic!("it is not cancelled") };
    assert_eq!((id, wish), (BatchId(4), BatchWish::Cancel));
}

#[test]
fn a_finished_batch_is_held_against_its_plan() {
    let mut w = window(several(), PanelId::Batch);
    w.click("Batch 1, prompts-1.jsonl, done, 3\u{202f}000 of 3\u{202f}000 rows");
    for part in ["Plan against actual", "21\u{202f}min\u{202f}00\u{202f}s", "21\u{202f}min\u{202f}51\u{202f}s", "$4.59", "$4.58"] {
        assert!(w.shows(part), "{part}");
    }
    assert!(w.harness.query_by_role_and_label(Role::Button, "Resume").is_none(), "what is over cannot go on");
}
