//! The order of the traffic: as it comes, or by a column that the user chose.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use jiff::Timestamp;
use tierline::domain::command::Command;
use tierline::domain::{RequestId, RequestRecord};
use tierline::journal::LiveView;
use tierline::ui::panels::traffic::row::Row;
use tierline::ui::panels::traffic::rows::{Far, Rows};
use tierline::ui::widgets::sort::Order;
use tierline::ui::{PanelId, UiState};

use super::{Window, fixture, remembering, window};

fn record(id: u64, cost: Option<u64>) -> Arc<RequestRecord> {
    Arc::new(RequestRecord { cost_nanos: cost, ..fixture::record(id, 0) })
}

#[test]
fn live_rows_stand_where_the_order_wants_them_among_those_of_the_past() {
    let read = [(6, Some(5)), (5, None), (4, Some(9)), (3, Some(1))].map(|(id, cost)| record(id, cost));
    let live = [(9, Some(7)), (8, None), (7, Some(2))].map(|(id, cost)| record(id, cost));
    let by_cost = |falling| Some(Order { by: "Cost".into(), falling });
    for (order, shown, expect) in [
        (None, None, [9, 8, 7, 6, 5, 4, 3]),
        (by_cost(true), Some([2, 0, 3, 1]), [4, 9, 6, 7, 3, 8, 5]),
        (by_cost(false), Some([3, 0, 2, 1]), [3, 7, 6, 9, 4, 8, 5]),
    ] {
        let far = Far { read: &read, shown: shown.as_ref().map(<[usize; 4]>::as_slice) };
        let rows = Rows::new(live.iter().map(Row::Done).collect(), far, order.as_ref(), Timestamp::UNIX_EPOCH);
        let ids: Vec<u64> = (0..rows.len()).filter_map(|at| Some(rows.get(at)?.id().0)).collect();
        assert_eq!(ids, expect, "{order:?}");
        let places: Vec<_> = expect.iter().map(|id| rows.position(RequestId(*id))).collect();
        assert_eq!(places, (0..7).map(Some).collect::<Vec<_>>(), "{order:?}");
        assert!(rows.get(7).is_none() && rows.position(RequestId(1)).is_none());
    }
}

/// The names of the first rows, from the top down.
fn top(w: &Window, count: usize) -> Vec<String> {
    let rows = w.harness.query_all_by(|node| node.role() == Role::Button && node.toggled().is_some());
    let mut rows: Vec<_> = rows.filter(|node| node.rect().width() > 600.0).collect();
    rows.sort_by(|a, b| a.rect().top().total_cmp(&b.rect().top()));
    rows.into_iter().take(count).filter_map(|node| node.accesskit_node().label()).collect()
}

#[test]
fn a_click_on_a_head_sorts_a_second_turns_it_round_and_a_third_undoes_it() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    let first = top(&w, 3);
    w.click("Status");
    assert_eq!(top(&w, 1), ["claude-code claude-sonnet-5-5 provider unreachable"], "502 is the greatest");
    w.click("Status, falling");
    assert!(top(&w, 1)[0].ends_with(" ok") || top(&w, 1)[0].ends_with("client went away"), "{:?}", top(&w, 1));
    w.click("Status, rising");
    assert_eq!(top(&w, 3), first);

    w.click("Client");
    assert!(top(&w, 1)[0].starts_with("claude-code"), "texts begin with A");
    // the choice goes with its row, not with its place
    w.click_row("claude-code claude-sonnet-5-5 answering");
    w.click("Client, rising");
    assert!(w.shows("Request 1990"));

    let saved = w.orders.try_iter().filter_map(|order| match order {
        Command::SaveSetting(name, json) if name == UiState::SETTING => Some(UiState::from_json(&json)),
        _ => None,
    });
    let again = remembering(fixture::busy(), saved.last().unwrap());
    assert!(again.harness.query_by_label("Client, falling").is_some(), "the order is remembered");
}

#[test]
fn sorted_rows_of_the_past_are_read_on_when_asked_for() {
    let empty = LiveView { recent: [].into(), running: vec![], waiting: Arc::default(), ..fixture::busy() };
    let mut w = window(empty, PanelId::Traffic);
    let Command::Requests(query, reply) = w.order() else { panic!("no older requests are read") };
    let page = (0..u64::from(query.limit)).map(|n| RequestRecord { attempts: 9, ..fixture::record(100_000 - n, 10) });
    reply.send(Ok(page.collect()));
    w.harness.run_ok();
    w.click("Tries");
    w.press(Modifiers::NONE, Key::Escape);
    w.press(Modifiers::NONE, Key::End);
    assert!(w.orders.try_iter().all(|order| !matches!(order, Command::Requests(..))), "rows would move away");
    w.click("Search older");
    let Command::Requests(_, reply) = w.order() else { panic!("the past is not read on") };
    reply.send(Ok(vec![RequestRecord { attempts: 12, ..fixture::record(98_000, 10) }]));
    w.harness.run_ok();
    w.press(Modifiers::NONE, Key::Home);
    w.press(Modifiers::NONE, Key::Enter);
    assert!(w.shows("Request 98000"), "a page that comes later is sorted in");
}
