//! Asks the desktop for a file or a folder, on a thread of its own: its dialog blocks until the user has chosen.

use std::path::{Path, PathBuf};

use egui::{Context, Ui};

use crate::domain::command::{Pending, Poll, Reply};

use super::super::theme::note;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choose {
    /// A file that is there.
    File,
    /// A file that will be written.
    NewFile,
    /// A folder that is there.
    Folder,
}

/// One question to the desktop.
#[derive(Debug, Default)]
pub struct Chooser {
    pending: Option<Pending<Option<PathBuf>>>,
    /// It gave no path: it was cancelled, or this desktop has no such dialog, which cannot be told apart.
    missed: bool,
}

impl Chooser {
    /// The path, in the frame in which it came.
    pub fn poll(&mut self) -> Option<PathBuf> {
        match self.pending.as_ref().map(Pending::poll)? {
            Poll::Waiting => None,
            Poll::Ready(path) => {
                self.pending = None;
                self.missed = path.is_none();
                path
            }
            Poll::Gone => {
                (self.pending, self.missed) = (None, true);
                None
            }
        }
    }

    /// The button that asks; the dialog begins at `start`.
    pub fn button(&mut self, ui: &mut Ui, what: Choose, start: &Path) {
        let button = ui.add_enabled(self.pending.is_none(), egui::Button::new("Choose…"));
        if button.on_disabled_hover_text("The desktop's dialog is open").clicked() {
            self.ask(ui.ctx(), what, start.to_owned());
        }
    }

    /// What to do if there was no answer.
    pub fn remark(&self, ui: &mut Ui) {
        if self.missed {
            let text = note(ui, "Nothing was chosen. If no dialog opened, write the path by hand.");
            ui.label(text);
        }
    }

    fn ask(&mut self, ctx: &Context, what: Choose, start: PathBuf) {
        let ctx = ctx.clone();
        let (reply, pending) = Reply::new(move || ctx.request_repaint());
        let started = std::thread::Builder::new().name("file-dialog".into()).spawn(move || {
            let ask = rfd::FileDialog::new();
            reply.send(match what {
                Choose::Folder => ask.set_title("Choose a folder").set_directory(&start).pick_folder(),
                Choose::File => {
                    let folder = if start.is_dir() { &start } else { start.parent().unwrap_or(&start) };
                    ask.set_title("Choose a file").set_directory(folder).pick_file()
                }
                Choose::NewFile => {
                    let name = start.file_name().unwrap_or_default().to_string_lossy();
                    ask.set_title("Export").set_file_name(name).set_directory(start.parent().unwrap_or(&start)).save_file()
                }
            });
        });
        self.missed = started.is_err();
        self.pending = started.is_ok().then_some(pending);
    }
}
