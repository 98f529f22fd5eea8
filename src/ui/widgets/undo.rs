//! The way to have a rule back that was taken away.

use egui::Ui;

use super::super::theme::note;

/// Says what is gone; answers with it once it is wanted back.
pub fn show<T>(ui: &mut Ui, gone: &mut Option<T>, name: impl Fn(&T) -> String) -> Option<T> {
    let text = format!("{} is gone.", name(gone.as_ref()?));
    let back = ui.horizontal(|ui| {
        let text = note(ui, text);
        ui.label(text);
        ui.small_button("Undo").clicked()
    });
    if back.inner { gone.take() } else { None }
}
