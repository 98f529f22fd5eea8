//! The window. The only folder that names egui, and it sees nothing but the vocabulary and the live view.
//!
//! Drawing borrows and answers: every panel is `fn show(ui, &Scene, &mut State) -> Option<Intent>`, [`App`] turns
//! intents into [`Command`](crate::domain::command::Command)s, answers come back in [`slot::Slot`]s that are looked
//! at once a frame. No frame is drawn unless something moved, so an idle window costs nothing.

pub mod app;
pub mod window;

pub mod palette;
pub mod rail;
pub mod status_bar;

pub mod panels;
pub mod widgets;

pub mod format;
pub mod intent;
pub mod mark;
pub mod pace;
pub mod scene;
pub mod slot;
pub mod standing;
pub mod state;
pub mod theme;

pub use app::{App, AppOptions, Send};
pub use intent::Intent;
pub use scene::Scene;
pub use state::{Density, PanelId, ThemeChoice, UiState, WindowSize};
pub use window::{RepaintHandle, WindowOptions, repaint_handle, run};
