//! The window by its accessible names, and a few pictures of it.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test ui` writes the pictures anew.

mod support;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotOptions};
use jiff::tz::TimeZone;
use support::cpu_renderer::CpuRenderer;
use support::fixture;
use tierline::domain::command::{Command, ProbeReport};
use tierline::domain::query::{ExportFormat, ExportWhat, Measure, Series};
use tierline::domain::{Dimension, Outcome, Period, Problem, Provider, RequestId, Secret};
use tierline::journal::LiveView;
use tierline::ui::{App, AppOptions, PanelId, ThemeChoice, UiState, format};

struct Window {
    harness: Harness<'static, App>,
    orders: Receiver<Command>,
}

fn window(view: LiveView, panel: PanelId) -> Window {
    themed(view, panel, ThemeChoice::Dark)
}

fn themed(view: LiveView, panel: PanelId, theme: ThemeChoice) -> Window {
    let (send, orders) = channel();
    let mut app = App::new(AppOptions {
        send: Box::new(move |order| send.send(order).unwrap()),
        clock: Arc::new(fixture::Standing),
        zone: TimeZone::UTC,
        state: UiState { panel, theme, ..UiState::default() },
        export_folder: PathBuf::from("/home/ada/Documents"),
    });
    app.set_view(Arc::new(view));
    let mut harness = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_render_cursor(false)
        .with_max_steps(8)
        .renderer(CpuRenderer::default())
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app);
    harness.run_ok();
    Window { harness, orders }
}

impl Window {
    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_ok();
    }

    fn picture(&mut self, name: &str) {
        let options = SnapshotOptions::new().output_path("tests/snapshots/ui");
        self.harness.snapshot_options(name, &options);
    }
}

#[test]
fn pictures_overview() {
    themed(fixture::busy(), PanelId::Overview, ThemeChoice::Dark).picture("overview_dark");
    themed(fixture::busy(), PanelId::Overview, ThemeChoice::Light).picture("overview_light");
}

#[test]
fn pictures_traffic() {
    let mut w = window(fixture::busy(), PanelId::Traffic);
    w.picture("traffic");
}
