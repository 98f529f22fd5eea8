//! The settings: what is chosen for the program, and the rules that the command line can set too.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use serde_json::json;
use tierline::domain::budget::Budget;
use tierline::domain::command::Command;
use tierline::domain::{AccountId, Fallback, ModelId, Period, Preferences, Problem};
use tierline::journal::LiveView;
use tierline::ui::PanelId;

use super::{Window, fixture, window};

#[test]
fn picture_of_the_rules() {
    rules().picture("settings_rules");
}

#[test]
fn preferences_are_sent_whole_and_quiet_ones_stay_quiet() {
    let mut w = window(fixture::busy(), PanelId::Settings);
    w.answer_settings(true);
    assert!(w.shows("newest row of 2026-11-20") && w.shows("No telemetry, ever."));
    let preferred = |w: &Window| match w.order() {
        Command::SetPreferences(preferences) => preferences,
        other => panic!("{other:?}"),
    };
    let check = |w: &mut Window, label: &str| {
        w.harness.get_by_role_and_label(Role::CheckBox, label).click();
        w.harness.run_ok();
    };
    check(&mut w, "The gateway goes on serving");
    assert_eq!(preferred(&w), Preferences { keep_running: true, ..Preferences::default() });
    check(&mut w, "From");
    assert_eq!(preferred(&w).notify.at_percent, Some(90));
    w.choose("Keep requests", "90 days");
    assert!(w.shows("older than 90 days are deleted, beginning now"));
    w.click("Cancel");
    w.choose("Keep requests", "90 days");
    w.click("Delete them");
    let wanted = preferred(&w);
    assert_eq!((wanted.keep_days, wanted.keep_running, wanted.notify.stopped), (Some(90), true, false));
    check(&mut w, "Start Tierline");
    let Command::StartAtLogin(Some(false), reply) = w.order() else { panic!("start at login was not switched off") };
    reply.send(Err(Problem::new("the autostart folder could not be changed")));
    w.harness.run_ok();
    assert!(w.shows("The autostart folder could not be changed."));
    w.click("Quit Tierline");
    assert!(matches!(w.order(), Command::Quit));
}

fn rules() -> Window {
    let mut w = window(fixture::busy(), PanelId::Settings);
    w.answer_settings(false);
    w.click("Rules");
    w
}

#[test]
fn a_budget_is_set_changed_taken_away_and_had_back() {
    let mut w = rules();
    assert!(w.shows("$187.25 of $200.00") && w.shows("$3.20 of $5.00"));
    w.click("Set");
    assert!(w.shows("Write an amount in dollars, like 5 or 12.50."));
    w.write("US dollars", "2");
    w.write("Time zone", "x");
    assert!(w.shows("No time zone is called UTCx"));

    w.click("Change the budget of work a day");
    assert!(w.shows("It replaces the one of $5.00."));
    w.click("Set");
    let Command::SetBudget(budget, reply) = w.order() else { panic!("no budget") };
    let of_work = Budget { account: Some(AccountId(1)), period: Period::DAY, nanos: 5_000_000_000, zone: "Europe/Berlin".into() };
    assert_eq!(budget, of_work);
    reply.send(Err(Problem::new("the disk is full")));
    w.harness.run_ok();
    assert!(w.shows("The disk is full."));

    w.choose("Each", "a month");
    w.choose("Budget of", "All accounts");
    w.write("US dollars", "12.5");
    assert!(w.shows("$187.25 is spent already: requests will be refused until it begins anew."));
    w.click("Set");
    let Command::SetBudget(budget, _) = w.order() else { panic!("no budget") };
    assert_eq!(budget, Budget { account: None, period: Period::MONTH, nanos: 12_500_000_000, zone: "UTC".into() });

    w.click("Remove the budget of work a day");
    assert!(matches!(w.order(), Command::RemoveBudget(Some(AccountId(1)), Period::DAY, _)));
    assert!(w.shows("The budget of $5.00 a day of work is gone."));
    w.click("Undo");
    let Command::SetBudget(budget, _) = w.order() else { panic!("no budget") };
    assert_eq!(budget, of_work);
}

#[test]
fn what_the_other_side_ignores_is_read_before_a_route_is_switched_on() {
    let mut w = rules();
    w.write("Requests for", "claude-opus-5");
    assert!(w.harness.query_by_label("Switch it on").is_none());
    w.click("Who could serve them?");
    let Command::RouteOffers(from, reply) = w.order() else { panic!("nobody was asked") };
    assert_eq!(from, ModelId::new("claude-opus-5"));
    reply.send(Ok(vec![fixture::route("claude-opus-5", "claude-opus-5")]));
    w.harness.run_ok();
    assert!(w.harness.query_by_label("Switch it on").is_none(), "no account is chosen yet");
    w.choose("Served by", "deepseek (chat_completions, messages)");
    assert!(w.shows("What differs at deepseek") && w.shows("messages: ignored: anthropic-version"));
    w.click("Switch it on");
    assert!(w.shows("Write the model's name at that account."));
    w.write("as", "deepseek-max");
    assert!(w.shows("The catalogue knows no deepseek-max there"));
    w.click("Switch it on");
    let Command::AddRoute(route, _) = w.order() else { panic!("no route") };
    let to = ModelId::new("deepseek-max");
    assert_eq!(route, Fallback { from: ModelId::new("claude-opus-5"), account: AccountId(5), to });

    w.click("Remove the route of claude-sonnet-5-5 to deepseek");
    assert!(matches!(w.order(), Command::RemoveRoute(..)));
    w.click("Undo");
    assert!(matches!(w.order(), Command::AddRoute(..)));

    w.write("Requests for", "gpt-6");
    w.click("Who could serve them?");
    let Command::RouteOffers(_, reply) = w.order() else { panic!("nobody was asked") };
    reply.send(Ok(Vec::new()));
    w.harness.run_ok();
    assert!(w.shows("No account speaks a format in which gpt-6 can be asked"));
}

#[test]
fn a_name_stands_for_another_until_it_is_taken_away() {
    let mut w = rules();
    w.click("Let it stand");
    assert!(w.shows("Write both names."));
    for (field, text) in [("Name in requests", "old"), ("Name that leaves", "new"), ("Last day", "soon")] {
        w.write(field, text);
    }
    assert!(w.shows("soon is not a date such as 2026-12-31."));
    w.click("Remove the name deepseek-chat of deepseek");
    assert!(matches!(w.order(), Command::RemoveAlias(AccountId(5), ..)));
    w.click("Undo");
    let Command::SetAlias(alias, _) = w.order() else { panic!("no name") };
    assert_eq!(serde_json::Value::Object(alias.set), json!({ "thinking": { "type": "disabled" } }));
}

#[test]
fn every_limit_that_is_set_is_listed_with_its_source() {
    let mut w = rules();
    for part in ["30 RPM", "16\u{202f}000 OTPM", "admin API", "you"] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Change RPM of work");
    assert!(w.shows("Tierline keeps work below these"));
    let mut w = window(LiveView { rules: std::sync::Arc::default(), ..fixture::busy() }, PanelId::Settings);
    w.answer_settings(false);
    w.click("Rules");
    assert!(w.shows("None is set, and none was read with an admin key."));
}
