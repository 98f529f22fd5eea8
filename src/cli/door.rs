//! Who may open, focus and close the window: a signal, the tray, another start of the program, and the window itself.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::ui::RepaintHandle;

/// The window's door. The window stands on the main thread; whoever asks is on another.
pub(super) struct Door {
    window: RepaintHandle,
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Default)]
struct State {
    open: bool,
    quit: bool,
}

impl Door {
    pub(super) fn new(window: RepaintHandle) -> Self {
        Self { window, state: Mutex::default(), asked: Notify::new() }
    }

    /// The window stands open, or no more.
    pub(super) fn stands_open(&self, open: bool) {
        self.state().open = open;
    }

    /// Brings the window to the front, or opens it again.
    pub(super) fn open(&self) {
        if self.state().open {
            self.window.focus();
        } else {
            self.asked.notify_one();
        }
    }

    /// Ends the program: what runs drains as after any other closing.
    pub(super) fn quit(&self) {
        let open = {
            let mut state = self.state();
            state.quit = true;
            state.open
        };
        if open {
            self.window.close();
        }
        self.asked.notify_one();
    }

    /// Whether the program shall end.
    pub(super) fn quits(&self) -> bool {
        self.state().quit
    }

    /// Waits, without a window, until it is asked for or the program shall end.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
