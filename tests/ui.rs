//! The window by its accessible names, and pictures of it.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail where they stand, too")]

#[path = "support/cpu_renderer.rs"]
mod cpu_renderer;
#[path = "support/fixture.rs"]
mod fixture;

#[path = "ui/accounts.rs"]
mod accounts;
#[path = "ui/batch.rs"]
mod batch;
#[path = "ui/keyboard.rs"]
mod keyboard;
#[path = "ui/overview.rs"]
mod overview;
#[path = "ui/pictures.rs"]
mod pictures;
#[path = "ui/planner.rs"]
mod planner;
#[path = "ui/settings.rs"]
mod settings;
#[path = "ui/traffic.rs"]
mod traffic;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use cpu_renderer::CpuRenderer;
use egui::accesskit::Role;
use egui::{Key, Modifiers, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbaImage;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tierline::domain::command::{Command, ProbeReport};
use tierline::domain::query::{ExportFormat, ExportWhat, Measure, Series, Split};
use tierline::domain::view::{BucketView, ScanHit, ScanReport};
use tierline::domain::{
    AccountId, Dialect, Dimension, ModelId, Outcome, Period, Preferences, Problem, Provider, RequestId, RequestRecord, Secret, Severity,
};
use tierline::journal::LiveView;
use tierline::journal::live::Totals;
use tierline::ui::standing::{Mood, standing};
use tierline::ui::{App, AppOptions, PanelId, ThemeChoice, UiState, format, mark};

/// What the harness leaves free around the window.
const MARGIN: u16 = 8;
const SIZE: [u16; 2] = [1280, 800];

fn outer(size: [u16; 2]) -> [f32; 2] {
    size.map(|side| f32::from(side + 2 * MARGIN))
}

struct Window {
    harness: Harness<'static, App>,
    orders: Receiver<Command>,
}

fn window(view: LiveView, panel: PanelId) -> Window {
    themed(view, panel, ThemeChoice::Dark)
}

fn themed(view: LiveView, panel: PanelId, theme: ThemeChoice) -> Window {
    remembering(view, UiState { panel, theme, ..UiState::default() })
}

fn remembering(view: LiveView, state: UiState) -> Window {
    let (send, orders) = channel();
    let mut app = App::new(AppOptions {
        send: Box::new(move |order| send.send(order).unwrap()),
        clock: Arc::new(fixture::Standing),
        zone: TimeZone::UTC,
        state,
        preferences: Preferences::default(),
        export_folder: PathBuf::from("/home/ada/Documents"),
    });
    app.set_view(Arc::new(view));
    let mut harness = Harness::builder()
        .with_size(outer(SIZE))
        .with_render_cursor(false)
        .renderer(CpuRenderer::default())
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app);
    harness.run_ok();
    Window { harness, orders }
}

impl Window {
    fn click(&mut self, label: &str) {
        self.harness.get_by_role_and_label(Role::Button, label).click();
        self.harness.run_ok();
    }

    /// The first row of the traffic table with this label.
    fn click_row(&mut self, label: &str) {
        self.harness.get_all_by_role_and_label(Role::Button, label).next().unwrap().click();
        self.harness.run_ok();
    }

    fn choose(&mut self, selector: &str, choice: &str) {
        self.harness.get_by_role_and_label(Role::ComboBox, selector).click();
        self.harness.run_ok();
        self.click(choice);
    }

    fn write(&mut self, field: &str, text: &str) {
        let find = |node: &egui_kittest::Node<'_>| {
            matches!(node.accesskit_node().role(), Role::TextInput | Role::MultilineTextInput | Role::PasswordInput)
        };
        self.harness.get_all_by_label(field).find(find).unwrap().focus();
        self.harness.run_ok();
        self.harness.get_all_by_label(field).find(find).unwrap().type_text(text);
        self.harness.run_ok();
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_ok();
    }

    fn shows(&self, part: &str) -> bool {
        self.harness.query_all_by_label_contains(part).next().is_some()
    }

    fn panel(&self) -> PanelId {
        self.harness.state().state().panel
    }

    /// The newest order that is not for the settings.
    fn order(&self) -> Command {
        let mut orders: Vec<Command> = self.orders.try_iter().filter(|order| !matches!(order, Command::SaveSetting(..))).collect();
        orders.pop().expect("an order was given")
    }

    fn view(&mut self, view: LiveView) {
        self.harness.state_mut().set_view(Arc::new(view));
        self.harness.run_ok();
    }

    /// The settings ask whether Tierline starts at login, and for the date of the catalogue.
    fn answer_settings(&mut self, at_login: bool) {
        for _ in 0..3 {
            for order in self.orders.try_iter().collect::<Vec<_>>() {
                match order {
                    Command::StartAtLogin(None, reply) => reply.send(Ok(at_login)),
                    Command::Models(reply) => reply.send(Ok(fixture::models())),
                    _ => {}
                }
            }
            self.harness.run_ok();
        }
    }

    fn answer_series(&mut self, series: Result<Series, Problem>) {
        let Command::Series(_, reply) = self.order() else { panic!("no chart was asked for") };
        reply.send(series);
        self.harness.run_ok();
    }
}

fn plain(text: &str) -> String {
    text.replace(format::THIN, " ")
}

#[test]
fn the_icon_file_is_the_mark() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/icon.png");
    let drawn = RgbaImage::from_raw(256, 256, mark::rgba(256)).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        drawn.save(&path).unwrap();
    }
    assert!(image::open(&path).unwrap().to_rgba8() == drawn, "assets/icon.png is not what src/ui/mark.rs draws");
}

#[test]
fn panels_open_by_click_and_by_key_and_are_remembered() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.click("Traffic");
    assert_eq!(w.panel(), PanelId::Traffic);
    for (modifiers, key, panel) in [
        (Modifiers::NONE, Key::Num3, PanelId::History),
        (Modifiers::COMMAND, Key::Num4, PanelId::Accounts),
        (Modifiers::NONE, Key::Num5, PanelId::Models),
        (Modifiers::NONE, Key::Num6, PanelId::Batch),
        (Modifiers::NONE, Key::Num7, PanelId::Planner),
        (Modifiers::NONE, Key::Num8, PanelId::Settings),
        (Modifiers::COMMAND, Key::F, PanelId::Traffic),
    ] {
        w.press(modifiers, key);
        assert_eq!(w.panel(), panel);
    }
    let saved: Vec<UiState> = w
        .orders
        .try_iter()
        .filter_map(|order| match order {
            Command::SaveSetting(name, json) if name == UiState::SETTING => Some(UiState::from_json(&json)),
            _ => None,
        })
        .collect();
    assert_eq!(saved.last().unwrap().panel, PanelId::Traffic);

    w.write("Filter", "3");
    assert_eq!(w.panel(), PanelId::Traffic, "a digit that is typed into a field opens no panel");
    w.press(Modifiers::COMMAND, Key::Num1);
    assert_eq!(w.panel(), PanelId::Overview);
}

#[test]
fn nothing_is_drawn_while_nothing_moves() {
    let delay = |w: &Window| w.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay;
    for panel in PanelId::ALL {
        let mut w = window(fixture::calm(), panel);
        if panel == PanelId::History {
            w.answer_series(Ok(fixture::series()));
        }
        if panel == PanelId::Settings {
            w.answer_settings(false);
        }
        w.harness.run();
        assert_eq!(delay(&w), Duration::MAX, "{panel:?}");
    }
    let w = window(fixture::busy(), PanelId::Overview);
    assert!(delay(&w) <= Duration::from_secs(1) && delay(&w) > Duration::from_millis(500), "a countdown moves once a second");
}

#[test]
fn the_sentence_says_how_things_stand() {
    let busy = fixture::busy;
    let with = |change: fn(&mut LiveView)| {
        let mut view = fixture::calm();
        change(&mut view);
        view
    };
    let binding = |view: &mut LiveView, change: fn(&mut BucketView)| {
        let mut buckets = (*view.buckets).clone();
        buckets.iter_mut().filter(|b| b.binding && b.meter == "OTPM").for_each(change);
        view.buckets = Arc::new(buckets);
    };
    let mut full = fixture::calm();
    binding(&mut full, |b| b.remaining = 0);
    let mut one = fixture::calm();
    binding(&mut one, |b| b.remaining = 900);
    let mut much = fixture::calm();
    binding(&mut much, |b| b.remaining = 5_000);
    let mut others = busy();
    Arc::make_mut(&mut others.waiting)[1].class = tierline::domain::ModelClass::new("gpt-6-sol");
    for (view, mood, lead) in [
        (others, Mood::Waiting, "3 requests wait, the first for output tokens (OTPM) on claude-sonnet-5-5; it goes in 4 s."),
        (busy(), Mood::Waiting, "3 requests wait for output tokens (OTPM) on claude-sonnet-5-5; the next goes in 4 s."),
        (
            full,
            Mood::Waiting,
            "No room for another request like your recent ones before it refills in 55 s; output tokens (OTPM) bind on claude-sonnet-5-5.",
        ),
        (one, Mood::Calm, "Room for 1 more request like your recent ones this minute; output tokens (OTPM) bind on claude-sonnet-5-5."),
        (much, Mood::Calm, "Room for 10 more requests like your recent ones this minute; output tokens (OTPM) bind on claude-sonnet-5-5."),
        (with(|v| v.gateway = Err("port 4140 is taken".into())), Mood::Trouble, "The gateway is not running: port 4140 is taken."),
        (with(|v| v.gateway = Err("starting".into())), Mood::Calm, "Starting."),
        (
            with(|v| {
                v.recent.clear();
                v.running.clear();
                v.totals = Totals::default();
            }),
            Mood::Calm,
            "Ready. No request has come through yet.",
        ),
        (with(|v| v.recent.clear()), Mood::Calm, "Nothing waits. No limit is known that the recent requests draw on."),
    ] {
        let found = standing(&view, fixture::now());
        assert_eq!((found.mood, plain(&found.lead).as_str()), (mood, lead));
    }
}

#[test]
fn refusals_of_the_last_hour_are_counted_by_who_refused() {
    let record = |outcome, secs| Arc::new(RequestRecord { outcome, ..fixture::record(1, secs) });
    let refused = |secs: i64| fixture::now() - SignedDuration::from_secs(secs);
    for (refused_at, rows, note) in [
        (vec![], vec![], "0 running, 0 waiting. Nothing was refused in the last hour."),
        // it passed when it was repeated
        (vec![refused(60)], vec![record(Outcome::Ok, 58)], "0 running, 0 waiting. 1 refused by providers in the last hour."),
        (vec![], vec![record(Outcome::RefusedLocally, 60)], "0 running, 0 waiting. 1 refused by Tierline in the last hour."),
        (vec![refused(3_700)], vec![record(Outcome::Refused, 3_700)], "0 running, 0 waiting. Nothing was refused in the last hour."),
        (
            vec![refused(60)],
            vec![record(Outcome::Ok, 5); LiveView::RECENT],
            "0 running, 0 waiting. Nothing was refused among the last 500 requests.",
        ),
    ] {
        let view = LiveView { recent: rows.into(), refused_at: refused_at.into(), ..LiveView::new(fixture::now()) };
        assert_eq!(standing(&view, fixture::now()).note, note);
    }
}

#[test]
fn the_overview_tells_every_bucket_and_leads_to_who_waits() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    let rows: Vec<String> =
        w.harness.query_all_by_label_contains(" used, ").filter_map(|n| n.accesskit_node().label()).map(|l| plain(&l)).collect();
    assert_eq!(rows.len(), 9);
    assert_eq!(rows[2], "OTPM of claude-sonnet-5-5: 7 416 of 8 000 used, 2 048 held, 344 left, binds, 3 waiting, source header");
    assert_eq!(rows[7], "RPD of gemini-3.8-flash: 20 of 20 used, 0 held, 0 left, binds, frozen for 17 h 54 min, source catalog 2026-09-21");
    for part in ["shared by work, laptop", "retires on 2027-01-14", "the announced replacement is gpt-6-luna"] {
        assert!(w.shows(part), "{part}");
    }
    w.click("2 of notebook waits for OTPM of claude-sonnet-5-5 (work), goes in 19\u{202f}s");
    assert_eq!(w.panel(), PanelId::Traffic);
    assert!(w.shows("Request 2002"));
}

#[test]
fn a_bucket_opens_in_a_drawer_and_leads_to_its_chart() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    let row = "TPM of gpt-6-sol: 118\u{202f}420 of 500\u{202f}000 used, 22\u{202f}000 held, 376\u{202f}580 left, binds, source header";
    w.click(row);
    for part in ["500\u{202f}000 tokens a minute", "not at this pace", "What the limiter believes", "Whose traffic in the last minute"] {
        assert!(w.shows(part), "{part}");
    }
    w.press(Modifiers::NONE, Key::Escape);
    assert!(!w.shows("What the limiter believes"));
    w.click(row);
    w.click("Show its history");
    assert_eq!(w.panel(), PanelId::History);
    let Command::Series(query, _) = w.order() else { panic!("no chart was asked for") };
    assert_eq!((query.measure, query.account, query.class.unwrap().as_str()), (Measure::Tokens, Some(AccountId(3)), "gpt-6-sol"));
}

#[test]
fn the_keyboard_walks_through_the_buckets_and_opens_them() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.press(Modifiers::NONE, Key::ArrowDown);
    assert!(w.shows("RPM of claude-sonnet-5-5") && w.shows("What the limiter believes"));
    w.press(Modifiers::NONE, Key::ArrowDown);
    w.press(Modifiers::NONE, Key::ArrowDown);
    assert!(w.shows("charge rule: output is reserved at max_tokens") && w.shows("48 of 48 answers agree"));
    w.press(Modifiers::NONE, Key::Escape);
    let row = w.harness.get_by_label_contains("OTPM of claude-sonnet-5-5: ");
    row.focus();
    w.harness.run_ok();
    w.press(Modifiers::NONE, Key::Enter);
    assert!(w.shows("48 of 48 answers agree"), "Enter opens the row that has the keyboard");
}

#[test]
fn the_catalogue_is_read_once_filtered_and_reached_from_a_notice() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.click("Look up gpt-4o-mini-2024-07-18");
    assert_eq!(w.panel(), PanelId::Models);
    let Command::Models(reply) = w.order() else { panic!("the catalogue is not read") };
    reply.send(Ok(fixture::models()));
    w.harness.run_ok();
    assert!(w.shows("1 of 3 models, newest row of 2026-11-20") && w.shows("In your traffic"));
    assert!(w.shows("gpt-4o-mini-2024-07-18 of OpenAI, retiring, ends 2027-01-14, replaced by gpt-6-luna"));
    w.press(Modifiers::COMMAND, Key::Num1);
    w.press(Modifiers::COMMAND, Key::Num5);
    assert!(w.orders.try_iter().all(|order| !matches!(order, Command::Models(_))), "it is read once");
    w.write("Filter", " nonsense");
    assert!(w.shows("No model matches"));
    w.press(Modifiers::NONE, Key::Escape);
    w.click("Retired");
    assert!(w.shows("deepseek-chat of DeepSeek") && !w.shows("claude-sonnet-5-5 of Anthropic"));
}

#[test]
fn the_story_of_a_refused_request_is_read_when_it_is_chosen() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    w.click_row("notebook gemini-3.8-flash refused by Gemini: limit reached");
    let Command::Story(query, reply) = w.order() else { panic!("no story is read") };
    assert_eq!((query.id, query.to.is_some()), (RequestId(1_987), true));
    reply.send(Ok(fixture::story()));
    w.harness.run_ok();
    for part in [
        "Attempt 1 refused, limit reached",
        "Wait 20 s",
        "TPM: 47\u{202f}520 available",
        "Our books had 26 left of RPM",
        "0 left, limit 30, full in",
    ] {
        assert!(w.shows(part), "{part}");
    }
    assert!(w.orders.try_iter().all(|order| !matches!(order, Command::Story(..))), "it is read once");
}

#[test]
fn older_requests_are_read_as_the_reader_comes_to_them() {
    let mut w = window(LiveView { running: vec![], waiting: Arc::default(), ..fixture::busy() }, PanelId::Traffic);
    let Command::Requests(query, reply) = w.order() else { panic!("no older requests are read") };
    assert_eq!(query.before, None);
    let page = |from: u64, count: u64| (0..count).map(|n| fixture::record(from - n, 10)).collect::<Vec<_>>();
    let limit = u64::from(query.limit);
    reply.send(Ok(page(1_989, 1_000)));
    w.harness.run_ok();
    assert!(w.shows("1\u{202f}000 requests"), "what the live view holds is not listed twice");
    assert!(w.orders.try_iter().all(|order| !matches!(order, Command::Requests(..))), "a page that is not full is the last");

    let mut w = window(LiveView { recent: [].into(), running: vec![], waiting: Arc::default(), ..fixture::busy() }, PanelId::Traffic);
    let Command::Requests(_, reply) = w.order() else { panic!("no older requests are read") };
    reply.send(Ok(page(100_000, limit)));
    w.harness.run_ok();
    assert!(w.orders.try_iter().all(|order| !matches!(order, Command::Requests(..))), "the end is not near");
    w.write("Filter", "nothing-like-this");
    w.click("Search older");
    let Command::Requests(query, _) = w.order() else { panic!("the past is not searched") };
    assert_eq!(query.before, Some(100_000 - limit + 1));
}

#[test]
fn the_palette_finds_by_name_and_acts() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.press(Modifiers::COMMAND, Key::K);
    w.write("Command", "trAf");
    assert!(w.shows("Filter the traffic") && !w.shows("Dark theme"));
    w.press(Modifiers::NONE, Key::ArrowDown);
    w.press(Modifiers::NONE, Key::ArrowUp);
    w.press(Modifiers::NONE, Key::Enter);
    assert_eq!(w.panel(), PanelId::Traffic);
    for (text, done) in [("probe gemini", "Asking the provider…"), ("explain", "HTTP status"), ("scan", "Finds names of models")] {
        w.press(Modifiers::COMMAND, Key::K);
        w.write("Command", text);
        w.press(Modifiers::NONE, Key::Enter);
        assert!(w.shows(done), "{text}");
        w.press(Modifiers::NONE, Key::Escape);
    }
    w.press(Modifiers::COMMAND, Key::K);
    w.write("Command", "no such thing");
    assert!(w.shows("Nothing is called that."));
    w.press(Modifiers::COMMAND, Key::K);
    assert!(!w.shows("Nothing is called that."), "the same keys close it");
}

#[test]
fn a_pasted_error_is_explained() {
    let mut w = window(fixture::busy(), PanelId::Overview);
    w.click("Explain an error…");
    w.choose("Provider", "Gemini");
    w.write("Headers", "retry-after: 7");
    w.write("Body", "{}");
    w.click("Explain");
    let Command::Explain(pasted, reply) = w.order() else { panic!("nothing is asked") };
    assert_eq!((pasted.provider, pasted.status, pasted.headers.as_str()), (Dialect::Gemini, 429, "retry-after: 7"));
    assert!(!format!("{pasted:?}").contains("retry-after"), "what was pasted is not printed");
    reply.send(Ok(fixture::verdict()));
    w.harness.run_ok();
    for part in ["Limit reached", "about your account", "RPM, requests in a minute", "20\u{202f}s", "Wait 20 s"] {
        assert!(w.shows(part), "{part}");
    }
    w.write("HTTP status", "x");
    assert!(w.shows("A status is a number"));
}

#[test]
fn a_folder_scan_shows_how_far_it_is_can_be_stopped_and_lists_places() {
    let mut w = window(fixture::busy(), PanelId::Models);
    w.click("Folder scan");
    w.write("Folder", " /home/ada/project ");
    w.click("Scan");
    let Command::ScanModels(folder, progress, reply) = w.order() else { panic!("no scan") };
    assert_eq!(folder, Path::new("/home/ada/project"));
    assert!(progress.advance(1_204));
    w.harness.step();
    assert!(w.shows("1\u{202f}204 files searched…"));
    w.harness.get_by_label("Stop").click();
    w.harness.step();
    w.harness.step();
    assert!(!progress.advance(1_205));
    let hit = ScanHit {
        path: "src/chat.py".into(),
        line: 12,
        column: 8,
        name: "deepseek-chat".into(),
        severity: Severity::Error,
        when: "retired 2026-07-24 15:59 UTC".into(),
        replacement: Some(ModelId::new("deepseek-flash")),
    };
    reply.send(Ok(ScanReport { files: 1_205, retired: 1, hits: vec![hit], stopped: true, ..ScanReport::default() }));
    w.harness.run_ok();
    for part in ["1 place names a retired model", "1\u{202f}205 files searched, stopped", "src/chat.py:12:8 names deepseek-chat, retired"] {
        assert!(w.shows(part), "{part}");
    }
}

#[test]
fn the_status_bar_shows_the_gateway_and_leads_to_the_notices() {
    let mut w = window(fixture::busy(), PanelId::Settings);
    assert!(w.shows("http://127.0.0.1:4140") && w.shows("keys in GNOME Keyring"));
    w.click("Copy the gateway URL");
    w.click("3 notices");
    assert_eq!(w.panel(), PanelId::Overview);

    let view =
        LiveView { gateway: Err("port 4140 is taken".into()), vault: Err("no password service is running".into()), ..fixture::busy() };
    w.view(view);
    assert!(w.shows("no gateway: port 4140 is taken") && w.shows("keys cannot be stored"));
}

#[test]
fn traffic_is_filtered_paused_and_told_in_full() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    assert!(w.shows("54 requests"));
    w.write("Filter", "Gemini refused");
    assert!(w.shows("1 of 54 requests") && w.shows("refused by Gemini: limit reached"));
    w.write("Filter", " nonsense");
    assert!(w.shows("No row matches the filter"));
    w.click("Clear the filter");
    assert!(w.shows("54 requests"));

    w.click_row("nightly-evaluation-of-the-summariser claude-sonnet-5-5 ok");
    for part in ["Request 1986", "ITPM", "req_011CVJ4nAcQ2yY6mZpBwT8dK", "488 of 1\u{202f}024 reserved"] {
        assert!(w.shows(part), "{part}");
    }
    w.press(Modifiers::NONE, Key::Escape);
    assert!(!w.shows("Request 1986"));

    w.click("Pause");
    w.view(LiveView { recent: [].into(), running: vec![], waiting: Arc::default(), ..fixture::busy() });
    assert!(w.shows("54 requests"), "a paused table stands still");
    w.click("Resume");
    assert!(w.shows("No request has come through yet"));
}

#[test]
fn the_chart_is_asked_for_drawn_and_told_in_words() {
    let mut w = window(fixture::busy(), PanelId::History);
    assert!(w.shows("Reading the history…"));
    w.answer_series(Err(Problem::new("the history cannot be read").hint("the database is busy")));
    assert!(w.shows("The history cannot be read."));
    w.click("Try again");
    w.answer_series(Ok(fixture::series()));
    assert!(w.shows("Chart of output tokens. mean:") && w.shows("Nearest to a limit"));

    w.click("7 d");
    w.choose("Measure", "Cost");
    w.choose("Account", "openai");
    w.choose("Models", "gpt-6-sol");
    w.answer_series(Ok(Series::default()));
    let Command::Series(query, reply) = w.order() else { panic!("the chart of the last choice is asked for") };
    assert_eq!((query.measure, query.account), (Measure::CostNanos, Some(AccountId(3))));
    assert_eq!(query.class.unwrap().as_str(), "gpt-6-sol");
    assert_eq!(query.to.duration_since(query.from).as_hours(), 7 * 24);
    reply.send(Ok(Series::default()));
    w.harness.run_ok();
    assert!(w.shows("Nothing in this time"));
}

#[test]
fn a_chart_is_divided_moved_by_the_keyboard_and_written_as_numbers() {
    let mut w = window(fixture::busy(), PanelId::History);
    w.answer_series(Ok(fixture::series()));
    w.choose("Divided", "By client");
    let Command::Series(query, reply) = w.order() else { panic!("the layers are asked for") };
    assert_eq!(query.split, Some(Split::Client));
    reply.send(Ok(fixture::divided()));
    w.harness.run_ok();
    for part in ["claude-code", "nightly-evaluation-of-the-summariser", "not yet divided", "OTPM of claude-sonnet-5-5: 10\u{a0}000"] {
        assert!(w.shows(part), "{part}");
    }
    w.press(Modifiers::NONE, Key::ArrowLeft);
    let Command::Series(moved, reply) = w.order() else { panic!("the time before is asked for") };
    assert_eq!(query.to.duration_since(moved.to).as_secs(), 900);
    reply.send(Ok(fixture::divided()));
    w.harness.run_ok();

    w.click("Export…");
    w.click("This chart's numbers");
    w.click("Export");
    let Command::WriteChart(order, reply) = w.order() else { panic!("no file is written") };
    assert_eq!((order.picture, order.query.to), (None, moved.to));
    assert_eq!(order.path, Path::new("/home/ada/Documents/tierline-chart-2026-11-24.csv"));
    reply.send(Ok(120));
    w.harness.run_ok();
    assert!(w.shows("120 rows written"));
}

#[test]
fn an_export_says_what_where_and_how_many() {
    let mut w = window(fixture::busy(), PanelId::History);
    w.answer_series(Ok(fixture::series()));
    w.click("Export…");
    w.click("Refusals");
    w.click("JSON");
    w.click("Export");
    let Command::Export(order, reply) = w.order() else { panic!("no export") };
    assert_eq!((order.what, order.format), (ExportWhat::Refusals, ExportFormat::Json));
    assert_eq!(order.path, Path::new("/home/ada/Documents/tierline-refusals-2026-11-24.json"));
    assert!(order.from.is_some() && order.to.is_none());
    reply.send(Err(Problem::new("the file cannot be written").because("permission denied")));
    w.harness.run_ok();
    assert!(w.shows("The file cannot be written."));

    w.click("Everything");
    w.click("Export");
    let Command::Export(order, reply) = w.order() else { panic!("no export") };
    assert_eq!(order.from, None);
    reply.send(Ok(1_234));
    w.harness.run_ok();
    assert!(w.shows("1\u{202f}234 rows written"));
    w.press(Modifiers::NONE, Key::Escape);
    assert!(!w.shows("rows written"));
}

#[test]
fn a_key_is_checked_in_place_trimmed_and_never_shown() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Add a key…");
    w.click("Custom");
    w.click("Add");
    for part in ["Give it a name to know it by.", "A custom endpoint needs its address.", "The key is empty."] {
        assert!(w.shows(part), "{part}");
    }
    w.write("Label", "work");
    w.write("Base URL", "http://api.example.com");
    w.write("Key", "sk-proof 1");
    for part in ["There is an account work already.", "is not https", "a space, line break or other character inside"] {
        assert!(w.shows(part), "{part}");
    }
    let stores = |order: &Command| !matches!(order, Command::SaveSetting(..) | Command::Reports(_));
    assert!(!w.orders.try_iter().any(|order| stores(&order)), "nothing is stored while something is wrong");

    w.click("Cancel");
    w.click("Add a key…");
    w.click("Gemini");
    w.press(Modifiers::COMMAND, Key::Num1);
    assert_eq!(w.panel(), PanelId::Accounts, "a dialog is answered before anything else happens");
    w.click("Anthropic");
    w.write("Label", " side project ");
    w.write("Key", " sk-proof-1234 ");
    let seen = w.harness.root().children_recursive().any(|n| {
        let node = n.accesskit_node();
        [node.label(), node.value()].into_iter().flatten().any(|text| text.contains("sk-proof"))
    });
    assert!(!seen, "the key that is typed is in the accessibility tree");
    w.click("Add");
    let Command::AddAccount(account, reply) = w.order() else { panic!("no account") };
    assert_eq!((account.provider, account.label.as_str(), account.base_url), (Provider::Anthropic, "side project", None));
    assert_eq!(account.key.expose(), "sk-proof-1234");
    reply.send(Err(Problem::new("the keyring is locked").hint("unlock it and try again")));
    w.harness.run_ok();
    assert!(w.shows("The keyring is locked.") && w.shows("unlock it and try again"));

    w.click("Add");
    let Command::AddAccount(_, reply) = w.order() else { panic!("no account") };
    reply.send(Ok(()));
    w.harness.run_ok();
    assert!(w.harness.query_by_label("Key").is_none(), "a stored key closes the form");
}

#[test]
fn an_account_is_removed_only_after_a_question() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Remove… openai");
    assert!(w.shows("its key deleted from the keyring"));
    w.click("Cancel");
    assert!(w.orders.try_iter().all(|order| matches!(order, Command::Reports(_))));
    w.click("Remove… openai");
    w.click("Remove");
    let Command::RemoveAccount(id, reply) = w.order() else { panic!("no removal") };
    assert_eq!(id, AccountId(3));
    reply.send(Ok(()));
    w.harness.run_ok();
    assert!(!w.shows("its key deleted from the keyring"));
}

#[test]
fn a_probe_shows_what_it_learned_and_what_it_cost() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Probe gemini free");
    assert!(w.shows("Asking the provider…"));
    let Command::Probe(id, reply) = w.order() else { panic!("no probe") };
    assert_eq!(id, AccountId(4));
    reply.send(Ok(ProbeReport {
        account: "gemini free".into(),
        at: fixture::now(),
        request: "GET /v1beta/models".into(),
        status: 200,
        cost_nanos: Some(0),
        learned: vec!["the key works".into()],
        unknown: vec!["limits".into()],
    }));
    w.harness.run_ok();
    for part in ["Probe of gemini free", "answered 200, free", "The key works.", "Not told by this provider: limits."] {
        assert!(w.shows(part), "{part}");
    }
    w.click("Dismiss");
    assert!(!w.shows("Probe of gemini free"));
}

#[test]
fn a_token_is_shown_once() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.write("Name of the client", "editor");
    w.click("New token");
    let Command::NewToken(name, reply) = w.order() else { panic!("no token") };
    assert_eq!(name, "editor");
    reply.send(Ok(Secret::from_pasted("tl_once_only").unwrap()));
    w.harness.run_ok();
    assert!(w.shows("tl_once_only"));
    w.click("Done");
    assert!(!w.shows("tl_once_only"));
    w.click("Revoke notebook");
    assert!(matches!(w.order(), Command::RevokeToken(name, _) if name == "notebook"));
}

#[test]
fn the_users_own_limits_are_set_and_cleared() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Limits… work");
    w.click("Set");
    assert!(w.shows("Write a whole number above zero"));
    w.choose("Limit", "OTPM");
    w.write("Number", "6 000");
    w.click("Set");
    let Command::SetLimit(limit, reply) = w.order() else { panic!("no limit") };
    assert_eq!((limit.account, limit.class, limit.dimension, limit.period), (AccountId(1), None, Dimension::OutputTokens, Period::MINUTE));
    assert_eq!(limit.capacity, Some(6_000));
    reply.send(Ok(()));
    w.harness.run_ok();
    w.click("Clear RPM");
    let Command::SetLimit(limit, _) = w.order() else { panic!("no limit") };
    assert_eq!((limit.class.unwrap().as_str(), limit.dimension, limit.capacity), ("claude-haiku-4-5", Dimension::Requests, None));
    w.click("Undo");
    let Command::SetLimit(limit, _) = w.order() else { panic!("no limit") };
    assert_eq!((limit.dimension, limit.capacity), (Dimension::Requests, Some(30)));
}

#[test]
fn the_first_run_offers_three_ways_in() {
    let mut w = window(fixture::first_run(), PanelId::Overview);
    for part in ["ANTHROPIC_API_KEY", "fingerprint 9f2c41d07ab3", "Add a key by hand", "tierline demo"] {
        assert!(w.shows(part), "{part}");
    }
    w.harness.get_by_role_and_label(Role::CheckBox, "OPENAI_API_KEY").click();
    w.harness.run_ok();
    w.click("Import 1 key");
    let Command::ImportEnv(variables, reply) = w.order() else { panic!("no import") };
    assert_eq!(variables, ["ANTHROPIC_API_KEY"]);
    reply.send(Err(Problem::new("no password service is running")));
    w.harness.run_ok();
    assert!(w.shows("No password service is running."));
    w.click("Add a key…");
    assert!(w.harness.query_by_label("Label").is_some(), "the form is open");
}

#[test]
fn an_answer_that_never_comes_is_a_problem_and_not_a_wait() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.click("Probe work");
    drop(w.order());
    w.harness.run_ok();
    assert!(w.shows("No answer came."));
}

#[test]
fn a_selected_request_stays_selected_while_rows_move() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    w.click_row("claude-code claude-sonnet-5-5 answering");
    assert!(w.shows("Request 1990"));
    let mut view = fixture::busy();
    view.running.retain(|r| r.arrival.id != RequestId(1_990));
    view.recent.push_front(Arc::new(fixture::record(1_990, 0)));
    w.view(view);
    assert!(w.shows("Request 1990") && w.shows("certainty"));
}

#[test]
fn the_arrow_keys_walk_through_the_traffic() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    w.press(Modifiers::NONE, Key::ArrowDown);
    assert!(!w.shows("Request 2001"), "the choice opens nothing by itself");
    w.press(Modifiers::NONE, Key::Enter);
    assert!(w.shows("Request 2001"));
    w.press(Modifiers::NONE, Key::ArrowDown);
    assert!(w.shows("Request 2002"), "an open drawer goes along");
    w.press(Modifiers::NONE, Key::ArrowUp);
    w.press(Modifiers::NONE, Key::ArrowUp);
    assert!(w.shows("Request 2001"), "there is nothing above the first row");
    w.press(Modifiers::NONE, Key::End);
    assert!(!w.shows("Request 2001"));
    w.press(Modifiers::NONE, Key::Home);
    assert!(w.shows("Request 2001"));
    w.press(Modifiers::NONE, Key::Enter);
    assert!(!w.shows("Request 2001"));
}

#[test]
fn a_small_window_gives_up_columns_and_never_buttons() {
    let mut w = window(fixture::busy(), PanelId::Accounts);
    w.harness.set_size(outer([900, 600]).into());
    w.harness.run_ok();
    for label in ["Probe work", "Limits… work", "Remove… work", "Add a key…"] {
        let right = w.harness.get_by_role_and_label(Role::Button, label).rect().right();
        assert!(right <= f32::from(MARGIN + 900), "{label} ends at {right}");
    }
    w.click("Traffic");
    assert!(w.harness.query_by_label("Status").is_some() && w.harness.query_by_label("Cached").is_none());
    w.harness.set_size(outer(SIZE).into());
    w.harness.run_ok();
    assert!(w.harness.query_by_label("Cached").is_some());
}

#[test]
fn a_window_that_knows_nothing_yet_offers_nothing() {
    let mut w = window(LiveView::new(fixture::now()), PanelId::Overview);
    assert!(w.shows("Starting") && !w.shows("Import keys"));
    w.view(fixture::first_run());
    assert!(w.shows("Import keys"));
}
