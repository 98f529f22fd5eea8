//! What a row of the overview tells on hover, and what can be done about an outage.

use egui_kittest::kittest::Queryable as _;
use tierline::domain::command::Command;
use tierline::domain::{AccountId, Notice, Severity};
use tierline::journal::LiveView;
use tierline::ui::PanelId;

use super::{fixture, window};

#[test]
fn a_row_tells_on_hover_what_is_believed_of_it_and_why() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    assert!(!w.shows("48 of 48 answers agree"));
    w.harness.get_by_label_contains("OTPM of claude-sonnet-5-5: ").hover();
    w.harness.run_ok();
    for part in
        ["charge rule: output is reserved at max_tokens", "48 of 48 answers agree", "Does not run out at this pace", "in the last 5 min"]
    {
        assert!(w.shows(part), "{part}");
    }
}

#[test]
fn an_endpoint_that_keeps_failing_is_tried_when_the_user_says_so() {
    let outage = |secs_ago: i64| Notice {
        key: "outage/openai".into(),
        at: fixture::now() - jiff::SignedDuration::from_secs(secs_ago),
        severity: Severity::Error,
        text: "openai keeps failing: its requests are refused at once".into(),
        hint: None,
    };
    let mut w = window(LiveView { notices: vec![outage(60)], ..fixture::busy() }, PanelId::Overview);
    w.click("Try openai now");
    assert!(w.orders.try_iter().any(|order| matches!(order, Command::TryNow(AccountId(3), _))));
    w.harness.run_ok();
    assert!(w.shows("The next request tries it.") && !w.shows("Try openai now"));
    w.view(LiveView { notices: vec![outage(2)], ..fixture::busy() });
    assert!(w.shows("Try openai now"), "it failed again");
}
