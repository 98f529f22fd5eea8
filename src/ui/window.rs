//! The native window around [`App`]: opens it, wakes it, and says plainly when it cannot be opened.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eframe::NativeOptions;
use egui::{Context, IconData, Ui, ViewportBuilder};
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::domain::{Clock, Preferences, Problem};
use crate::journal::LiveView;

use super::app::{App, AppOptions, Send};
use super::mark;
use super::state::{UiState, WindowSize};

/// What the window needs to run.
pub struct WindowOptions {
    /// Takes orders. It must not block.
    pub send: Send,
    /// Always the newest view.
    pub views: watch::Receiver<Arc<LiveView>>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What was remembered under [`UiState::SETTING`].
    pub state: UiState,
    /// What the user chose for the program.
    pub preferences: Preferences,
    /// From [`repaint_handle`]; the publisher of views holds the other end.
    pub repaint: RepaintHandle,
}

/// Wakes the window, from any thread, before it opens and after it closed. It stays the same when the window is opened again.
#[derive(Clone, Default)]
pub struct RepaintHandle(Arc<Mutex<Context>>);

/// A handle for a window that will be opened.
#[must_use]
pub fn repaint_handle() -> RepaintHandle {
    RepaintHandle::default()
}

impl RepaintHandle {
    /// The shortest time between two frames that only a new view asked for: 20 a second.
    const PAUSE: Duration = Duration::from_millis(50);

    /// There is a newer view to draw.
    pub fn wake(&self) {
        self.context().request_repaint_after(Self::PAUSE);
    }

    /// Brings the window to the front.
    pub fn focus(&self) {
        let context = self.context();
        context.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
        context.send_viewport_cmd(egui::ViewportCommand::Focus);
        context.request_repaint();
    }

    /// Closes the window as if the user had.
    pub fn close(&self) {
        let context = self.context();
        context.send_viewport_cmd(egui::ViewportCommand::Close);
        context.request_repaint();
    }

    fn context(&self) -> Context {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A window needs a context that has drawn in no other: what that one was given, glyphs for example, went with it.
    fn renew(&self) -> Context {
        let context = Context::default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = context.clone();
        context
    }
}

/// Opens the window on this thread, which must be the main one, and returns when it is closed.
pub fn run(options: WindowOptions) -> Result<(), Problem> {
    let WindowOptions { send, views, clock, state, preferences, repaint } = options;
    let size = state.window.unwrap_or(WindowSize { width: 1280, height: 800, maximized: false });
    let mut app = App::new(AppOptions { send, clock, zone: TimeZone::system(), state, preferences, export_folder: export_folder() });
    let context = repaint.renew();
    app.apply_look(&context);
    let native = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Tierline")
            .with_app_id("tierline")
            .with_icon(icon())
            .with_inner_size([f32::from(size.width), f32::from(size.height)])
            .with_maximized(size.maximized)
            .with_min_inner_size([640.0, 400.0]),
        ..NativeOptions::default()
    };
    eframe::run_native_ext(
        "Tierline",
        native,
        Some(context),
        Box::new(move |_| Ok(Box::new(Window { app, views, size: Settling::default() }))),
    )
    .map_err(|error| no_window(&error.to_string()))
}

struct Window {
    app: App,
    views: watch::Receiver<Arc<LiveView>>,
    size: Settling,
}

/// The size of the window, known once it has stayed the same for a moment: a drag goes through many that nobody wants back.
#[derive(Default)]
struct Settling {
    seen: Option<WindowSize>,
    since: f64,
    told: Option<WindowSize>,
}

impl Settling {
    const MOMENT: Duration = Duration::from_millis(500);

    /// The size that has newly settled, if one has.
    fn look(&mut self, ctx: &Context) -> Option<WindowSize> {
        let (shown, maximized, now) = ctx.input(|i| (i.viewport().inner_rect, i.viewport().maximized, i.time));
        let (shown, maximized) = (shown?, maximized.unwrap_or(false));
        // the size to go back to is the one from before
        let before = self.seen.filter(|_| maximized).map(|seen| (seen.width, seen.height));
        let (width, height) = before.unwrap_or((points(shown.width()), points(shown.height())));
        let size = WindowSize { width, height, maximized };
        if self.seen.replace(size) != Some(size) {
            self.since = now;
            self.told.get_or_insert(size); // as it was opened
        }
        if self.told == Some(size) {
            return None;
        }
        if now - self.since < Self::MOMENT.as_secs_f64() {
            ctx.request_repaint_after(Self::MOMENT);
            return None;
        }
        self.told = Some(size);
        Some(size)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn points(length: f32) -> u16 {
    length.round().clamp(1.0, 65_535.0) as u16
}

impl eframe::App for Window {
    fn logic(&mut self, _: &Context, _: &mut eframe::Frame) {
        self.app.set_view(Arc::clone(&self.views.borrow_and_update()));
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        if let Some(size) = self.size.look(ui.ctx()) {
            self.app.set_window(size);
        }
        self.app.ui(ui);
    }
}

/// One line: what is missing, and what works without it.
fn no_window(error: &str) -> Problem {
    let cause = if error.contains("neither WAYLAND_DISPLAY") || error.contains("DISPLAY is set") {
        "there is no display".to_owned()
    } else {
        error.lines().next().unwrap_or_default().trim().to_owned()
    };
    Problem::new("the window cannot be opened")
        .because(cause)
        .hint("run `tierline serve` for the gateway alone, or `tierline demo --headless` for the demo in a terminal")
}

/// Documents, else downloads, else home: where a person looks for a file that a program wrote.
#[must_use]
pub fn export_folder() -> PathBuf {
    let Some(user) = directories::UserDirs::new() else { return PathBuf::from(".") };
    let folders = [user.document_dir(), user.download_dir(), Some(user.home_dir())];
    folders.into_iter().flatten().find(|folder| folder.is_dir()).unwrap_or(user.home_dir()).to_path_buf()
}

fn icon() -> IconData {
    const SIDE: u32 = 64;
    IconData { rgba: mark::rgba(SIDE), width: SIDE, height: SIDE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_names_what_works() {
        for (error, cause) in [
            ("winit EventLoopError: neither WAYLAND_DISPLAY nor WAYLAND_SOCKET nor DISPLAY is set.", "there is no display"),
            ("no GL config\nmore", "no GL config"),
        ] {
            let text = no_window(error).to_string();
            assert!(text.contains(cause) && text.contains("tierline serve") && text.contains("tierline demo --headless"), "{text}");
            assert_eq!(text.lines().count(), 1);
        }
    }
}
