//! Measures a frame of the window on the CPU, tessellation included: p99 at most 4 ms with a million requests behind a chart and
//! 100,000 rows in the traffic table. No GPU and no screen are needed.
//!
//! `cargo bench --bench frame`; `TIERLINE_BENCH_ROWS=100000` puts fewer requests behind the chart.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/support/fixture.rs"]
#[expect(dead_code, reason = "it has more than is needed here")]
mod fixture;

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use egui::{Context, Event, Key, Modifiers, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, pos2, vec2};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tierline::clock::SystemClock;
use tierline::domain::command::Command;
use tierline::domain::query::{Requests, RequestsQuery};
use tierline::domain::{Clock, Preferences, RequestRecord};
use tierline::store::{DataDir, Reader, Store, Write};
use tierline::ui::{App, AppOptions, PanelId, UiState};

/// Rows in the table.
const ROWS: u64 = 100_000;
const FRAMES: usize = 500;
const SIZE: [f32; 2] = [1_280.0, 800.0];

fn main() -> Result<(), Box<dyn Error>> {
    let temp = tempfile::tempdir()?;
    let dir = DataDir::open(Some(&temp.path().join("data")))?;
    let clock = SystemClock::new();
    let (store, _) = Store::open(&dir, &clock)?;
    let history: u64 = std::env::var("TIERLINE_BENCH_ROWS").ok().map_or(Ok(1_000_000), |rows| rows.parse())?;
    fill(&store, history)?;
    let reader = store.reader()?;

    let mut window = Window::new(reader);
    for panel in [PanelId::Overview, PanelId::Models, PanelId::Settings] {
        window.measure(&clock, &format!("{panel:?}"), panel, |_| Vec::new());
    }
    let across = |n: usize| vec![Event::PointerMoved(pos2(300.0 + (n % 600) as f32, 400.0))];
    window.measure(&clock, &format!("History, {history} requests behind it, the pointer moving"), PanelId::History, across);
    window.press(Modifiers::COMMAND, Key::Num2);
    let mut frames = 0;
    while window.rows() < ROWS && frames < 20_000 {
        window.frame(vec![scroll(-40_000.0)]);
        frames += 1;
    }
    println!("{} rows were read into the table", window.rows());
    window.measure(&clock, "Traffic, scrolling", PanelId::Traffic, |n| vec![scroll(if n % 100 < 50 { 900.0 } else { -900.0 })]);
    let down = |_: usize| vec![key(Modifiers::NONE, Key::ArrowDown)];
    window.measure(&clock, "Traffic, walking with the arrow keys, the drawer open", PanelId::Traffic, down);
    window.measure(&clock, "Traffic, a filter that finds a part", PanelId::Traffic, |n| if n == 0 { filter() } else { Vec::new() });
    Ok(())
}

struct Window {
    app: App,
    ctx: Context,
    orders: Receiver<Command>,
    reader: Reader,
    read: u64,
    time: f64,
}

impl Window {
    fn new(reader: Reader) -> Self {
        let (send, orders) = channel();
        let mut app = App::new(AppOptions {
            send: Box::new(move |order| drop(send.send(order))),
            clock: Arc::new(fixture::Standing),
            zone: TimeZone::UTC,
            state: UiState::default(),
            preferences: Preferences::default(),
            export_folder: "/".into(),
        });
        app.set_view(Arc::new(fixture::busy()));
        Self { app, ctx: Context::default(), orders, reader, read: 0, time: 0.0 }
    }

    /// Draws a frame and answers what it asks for.
    fn frame(&mut self, events: Vec<Event>) {
        self.time += 1.0 / 60.0;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(SIZE[0], SIZE[1])));
        let mut over = vec![Event::PointerMoved(pos2(600.0, 400.0))];
        over.extend(events);
        let input = RawInput { screen_rect, time: Some(self.time), events: over, focused: true, ..RawInput::default() };
        let output = self.ctx.run_ui(input, |ui| self.app.ui(ui));
        drop(self.ctx.tessellate(output.shapes, output.pixels_per_point));
        for order in self.orders.try_iter() {
            match order {
                Command::Series(query, reply) => reply.send(self.reader.series(&query)),
                Command::Models(reply) => reply.send(Ok(fixture::models())),
                Command::StartAtLogin(_, reply) => reply.send(Ok(false)),
                Command::Requests(query, reply) => {
                    let page = page(&query);
                    self.read += page.len() as u64;
                    reply.send(Ok(page));
                }
                _ => {}
            }
        }
    }

    fn press(&mut self, modifiers: Modifiers, pressed: Key) {
        self.frame(vec![key(modifiers, pressed)]);
    }

    const fn rows(&self) -> u64 {
        self.read
    }

    fn measure(&mut self, clock: &SystemClock, name: &str, panel: PanelId, events: impl Fn(usize) -> Vec<Event>) {
        let digits = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
        if let Some((_, digit)) = PanelId::ALL.into_iter().zip(digits).find(|(other, _)| *other == panel) {
            self.press(Modifiers::COMMAND, digit);
        }
        for _ in 0..20 {
            self.frame(Vec::new());
        }
        let mut took: Vec<Duration> = (0..FRAMES)
            .map(|n| {
                let before = clock.now().tick;
                self.frame(events(n));
                clock.now().tick.since(before)
            })
            .collect();
        took.sort();
        let at = |share: usize| took.get(FRAMES * share / 100).copied().unwrap_or_default();
        println!("{name}: p50 {:?}, p99 {:?}", at(50), at(99));
    }
}

fn key(modifiers: Modifiers, key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

fn scroll(points: f32) -> Event {
    let modifiers = Modifiers::NONE;
    Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, points),
        phase: TouchPhase::Move,
        modifiers,
        source: egui::MouseWheelSource::Unknown,
    }
}

fn filter() -> Vec<Event> {
    vec![key(Modifiers::COMMAND, Key::F), Event::Text("sonnet".into())]
}

/// A page of a past of [`ROWS`] requests.
fn page(query: &RequestsQuery) -> Requests {
    let newest = query.before.unwrap_or(ROWS + 1);
    (1..newest).rev().take(query.limit as usize).map(|id| fixture::record(id, 4_000)).collect()
}

fn fill(store: &Store, history: u64) -> Result<(), Box<dyn Error>> {
    for n in 0..history {
        let at: Timestamp = fixture::now() - SignedDuration::from_millis(i64::try_from(n)? * 3_500);
        let write = Write::Finished(Arc::new(RequestRecord { arrived_at: at, finished_at: at, ..fixture::record(history - n, 0) }));
        while store.write(write.clone()).is_err() {
            thread::sleep(Duration::from_micros(200));
        }
    }
    Ok(store.flush()?)
}
