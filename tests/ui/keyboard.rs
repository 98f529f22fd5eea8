//! The keyboard reaches everything in reading order and shows where it is, and everything has a name for who cannot see it.

use std::collections::BTreeSet;

use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tierline::domain::AccountId;
use tierline::domain::command::Command;
use tierline::ui::{PanelId, UiState};

use super::{MARGIN, Window, fixture, outer, window};

const CONTROLS: [Role; 10] = [
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Link,
    Role::MultilineTextInput,
    Role::PasswordInput,
    Role::RadioButton,
    Role::Slider,
    Role::SpinButton,
    Role::TextInput,
];

/// A panel with everything answered that it asks for at first.
fn whole(panel: PanelId) -> Window {
    let mut w = window(fixture::busy(), panel);
    for _ in 0..3 {
        for order in w.orders.try_iter().collect::<Vec<_>>() {
            match order {
                Command::StartAtLogin(None, reply) => reply.send(Ok(false)),
                Command::Models(reply) => reply.send(Ok(fixture::models())),
                Command::Series(_, reply) => reply.send(Ok(fixture::series())),
                _ => {}
            }
        }
        w.harness.run_ok();
    }
    w
}

fn controls(w: &Window) -> Vec<Node<'_>> {
    w.harness.root().children_recursive().filter(|node| CONTROLS.contains(&node.accesskit_node().role())).collect()
}

/// What a screen reader would say of it.
fn name(node: &Node<'_>) -> String {
    let node = node.accesskit_node();
    node.label().filter(|label| !label.trim().is_empty()).unwrap_or_default()
}

fn unnamed(w: &Window) -> Vec<String> {
    let nameless = controls(w).into_iter().filter(|node| name(node).is_empty());
    nameless.map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect())).collect()
}

#[test]
fn every_control_has_a_name() {
    for panel in PanelId::ALL {
        assert_eq!(unnamed(&whole(panel)), Vec::<String>::new(), "{panel:?}");
    }
    for (panel, opens) in [
        (PanelId::Overview, "Explain an error…"),
        (PanelId::Accounts, "Add a key…"),
        (PanelId::Accounts, "Limits… work"),
        (PanelId::Accounts, "Remove… openai"),
        (PanelId::History, "Export…"),
        (PanelId::Models, "Folder scan"),
        (PanelId::Models, "claude-sonnet-5-5 of Anthropic, active"),
        (PanelId::Batch, "New batch…"),
        (PanelId::Planner, "As a batch"),
    ] {
        let mut w = whole(panel);
        w.click(opens);
        assert_eq!(unnamed(&w), Vec::<String>::new(), "{opens} in {panel:?}");
    }
    for view in [fixture::first_run(), fixture::busy()] {
        let mut w = window(view, PanelId::Overview);
        assert_eq!(unnamed(&w), Vec::<String>::new());
        w.press(Modifiers::COMMAND, Key::K);
        assert_eq!(unnamed(&w), Vec::<String>::new(), "the palette");
    }
    let mut w = whole(PanelId::Traffic);
    w.click_row("claude-code claude-sonnet-5-5 answering");
    assert_eq!(unnamed(&w), Vec::<String>::new(), "the drawer of a request");
}

/// Where the keyboard is.
fn focused(w: &Window) -> Option<(String, Rect)> {
    let node = w.harness.root().children_recursive().find(|node| node.accesskit_node().is_focused())?;
    Some((name(&node), node.rect()))
}

/// Everything that Tab comes by, from the beginning until it comes round.
fn tour(w: &mut Window) -> Vec<(String, Rect)> {
    const MOST: usize = 200;
    let mut seen: Vec<(String, Rect)> = Vec::new();
    for _ in 0..MOST {
        w.press(Modifiers::NONE, Key::Tab);
        let Some(at) = focused(w) else { continue };
        if seen.first().is_some_and(|first| first.0 == at.0 && first.1.min.distance(at.1.min) < 1.0) {
            return seen;
        }
        seen.push(at);
    }
    panic!("Tab does not come round in {MOST} steps");
}

#[test]
fn tab_reaches_everything_and_the_status_bar_last() {
    for panel in PanelId::ALL {
        let mut w = whole(panel);
        let tour = tour(&mut w);
        let names: Vec<&str> = tour.iter().map(|(name, _)| name.as_str()).collect();
        let rail = PanelId::ALL.map(PanelId::title);
        assert_eq!(names[..8], rail, "{panel:?} begins with the panels");
        let last = names.len() - 3;
        assert_eq!(names[last], "Copy the gateway URL", "{panel:?}: {names:?}");
        assert!(names[last + 1] == "Explain an error…" && names[last + 2] == "3 notices", "{names:?}");

        let reached: BTreeSet<&str> = names.iter().copied().collect();
        let missed: Vec<String> = controls(&w)
            .into_iter()
            .filter(|node| !node.accesskit_node().is_disabled())
            // the rows of the long table are walked with the arrow keys
            .filter(|node| panel != PanelId::Traffic || node.rect().width() <= 600.0)
            .map(|node| name(&node))
            .filter(|name| !reached.contains(name.as_str()))
            .collect();
        assert_eq!(missed, Vec::<String>::new(), "{panel:?}");
    }
}

#[test]
fn where_the_keyboard_is_can_be_seen() {
    let mut w = whole(PanelId::Accounts);
    w.harness.set_size(outer([900, 360]).into());
    w.harness.run_ok();
    let before = w.seen();
    for _ in 0..20 {
        w.press(Modifiers::NONE, Key::Tab);
        let Some((name, rect)) = focused(&w) else { continue };
        let after = w.seen();
        let around = rect.translate(-egui::Vec2::splat(MARGIN.into())).expand(3.0);
        let changed = after.enumerate_pixels().zip(before.pixels()).filter(|((x, y, one), two)| {
            #[expect(clippy::cast_precision_loss, reason = "pixels of a window")]
            let at = egui::pos2(*x as f32, *y as f32);
            one != two && around.contains(at)
        });
        assert!(changed.count() > 30, "{name} has the keyboard and does not show it");
    }
}

#[test]
fn the_palette_finds_panels_accounts_models_and_what_can_be_done() {
    let open = |text: &str| {
        let mut w = window(fixture::busy(), PanelId::Overview);
        w.press(Modifiers::COMMAND, Key::K);
        for order in w.orders.try_iter().collect::<Vec<_>>() {
            if let Command::Models(reply) = order {
                reply.send(Ok(fixture::models()));
            }
        }
        w.harness.run_ok();
        w.write("Command", text);
        w.press(Modifiers::NONE, Key::Enter);
        w
    };
    assert_eq!(open("planner").panel(), PanelId::Planner);
    let probes = |order: &Command| matches!(order, Command::Probe(AccountId(3), _));
    assert!(open("probe openai").orders.try_iter().any(|order| probes(&order)));
    assert!(open("limits openai").shows("Tierline keeps openai below these"));
    let w = open("traffic openai");
    assert_eq!((w.panel(), w.harness.state().state().traffic_filter.as_str()), (PanelId::Traffic, "openai"));
    let w = open("deepseek-chat");
    assert!(w.panel() == PanelId::Models && w.shows("1 of 3 models"));
    assert!(open("explain").shows("HTTP status"));
    assert!(open("history otpm").panel() == PanelId::History);
}

#[test]
fn escape_closes_what_is_in_front() {
    for (panel, opens, shows) in [
        (PanelId::Overview, "Explain an error…", "HTTP status"),
        (PanelId::Accounts, "Add a key…", "paste it; spaces around it do not matter"),
        (PanelId::Accounts, "Limits… work", "Tierline keeps work below these"),
        (PanelId::Accounts, "Remove… openai", "its key deleted from the keyring"),
        (PanelId::History, "Export…", "Header snapshots"),
        (PanelId::Models, "claude-sonnet-5-5 of Anthropic, active", "Plan with it"),
    ] {
        let mut w = whole(panel);
        w.click(opens);
        let before = controls(&w).len();
        w.press(Modifiers::NONE, Key::Escape);
        assert!(!w.shows(shows) && controls(&w).len() < before, "{opens}");
    }
}

#[test]
fn filters_and_the_chart_are_remembered() {
    let saved = |w: &Window| {
        let states = w.orders.try_iter().filter_map(|order| match order {
            Command::SaveSetting(name, json) if name == UiState::SETTING => Some(UiState::from_json(&json)),
            _ => None,
        });
        states.last()
    };
    let mut w = whole(PanelId::History);
    assert_eq!(saved(&w), None, "what nobody chose is not remembered");
    w.click("7 d");
    w.choose("Measure", "Cost");
    let chart = saved(&w).unwrap().chart.unwrap();
    assert_eq!((chart.range.name(), format!("{:?}", chart.measure)), ("7 d", "CostNanos".to_owned()));

    w.click("Traffic");
    w.write("Filter", "refused");
    let state = saved(&w).unwrap();
    assert_eq!(state.traffic_filter, "refused");
    let again = super::remembering(fixture::busy(), UiState { panel: PanelId::History, ..state });
    let Command::Series(query, _) = again.order() else { panic!("no chart is read") };
    assert_eq!(query.to.duration_since(query.from).as_hours(), 7 * 24);
}

#[test]
fn half_the_room_is_enough_to_act() {
    // a small screen at 200 %
    let small = |panel| {
        let mut w = whole(panel);
        w.harness.set_size(outer([640, 400]).into());
        w.harness.run_ok();
        w
    };
    for panel in PanelId::ALL {
        let w = small(panel);
        for node in controls(&w).into_iter().filter(|node| node.rect().top() < f32::from(400 + MARGIN)) {
            let at = node.rect();
            if panel == PanelId::Traffic && at.width() > 400.0 {
                continue; // a row of the long table tells of more than is drawn of it
            }
            assert!(at.right() <= f32::from(MARGIN + 640) + 1.0, "{} of {panel:?} is at {at:?}", name(&node));
        }
        let bar = ["Copy the gateway URL", "Explain an error…", "3 notices"].map(|name| w.harness.get_by_label(name).rect());
        assert!(bar.windows(2).all(|pair| pair[0].right() <= pair[1].left()), "the status bar lies over itself: {bar:?}");
    }
}
